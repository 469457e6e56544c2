"""Output formats: open a file of the format of its extension for writing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa

from insar_runtime._output.atomic import Metadata, Sink, Writer, check_output, open_atomic
from insar_runtime._output.parquet_writer import ParquetWriter
from insar_runtime._output.run_metadata import block_beside, make_companion
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


def open_table(
    path: Path, schema: pa.Schema, metadata: Metadata, *, overwrite: bool, block: bool = True
) -> AbstractContextManager[Sink]:
    """Open an output of the format of its extension; it appears whole at the end, or not at all.

    Parameters
    ----------
    path : Path
        ``.parquet``, ``.csv``, ``.gpkg``, ``.arrow`` and a few more. CSV and Arrow take nothing after the rows: their
        block gets a ``.json`` beside them.
    schema : pyarrow.Schema
        Of the batches, with what is known of the metadata before the first row.
    metadata : callable
        Gives the file's own key-value metadata; called when the last row was written.
    overwrite : bool
        Whether files of these names may be replaced.
    block : bool
        Whether the metadata hold our block, which formats that take nothing after the rows get beside them.

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
    companion = None
    if block and kind in _BLOCK_BESIDE:
        check_output(block_beside(path), overwrite=overwrite)
        companion = partial(make_companion, path)
    return open_atomic(path, _writer_of(kind, path, schema), metadata, overwrite=overwrite, companion=companion)


def _writer_of(kind: Format, path: Path, schema: pa.Schema) -> Callable[[Path], Writer]:
    """Return what opens a writer; formats other than Parquet are loaded when they are wanted."""
    if kind == "parquet":
        return lambda hidden: ParquetWriter(hidden, schema)
    if kind == "csv":
        from insar_runtime._output.csv_writer import CsvWriter  # noqa: PLC0415

        return lambda hidden: CsvWriter(hidden, schema)
    if kind == "gpkg":
        from insar_runtime._output.gpkg_writer import GeoPackageWriter  # noqa: PLC0415

        return lambda hidden: GeoPackageWriter(hidden, schema, layer=path.stem)
    from insar_runtime._output.arrow_writer import ArrowWriter  # noqa: PLC0415

    return lambda hidden: ArrowWriter(hidden, schema, stream=kind == "arrow stream")
