"""One column of a file by itself, and some rows from all over it: what is cheap beside reading the whole."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from insar_runtime._input.sources import Source

UNREADABLE: Final = (pa.ArrowException, OSError, zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError)
"""What readers raise of damaged files."""

_PIECE_ROWS: Final = 65_536
_BLOCK: Final = 1 << 20
_HEADER_LIMIT: Final = 1 << 26
_GROUPS: Final = 16
"""Parts of a Parquet file that rows are taken from."""


@dataclass(slots=True)
class Column:
    """One column of a file, while it is read.

    Attributes
    ----------
    pieces : iterator of pyarrow.Array
    size : int or None
        Bytes of the text that it is read from; None where the file tells its rows.
    """

    pieces: Iterator[pa.Array]
    size: int | None
    _stream: Any = None

    @property
    def share_read(self) -> float | None:
        """Part of the text that was read; None where that is not known."""
        return min(self._stream.tell() / self.size, 1.0) if self.size else None


def open_column(source: Source, name: str | None, closing: ExitStack) -> Column | None:
    """Open a column, or of a CSV the first one if no name is given; None if it cannot be read by itself.

    Raises
    ------
    OSError and others of ``UNREADABLE``
        Also while the pieces are read.
    """
    path = Path(source.name)
    if source.name == "-" or not path.is_file():
        return None
    if source.kind in {"csv", "zip"}:
        return _csv_column(path, source, name or source.schema.names[0], closing)
    if name is None:
        return None
    if source.kind == "parquet":
        file = closing.enter_context(pq.ParquetFile(path, pre_buffer=False))
        if file.schema_arrow.names.count(name) != 1 or "." in name:
            return None
        return Column((b.column(0) for b in file.iter_batches(_PIECE_ROWS, columns=[name], use_threads=False)), None)
    return _ipc_column(path, name, closing)


def _ipc_column(path: Path, name: str, closing: ExitStack) -> Column | None:
    with path.open("rb") as file:
        is_file = file.read(6) == b"ARROW1"
    memory = closing.enter_context(pa.memory_map(str(path)))
    reader = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(memory)
    index = reader.schema.get_field_index(name)
    if index < 0:
        return None
    memory.seek(0)
    options = pa.ipc.IpcReadOptions(included_fields=[index])
    if is_file:
        table = pa.ipc.open_file(memory, options=options)
        return Column((table.get_batch(i).column(0) for i in range(table.num_record_batches)), None)
    return Column((batch.column(0) for batch in pa.ipc.open_stream(memory, options=options)), None)


def _csv_column(path: Path, source: Source, name: str, closing: ExitStack) -> Column | None:
    if source.kind == "zip":
        archive = closing.enter_context(zipfile.ZipFile(path))
        member = archive.getinfo(source.metadata["member"])
        stream: Any = closing.enter_context(archive.open(member))
        size = member.file_size
    else:
        stream = closing.enter_context(path.open("rb"))
        size = path.stat().st_size
    header = stream.readline(_HEADER_LIMIT)
    separator = _separator(header, source.schema.names)
    if separator is None:
        return None
    reader = closing.enter_context(
        pacsv.open_csv(
            stream,
            pacsv.ReadOptions(
                use_threads=False, column_names=source.schema.names, block_size=max(_BLOCK, 4 * len(header))
            ),
            pacsv.ParseOptions(delimiter=separator),
            pacsv.ConvertOptions(include_columns=[name], column_types={name: pa.string()}),
        )
    )
    return Column((batch.column(0) for batch in reader), size, stream)


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
        column = _ipc_column(Path(source.name), names[0], closing) if names and source.name != "-" else None
        return None if column is None else sum(map(len, column.pieces))


def spread_batches(source: Source, rows: int) -> Iterator[pa.RecordBatch]:
    """Give some rows from all over a Parquet or an Arrow file, in file order; none of other files.

    Parameters
    ----------
    source : Source
        An open table.
    rows : int
        Most rows.
    """
    path = Path(source.name)
    if source.name == "-" or not path.is_file():
        return
    if source.kind == "parquet":
        with pq.ParquetFile(path, pre_buffer=False) as file:
            if file.schema_arrow.names != source.schema.names:
                return  # a table that is not read as it stands
            for number, count in _evenly(
                [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)], rows
            ):
                yield from _as(source.schema, file.iter_batches(count, row_groups=[number], use_threads=False), count)
    elif source.kind == "ipc":
        with pa.memory_map(str(path)) as memory:
            if memory.read(6) != b"ARROW1":
                return
            file = pa.ipc.open_file(memory)
            if file.schema.names != source.schema.names:
                return
            for number, count in _evenly([file.get_batch(i).num_rows for i in range(file.num_record_batches)], rows):
                yield from _as(source.schema, iter([file.get_batch(number)]), count)


def _evenly(parts: list[int], rows: int) -> list[tuple[int, int]]:
    """Choose parts of a file evenly, and how many rows to take from each."""
    chosen = sorted(set(np.linspace(0, len(parts) - 1, min(_GROUPS, len(parts))).astype(int).tolist()))
    each = -(-rows // max(len(chosen), 1))
    return [(number, min(parts[number], each)) for number in chosen if parts[number]]


def _as(schema: pa.Schema, batches: Iterator[pa.RecordBatch], count: int) -> Iterator[pa.RecordBatch]:
    """Give the first rows with the schema in which the source gives them."""
    batch = next(batches, None)
    if batch is not None:
        part = batch.slice(0, count)
        columns = [c.cast(field.type, safe=False) for c, field in zip(part.columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
