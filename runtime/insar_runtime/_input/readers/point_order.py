"""Order of the points in a table with one row per point and date: where each begins, and that none returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime.errors import DataError


def first_rows(ids: pa.Array) -> npt.NDArray[np.intp]:
    """Return the numbers of the rows at which another point begins; the first one is one."""
    changes = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.flatnonzero(changes) + 1]).astype(np.intp)


class PointReturnsError(DataError):
    """A point returns after other points."""


class PointOrder:
    """Count points, and remember a hash of each (8 bytes) so that one that returns is noticed.

    Parameters
    ----------
    column : str
        Name of the column of identifiers.
    """

    def __init__(self, column: str) -> None:
        self._column = column
        self._last: Any = None
        self._sorted: list[npt.NDArray[np.int64]] = []
        """Hashes in runs that are ordered, each more than twice as long as the next."""
        self.count = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Look at the identifiers of a batch that has rows.

        Raises
        ------
        DataError
            One is null or one returns.
        """
        ids = batch.column(self._column)
        if ids.null_count:
            raise DataError(f"a row has no identifier in '{self._column}': fill or drop it")
        firsts = ids.take(pa.array(first_rows(ids))).cast(pa.string()).to_pylist()
        last = ids[len(ids) - 1].cast(pa.string()).as_py()
        if firsts[0] == self._last:
            firsts = firsts[1:]
        self._last = last
        # One hash a point, not a row: Python's own, of 64 bits, is good enough that two points hardly share one.
        hashes = np.fromiter(map(hash, firsts), dtype=np.int64, count=len(firsts))
        ordered = np.sort(hashes)
        twice = np.isin(hashes, ordered[1:][ordered[1:] == ordered[:-1]])
        for run in self._sorted:
            place = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            twice |= run[place] == hashes
        if twice.any():
            name = self._column if self._column.isidentifier() else f'\\"{self._column}\\"'
            raise PointReturnsError(
                f"point '{firsts[int(np.argmax(twice))]}' returns after others, but in a stream the rows of a point "
                f"have to be together: give the table as a file, or sort it, e.g. duckdb -c \"COPY (FROM 'in.parquet' "
                f"ORDER BY {name}) TO 'out.parquet'\""
            )
        self.count += len(firsts)
        if len(ordered):
            self._keep(ordered)

    def _keep(self, ordered: npt.NDArray[np.int64]) -> None:
        while self._sorted and len(self._sorted[-1]) <= 2 * len(ordered):
            ordered = np.sort(np.concatenate([self._sorted.pop(), ordered]), kind="stable")
        self._sorted.append(ordered)
