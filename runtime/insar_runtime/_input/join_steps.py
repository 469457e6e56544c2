"""Steps of series at the dates at which two releases were joined: a step there is the join's, and no motion.

Where a table states such dates, the step of each row at them is estimated and subtracted as far as the file shows that
its rows step there. It is the change of level within 90 days of the join, beside one rate, relative to the same change
at other dates of the file, where nothing was joined: what seasons, motion and slow noise change there as well is no
step. The step that all rows share is subtracted from each; the row's own part is shrunk by its uncertainty (empirical
Bayes), or subtracted in full where it stands out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.dates.date_values import dates_of_json
from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime.definitions import MAD_TO_STD

JOINS_KEY: Final = "insar_runtime:joins"
"""Metadata key of the first dates after a join of releases: a JSON list of ISO dates."""
RELEASE_COLUMN: Final = "join_release"
"""Column in which ``join`` states whose series a row has; those of one release alone have no step."""

JOIN_ROWS: Final = 1000
_LEAST_ROWS: Final = 40
"""Most and least rows by which the steps of a file are judged; with fewer, only steps that stand out are subtracted."""
_REACH_DAYS: Final = 90.0
"""An annual cycle of 5 mm changes the estimate by 1 mm within a quarter of a year, and by 6 mm within half a year."""
_MOST_EPOCHS: Final = 15
_LEAST_EPOCHS: Final = 5
"""Epochs on each side of a join from which a level is estimated."""
_MOST_PLACES: Final = 24
"""Other dates at which the usual changes of a file are estimated."""
_CLIPPED: Final = 3.0
_OF_MEDIAN: Final = np.pi / 2
"""Variance of a median over that of a mean, for normal noise."""
_LEAST_SCATTER_MM: Final = 0.2
_USUAL_INFLATION: Final = 1.5
"""Scatter of the changes at other dates over their standard deviation in white noise, where a file does not show it."""
_OUTSTANDING: Final = 3.0
_UNJUDGED: Final = 4.0
_OUTSTANDING_MM: Final = 5.0
"""Least step of a row that is subtracted in full: in standard deviations, the same where a file has too few rows to be
judged, and half the least jump of class PUE."""
_AT_ONCE: Final = 0.6
_AT_ONCE_EPOCHS: Final = 3
"""Least part of such a step between the medians of three epochs before and after the join."""
_MORE: Final = 2.0
_MORE_SIGMAS: Final = 4.0
"""Such steps are the join's if there are so many times as many as at other dates, beyond chance."""
_COMMON: Final = 3.0
_LARGEST_COMMON: Final = 1.5
_COMMON_MM: Final = 0.5
"""Least step that all rows share: in units of the RMS and of the largest common change at other dates, and in mm."""
_WIDER: Final = 1.3
_WIDEST: Final = 1.15
"""Least scatter of the steps over the median, and over the largest, scatter of changes at other dates from which on
rows are said to step: the scatter changes with seasons. All our choice."""


@dataclass(frozen=True, slots=True)
class JoinStep:
    """A join of two releases, and how the rows of the file step there.

    Attributes
    ----------
    date : datetime64[D]
        First epoch after the join.
    epoch : int
        Its index.
    common_mm : float
        Step of all rows; 0 if it does not stand out.
    rms_mm : float
        RMS of the rows' own steps beside it; 0 if they are not wider than changes at other dates.
    inflation : float
        Scatter of changes at other dates over their standard deviation in white noise.
    limit : float
        Standard deviations from which on the step of a row is subtracted in full; infinite if no more rows step there
        than at other dates.
    """

    date: np.datetime64
    epoch: int
    common_mm: float = 0.0
    rms_mm: float = 0.0
    inflation: float = _USUAL_INFLATION
    limit: float = _UNJUDGED


