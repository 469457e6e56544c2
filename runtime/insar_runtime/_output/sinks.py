"""Output formats: open a file of the format of its extension for writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa

from insar_runtime._output.atomic import Companion, Metadata, OutputGroup, Sink, Writer
from insar_runtime._output.parquet_writer import ParquetWriter
from insar_runtime._output.run_metadata import block_beside, describe_file
from insar_runtime.errors import UsageError

Format = Literal["parquet", "csv", "gpkg", "arrow", "arrow stream"]

_FORMATS: Final[dict[str, Format]] = {
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".gpkg": "gpkg",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".arrows": "arrow stream",
}
_BLOCK_BESIDE: Final[frozenset[Format]] = frozenset({"csv", "arrow", "arrow stream"})
"""Formats that take no metadata after the rows, when all is known."""


def format_of(path: Path) -> Format:
    """Return the format of an output, from its extension.

    Raises
    ------
    UsageError
        If it is none of ours.
    """
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        known = ", ".join(_FORMATS)
        raise UsageError(f"output {path} has no known extension; name it {known}, or write to - and redirect")
    return found


def blocks_beside(paths: Iterable[Path]) -> list[Path]:
    """Return the names of the files with the blocks of those outputs whose formats take none; see ``format_of``."""
    return [block_beside(path) for path in paths if format_of(path) in _BLOCK_BESIDE]


def add_table(
    group: OutputGroup,
    path: Path,
    schema: pa.Schema,
    metadata: Metadata,
    *,
    block: bool = True,
    csv_safe: bool = False,
    style: tuple[str, str] | None = None,
) -> Sink:
    """Open an output of the format of its extension; it appears with the others of the group, or not at all.

    Parameters
    ----------
    group : OutputGroup
        The outputs of a run.
    path : Path
        ``.parquet``, ``.csv``, ``.gpkg``, ``.arrow`` and a few more. CSV and Arrow take nothing after the rows: their
        block gets a ``.json`` beside them.
    schema : pyarrow.Schema
        Of the batches, with what is known of the metadata before the first row.
    metadata : callable
        Returns the file's own key-value metadata; called when the last row was written.
    block : bool
        Whether the metadata hold our block, which formats that take nothing after the rows get beside them.
    csv_safe : bool
        Whether a CSV gets an apostrophe before text that a spreadsheet would take for a formula.
    style : tuple of str, optional
        Name and QML of the style of a GeoPackage; by default that of points with a class.

    Raises
    ------
    UsageError
        If the extension is unknown, or a folder stands there.
    DataError
        If the format cannot hold the columns.
    OutputExistsError
        If the file is there and must not be replaced.
    InputOutputError
        If writing fails or the written file does not hold every row; nothing is left behind.
    """
    kind = format_of(path)
    companion = Companion(block_beside(path), describe_file) if block and kind in _BLOCK_BESIDE else None
    return group.add_table(
        path, _writer_of(kind, path, schema, csv_safe=csv_safe, style=style), metadata, companion=companion
    )


@contextmanager
def open_table(
    path: Path,
    schema: pa.Schema,
    metadata: Metadata,
    *,
    overwrite: bool,
    block: bool = True,
    style: tuple[str, str] | None = None,
) -> Iterator[Sink]:
    """Open an output that is the only one of a run: see ``add_table``; ``overwrite`` as for ``OutputGroup``."""
    with OutputGroup(overwrite=overwrite) as group:
        yield add_table(group, path, schema, metadata, block=block, style=style)


def _writer_of(
    kind: Format, path: Path, schema: pa.Schema, *, csv_safe: bool, style: tuple[str, str] | None
) -> Callable[[Path], Writer]:
    """Return what opens a writer; formats other than Parquet are loaded when they are wanted."""
    if kind == "parquet":
        return lambda hidden: ParquetWriter(hidden, schema)
    if kind == "csv":
        from insar_runtime._output.csv_writer import CsvWriter  # noqa: PLC0415

        return lambda hidden: CsvWriter(hidden, schema, safe=csv_safe)
    if kind == "gpkg":
        from insar_runtime._output.gpkg_writer import GeoPackageWriter  # noqa: PLC0415

        return lambda hidden: GeoPackageWriter(hidden, schema, layer=path.stem, style=style)
    from insar_runtime._output.arrow_writer import ArrowWriter  # noqa: PLC0415

    return lambda hidden: ArrowWriter(hidden, schema, stream=kind == "arrow stream")
