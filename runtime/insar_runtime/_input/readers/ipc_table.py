"""Arrow IPC files and streams as record batches: each is validated before a value is used, large ones in slices."""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from insar_runtime._input.column_types import refuse_too_many
from insar_runtime._input.error_translation import ABSURD_BYTES
from insar_runtime._input.readers.ipc_messages import FILE_MAGIC, STREAM_MAGIC, BatchSize, batch_sizes, end_of_stream
from insar_runtime.errors import DataError

_MAPPED_BYTES: Final = 32 << 20
"""Batches that are larger are not read but mapped, and taken slice by slice."""
_WINDOW_BYTES: Final = 16 << 20
"""Values of a mapped batch that may be in memory before its pages are given back."""
_SLICING_BYTES: Final = 4 << 20
"""Slices that are being made."""
_SLICE_ROWS: Final = 8192
_MOST_ROWS: Final = 1 << 16
"""Rows of a piece of a batch that is read: a run or a column of nulls takes no room, what it stands for does."""
_ABSURD_ROWS: Final = (1 << 31) - 1
"""More rows in one batch are not written by Arrow's libraries, and runs of them have no end."""


@dataclass(frozen=True, slots=True)
class IpcTable:
    """An open Arrow IPC file or stream.

    Attributes
    ----------
    schema : pyarrow.Schema
        Of the batches.
    held_bytes : int
        What is held at a time, whatever the batches are.
    row_bytes : float or None
        Size of a row in memory; None where it is not known before reading.
    batches : callable
        Returns all rows, once.
    some_columns : callable or None
        Returns all rows of some columns, whatever else was read before; None for a stream, which is read once.
    notes : tuple of str
        What a person should know about the reading.
    """

    schema: pa.Schema
    held_bytes: int
    row_bytes: float | None
    batches: Callable[[], Iterator[pa.RecordBatch]]
    some_columns: Callable[[Sequence[str]], Iterator[pa.RecordBatch]] | None = None
    notes: tuple[str, ...] = ()


def open_ipc_path(path: Path, closing: ExitStack) -> IpcTable:
    """Open an Arrow IPC file, or a stream that is stored in a file.

    Raises
    ------
    DataError
        It has too many columns, a batch of an absurd size, or batches without a sound header.
    pyarrow.ArrowInvalid, OSError
        It is damaged.
    """
    with ExitStack() as opened:
        schema, _, listed = _open(opened.enter_context(pa.OSFile(str(path))), opened, None)
    refuse_too_many(len(schema), str(path))
    memory = pa.py_buffer(_map(path))
    sizes = list(batch_sizes(memory))
    notes = _end_notes(memory, path) if listed is None else ()
    if listed is not None and listed != len(sizes):
        # Batches of unknown size would be read without a limit.
        raise DataError(
            f"{path}: only {len(sizes)} of the {listed} batches that the footer lists have a sound header: it is "
            "damaged or incomplete: fetch or write it again"
        )
    is_mapped = _is_mapped(sizes)

    def read(options: pa.ipc.IpcReadOptions | None = None) -> Generator[pa.RecordBatch, None, None]:
        with ExitStack() as opened:
            yield from _read_path(path, opened, options, is_mapped=is_mapped)

    def batches() -> Iterator[pa.RecordBatch]:
        rows = read()
        closing.callback(rows.close)
        return rows

    rows = sum(size.rows for size in sizes)
    row_bytes = sum(size.decoded for size in sizes) / rows if rows > 0 else None
    # One batch is worked on while the next one is read, which is held as it is stored, too, if it is compressed.
    held = max((2 * size.decoded + size.compressed * size.stored for size in sizes), default=0)
    if held > ABSURD_BYTES and not is_mapped:
        raise DataError(f"{path}: a batch of {held >> 31} GiB: it is damaged or incomplete: fetch or write it again")
    held = 2 * _WINDOW_BYTES + _SLICING_BYTES if is_mapped else held
    return IpcTable(schema, held, row_bytes, batches, lambda columns: read(_only(schema, columns)), notes)


def open_ipc_stream(stream: Any, closing: ExitStack) -> IpcTable:
    """Open a stream that is read once, such as standard input.

    Raises
    ------
    DataError
        Its first bytes are those of something else.
    pyarrow.ArrowInvalid, OSError
        It is damaged.
    """
    start = b""
    if hasattr(stream, "peek"):
        start = stream.peek(4)[:4]
    elif stream.seekable():
        start = stream.read(4)
        stream.seek(-len(start), io.SEEK_CUR)
    if start and not STREAM_MAGIC.startswith(start):
        raise DataError(
            f"the stream is not an Arrow IPC stream (starts with {start!r}): give files of other formats by their names"
        )
    reader = closing.enter_context(pa.ipc.open_stream(stream))
    refuse_too_many(len(reader.schema), "the stream")
    return IpcTable(reader.schema, 0, None, lambda: map(_valid, reader))


