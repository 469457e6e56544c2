"""Lasting changes of the sampling interval, as when a second satellite starts or is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import DateArray, FloatArray

_LEAST_STEPS: Final = 10
"""Least number of intervals on each side of a change; fewer are a gap or a campaign."""
_LEAST_RATIO: Final = 1.5
_LEAST_AGREEING: Final = 0.7
"""Least share of the intervals on each side that are nearer to the median of their side than to the other one."""
_MOST_SWITCHES: Final = 4
_ROUNDING: Final = 1e-12
"""More than the rounding of the sum of two deviations, for each interval."""


@dataclass(frozen=True, slots=True)
class SamplingChange:
    """A lasting change of the median interval: first date after it, and the intervals before and after, days."""

    date: np.datetime64
    before_days: float
    after_days: float


def find_sampling_changes(dates: DateArray) -> tuple[SamplingChange, ...]:
    """Find lasting changes of the median interval, such as from 12 to 6 days with a second satellite, and back.

    Parameters
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    """
    steps = np.log2(np.diff(dates).astype(np.float64))
    places = sorted(_splits(steps, 0, _MOST_SWITCHES))
    edges = [0, *places, len(steps)]
    medians = [float(np.exp2(np.median(steps[a:b]))) for a, b in pairwise(edges) if b > a]
    return tuple(
        SamplingChange(dates[place], round(before, 1), round(after, 1))
        for place, before, after in zip(places, medians, medians[1:], strict=False)
        if _differ(np.log2(before), np.log2(after))
    )


def _splits(steps: FloatArray, offset: int, most: int) -> list[int]:
    """Return the changes by binary segmentation, each at the least absolute deviation from both medians."""
    if most < 1 or len(steps) < 2 * _LEAST_STEPS:
        return []
    rough = absolute_deviations(steps) + absolute_deviations(steps[::-1])[::-1]
    rough = rough[_LEAST_STEPS : len(steps) - _LEAST_STEPS + 1]
    # Sums in another order differ in their last bits, so the least ones are computed again.
    places = _LEAST_STEPS + np.flatnonzero(rough <= rough.min() + _ROUNDING * len(steps))
    place = min(places.tolist(), key=lambda i: _spread(steps[:i]) + _spread(steps[i:]))
    left, right = np.median(steps[:place]), np.median(steps[place:])
    if not _differ(left, right):
        # Not found, as a limit of this method: 12, 6 and 12 days in equal parts.
        return []
    own = np.abs(steps - np.where(np.arange(len(steps)) < place, left, right))
    other = np.abs(steps - np.where(np.arange(len(steps)) < place, right, left))
    nearer = own < other
    if min(nearer[:place].mean(), nearer[place:].mean()) < _LEAST_AGREEING:
        return []
    more = _splits(steps[:place], offset, most - 1) + _splits(steps[place:], offset + place, most - 1)
    return [offset + place, *more][:most]


def absolute_deviations(steps: FloatArray) -> FloatArray:
    """Return the sum of absolute deviations from the median of the first 0, 1, ..., K of K intervals, shape [K + 1].

    Intervals have few lengths, so those of each length are counted instead of sorted for each number of intervals.
    """
    if not len(steps):
        return np.zeros(1)
    lengths, which = np.unique(steps, return_inverse=True)
    counts = np.zeros((len(steps) + 1, len(lengths)), dtype=np.int64)
    counts[1:] = np.cumsum(which[:, None] == np.arange(len(lengths)), axis=0)
    upto, number = np.cumsum(counts, axis=1), np.arange(len(steps) + 1)[:, None]
    low, high = (np.argmax(upto > np.maximum(place, 0), axis=1) for place in ((number - 1) // 2, number // 2))
    medians = (lengths[low] + lengths[high]) / 2
    spreads: FloatArray = np.vecdot(counts.astype(np.float64), np.abs(lengths - medians[:, None]))
    return spreads


def _spread(steps: FloatArray) -> float:
    return float(np.abs(steps - np.median(steps)).sum())


def _differ(one: float, other: float) -> bool:
    return abs(one - other) >= math.log2(_LEAST_RATIO)
