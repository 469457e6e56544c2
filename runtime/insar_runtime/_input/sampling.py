"""Sampling of rows: how many a file has, and some from all over it, at little cost beside reading the whole."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from insar_runtime._input.error_translation import translate_errors
from insar_runtime._input.layout import Layout
from insar_runtime._input.locations import locate
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.plain_types import as_plain
from insar_runtime._input.readers.csv_dialect import HEADER_LIMIT, SEPARATORS
from insar_runtime._input.source import Source
from insar_runtime.errors import DataError

_LOOK: Final = 4 << 20
"""Text whose lines are counted to estimate those of the whole."""
_BUFFER: Final = 1 << 16
_COLUMNS: Final = 32
"""Columns of a Parquet file that are read at a time: each keeps a page and a dictionary decoded."""
TEXTS: Final = frozenset({"csv", "zip", "csv.gz", "csv.zst", "csv.bz2"})
"""Containers of text."""
_PARTS: Final = 16
"""Places of a file that rows are taken from."""


def open_text(source: Source, closing: ExitStack) -> tuple[Any, int]:
    """Open the text of a CSV, zipped, compressed or not; return it with its size in bytes."""
    path = locate(source.name)
    if source.kind in {"csv.gz", "csv.zst", "csv.bz2"}:
        from insar_runtime._input.readers.compressed import estimate_size, open_compressed  # noqa: PLC0415 - of these

        kind: Any = source.kind
        return closing.enter_context(open_compressed(path, kind)), estimate_size(path, kind)
    if source.kind == "zip":
        stream = closing.enter_context(path.open("rb"))
        archive = closing.enter_context(zipfile.ZipFile(stream))
        member = archive.getinfo(source.metadata["member"])
        return closing.enter_context(archive.open(member)), member.file_size
    return closing.enter_context(path.open("rb")), path.stat().st_size


def estimate_rows(source: Source) -> int | None:
    """Return the number of rows that a container states, or an estimate from the first lines of a text.

    None for a stream.

    Raises
    ------
    DataError, InputOutputError
        If it cannot be read.
    """
    if source.rows is not None or source.rows_estimate is not None:
        return source.rows if source.rows is not None else source.rows_estimate
    if source.kind not in TEXTS or not locate(source.name).is_file():
        return None
    with translate_errors(source.name, is_open=True), ExitStack() as closing:
        stream, size = open_text(source, closing)
        header = stream.readline(HEADER_LIMIT)
        if separator_of(header, source.schema.names) is None:
            return None
        text = stream.read(_LOOK)
    whole = text[: text.rfind(b"\n") + 1]
    return round((size - len(header)) * whole.count(b"\n") / len(whole)) if whole else None


def separator_of(header: bytes, names: Sequence[str]) -> str | None:
    """Return the separator that cuts a header into these names; None if the table was not read as it stands."""
    text = header.decode("utf-8-sig").rstrip("\r\n")
    for sign in SEPARATORS:
        if [field.strip() for field in next(csv.reader([text], delimiter=sign), [])] == list(names):
            return sign
    return None


def count_rows(source: Source) -> int | None:
    """Return the number of rows if the file states it or holds it in its batches, else None."""
    if source.rows is not None or source.kind != "ipc" or not source.schema.names:
        return source.rows
    column = source.column(source.schema.names[0])
    return None if column is None else sum(map(len, column))


def spread_batches(source: Source, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Return some rows from all over a file, in file order; none where that takes reading the whole.

    Parameters
    ----------
    source : Source
        An open table.
    columns : sequence of str
        Those that are wanted; there may be others.
    rows : int
        Most rows.

    Raises
    ------
    DataError, InputOutputError
        While iterating: the content is damaged, or reading failed.
    """
    with translate_errors(source.name):
        yield from _spread(source, columns, rows)


def _spread(source: Source, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    path = Path(source.name)
    if source.name == "-" or not (path.is_file() or path.is_dir()):
        return
    if source.spread is not None:
        yield from map(as_plain, source.spread(columns, rows))
    elif source.kind == "parquet":
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
            # Otherwise a table that is not read as it stands; the same below.
            if file.schema_arrow.names == source.schema.names:
                parts = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
                for number, count in _evenly(parts, rows):
                    yield as_plain(_first_rows(file, number, count, columns))
    elif source.kind == "ipc":
        from insar_runtime._input.readers.ipc_table import spread_parts  # noqa: PLC0415 - of no other container

        if found := spread_parts(path, source.schema.names):
            lengths, first_rows = found
            for number, count in _evenly(lengths, rows):
                yield as_plain(first_rows(number, count))
    elif source.kind == "csv":
        yield from _spread_lines(path, source.schema.names, rows)


def spread_series(source: Source, layout: Layout, rows: int) -> NDArray[np.float32]:
    """Return the series of some rows from all over a file.

    Parameters
    ----------
    source : Source
        An open table.
    layout : Layout
        Of its columns.
    rows : int
        Most rows.

    Returns
    -------
    ndarray of float32, shape [N, T]
        In the file's unit, NaN = missing; no rows where the container allows no such sample.
    """
    columns = [*layout.columns, *filter(None, [layout.dates_column])]
    # A name with a dot may be that of a part of another column.
    whole = [] if any("." in name for name in columns) else spread_batches(source, columns, rows)
    parts = [to_matrix(part, layout) for part in whole]
    return np.concatenate([np.empty((0, len(layout.dates)), dtype=np.float32), *parts])


def _first_rows(file: pq.ParquetFile, group: int, count: int, columns: Sequence[str]) -> pa.RecordBatch:
    """Read the first rows of a row group, some columns at a time."""
    arrays: list[pa.Array] = []
    for first in range(0, len(columns), _COLUMNS):
        some = list(columns[first : first + _COLUMNS])
        batch = next(file.iter_batches(count, row_groups=[group], columns=some, use_threads=False))
        arrays += [batch.column(batch.schema.get_field_index(name)) for name in some]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _spread_lines(path: Path, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Jump to some places of a text, and read whole lines from there."""
    from insar_runtime._input.readers.csv_table import open_csv  # noqa: PLC0415 - needless where rows are only counted

    with path.open("rb") as file:
        header = file.readline(HEADER_LIMIT)
        if separator_of(header, names) is None:
            return
        begin, each, lines = file.tell(), -(-rows // _PARTS), [header]
        step = (path.stat().st_size - begin) / _PARTS
        for part in range(_PARTS):
            # The first line after a jump is cut; the end of a part is the beginning of the next one.
            file.seek(begin + int(part * step))
            if part:
                file.readline(HEADER_LIMIT)
            end = begin + int((part + 1) * step)
            while len(lines) <= (part + 1) * each and file.tell() < end and (line := file.readline(HEADER_LIMIT)):
                lines.append(line)
    text = b"".join(lines)
    del lines
    with ExitStack() as closing, suppress(DataError, pa.ArrowException):
        # Lines that a quoted line end has cut in two are no table; then there is no such sample.
        table = open_csv(lambda: io.BytesIO(text), io.BytesIO(text), closing, {})
        yield from list(table.batches())


def _evenly(parts: list[int], rows: int) -> list[tuple[int, int]]:
    """Choose parts of a file evenly, and how many rows to take from each."""
    chosen = sorted(set(np.linspace(0, len(parts) - 1, min(_PARTS, len(parts))).astype(int).tolist()))
    each = -(-rows // max(len(chosen), 1))
    return [(number, min(parts[number], each)) for number in chosen if parts[number]]
