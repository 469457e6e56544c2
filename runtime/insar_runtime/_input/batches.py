"""Streams of record batches."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa


def in_turn(taken: list[pa.RecordBatch], stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give the batches that were taken from the head of a stream, and forget them, then the rest of it."""
    while taken:
        yield taken.pop(0)
    yield from stream
