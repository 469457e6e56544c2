"""Common steps: dates at which many rows change level at once, as where two releases or processings were joined.

The change of level of a row at a date is the median of some epochs after the date minus that of as many before it,
relative to the usual changes of this row. A date is found if many more rows change there than at other dates outside of
the windows: coloured noise and annual cycles change levels over months, a join changes them at one date. The median of
all rows is subtracted first, and examined separately.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.robust import nanmedian, robust_scatter, running_medians

_WIDTH: Final = 10
"""Epochs on each side of a date: enough to estimate a level, few enough to exclude slow motion."""
_REACH: Final = 3
"""Number of windows on each side by which usual changes are estimated."""
_OUTSTANDING: Final = 2.5
"""Least change of a row over its usual change."""
LEAST_ROWS: Final = 40
LEAST_EPOCHS: Final = 4 * _WIDTH
"""Fewer rows, or fewer epochs, are too few for an estimate."""
_LEAST_EXCESS: Final = 0.05
"""Least excess over the usual share of rows that change. Good files with correlated rows reach 3 %."""
_LEAST_SIGMAS: Final = 3.0
_EXPECTED_EXCESS: Final = 0.03
_EXPECTED_SIGMAS: Final = 2.5
"""The same at dates where rows begin or end together or the sampling changes, which are few."""
_LEAST_FACTOR: Final = 2.5
_FEW: Final = 3
_LEAST_SUDDENNESS: Final = 0.75
"""Least part of the change between two epochs, from the medians of three epochs before and after."""
_LEAST_UNEXPLAINED: Final = 0.6
"""Least part of the change that the rates before and after do not explain."""
_COMMON_SIGMAS: Final = 6.0
_COMMON_MM: Final = 2.0
"""Least change of the median of all rows."""
_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class LevelChange:
    """Two neighbouring epochs between which many rows change level.

    Attributes
    ----------
    before, after : datetime64[D]
        The epochs.
    share : float
        Share of the rows that change level by more than 2.5 times their usual change.
    usual_share : float
        The same at the dates around it.
    size_mm : float
        Median absolute change of these rows.
    common_mm : float or None
        Change of the median of all rows, if this was found instead.
    expected : bool
        Whether rows begin or end together at this date, or the sampling changes.
    """

    before: np.datetime64
    after: np.datetime64
    share: float
    usual_share: float
    size_mm: float
    common_mm: float | None
    expected: bool


def find_level_changes(
    series: NDArray[np.float32], dates: NDArray[np.datetime64], expected: Sequence[np.datetime64] = ()
) -> tuple[LevelChange, ...]:
    """Find dates at which many rows change level.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        mm; NaN = missing. Best are a few thousand rows from all over the file.
    dates : ndarray of datetime64[D], shape [T]
    expected : sequence of datetime64[D]
        Dates near which a change is likely: first epochs of rows that begin late, of another sampling.

    Returns
    -------
    tuple of LevelChange
        Clearest first; none for fewer than 40 rows or 40 epochs, which are too few for an estimate.
    """
    rows, epochs = series.shape
    if rows < LEAST_ROWS or epochs < LEAST_EPOCHS:
        return ()
    common = nanmedian(series, 0)
    near = _near(dates, expected)
    found = _of_all(common, dates, near)
    own = series - common
    change = _changes(own, dates)
    outstanding = _over_usual(change) > _OUTSTANDING
    known = np.count_nonzero(~np.isnan(change), axis=0)
    share = np.where(known >= LEAST_ROWS, np.count_nonzero(outstanding, axis=0) / np.maximum(known, 1), np.nan)
    if np.isnan(share).all():
        return found
    usual = np.fmax(_around(share), np.nanmedian(share))
    excess = np.nan_to_num(share - usual)
    sigmas = excess / np.sqrt(np.maximum(np.nan_to_num(share), 1 / rows) / np.maximum(known, 1))
    clear = (excess >= _LEAST_EXCESS) & (sigmas >= _LEAST_SIGMAS)
    clear |= near & (excess >= _EXPECTED_EXCESS) & (sigmas >= _EXPECTED_SIGMAS)
    clear &= share >= _LEAST_FACTOR * usual
    for place in _peaks(excess, clear):
        some = outstanding[:, place]
        at = _sharpest(own[some], place)
        size = float(np.nanmedian(np.abs(change[some, place])))
        if not _is_step(own[some], change[some, place], dates, at):
            continue
        found += (
            LevelChange(
                dates[at - 1], dates[at], float(share[place]), float(usual[place]), size, None, bool(near[place])
            ),
        )
    return found[:_MOST]


def _changes(series: NDArray[np.float32], dates: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Return the change of level between epochs i + width - 1 and i + width, shape [N, T - 2 * width + 1].

    The change at the usual rate of a row is subtracted, since it is larger in a sparser sampling.
    """
    levels = running_medians(series, _WIDTH)
    change: NDArray[np.float32] = levels[:, _WIDTH:] - levels[:, :-_WIDTH]
    days = (dates - dates[0]).astype(np.float32)
    middle = np.lib.stride_tricks.sliding_window_view(days, _WIDTH).mean(axis=1)
    span = middle[_WIDTH:] - middle[:-_WIDTH]
    change -= span * nanmedian(change / span, 1)[:, None]
    return change


