"""Random samples of rows that arrive batch by batch, in bounded memory: uniform, or with an even share of each group.

Each row has a random key, and the rows with the smallest keys stay (bottom-k sampling). So a sample depends on the rows
and their keys alone, not on how the rows are cut into batches, and it keeps their order. Samples that share the keys
share their rows as far as possible.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Rows = TypeVar("Rows", NDArray[np.float32], pa.RecordBatch)

_ODD: Final = 0x9E3779B97F4A7C15
_MULTIPLIERS: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""Constants of the generator splitmix64: Steele, Lea and Flood (2014), Fast splittable pseudorandom number
generators."""


class RandomRows(Generic[Rows]):
    """Keep all rows up to a number, a random sample without replacement beyond it.

    With several groups, each has the same share of the sample: small groups keep all of their rows, large ones as many
    as there is room for. The share of a group only shrinks while rows arrive, so no dropped row is missed later.

    Parameters
    ----------
    size : int
        Most rows of the sample; up to a quarter more, and a batch, are held for a while.
    groups : int
        Number of groups.
    """

    def __init__(self, size: int, groups: int = 1) -> None:
        self._size = size
        self._counts = np.zeros(groups, dtype=np.int64)
        self._limits = np.ones(groups)
        self._parts: list[tuple[Rows, NDArray[np.float64], NDArray[np.int8]]] = []
        self._held = 0

    def add(self, rows: Rows, keys: NDArray[np.float64], group: NDArray[np.int8] | None = None) -> None:
        """Take the next n rows.

        Parameters
        ----------
        rows : ndarray of float32, shape [n, columns], or pyarrow.RecordBatch of n rows
            Of the same columns every time.
        keys : ndarray of float64, shape [n]
            Independent random numbers, uniform in [0, 1).
        group : ndarray of int8, shape [n], optional
            Group of each row, from 0; if there are several.
        """
        group = np.zeros(len(keys), dtype=np.int8) if group is None else group
        self._counts += np.bincount(group, minlength=len(self._counts))
        part = self._below_limits(rows, keys, group)
        # Parts without rows would become as many as the batches. The first one is needed: it has the columns.
        if len(part[1]) or not self._parts:
            self._parts.append(part)
        self._held += len(part[1])
        if self._held > self._size + self._size // 4:
            self._thin()

    def parts(self, below: float = 1.0) -> list[Rows]:
        """Return the sample in the order of the rows, in parts; only rows with keys below a limit, if there is one."""
        self._thin()
        return [_select(rows, keys < below) for rows, keys, _ in self._parts]

    @property
    def key_limit(self) -> float:
        """Key below which all rows of the first group are in the sample as it was returned last."""
        return float(self._limits[0])

    def _below_limits(
        self, rows: Rows, keys: NDArray[np.float64], group: NDArray[np.int8]
    ) -> tuple[Rows, NDArray[np.float64], NDArray[np.int8]]:
        kept = keys < self._limits[group]
        return _select(rows, kept), keys[kept], group[kept]

    def _thin(self) -> None:
        if not self._parts:
            return
        share = even_share(self._counts, self._size)
        keys = np.concatenate([part[1] for part in self._parts])
        group = np.concatenate([part[2] for part in self._parts])
        for number in range(len(self._counts)):
            of_group = keys[group == number]
            if len(of_group) > share:
                # The smallest key that is dropped.
                self._limits[number] = np.partition(of_group, share)[share]
        # Each part is copied, so that dropped rows do not stay in memory as parts of their batch.
        parts = [self._below_limits(*part) for part in self._parts]
        self._parts = [part for part in parts if len(part[1])] or parts[:1]
        self._held = sum(len(part[1]) for part in self._parts)


class RowSample:
    """Keep a uniform random sample of the rows of matrices, with keys of a seed.

    Parameters
    ----------
    size : int
        Most rows of the sample.
    columns : int
        Columns of each row.
    seed : int
        Seed of the keys.
    """

    def __init__(self, size: int, columns: int, *, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._empty = np.empty((0, columns), dtype=np.float32)
        self._sample: RandomRows[NDArray[np.float32]] = RandomRows(size)

    def add(self, rows: NDArray[np.float32]) -> None:
        """Take the next rows, shape [n, columns]."""
        self._sample.add(rows, self._rng.random(len(rows)))

    def rows(self) -> NDArray[np.float32]:
        """Return the sample of all rows so far, shape [at most ``size``, columns]."""
        return np.concatenate([self._empty, *self._sample.parts()])


def row_keys(first_row: int, count: int) -> NDArray[np.float64]:
    """Return a random key in [0, 1) for each of ``count`` rows, shape [count]: splitmix64 of the number of the row."""
    numbers = np.arange(first_row + 1, first_row + count + 1, dtype=np.uint64) * np.uint64(_ODD)
    for shift, multiplier in zip((np.uint64(30), np.uint64(27)), _MULTIPLIERS, strict=True):
        numbers = (numbers ^ (numbers >> shift)) * multiplier
    numbers ^= numbers >> np.uint64(31)
    return (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53


def even_share(counts: NDArray[np.int64], size: int) -> int:
    """Return the most rows that each group may keep, so that groups of ``counts`` rows keep at most ``size`` rows."""
    left = size
    ascending = np.sort(counts)
    for i, count in enumerate(ascending):
        share = left // (len(ascending) - i)
        if count > share:
            return int(share)
        left -= int(count)
    return int(ascending[-1])


def _select(rows: Any, kept: NDArray[np.bool_]) -> Any:
    return rows.filter(pa.array(kept)) if isinstance(rows, pa.RecordBatch) else rows[kept]
