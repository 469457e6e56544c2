"""Sizes of the record batches in an Arrow IPC file, from their headers, before one is read.

Layout of the headers: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc,
Message.fbs, File.fbs and Schema.fbs of the Arrow format; tables and vectors as FlatBuffers stores them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

FILE_MAGIC: Final = b"ARROW1\0\0"
STREAM_MAGIC: Final = b"\xff\xff\xff\xff"
_END_MARK: Final = STREAM_MAGIC + bytes(4)
_HEADER: Final = 2
"""Number of the field ``header`` of a message."""
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3
"""Numbers of the fields of a record batch."""
_RECORD_BATCHES: Final = 3
"""Number of the field ``recordBatches`` of a footer: structures that begin with the place of a message."""
_BLOCK_BYTES: Final = 24
_END_BYTES: Final = 10
"""What follows a footer: its length, and the magic without padding."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """Size of a record batch.

    Attributes
    ----------
    rows : int
    stored : int
        Bytes in the file.
    decoded : int
        Bytes in memory; more than `stored` if the batch is compressed.
    compressed : bool
    """

    rows: int
    stored: int
    decoded: int
    compressed: bool


def batch_sizes(memory: pa.Buffer) -> Iterator[BatchSize]:
    """Return the sizes of all record batches in the order of their reader, as far as the headers are sound.

    Parameters
    ----------
    memory : pyarrow.Buffer
        Of the whole file or stream; of a mapped file, no more than the headers is read.
    """
    is_file = memory[: len(FILE_MAGIC)].to_pybytes() == FILE_MAGIC
    messages = _listed(memory) if is_file else pa.ipc.MessageReader.open_stream(pa.BufferReader(memory))
    try:
        for message in messages:
            if message.type == "record batch":
                yield _size_of(message)
    except (pa.ArrowException, OSError, EOFError, struct.error, IndexError, ValueError):
        return  # the reader of the batches says what is wrong


def end_of_stream(memory: pa.Buffer) -> tuple[int, bool]:
    """Return where a stream ends, and whether a mark says so; a damaged one ends where its reader will say it does.

    Parameters
    ----------
    memory : pyarrow.Buffer
        Of a stream from its beginning, with what follows it.

    Returns
    -------
    tuple of int and bool
        Number of bytes up to its end, and whether the mark of the format is there. What the writer has not ended, as
        one that was killed, has none, but a complete stream may have none either.
    """
    source = pa.BufferReader(memory)
    try:
        for _ in pa.ipc.MessageReader.open_stream(source):
            pass
    except (pa.ArrowException, OSError, EOFError):
        return memory.size, True
    end = source.tell()
    return end, memory[max(end - len(_END_MARK), 0) : end].to_pybytes() == _END_MARK


def _listed(memory: pa.Buffer) -> Iterator[pa.Message]:
    """Return the messages that the footer of a file lists: some writers lay no stream of them before it."""
    end = memory.size - _END_BYTES
    size = _number("<i", memoryview(memory), end)
    footer = memoryview(memory)[end - size : end]
    blocks = _vector(footer, _follow(footer, 0), _RECORD_BATCHES)
    for number in range(_number("<I", footer, blocks) if blocks else 0):
        place = _number("<q", footer, blocks + 4 + _BLOCK_BYTES * number)
        yield pa.ipc.read_message(pa.BufferReader(memory.slice(place)))


def _size_of(message: pa.Message) -> BatchSize:
    header, body = memoryview(message.metadata), message.body
    batch = _follow(header, _field(header, _follow(header, 0), _HEADER))
    stored = body.size
    length = _field(header, batch, _LENGTH)
    # FlatBuffers does not store a number that is zero.
    rows = _number("<q", header, length) if length else 0
    if not _field(header, batch, _COMPRESSION):
        return BatchSize(rows, stored, stored, compressed=False)
    buffers = _vector(header, batch, _BUFFERS)
    decoded = 0
    for number in range(_number("<I", header, buffers) if buffers else 0):
        offset, length = struct.unpack_from("<qq", header, buffers + 4 + 16 * number)
        # A compressed buffer begins with its size in memory, -1 if it was left as it is.
        size = _number("<q", memoryview(body), offset) if length else 0
        decoded += length if size < 0 else size
    return BatchSize(rows, stored, decoded, compressed=True)


def _field(header: memoryview, table: int, number: int) -> int:
    """Return the place of a field of a table; 0 if it is not there."""
    fields = table - _number("<i", header, table)
    if 4 + 2 * number >= _number("<H", header, fields):
        return 0
    offset = _number("<H", header, fields + 4 + 2 * number)
    return table + offset if offset else 0


def _vector(header: memoryview, table: int, number: int) -> int:
    """Return the place of a vector that a field of a table leads to; 0 if it is not there."""
    place = _field(header, table, number)
    return _follow(header, place) if place else 0


def _follow(header: memoryview, place: int) -> int:
    return place + _number("<I", header, place)


def _number(code: str, header: memoryview, place: int) -> int:
    if place < 0:
        raise IndexError(place)
    found: Any = struct.unpack_from(code, header, place)[0]
    return int(found)
