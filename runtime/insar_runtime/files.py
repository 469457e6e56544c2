"""A whole file at a time: read, classify, write, and say what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from insar_runtime._layout import Role
from insar_runtime._run import Run
from insar_runtime._sinks import check_output
from insar_runtime._sources import Source, open_source
from insar_runtime._stream import Understanding, understand
from insar_runtime._units import Unit
from insar_runtime.classifier import Classifier
from insar_runtime.errors import UsageError
from insar_runtime.summary import Summary

Progress = Callable[[int, int | None], None]
"""Called with the rows done and the rows in all (None if that is not known)."""


def classify_file(
    source: str | Path | BinaryIO,
    output: str | Path | BinaryIO,
    *,
    classifier: Classifier | None = None,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    keep_series: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Classify a file of any size in bounded memory.

    Parameters
    ----------
    source : str, Path or binary stream
        Parquet, CSV, zip with a CSV, or Arrow IPC; ``-`` or a stream for Arrow IPC from a pipe.
    output : str, Path or binary stream
        Parquet file to write (GeoParquet 1.1 where longitude and latitude are known), or ``-`` or a stream
        for an Arrow IPC stream.
    classifier : Classifier, optional
        Made with its defaults if not given.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements, where the file does not prove it.
    columns : mapping of role to column name, optional
        Columns to take as ``id``, ``longitude``, ``latitude``, ``easting``, ``northing``, ``velocity``.
    keep_series : bool
        Whether the output keeps the series beside the attributes.
    overwrite : bool
        Whether an output that exists may be replaced.
    progress : callable, optional
        Told of the rows done after each batch.

    Returns
    -------
    Summary

    Raises
    ------
    InsarRuntimeError
        One of its family; the output is then what it was before.
    """
    begin = time.perf_counter()
    source = _path_or_stream(source)
    output = _path_or_stream(output)
    _check_pair(source, output, overwrite=overwrite)
    classifier = classifier or Classifier()
    half_wavelength_mm = classifier.model.half_wavelength_mm
    with open_understood(source, units=units, columns=columns, half_wavelength_mm=half_wavelength_mm) as (
        opened,
        understanding,
        batches,
    ):
        classifier.check_axis(len(understanding.layout.dates))
        run = Run(classifier, understanding, opened, keep_series=keep_series)
        with run.open_sink(output, overwrite=overwrite) as sink:
            for batch in batches:
                sink.write(run.classify(batch))
                if progress:
                    progress(run.rows, opened.rows)
    return run.summary(opened.name, _name(output), time.perf_counter() - begin)


def _path_or_stream(where: str | Path | BinaryIO) -> Path | str | BinaryIO:
    if isinstance(where, str):
        return where if where == "-" else Path(where)
    return where


def _name(where: Path | str | BinaryIO) -> str:
    return str(where) if isinstance(where, (str, Path)) else "-"


def _check_pair(source: Path | str | BinaryIO, output: Path | str | BinaryIO, *, overwrite: bool) -> None:
    """Refuse what cannot end well before anything is opened."""
    if not isinstance(output, Path):
        return
    check_output(output, overwrite=True)
    same = False
    with suppress(OSError):  # what is wrong with the input is said when it is opened
        same = isinstance(source, Path) and output.samefile(source)
    if same:
        raise UsageError(f"output {output} is the input; name another file")
    check_output(output, overwrite=overwrite)


@contextmanager
def open_understood(
    source: str | Path | BinaryIO,
    *,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    half_wavelength_mm: float,
) -> Iterator[tuple[Source, Understanding, Iterator[pa.RecordBatch]]]:
    """Open a source and resolve what its columns mean; ``classify`` and ``inspect`` share it.

    Yields
    ------
    source : Source
        Open until the context ends.
    understanding : Understanding
        Layout, dates and units.
    batches : iterator of pyarrow.RecordBatch
        All rows.

    Raises
    ------
    InsarRuntimeError
        For the same reasons as ``classify_file``.
    """
    with open_source(
        _path_or_stream(source), roles={str(role): name for role, name in (columns or {}).items()}
    ) as opened:
        batches = opened.batches()
        head = next((batch for batch in batches if batch.num_rows), None)
        understanding = understand(
            opened.schema, head, units=units, overrides=columns, half_wavelength_mm=half_wavelength_mm
        )
        yield opened, understanding, batches if head is None else chain([head], batches)