def _over_usual(change: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return absolute changes over the usual change of the row, and over that of all rows around the date."""
    of_row = robust_scatter(change, 1)
    scaled = np.abs(change) / np.where(of_row > 0, of_row, np.nan)[:, None]
    # Windows of a sparser sampling span more time, and the scatter may change; neither is a join.
    of_date = _around(nanmedian(scaled, 0) / 0.6745)
    over: NDArray[np.float32] = np.nan_to_num(scaled / np.fmax(of_date, 1.0))
    return over


def _around(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the larger of the medians to the left and to the right, of places that share no epochs with this one."""
    count, pad, length = len(values), _REACH * _WIDTH, (_REACH - 1) * _WIDTH
    padded = np.pad(values, pad, constant_values=np.nan)
    medians = nanmedian(np.lib.stride_tricks.sliding_window_view(padded, length), 1)
    begin = pad + _WIDTH + 1
    larger: NDArray[np.floating] = np.fmax(medians[:count], medians[begin : begin + count])
    return larger


def _near(dates: NDArray[np.datetime64], expected: Sequence[np.datetime64]) -> NDArray[np.bool_]:
    """Return which changes lie within half a window of an expected date."""
    count = len(dates) - 2 * _WIDTH + 1
    near = np.zeros(count, dtype=bool)
    for date in expected:
        place = int(np.searchsorted(dates, date)) - _WIDTH
        near[max(place - _WIDTH // 2, 0) : max(place + _WIDTH // 2 + 1, 0)] = True
    return near


def _peaks(excess: NDArray[np.floating], clear: NDArray[np.bool_]) -> list[int]:
    left = np.where(clear, excess, 0.0)
    places: list[int] = []
    while len(places) < _MOST and left.max() > 0:
        place = int(left.argmax())
        places.append(place)
        left[max(place - 2 * _WIDTH, 0) : place + 2 * _WIDTH + 1] = 0
    return places


def _sharpest(series: NDArray[np.float32], place: int) -> int:
    """Return the first epoch of the new level: that of the least absolute deviation from two levels."""
    begin = place + _WIDTH // 2
    window = series[:, place : place + 2 * _WIDTH]

    def left_over(at: int) -> float:
        parts = (window[:, : at - place], window[:, at - place :])
        return float(sum(np.nansum(np.abs(part - nanmedian(part, 1)[:, None])) for part in parts))

    return min(range(begin, begin + _WIDTH + 1), key=left_over)


def _is_step(series: NDArray[np.float32], change: NDArray[np.float32], dates: NDArray[np.datetime64], at: int) -> bool:
    """Return whether the rows step between two epochs, rather than move, also across a long gap."""
    sides = [nanmedian(series[:, begin : begin + _FEW], 1) for begin in (at, at - _FEW)]
    at_once = nanmedian((sides[0] - sides[1]) / np.where(change == 0, np.nan, change), 0)
    return bool(at_once >= _LEAST_SUDDENNESS and _unexplained(series, dates, at) >= _LEAST_UNEXPLAINED)


def _unexplained(series: NDArray[np.float32], dates: NDArray[np.datetime64], at: int) -> float:
    """Return the part of a change that the rates before and after it do not explain: near 1 for a step, else 0."""
    days = (dates - dates[0]).astype(np.float32)
    # Windows that extend beyond the ends of the axis have no level.
    whole = np.pad(series, ((0, 0), (2 * _WIDTH, 2 * _WIDTH)), constant_values=np.nan)
    days = np.pad(days, 2 * _WIDTH, mode="reflect", reflect_type="odd")
    parts = [slice(begin, begin + _WIDTH) for begin in range(at, at + 4 * _WIDTH, _WIDTH)]
    levels = np.stack([nanmedian(whole[:, part], 1) for part in parts])
    times = np.array([days[part].mean() for part in parts])
    rates = np.diff(levels, axis=0) / np.diff(times)[:, None]
    # The middle rate contains the change itself.
    expected = (times[2] - times[1]) * np.nan_to_num(nanmedian(rates[[0, 2]], 0))
    change = levels[2] - levels[1]
    change[change == 0] = np.nan
    return float(nanmedian(1 - expected / change, 0))


def _of_all(
    common: NDArray[np.float32], dates: NDArray[np.datetime64], near: NDArray[np.bool_]
) -> tuple[LevelChange, ...]:
    """Find the dates at which the median of all rows changes level."""
    change = _changes(common[None], dates)[0]
    usual = float(robust_scatter(change - nanmedian(change, 0), 0))
    size = np.nan_to_num(np.abs(change))
    clear = (size > _COMMON_SIGMAS * usual) & (size >= _COMMON_MM)
    found = []
    for place in _peaks(size, clear):
        at = _sharpest(common[None], place)
        of_all = float(change[place])
        if not _is_step(common[None], change[place : place + 1], dates, at):
            continue
        found.append(LevelChange(dates[at - 1], dates[at], 1.0, 0.0, abs(of_all), of_all, bool(near[place])))
    return tuple(found)