def find_joins(
    metadata: Mapping[bytes, bytes] | None,
    dates: NDArray[np.datetime64],
    series: NDArray[np.float32],
    factor_to_mm: float = 1.0,
) -> tuple[JoinStep, ...]:
    """Return the joins that the metadata of a table state, with what some of its rows show of them.

    Parameters
    ----------
    metadata : mapping or None
        Of the schema.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing. A join before the second date, or after the last one, is none of these series.
    series : ndarray of float32, shape [N, T]
        Some rows of the whole table, or its first ones; NaN = missing.
    factor_to_mm : float
        Factor from their unit to mm.

    Raises
    ------
    DataError
        If the metadata hold something else than a list of dates.
    """
    raw = (metadata or {}).get(JOINS_KEY.encode())
    if raw is None:
        return ()
    epochs = np.unique(np.searchsorted(dates, dates_of_json(raw, JOINS_KEY)))
    epochs = epochs[(epochs > 0) & (epochs < len(dates))]
    rows = series[evenly_spaced(len(series), JOIN_ROWS)] * np.float32(factor_to_mm)
    return tuple(_measured(rows, dates, epoch, epochs) for epoch in epochs.tolist())


def without_join_steps(
    series: NDArray[np.float32], dates: NDArray[np.datetime64], joins: tuple[JoinStep, ...]
) -> NDArray[np.float32]:
    """Return series without their steps at joins; the same array where nothing is subtracted.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        mm; NaN = missing. The bits of a row do not depend on the others.
    dates : ndarray of datetime64[D], shape [T]
    joins : tuple of JoinStep

    Returns
    -------
    ndarray of float32, shape [N, T]
        On the level of the last part: earlier values are moved.
    """
    for join in joins:
        change = _Change.at(series, dates, join.epoch).less(join.common_mm, join.inflation)
        own = change.step
        part = np.where(change.outstands(join.limit), 1.0, join.rms_mm**2 / (join.rms_mm**2 + change.std**2))
        # A row whose step is not known has that of all rows.
        taken = join.common_mm + np.where(np.isfinite(own), part * own, 0.0)
        rows = np.flatnonzero(taken)
        if len(rows):
            series = series.copy()
            series[rows, : join.epoch] += taken[rows, None].astype(np.float32)
    return series


def _measured(
    rows: NDArray[np.float32], dates: NDArray[np.datetime64], epoch: int, joins: NDArray[np.intp]
) -> JoinStep:
    """Return a join with what rows [N, T] show of it."""
    date = dates[epoch]
    here = _Change.at(rows, dates, epoch)
    others = [_Change.at(rows, dates, place) for place in _other_places(len(dates), joins)]
    others = [change for change in others if change.count >= _LEAST_ROWS]
    if here.count < _LEAST_ROWS or not others:
        return JoinStep(date, epoch)
    centres = np.array([change.centre for change in others])
    common, enough = (
        here.centre,
        max(_COMMON * float(np.sqrt(np.mean(centres**2))), _LARGEST_COMMON * float(np.abs(centres).max()), _COMMON_MM),
    )
    level = [change.less(change.centre) for change in others]
    inflation = max(float(np.median([_scatter(change.step / change.std) for change in level])), 1.0)
    scatters = [_scatter(change.step) for change in level]
    typical = float(np.median(scatters))
    usual = float(
        np.mean([change.less(0.0, inflation).outstands(_OUTSTANDING).sum() / change.count for change in level])
    )
    here = here.less(common, inflation)
    own = _scatter(here.step)
    share = here.outstands(_OUTSTANDING).sum() / here.count
    chance = (max(usual, 1 / here.count) / here.count) ** 0.5
    more = share >= _MORE * usual and share - usual >= _MORE_SIGMAS * chance
    return JoinStep(
        date,
        epoch,
        common if abs(common) >= enough else 0.0,
        float(np.sqrt(own**2 - typical**2)) if own >= max(_WIDER * typical, _WIDEST * max(scatters)) else 0.0,
        inflation,
        _OUTSTANDING if more else np.inf,
    )


