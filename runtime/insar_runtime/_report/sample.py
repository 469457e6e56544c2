"""Which rows a page holds: a uniform sample for the map, an even share of the classes for the series."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

KEY = "key"
"""Column of the random keys; the rows with the smallest ones stay, so a sample does not depend on the batches."""
GROUP = "group"
"""Column of small numbers: the class of a row, or the one after the last class."""


class UniformSample:
    """Keep every row up to a number, a uniform sample without replacement beyond it, in the rows' order.

    Parameters
    ----------
    size : int
        Most rows of the sample; up to a quarter more are held for a while.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._batches: list[pa.RecordBatch] = []
        self._held = 0
        self.highest_key = 1.0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows, of the same schema every time."""
        batch = batch.filter(pa.array(batch.column(KEY).to_numpy() < self.highest_key))
        self._batches.append(batch)
        self._held += batch.num_rows
        if self._held > self._size + self._size // 4:
            self._thin()

    def rows(self) -> pa.Table | None:
        """Return the sample; None if no batch has come."""
        if not self._batches:
            return None
        if self._held > self._size:
            self._thin()
        return pa.Table.from_batches(self._batches)

    def _thin(self) -> None:
        keys = np.concatenate([batch.column(KEY).to_numpy() for batch in self._batches])
        # Everything below the key of the first row that is one too many.
        self.highest_key = float(np.partition(keys, self._size)[self._size])
        # A batch each time: what was filtered away must not be held by those that stay.
        self._batches = [b.filter(pa.array(b.column(KEY).to_numpy() < self.highest_key)) for b in self._batches]
        self._held = sum(batch.num_rows for batch in self._batches)


class EvenSample:
    """Keep an even share of each group: all rows of the small ones, as many of the large ones as there is room for.

    The share of a group only shrinks while rows come, so a row that was dropped is never missed.

    Parameters
    ----------
    size : int
        Most rows of the sample.
    groups : int
        Number of groups.
    """

    def __init__(self, size: int, groups: int) -> None:
        self._size = size
        self._counts = np.zeros(groups, dtype=np.int64)
        self._limits = np.ones(groups)
        self._batches: list[pa.RecordBatch] = []
        self._held = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows, of the same schema every time."""
        self._counts += np.bincount(batch.column(GROUP).to_numpy(), minlength=len(self._counts))
        batch = self._below(batch)
        self._batches.append(batch)
        self._held += batch.num_rows
        if self._held > self._size + self._size // 4:
            self._thin()

    def rows(self) -> pa.Table | None:
        """Return the sample in the rows' order; None if no batch has come."""
        if not self._batches:
            return None
        self._thin()
        return pa.Table.from_batches(self._batches)

    def _below(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(pa.array(batch.column(KEY).to_numpy() < self._limits[batch.column(GROUP).to_numpy()]))

    def _thin(self) -> None:
        share = even_share(self._counts, self._size)
        keys = np.concatenate([batch.column(KEY).to_numpy() for batch in self._batches])
        groups = np.concatenate([batch.column(GROUP).to_numpy() for batch in self._batches])
        for group in range(len(self._counts)):
            of_group = keys[groups == group]
            if len(of_group) > share:
                self._limits[group] = np.partition(of_group, share)[share]
        self._batches = [self._below(batch) for batch in self._batches]
        self._held = sum(batch.num_rows for batch in self._batches)


def even_share(counts: NDArray[np.int64], size: int) -> int:
    """Return the most rows a group may have, so that all groups together have at most ``size``."""
    left = size
    ascending = np.sort(counts)
    for i, count in enumerate(ascending):
        share = left // (len(ascending) - i)
        if count > share:
            return int(share)
        left -= int(count)
    return int(ascending[-1])
