"""One column of a file by itself, and some rows from all over it: what is cheap beside reading the whole."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from insar_runtime._input.csv_text import open_csv
from insar_runtime._input.sources import Source
from insar_runtime.errors import DataError

UNREADABLE: Final = (pa.ArrowException, OSError, zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError)
"""What readers raise of damaged files."""

_PIECE_ROWS: Final = 65_536
_BLOCK: Final = 1 << 20
_LOOK: Final = 4 << 20
"""Text whose lines are counted to estimate those of the whole."""
_BUFFER: Final = 1 << 16
_COLUMNS: Final = 32
"""Columns of a Parquet file that are read at a time: each keeps a page and a dictionary decoded."""
_HEADER_LIMIT: Final = 1 << 26
_PARTS: Final = 16
"""Places of a file that rows are taken from."""


def open_column(source: Source, name: str | None, closing: ExitStack) -> Iterator[pa.Array] | None:
    """Open a column, or of a CSV the first one if no name is given; None if it cannot be read by itself.

    So it is with streams, and with files that are not read as they stand, such as those with a row a date.

    Raises
    ------
    OSError and others of ``UNREADABLE``
        Also while its pieces are read.
    """
    path = Path(source.name)
    if source.name == "-" or not path.is_file():
        return None
    if source.kind in {"csv", "zip"}:
        return _csv_column(source, name or source.schema.names[0], closing)
    if name is None:
        return None
    if source.kind == "parquet":
        file = closing.enter_context(pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER))
        if file.schema_arrow.names != source.schema.names or "." in name:
            return None
        return (b.column(0) for b in file.iter_batches(_PIECE_ROWS, columns=[name], use_threads=False))
    return _ipc_column(path, source.schema.names, name, closing)


def _ipc_column(path: Path, names: Sequence[str], name: str, closing: ExitStack) -> Iterator[pa.Array] | None:
    with path.open("rb") as file:
        is_file = file.read(6) == b"ARROW1"
    memory = closing.enter_context(pa.memory_map(str(path)))
    reader = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(memory)
    if reader.schema.names != list(names):
        return None
    index = reader.schema.get_field_index(name)
    memory.seek(0)
    options = pa.ipc.IpcReadOptions(included_fields=[index])
    if is_file:
        table = pa.ipc.open_file(memory, options=options)
        return (table.get_batch(i).column(0) for i in range(table.num_record_batches))
    return (batch.column(0) for batch in pa.ipc.open_stream(memory, options=options))


def _csv_column(source: Source, name: str, closing: ExitStack) -> Iterator[pa.Array] | None:
    stream, _ = _open_text(source, closing)
    header = stream.readline(_HEADER_LIMIT)
    separator = _separator(header, source.schema.names)
    if separator is None:
        return None
    read = pacsv.ReadOptions(
        use_threads=False, column_names=source.schema.names, block_size=max(_BLOCK, 4 * len(header))
    )
    convert = pacsv.ConvertOptions(include_columns=[name], column_types={name: pa.string()})
    reader = pacsv.open_csv(stream, read, pacsv.ParseOptions(delimiter=separator), convert)
    return (batch.column(0) for batch in closing.enter_context(reader))


def _open_text(source: Source, closing: ExitStack) -> tuple[Any, int]:
    """Open the text of a CSV, zipped or not; gives it with its size in bytes."""
    path = Path(source.name)
    if source.kind == "zip":
        archive = closing.enter_context(zipfile.ZipFile(path))
        member = archive.getinfo(source.metadata["member"])
        return closing.enter_context(archive.open(member)), member.file_size
    return closing.enter_context(path.open("rb")), path.stat().st_size


def estimate_rows(source: Source) -> int | None:
    """Give the rows that a container tells, or estimate those of a text from its first lines; None for a stream."""
    if source.rows is not None:
        return source.rows
    if source.kind not in {"csv", "zip"} or not Path(source.name).is_file():
        return None
    with ExitStack() as closing:
        stream, size = _open_text(source, closing)
        header = stream.readline(_HEADER_LIMIT)
        if _separator(header, source.schema.names) is None:
            return None
        text = stream.read(_LOOK)
    whole = text[: text.rfind(b"\n") + 1]
    return round((size - len(header)) * whole.count(b"\n") / len(whole)) if whole else None


def _separator(header: bytes, names: Sequence[str]) -> str | None:
    """Give the sign that cuts a header into these names; None where the table was not read as it stands."""
    text = header.decode("utf-8-sig").rstrip("\r\n")
    for sign in ",;\t":
        if [field.strip() for field in next(csv.reader([text], delimiter=sign), [])] == list(names):
            return sign
    return None


def count_rows(source: Source) -> int | None:
    """Give the number of rows where the file tells it at once."""
    if source.rows is not None or source.kind != "ipc":
        return source.rows
    with ExitStack() as closing:
        names = source.schema.names
        column = _ipc_column(Path(source.name), names, names[0], closing) if names and source.name != "-" else None
        return None if column is None else sum(map(len, column))


def spread_batches(source: Source, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Give some rows from all over a Parquet, an Arrow or a CSV file, in file order; none of other containers.

    Parameters
    ----------
    source : Source
        An open table.
    columns : sequence of str
        Those that are wanted; there may be others.
    rows : int
        Most rows.
    """
    path = Path(source.name)
    if source.name == "-" or not path.is_file():
        return
    if source.kind == "parquet":
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
            # Otherwise a table that is not read as it stands; the same below.
            if file.schema_arrow.names == source.schema.names:
                parts = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
                for number, count in _evenly(parts, rows):
                    yield _first_rows(file, number, count, columns)
    elif source.kind == "ipc":
        with pa.memory_map(str(path)) as memory:
            if memory.read(6) != b"ARROW1":
                return
            table = pa.ipc.open_file(memory)
            if table.schema.names == source.schema.names:
                parts = [table.get_batch(i).num_rows for i in range(table.num_record_batches)]
                for number, count in _evenly(parts, rows):
                    yield table.get_batch(number).slice(0, count)
    elif source.kind == "csv":
        yield from _spread_lines(path, source.schema.names, rows)


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
    with path.open("rb") as file:
        header = file.readline(_HEADER_LIMIT)
        if _separator(header, names) is None:
            return
        begin, each, lines = file.tell(), -(-rows // _PARTS), [header]
        step = (path.stat().st_size - begin) / _PARTS
        for part in range(_PARTS):
            # The first line after a jump is cut; the end of a part is the beginning of the next one.
            file.seek(begin + int(part * step))
            if part:
                file.readline(_HEADER_LIMIT)
            end = begin + int((part + 1) * step)
            while len(lines) <= (part + 1) * each and file.tell() < end and (line := file.readline(_HEADER_LIMIT)):
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
