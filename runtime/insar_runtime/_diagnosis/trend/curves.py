"""Curves of given rates through series: a line, a parabola, or two lines that join at a break.

A diagnosis has rates but no levels. The level, and the initial rate of a parabola, are fitted by least squares with an
annual cycle, which is not drawn so that rates and break can be read off the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR


class Shape(IntEnum):
    """Kind of curve."""

    NONE = 0
    LINE = 1
    PARABOLA = 2
    BROKEN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Kinds of n curves and their rates: mm/yr, mm/yr^2 for the acceleration, years of 365.25 days.

    Attributes
    ----------
    shape : ndarray of int8, shape [n]
        Values of ``Shape``.
    velocity, acceleration : ndarray of float64, shape [n]
        Finite if the shape needs them.
    break_day : ndarray of float64, shape [n]
        In days of the time axis; finite for a broken line.
    before, after : ndarray of float64, shape [n]
        Rates before and after the break; finite for a broken line.
    """

    shape: NDArray[np.int8]
    velocity: FloatArray
    acceleration: FloatArray
    break_day: FloatArray
    before: FloatArray
    after: FloatArray

    @classmethod
    def by_class(
        cls,
        class_id: NDArray[np.integer],
        *,
        velocity: FloatArray,
        acceleration: FloatArray,
        break_day: FloatArray,
        before: FloatArray,
        after: FloatArray,
    ) -> Shapes:
        """Choose the shape by the class [n] and by the rates that are known; a line if the class decides nothing.

        Bilinear without a known break, PUE and Other have no curve, because no line would lie on their epochs. The
        trend of series with jumps is fitted by ``stepped_trend``.
        """
        bilinear = class_id == TrendClass.BILINEAR
        broken = bilinear & np.isfinite(break_day + before + after)
        nothing = bilinear | (class_id == TrendClass.PUE) | (class_id == TrendClass.OTHER)
        curved = (class_id == TrendClass.QUADRATIC) & np.isfinite(acceleration)
        choices = [np.int8(Shape.BROKEN), np.int8(Shape.NONE), np.int8(Shape.PARABOLA), np.int8(Shape.LINE)]
        shape = np.select([broken, nothing, curved, np.isfinite(velocity)], choices, np.int8(Shape.NONE))
        return cls(shape, velocity, acceleration, break_day, before, after)


@dataclass(frozen=True, slots=True, eq=False)
class Trends:
    """Curves, each given by three points: its begin, its middle or break, its end. NaN if there is no curve.

    Attributes
    ----------
    shape : ndarray of int8, shape [n]
        Values of ``Shape``.
    day, mm : ndarray of float64, shape [n, 3]
        Days of the time axis, and mm.
    """

    shape: NDArray[np.int8]
    day: FloatArray
    mm: FloatArray

    def curve(self, row: int, most: int = 60) -> tuple[FloatArray, FloatArray]:
        """Return days and mm of the corners of one curve, of a parabola ``most`` points; empty without a curve."""
        day, mm = self.day[row], self.mm[row]
        if self.shape[row] == Shape.NONE:
            return np.empty(0), np.empty(0)
        if self.shape[row] != Shape.PARABOLA or day[2] <= day[0]:
            return day, mm
        days = np.linspace(day[0], day[2], most)
        return days, np.polyval(np.polyfit(day - day[1], mm, 2), days - day[1])


def fit_trends(displacement: NDArray[np.floating], days: FloatArray, shapes: Shapes) -> Trends:
    """Fit curves of given rates to series.

    Parameters
    ----------
    displacement : ndarray of float, shape [n, T]
        mm, without jumps; values that are not finite are missing.
    days : ndarray of float64, shape [T]
        Days since any date.
    shapes : Shapes

    Returns
    -------
    Trends
        From the first to the last epoch with a value.
    """
    there = np.isfinite(displacement)
    some = there.any(axis=1)
    shape = np.where(some, shapes.shape, np.int8(Shape.NONE)).astype(np.int8)
    day, mm = np.full((len(shape), 3), np.nan), np.full((len(shape), 3), np.nan)
    if some.any():
        first = days[there.argmax(axis=1)]
        last = days[there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)]
        inside = np.clip(shapes.break_day, first, last)
        middle = np.where(shape == Shape.BROKEN, inside, (first + last) / 2)
        day = np.where(shape[:, None] != Shape.NONE, np.stack([first, middle, last], axis=1), np.nan)
    for kind in (Shape.LINE, Shape.PARABOLA, Shape.BROKEN):
        rows = np.flatnonzero(shape == kind)
        if len(rows):
            mm[rows] = _through(displacement[rows], there[rows], days, day[rows], kind, _part(shapes, rows))
    return Trends(shape, day, mm)


def _part(shapes: Shapes, rows: NDArray[np.intp]) -> Shapes:
    return Shapes(*(getattr(shapes, name)[rows] for name in Shapes.__slots__))


def _through(
    displacement: NDArray[np.floating],
    there: NDArray[np.bool_],
    days: FloatArray,
    nodes: FloatArray,
    kind: Shape,
    shapes: Shapes,
) -> FloatArray:
    """Return the values at the nodes [n, 3], mm, of curves whose free coefficients are fitted with an annual cycle."""
    origin = float(days.mean())
    years = (days - origin) / DAYS_PER_YEAR
    free = [np.ones_like(years), *([years] if kind is Shape.PARABOLA else [])]
    # Less than a year does not determine an annual cycle.
    cycle = [np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)] if years[-1] - years[0] >= 1 else []
    design = np.stack([*free, *cycle], axis=1)
    rest = np.where(there, np.where(there, displacement, 0.0) - _known(shapes, kind, years[None], origin), 0.0)
    normal = there.astype(np.float64) @ (design[:, :, None] * design[:, None, :]).reshape(len(days), -1)
    inverse = np.linalg.pinv(normal.reshape(-1, design.shape[1], design.shape[1]), rcond=1e-9, hermitian=True)
    found = (inverse @ (rest @ design)[:, :, None])[:, : len(free), 0]
    at = (nodes - origin) / DAYS_PER_YEAR
    powers = at[:, :, None] ** np.arange(len(free))
    fitted: FloatArray = _known(shapes, kind, at, origin) + (powers @ found[:, :, None])[:, :, 0]
    return fitted


def _known(shapes: Shapes, kind: Shape, years: FloatArray, origin: float) -> FloatArray:
    """Return the part of the curves that the rates determine, mm, at times [n or 1, m] in years since the origin."""
    if kind is Shape.LINE:
        return shapes.velocity[:, None] * years
    if kind is Shape.PARABOLA:
        return 0.5 * shapes.acceleration[:, None] * years**2
    since = years - ((shapes.break_day - origin) / DAYS_PER_YEAR)[:, None]
    return np.where(since < 0, shapes.before[:, None], shapes.after[:, None]) * since
