"""Time axis of a file: intervals, changes of sampling, gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.sampling_changes import SamplingChange, find_sampling_changes
from insar_runtime.definitions import DAYS_PER_YEAR

Dates = NDArray[np.datetime64]

_WINTER_GAP_DAYS: Final = 45
"""Longer gaps are likely due to snow, and cycles may be lost in them (national services of the north)."""
_WINTER: Final = (10, 11, 12, 1, 2, 3, 4, 5)
_LONGEST_WINTER: Final = 31 * len(_WINTER)
"""Days beyond which two dates cannot be of one winter."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap: two neighbouring epochs and the days between them."""

    begin: np.datetime64
    end: np.datetime64
    days: int


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Sampling of a file.

    Attributes
    ----------
    epochs : int
        Number of epochs.
    years : float
        Time from the first epoch to the last one, in years of 365.25 days.
    intervals : dict of int to int
        Number of intervals by their length in days, shortest first.
    switches : tuple of SamplingChange
        Lasting changes of the median interval, in order of time.
    longest_gap : Gap or None
        None with fewer than two epochs.
    winter_gaps : tuple of Gap
        Gaps of more than 45 days that begin in October or later and end in May or earlier: the snow of the north.
    """

    epochs: int
    years: float
    intervals: dict[int, int]
    switches: tuple[SamplingChange, ...]
    longest_gap: Gap | None
    winter_gaps: tuple[Gap, ...]


def describe_time_axis(dates: Dates) -> TimeAxis:
    """Describe the sampling of a time axis.

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
        years=float(steps.sum() / DAYS_PER_YEAR),
        intervals=dict(zip(values.tolist(), counts.tolist(), strict=True)),
        switches=find_sampling_changes(dates),
        longest_gap=_gap(dates, int(steps.argmax())) if len(steps) else None,
        winter_gaps=tuple(gap for gap in gaps if _lies_in_winter(gap)),
    )


def _gap(dates: Dates, place: int) -> Gap:
    begin, end = dates[place], dates[place + 1]
    return Gap(begin, end, int((end - begin).astype(np.int64)))


def _lies_in_winter(gap: Gap) -> bool:
    """Return whether a gap begins and ends in one winter, October to May."""
    begin, end = _month(gap.begin), _month(gap.end)
    within = begin in _WINTER and end in _WINTER and _WINTER.index(begin) <= _WINTER.index(end)
    return within and gap.days < _LONGEST_WINTER


def _month(date: np.datetime64) -> int:
    return int(date.astype("datetime64[M]").astype(np.int64)) % 12 + 1