def _other_places(count: int, joins: NDArray[np.intp]) -> list[int]:
    """Return epochs far from all joins, at which changes are usual ones."""
    places = np.arange(_LEAST_EPOCHS, count - _LEAST_EPOCHS)
    far = (np.abs(places[:, None] - joins) > 2 * _MOST_EPOCHS).all(axis=1)
    places = places[far]
    chosen: list[int] = places[evenly_spaced(len(places), _MOST_PLACES)].tolist()
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """Change of level of n rows at an epoch, beside one rate.

    Attributes
    ----------
    step : ndarray of float64, shape [n]
        mm; NaN where a side has too few values.
    std : ndarray of float64, shape [n]
        Its standard deviation in white noise.
    at_once : ndarray of float64, shape [n]
        The same from the three epochs on each side.
    """

    step: NDArray[np.float64]
    std: NDArray[np.float64]
    at_once: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Number of rows whose change is known."""
        return int(np.count_nonzero(np.isfinite(self.step)))

    @property
    def centre(self) -> float:
        """Median of the changes."""
        return float(np.nanmedian(self.step))

    def less(self, common_mm: float, inflation: float = 1.0) -> _Change:
        """Return the changes beside one of all rows, with larger standard deviations."""
        return _Change(self.step - common_mm, self.std * inflation, self.at_once - common_mm)

    def outstands(self, limit: float) -> NDArray[np.bool_]:
        """Return which changes are steps: large, significant, and not those of a jump some epochs away."""
        size = np.abs(self.step)
        return (
            (size >= limit * self.std)
            & (size >= _OUTSTANDING_MM)
            & (self.at_once * np.sign(self.step) >= _AT_ONCE * size)
        )

    @classmethod
    def at(cls, series: NDArray[np.float32], dates: NDArray[np.datetime64], epoch: int) -> _Change:
        """Return the changes of series [n, T] in mm; the bits of a row do not depend on the others."""
        days = (dates - dates[epoch]).astype(np.float64)
        near = np.flatnonzero(np.abs(days - days[epoch - 1] / 2) <= _REACH_DAYS)
        sides = (near[near < epoch][-_MOST_EPOCHS:], near[near >= epoch][:_MOST_EPOCHS])
        if min(map(len, sides)) < _LEAST_EPOCHS:
            unknown = np.full(len(series), np.nan)
            return cls(unknown, unknown, unknown)
        values = [series[:, side].astype(np.float64) for side in sides]
        for side in values:
            side[~np.isfinite(side)] = np.nan
        counts = np.stack([np.count_nonzero(~np.isnan(side), axis=1) for side in values])
        # One rate of both sides: that of the values within them, less outliers.
        across, square, middles = np.zeros(len(series)), np.zeros(len(series)), []
        for side, epochs in zip(values, sides, strict=True):
            there = ~np.isnan(side)
            level = _median(side)[:, None]
            limit = _CLIPPED * MAD_TO_STD * _median(np.abs(side - level))[:, None]
            clipped = np.where(there, np.clip(side - level, -limit, limit), 0.0)
            count = np.maximum(there.sum(axis=1), 1)
            middles.append((there * days[epochs]).sum(axis=1) / count)
            time = np.where(there, days[epochs] - middles[-1][:, None], 0.0)
            across += (time * clipped).sum(axis=1)
            square += (time * time).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = across / square
            flat = [side - rate[:, None] * days[epochs] for side, epochs in zip(values, sides, strict=True)]
            levels = [_median(side) for side in flat]
            left = np.concatenate([side - level[:, None] for side, level in zip(flat, levels, strict=True)], axis=1)
            scatter = np.maximum(MAD_TO_STD * _median(np.abs(left)), _LEAST_SCATTER_MM)
            apart = middles[1] - middles[0]
            std = scatter * np.sqrt(_OF_MEDIAN * (1 / counts).sum(axis=0) + apart**2 / square)
            at_once = _median(flat[1][:, :_AT_ONCE_EPOCHS]) - _median(flat[0][:, -_AT_ONCE_EPOCHS:])
        known = counts.min(axis=0) >= _LEAST_EPOCHS
        step = np.where(known, levels[1] - levels[0], np.nan)
        return cls(step, np.where(known, std, np.nan), np.where(known, at_once, np.nan))


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median [n] of the values of each row [n, k] that are not NaN; NaN if there are none."""
    ordered = np.sort(values, axis=1)
    count = np.count_nonzero(~np.isnan(values), axis=1)
    places = (np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1))
    low, high = (np.take_along_axis(ordered, place[:, None], axis=1)[:, 0] for place in places)
    return np.asarray((low + high) / 2)


def _scatter(values: NDArray[np.float64]) -> float:
    return MAD_TO_STD * float(np.nanmedian(np.abs(values)))
