"""Numbers of an area, from its moving points."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._areas.member_series import MemberSeries
from insar_runtime._areas.quality import coherence, quality_of
from insar_runtime._areas.read_points import AreaPoints
from insar_runtime.classes import CLASS_NAMES, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR, MAD_TO_STD

Indices = NDArray[np.int64]

SHARES: Final = ("linear", "quadratic", "bilinear", "pue", "other")
_BREAKING: Final = 0.3
_LEAST_BREAKS: Final = 3
"""Share of the moving points, and their number, that must have a break for the area to have one (our choice)."""
_AGREE_DAYS: Final = 30.0
"""Breaks agree if their spread is at most this, or at most half of the median interval of their dates."""
_LEAST_EPOCHS: Final = 10


def area_numbers(
    points: AreaPoints, members: Indices, series: MemberSeries | None, of_series: Indices, *, with_series: bool
) -> dict[str, Any]:
    """Return the columns of an area that follow from its moving points, as plain values.

    Parameters
    ----------
    points : AreaPoints
        Of the table.
    members : ndarray of int64, shape [K]
        Numbers of the moving points of the area, among all moving points.
    series : MemberSeries or None
        Series of the moving points of all areas.
    of_series : ndarray of int64, shape [K]
        Numbers of the points of the area, among those of the series.
    with_series : bool
        Whether the median and the quartiles of the series are wanted.
    """
    classes = np.bincount(points.class_id[points.moving][members], minlength=len(CLASS_NAMES))[: len(CLASS_NAMES)]
    shares = {f"share_{name}": classes[TrendClass[name.upper()]] / len(members) for name in SHARES}
    rate = points.motion.rate[members]
    numbers: dict[str, Any] = {
        "class_name": CLASS_NAMES[int(np.argmax(classes))],
        **shares,
        "rate_mm_yr": _median(rate),
        "rate_spread_mm_yr": _spread(rate),
        "acceleration_mm_yr2": _median(points.acceleration[members]),
        **_break(points, members),
    }
    if series is None:
        return numbers
    displacement = series.displacement[of_series]
    known = displacement[np.isfinite(displacement)]
    numbers["displacement_mm"] = float(known[np.argmax(np.abs(known))]) if len(known) else None
    held = series.series[np.isin(series.sampled, of_series)]
    noise = 1 - _nan_median(series.autocorrelation[of_series])
    coherent = coherence(held)
    numbers |= {"noise_in_time": noise, "coherence_in_space": coherent, "quality": quality_of(noise, coherent)}
    quartiles = _quartiles(held)
    if numbers["acceleration_mm_yr2"] is None:
        numbers["acceleration_mm_yr2"] = _acceleration(quartiles[1], series.dates)
    if with_series:
        numbers |= {
            "dates": series.dates.tolist(),
            **dict(zip(("lower_quartile_mm", "median_mm", "upper_quartile_mm"), map(_plain, quartiles), strict=True)),
        }
    return {name: _known(value) for name, value in numbers.items()}


def _break(points: AreaPoints, members: Indices) -> dict[str, Any]:
    """Return the median date of the breaks and their spread; None where too few points have one, or they disagree."""
    dates = points.break_day[members]
    there = ~np.isnat(dates)
    if np.count_nonzero(there) < max(_LEAST_BREAKS, _BREAKING * len(members)):
        return {"break_date": None, "break_spread_days": None}
    days = dates[there].astype(np.int64).astype(np.float64)
    spread = float(MAD_TO_STD * np.median(np.abs(days - np.median(days))))
    half = _nan_median(points.break_half_days[members][there])
    if spread > max(_AGREE_DAYS, half if np.isfinite(half) else 0):
        return {"break_date": None, "break_spread_days": None}
    middle = np.datetime64(int(np.median(days)), "D")
    return {"break_date": middle.item(), "break_spread_days": spread}


def _acceleration(median: NDArray[np.float32], dates: NDArray[np.datetime64]) -> float | None:
    """Return twice the quadratic coefficient of the least-squares parabola of a series, mm/yr²."""
    there = np.isfinite(median)
    if np.count_nonzero(there) < _LEAST_EPOCHS:
        return None
    years = (dates[there] - dates[0]).astype(np.float64) / DAYS_PER_YEAR
    return float(2 * np.polyfit(years - years.mean(), median[there].astype(np.float64), 2)[0])


def _quartiles(series: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return lower quartile, median and upper quartile at each epoch [3, T], of series that begin at their own level.

    Each series is shifted to the median level of its area over its own epochs, so that points without the first epochs
    make no step.
    """
    there = np.isfinite(series)
    found = np.full((3, series.shape[1]), np.nan, dtype=np.float32)
    columns = there.any(axis=0)
    if not columns.any():
        return found
    first = np.nanmedian(series[:, columns], axis=0)
    typical = np.full(series.shape[1], np.nan)
    typical[columns] = first
    shifted = series - np.array([[_nan_median(row - typical)] for row in series], dtype=np.float32)
    found[:, columns] = np.nanquantile(shifted[:, columns], (0.25, 0.5, 0.75), axis=0)
    found -= found[1, np.flatnonzero(columns)[0]]
    return found


def _median(values: NDArray[Any]) -> float | None:
    found: float | None = _known(_nan_median(values))
    return found


def _spread(values: NDArray[Any]) -> float | None:
    found: float | None = _known(MAD_TO_STD * _nan_median(np.abs(values - _nan_median(values))))
    return found


def _nan_median(values: NDArray[Any]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _plain(values: NDArray[np.float32]) -> list[float | None]:
    return [_known(value) for value in np.round(values.astype(np.float64), 2).tolist()]


def _known(value: Any) -> Any:
    """Return a value with None in place of NaN."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
