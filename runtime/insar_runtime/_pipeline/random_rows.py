"""A uniform random sample of rows that come batch by batch, in bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class RowSample:
    """Keep every row up to a number, a uniform random sample without replacement beyond it.

    Each row draws a random key, and the rows with the smallest keys stay. So the sample depends on the rows and
    the seed alone, not on how the rows are cut into batches; it keeps their order.

    Parameters
    ----------
    size : int
        Most rows of the sample; up to twice as many are held for a while.
    columns : int
        Of each row.
    seed : int
        Of the keys.
    """

    def __init__(self, size: int, columns: int, *, seed: int = 0) -> None:
        self._size = size
        self._rng = np.random.default_rng(seed)
        self._rows = [np.empty((0, columns), dtype=np.float32)]
        self._keys = [np.empty(0)]
        self._held = 0

    def add(self, rows: NDArray[np.float32]) -> None:
        """Take the next rows, shape [n, columns]."""
        self._rows.append(rows)
        self._keys.append(self._rng.random(len(rows)))
        self._held += len(rows)
        if self._held > 2 * self._size:
            self._thin()

    def rows(self) -> NDArray[np.float32]:
        """Return the sample of all rows taken so far, shape [at most ``size``, columns]."""
        self._thin()
        return self._rows[0]

    def _thin(self) -> None:
        rows, keys = np.concatenate(self._rows), np.concatenate(self._keys)
        if len(rows) > self._size:
            kept = np.sort(np.argpartition(keys, self._size - 1)[: self._size])
            rows, keys = rows[kept], keys[kept]
        self._rows, self._keys, self._held = [rows], [keys], len(rows)
