"""Interface of the contestants of the benchmark, and how series of one calendar are gathered for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.dataset import LabelledSeries

Floats = NDArray[np.float64]


class Contestant(Protocol):
    """A classifier that takes part in the benchmark."""

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Learn from labelled series; nothing happens where nothing is learned."""
        ...

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the class probabilities [N, 5] or [N, 6] of each series; its labels are not looked at."""
        ...


@dataclass(frozen=True)
class Gathered:
    """Series that have values at the same epochs, without any other epoch.

    Attributes
    ----------
    rows : ndarray of int64, shape [n]
        Where they stand among all series.
    days : ndarray of float64, shape [T]
        Days since the first of these epochs, strictly increasing.
    displacement : ndarray of float64, shape [n, T]
        mm, no missing value.
    """

    rows: NDArray[np.int64]
    days: Floats
    displacement: Floats


def gather(series: LabelledSeries) -> Iterator[Gathered]:
    """Gather the series that share their epochs, so that one design matrix does for all of them.

    Every series is in exactly one group. Points of one file share a calendar; most of them miss nothing.
    """
    valid = np.isfinite(series.displacement)
    keys = np.concatenate(
        [np.asarray(series.days, dtype=np.float32).view(np.uint8), np.packbits(valid, axis=1)], axis=1
    )
    as_one = np.ascontiguousarray(keys).view(np.dtype((np.void, keys.shape[1])))[:, 0]
    _, first, group = np.unique(as_one, return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    for head, rows in zip(first, np.split(order, np.cumsum(np.bincount(group))[:-1]), strict=True):
        there = valid[head]
        days = np.asarray(series.days[head], dtype=np.float64)[there]
        yield Gathered(rows, days - days[0], series.displacement[np.ix_(rows, there)].astype(np.float64))
