"""Streams of record batches: put the first batches back before the rest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import pyarrow as pa


def chain_head(taken: list[pa.RecordBatch], stream: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Return the batches that were taken from the head of a stream, and forget them, then the rest of it."""
    # Not yield from: an iterator of pyarrow that is at its end cannot take it.
    return chain(_forgotten(taken), stream)


def _forgotten(taken: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while taken:
        yield taken.pop(0)
