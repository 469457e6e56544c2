"""Missing values: how many, and blocks of epochs that many rows miss together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

_LEAST_EPOCHS: Final = 5
"""Least length of a block, in epochs; shorter runs are single lost acquisitions."""
_LEAST_SHARE: Final = 0.02
_LEAST_ROWS: Final = 3
"""Least number of rows, and least share of them, that miss the same epochs."""
_MOST_BLOCKS: Final = 6
_MOSTLY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Block:
    """A block of epochs that a share of the rows misses.

    Attributes
    ----------
    place : {"start", "end", "middle"}
        Place on the time axis.
    first, last : datetime64[D]
        First and last missing epoch.
    epochs : int
        Number of epochs.
    rows : int
        Number of rows of the sample that miss it.
    share : float
        Share of the rows of the sample.
    """

    place: Literal["start", "end", "middle"]
    first: np.datetime64
    last: np.datetime64
    epochs: int
    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class Missing:
    """Missing values of a sample of rows.

    Attributes
    ----------
    share : float
        Share of all values.
    rows_complete, rows_empty : int
        Number of rows without a missing value, and of rows without any value.
    blocks : tuple of Block
        Blocks, those of most rows first.
    sparse_epochs : tuple of datetime64[D]
        Epochs that more than half of the rows miss.
    """

    share: float
    rows_complete: int
    rows_empty: int
    blocks: tuple[Block, ...]
    sparse_epochs: tuple[np.datetime64, ...]

    @property
    def looks_joined(self) -> bool:
        """Whether some rows begin late and others end early, as where two releases with different points are joined."""
        return {"start", "end"} <= {block.place for block in self.blocks}


def find_missing(series: NDArray[np.float32], dates: NDArray[np.datetime64]) -> Missing:
    """Examine the missing values of some rows.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        NaN = missing.
    dates : ndarray of datetime64[D], shape [T]
    """
    rows, epochs = series.shape
    missing = np.isnan(series)
    count = np.count_nonzero(missing, axis=1)
    if not rows or not epochs:
        return Missing(0.0, rows, 0, (), ())
    empty = count == epochs
    of_epoch = missing[~empty].mean(axis=0) if not empty.all() else np.zeros(epochs)
    return Missing(
        share=float(count.sum() / missing.size),
        rows_complete=int(np.count_nonzero(count == 0)),
        rows_empty=int(np.count_nonzero(empty)),
        blocks=_blocks(missing[(count > 0) & ~empty], dates, rows),
        sparse_epochs=tuple(dates[of_epoch > _MOSTLY]),
    )


def _blocks(missing: NDArray[np.bool_], dates: NDArray[np.datetime64], rows: int) -> tuple[Block, ...]:
    edges = np.diff(np.pad(missing, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    # Both are found row by row, so the n-th end belongs to the n-th beginning.
    begins, ends = np.nonzero(edges == 1)[1], np.nonzero(edges == -1)[1]
    long = ends - begins >= _LEAST_EPOCHS
    pairs, counts = np.unique(np.stack([begins[long], ends[long]], axis=1), axis=0, return_counts=True)
    least = max(_LEAST_SHARE * rows, _LEAST_ROWS)
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i] >= least][:_MOST_BLOCKS]
    return tuple(_block(int(pairs[i, 0]), int(pairs[i, 1]), int(counts[i]), rows, dates) for i in order)


def _block(begin: int, end: int, count: int, rows: int, dates: NDArray[np.datetime64]) -> Block:
    place: Literal["start", "end", "middle"] = "start" if begin == 0 else "end" if end == len(dates) else "middle"
    return Block(place, dates[begin], dates[end - 1], end - begin, count, count / rows)
