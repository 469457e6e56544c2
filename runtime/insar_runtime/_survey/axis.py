"""The time axis of a file: how it is sampled, where that changes, and where it has gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Dates = NDArray[np.datetime64]

_LEAST_STEPS: Final = 10
"""Intervals on each side of a change of sampling: fewer are a gap or a campaign, not a change that lasts."""
_LEAST_RATIO: Final = 1.5
_LEAST_AGREEING: Final = 0.7
"""Share of the intervals on each side that must be nearer to the median of their own side than to the other's."""
_MOST_SWITCHES: Final = 4
_WINTER_GAP_DAYS: Final = 45
"""Gaps beyond which snow is the likely reason, and cycles are lost in them (national services of the north)."""
_WINTER: Final = (11, 12, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class SamplingSwitch:
    """A lasting change of the median interval: the first date after it, and the intervals before and after in days."""

    date: np.datetime64
    before_days: float
    after_days: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Two neighbouring epochs and the days between them."""

    begin: np.datetime64
    end: np.datetime64
    days: int


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """How a file is sampled.

    Attributes
    ----------
    epochs : int
    intervals : dict of int to int
        How often each interval in days occurs, shortest first.
    switches : tuple of SamplingSwitch
        Lasting changes of the median interval, in order.
    longest_gap : Gap or None
        None with fewer than two epochs.
    winter_gaps : tuple of Gap
        Gaps of more than 45 days that lie in the northern winter, November to April.
    """

    epochs: int
    intervals: dict[int, int]
    switches: tuple[SamplingSwitch, ...]
    longest_gap: Gap | None
    winter_gaps: tuple[Gap, ...]


def survey_axis(dates: Dates) -> TimeAxis:
    """Look at a time axis.

    Parameters
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    """
    steps = np.diff(dates).astype(np.int64)
    values, counts = np.unique(steps, return_counts=True)
    gaps = [_gap(dates, int(i)) for i in np.flatnonzero(steps > _WINTER_GAP_DAYS)]
    return TimeAxis(
        epochs=len(dates),
        intervals=dict(zip(values.tolist(), counts.tolist(), strict=True)),
        switches=find_switches(dates),
        longest_gap=_gap(dates, int(steps.argmax())) if len(steps) else None,
        winter_gaps=tuple(gap for gap in gaps if _month(gap.begin + (gap.end - gap.begin) // 2) in _WINTER),
    )


def find_switches(dates: Dates) -> tuple[SamplingSwitch, ...]:
    """Find lasting changes of the median interval: 12 to 6 days when a second satellite comes, 6 to 12 when it is lost.

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
        SamplingSwitch(dates[place], round(before, 1), round(after, 1))
        for place, before, after in zip(places, medians, medians[1:], strict=False)
        if _differ(np.log2(before), np.log2(after))
    )


def _splits(steps: NDArray[np.float64], offset: int, most: int) -> list[int]:
    """Return where to cut: at the place that leaves the least distance from the medians of both parts, then in each."""
    if most < 1 or len(steps) < 2 * _LEAST_STEPS:
        return []
    places = range(_LEAST_STEPS, len(steps) - _LEAST_STEPS + 1)
    place = min(places, key=lambda i: _spread(steps[:i]) + _spread(steps[i:]))
    left, right = np.median(steps[:place]), np.median(steps[place:])
    if not _differ(left, right):
        # A stay between two changes hides both: 12, 6, 12 days in equal parts.
        return []
    own = np.abs(steps - np.where(np.arange(len(steps)) < place, left, right))
    other = np.abs(steps - np.where(np.arange(len(steps)) < place, right, left))
    nearer = own < other
    if min(nearer[:place].mean(), nearer[place:].mean()) < _LEAST_AGREEING:
        return []
    more = _splits(steps[:place], offset, most - 1) + _splits(steps[place:], offset + place, most - 1)
    return [offset + place, *more][:most]


def _spread(steps: NDArray[np.float64]) -> float:
    return float(np.abs(steps - np.median(steps)).sum())


def _differ(one: float, other: float) -> bool:
    return abs(one - other) >= math.log2(_LEAST_RATIO)


def _gap(dates: Dates, place: int) -> Gap:
    begin, end = dates[place], dates[place + 1]
    return Gap(begin, end, int((end - begin).astype(np.int64)))


def _month(date: np.datetime64) -> int:
    return int(date.astype("datetime64[M]").astype(np.int64)) % 12 + 1