def spread_parts(path: Path, names: Sequence[str]) -> tuple[list[int], Callable[[int, int], pa.RecordBatch]] | None:
    """Open a file for a sample: the number of rows of each batch, and a function that returns the first rows of one.

    Parameters
    ----------
    path : Path
        Of the file; mapped, so that only what is taken is read.
    names : sequence of str
        Its columns.

    Returns
    -------
    tuple or None
        None for a stream, and for a table with other columns.
    """
    memory = pa.memory_map(str(path))
    if memory.read(len(FILE_MAGIC)) != FILE_MAGIC:
        return None
    table = pa.ipc.open_file(memory)
    if table.schema.names != list(names):
        return None
    # From the headers: to ask a compressed batch for its rows is to decompress it.
    parts = [size.rows for size in batch_sizes(pa.py_buffer(_map(path)))]
    return parts, lambda number, count: _valid(table.get_batch(number).slice(0, count))


def _open(
    file: Any, opened: ExitStack, options: pa.ipc.IpcReadOptions | None
) -> tuple[pa.Schema, Iterator[pa.RecordBatch], int | None]:
    """Open a file or a stream; return its schema, its batches as they are, and how many a file's footer lists."""
    is_stream = file.read(len(STREAM_MAGIC)) == STREAM_MAGIC
    file.seek(0)
    if is_stream:
        stream = opened.enter_context(pa.ipc.open_stream(file, options=options))
        return stream.schema, iter(stream), None
    table = opened.enter_context(pa.ipc.open_file(file, options=options))
    count = table.num_record_batches
    return table.schema, (table.get_batch(i) for i in range(count)), count


def _read_path(
    path: Path, opened: ExitStack, options: pa.ipc.IpcReadOptions | None, *, is_mapped: bool
) -> Iterator[pa.RecordBatch]:
    if not is_mapped:
        _, batches, _ = _open(opened.enter_context(pa.OSFile(str(path))), opened, options)
        for batch in map(_valid, batches):
            for start in range(0, batch.num_rows, _MOST_ROWS):
                yield batch.slice(start, _MOST_ROWS)
        return
    pages = _map(path)
    _, batches, _ = _open(pa.BufferReader(pa.py_buffer(pages)), opened, options)
    for batch in batches:
        yield from _slices(_valid(batch), pages)


def _slices(batch: pa.RecordBatch, pages: mmap.mmap) -> Iterator[pa.RecordBatch]:
    """Return the rows of a mapped batch slice by slice, and give back the pages of those that are done."""
    _give_back(pages)
    row_bytes = batch.get_total_buffer_size() / max(batch.num_rows, 1)
    rows = max(min(_SLICE_ROWS, int(_WINDOW_BYTES / 4 / max(row_bytes, 1))), 1)
    taken = 0.0
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
        taken += rows * row_bytes
        if taken >= _WINDOW_BYTES:
            _give_back(pages)
            taken = 0.0
    _give_back(pages)


def _give_back(pages: mmap.mmap) -> None:
    # What is used again is read again, from the file.
    if hasattr(pages, "madvise"):
        pages.madvise(mmap.MADV_DONTNEED)


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _end_notes(memory: pa.Buffer, path: Path) -> tuple[str, ...]:
    """Return a note on a stream in a file that has no end; refuse one behind whose end something follows."""
    end, is_marked = end_of_stream(memory)
    # Zeros are what is left of a file that was made larger than its content.
    if np.frombuffer(memory, dtype=np.uint8)[end:].any():
        raise DataError(
            f"{path}: {memory.size - end} bytes follow the end of its Arrow stream, as where streams were joined: "
            "write one stream to a file"
        )
    return () if is_marked else ("the Arrow stream has no mark at its end: its writer may have been ended before it",)


def _is_mapped(sizes: Sequence[BatchSize]) -> bool:
    """Whether batches are mapped: large ones, unless they are compressed, which have to be in memory as a whole."""
    largest = max(sizes, key=lambda size: size.stored, default=None)
    return largest is not None and largest.stored > _MAPPED_BYTES and not largest.compressed


def _valid(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch that was validated in full: a damaged offset would lead to memory of elsewhere, or nowhere."""
    if batch.num_rows > _ABSURD_ROWS:
        raise DataError(f"a batch of {batch.num_rows} rows: the file is damaged or incomplete: fetch or write it again")
    batch.validate(full=True)
    return batch


def _only(schema: pa.Schema, columns: Sequence[str]) -> pa.ipc.IpcReadOptions:
    return pa.ipc.IpcReadOptions(included_fields=[schema.get_field_index(name) for name in columns])
