"""Interface of the classifiers that are compared (contestants), and grouping of series by their dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.dataset import LabelledSeries

Floats = NDArray[np.float64]


class Contestant(Protocol):
    """Classifier that is compared with others: a network, a baseline, or the statistical limit."""

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Train on labelled series; a method without trained parameters does nothing."""
        ...

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the class probabilities [N, 5] or [N, 6] of series; their labels are not used."""
        ...


@dataclass(frozen=True)
class Gathered:
    """Group of series with values at the same epochs.

    Attributes
    ----------
    rows : ndarray of int64, shape [n]
        Row numbers among all series.
    days : ndarray of float64, shape [T]
        Days since the first of the epochs, strictly increasing.
    displacement : ndarray of float64, shape [n, T]
        mm, no missing values.
    """

    rows: NDArray[np.int64]
    days: Floats
    displacement: Floats


def gather(series: LabelledSeries) -> Iterator[Gathered]:
    """Yield groups of series with the same epochs, which share one design matrix.

    Every series is in exactly one group. Points of one file have the same dates, and most have no missing values.
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
