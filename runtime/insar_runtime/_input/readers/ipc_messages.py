"""Sizes of the record batches in an Arrow IPC file, from their headers, before one is read.

Layout of the headers: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc,
Message.fbs and Schema.fbs of the Arrow format; tables and vectors as FlatBuffers stores them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

FILE_MAGIC: Final = b"ARROW1\0\0"
STREAM_MAGIC: Final = b"\xff\xff\xff\xff"
_HEADER: Final = 2
"""Number of the field ``header`` of a message."""
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3
"""Numbers of the fields of a record batch."""


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
    """Return the sizes of all record batches, as far as the headers are sound.

    Parameters
    ----------
    memory : pyarrow.Buffer
        Of the whole file or stream; of a mapped file, no more than the headers is read.
    """
    begin = len(FILE_MAGIC) if memory[: len(FILE_MAGIC)].to_pybytes() == FILE_MAGIC else 0
    try:
        for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(memory.slice(begin))):
            if message.type == "record batch":
                yield _size_of(message)
    except (pa.ArrowException, OSError, struct.error, IndexError):
        return  # the reader of the batches says what is wrong


def _size_of(message: pa.Message) -> BatchSize:
    header, body = memoryview(message.metadata), message.body
    batch = _follow(header, _field(header, _follow(header, 0), _HEADER))
    stored = body.size
    rows = _number("<q", header, _field(header, batch, _LENGTH))
    if not _field(header, batch, _COMPRESSION):
        return BatchSize(rows, stored, stored, compressed=False)
    buffers = _follow(header, _field(header, batch, _BUFFERS))
    decoded = 0
    for number in range(_number("<I", header, buffers)):
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


def _follow(header: memoryview, place: int) -> int:
    return place + _number("<I", header, place)


def _number(code: str, header: memoryview, place: int) -> int:
    if place < 0:
        raise IndexError(place)
    found: Any = struct.unpack_from(code, header, place)[0]
    return int(found)
