"""Trends of diagnosed series: the one fit behind the curves that ``show``, its PNG and the report draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, IntegerArray
from insar_runtime._diagnosis.rates.egms_rates import estimate_rates
from insar_runtime._diagnosis.trend.curves import Shape, Shapes, Trends, fit_trends
from insar_runtime._diagnosis.trend.stepped_trend import SteppedTrend, stepped_trend
from insar_runtime.classes import NO_CLASS


@dataclass(frozen=True, slots=True, eq=False)
class TrendJumps:
    """The j reported jumps of n series.

    Attributes
    ----------
    row : ndarray of int, shape [j]
        Number of the series, from 0.
    day : ndarray of float64, shape [j]
        First epoch of the new level, in days of the time axis.
    mm : ndarray of float64, shape [j]
        Reported size.
    offset : ndarray of float64, shape [j]
        Change of the series that is attributed to the jump, mm: of a repaired jump of whole cycles exactly these.
    repaired : ndarray of bool, shape [j]
        Whether the corrected series is without it.
    """

    row: IntegerArray
    day: FloatArray
    mm: FloatArray
    offset: FloatArray
    repaired: BoolArray

    @classmethod
    def of_columns(
        cls,
        row: IntegerArray,
        day: FloatArray,
        mm: FloatArray,
        cycles: FloatArray,
        repaired: BoolArray,
        half_wavelength_mm: float | None,
    ) -> TrendJumps:
        """Build from the columns of a diagnosis; ``cycles`` [j] is NaN for a jump of no whole cycles."""
        exact = repaired & np.isfinite(cycles) & (half_wavelength_mm is not None)
        offset = np.where(exact, np.nan_to_num(cycles) * (half_wavelength_mm or 0.0), mm)
        return cls(row, day, mm, offset, repaired)

    def offsets(self, rows: int, days: FloatArray, *, repaired: bool) -> FloatArray:
        """Return the sum of the repaired jumps, or of the others, at each epoch [rows, T], mm."""
        added = np.zeros((rows, len(days)))
        for jump in np.flatnonzero(self.repaired == repaired).tolist():
            added[self.row[jump], days >= self.day[jump]] += self.offset[jump]
        return added


@dataclass(frozen=True, slots=True, eq=False)
class DiagnosedRates:
    """Rates and breaks of n series with their jumps, as a diagnosis reports them; NaN = unknown.

    Attributes
    ----------
    velocity, velocity_std : ndarray of float64, shape [n]
        mm/yr.
    acceleration, acceleration_std : ndarray of float64, shape [n]
        mm/yr^2.
    break_day : ndarray of float64, shape [n]
        In days of the time axis.
    before, after : ndarray of float64, shape [n]
        Rates before and after the break, mm/yr.
    """

    velocity: FloatArray
    velocity_std: FloatArray
    acceleration: FloatArray
    acceleration_std: FloatArray
    break_day: FloatArray
    before: FloatArray
    after: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PointTrends:
    """Trends of n series with j jumps.

    Attributes
    ----------
    corrected : ndarray of float64, shape [n, T]
        The series without the repaired jumps, mm.
    curves : Trends
        Without any jump.
    steps : ndarray of float64, shape [j]
        Step of the trend at each jump, mm; NaN if it has none there.
    velocity, velocity_std, acceleration, acceleration_std : ndarray of float64, shape [n]
        Of the series without jumps, mm/yr and mm/yr^2; NaN if unknown.
    stepped : mapping of int to SteppedTrend
        Trends with steps, by the number of the series.
    """

    corrected: FloatArray
    curves: Trends
    steps: FloatArray
    velocity: FloatArray
    velocity_std: FloatArray
    acceleration: FloatArray
    acceleration_std: FloatArray
    stepped: Mapping[int, SteppedTrend]

    def corners(self, row: int) -> tuple[FloatArray, FloatArray]:
        """Return days and mm of the corners of the drawn trend of one series, steps included; empty without one."""
        if row in self.stepped:
            return self.stepped[row].corners(float(self.curves.day[row, 0]), float(self.curves.day[row, 2]))
        return self.curves.curve(row)


def trend_class(after_repair: IntegerArray, class_id: IntegerArray, class_top: IntegerArray) -> IntegerArray:
    """Return the class [n] that decides the shape of the trend; ``NO_CLASS`` if there is none.

    It is the class of the repaired series, if there is one, else that of the series, else the most probable one.
    """
    of_series = np.where(class_id == NO_CLASS, class_top, class_id)
    return np.where(after_repair == NO_CLASS, of_series, after_repair)


def fit_point_trends(
    series: FloatArray, days: FloatArray, class_id: IntegerArray, rates: DiagnosedRates, jumps: TrendJumps
) -> PointTrends:
    """Fit the trends of diagnosed series.

    Parameters
    ----------
    series : ndarray of float64, shape [n, T]
        With all jumps, mm; values that are not finite are missing.
    days : ndarray of float64, shape [T]
        Days since any date, increasing.
    class_id : ndarray of int, shape [n]
        As returned by ``trend_class``.
    rates : DiagnosedRates
    jumps : TrendJumps

    Notes
    -----
    A diagnosis reports the rates of the series with its jumps, so those of a series with jumps are estimated again
    without them. Jumps that are not repaired are steps of the trend, of free size (``stepped_trend``), but not in a
    broken line: the rates before and after a break are those of the series with the jumps that are not repaired.
    """
    corrected = series - jumps.offsets(len(series), days, repaired=True)
    without = corrected - jumps.offsets(len(series), days, repaired=False)
    velocity, velocity_std = rates.velocity.copy(), rates.velocity_std.copy()
    acceleration, acceleration_std = rates.acceleration.copy(), rates.acceleration_std.copy()
    jumping = np.unique(jumps.row)
    if len(jumping):
        found = estimate_rates(without[jumping].astype(np.float32), days)
        velocity[jumping], velocity_std[jumping] = found.velocity, found.velocity_std
        acceleration[jumping], acceleration_std[jumping] = found.acceleration, found.acceleration_std
    shapes = Shapes.by_class(
        class_id,
        velocity=velocity,
        acceleration=acceleration,
        break_day=rates.break_day,
        before=rates.before,
        after=rates.after,
    )
    broken = shapes.shape == Shape.BROKEN
    curves = fit_trends(np.where(broken[:, None], corrected, without), days, shapes)
    steps = np.full(len(jumps.row), np.nan)
    stepped: dict[int, SteppedTrend] = {}
    for row in np.unique(jumps.row[~jumps.repaired]).tolist():
        if curves.shape[row] == Shape.BROKEN:
            continue
        mine = np.flatnonzero(~jumps.repaired & (jumps.row == row))
        trend = stepped_trend(corrected[row], days, jumps.day[mine], jumps.mm[mine], int(class_id[row]))
        curves.shape[row], curves.day[row], curves.mm[row] = Shape.NONE, np.nan, np.nan
        velocity[row] = velocity_std[row] = acceleration[row] = acceleration_std[row] = np.nan
        if trend is not None:
            stepped[row], steps[mine] = trend, trend.steps
            curves.shape[row] = Shape.PARABOLA if trend.curved else Shape.LINE
            curves.day[row] = _nodes(corrected[row], days)
            curves.mm[row] = trend.polynomial(curves.day[row])
            velocity[row], velocity_std[row] = trend.rate, trend.rate_std
            acceleration[row] = 2 * trend.coefficients[-1] if trend.curved else np.nan
    return PointTrends(corrected, curves, steps, velocity, velocity_std, acceleration, acceleration_std, stepped)


def _nodes(values: FloatArray, days: FloatArray) -> FloatArray:
    there = days[np.isfinite(values)]
    return np.array([there[0], (there[0] + there[-1]) / 2, there[-1]])
