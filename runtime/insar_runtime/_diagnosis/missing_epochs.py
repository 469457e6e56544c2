"""Missing values: first and last epoch of each row, and rows grouped by which of their epochs are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, IndexArray


@dataclass(frozen=True, slots=True, eq=False)
class MissingPatterns:
    """Rows grouped by their pattern of missing epochs.

    Attributes
    ----------
    missing : ndarray of bool, shape [p, T]
        The distinct patterns; that of complete rows comes first if there are any.
    rows : tuple of ndarray of intp, length p
        Indices of the rows of each pattern, increasing.
    """

    missing: BoolArray
    rows: tuple[IndexArray, ...]

    @classmethod
    def of(cls, missing: BoolArray) -> MissingPatterns:
        """Group rows by the epochs [n, T] that they lack."""
        incomplete = missing.any(axis=1)
        complete = np.flatnonzero(~incomplete)
        groups = [complete] if len(complete) else []
        partial = np.flatnonzero(incomplete)
        if len(partial):
            _, pattern = np.unique(np.packbits(missing[partial], axis=1), axis=0, return_inverse=True)
            pattern = pattern.ravel()
            order = np.argsort(pattern, kind="stable")
            groups += np.split(partial[order], np.cumsum(np.bincount(pattern))[:-1])
        first = [rows[0] for rows in groups]
        return cls(missing[np.array(first, dtype=np.intp)], tuple(groups))

    @property
    def of_row(self) -> IndexArray:
        """Pattern of each row [n], in the order of ``all_rows``."""
        return np.repeat(np.arange(len(self.rows)), [len(rows) for rows in self.rows])

    @property
    def all_rows(self) -> IndexArray:
        """Indices of all rows [n], pattern by pattern."""
        return np.concatenate(self.rows) if self.rows else np.empty(0, dtype=np.intp)

    def by_missing_count(self, most: int) -> Iterator[MissingPatterns]:
        """Yield the patterns with the same number of missing epochs together, at most ``most`` patterns at a time."""
        counts = np.count_nonzero(self.missing, axis=1)
        for count in dict.fromkeys(counts.tolist()):
            members = np.flatnonzero(counts == count)
            for begin in range(0, len(members), most):
                some = members[begin : begin + most]
                yield MissingPatterns(self.missing[some], tuple(self.rows[pattern] for pattern in some))


def order_by_missing_count(missing: BoolArray) -> IndexArray:
    """Return the order of rows [n, T] by their number of missing epochs, with rows of the same pattern together.

    Chunks of rows then have few patterns, and patterns of similar size.
    """
    patterns = MissingPatterns.of(missing)
    order = np.argsort(-np.count_nonzero(patterns.missing, axis=1)[patterns.of_row], kind="stable")
    return patterns.all_rows[order]


def first_and_last(present: BoolArray, days: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the days [n] of the first and the last value of rows.

    Parameters
    ----------
    present : ndarray of bool, shape [n, T]
    days : ndarray of float64, shape [T]

    Returns
    -------
    first, last : ndarray of float64, shape [n]
        Both are the same day if a row has no value.
    """
    if not len(days):
        return np.zeros(len(present)), np.zeros(len(present))
    some = present.any(axis=1)
    first, last = present.argmax(axis=1), len(days) - 1 - present[:, ::-1].argmax(axis=1)
    return days[first], days[np.where(some, last, first)]
