"""The trend that a diagnosis tells, as a curve through the series.

A diagnosis has rates but no levels. Level, and the initial rate of a parabola, are fitted by least squares beside a
yearly cycle, which is not drawn: a rate and a kink are read off a curve without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR

Floats = NDArray[np.float64]


class Shape(IntEnum):
    """What a trend looks like."""

    NONE = 0
    LINE = 1
    PARABOLA = 2
    BROKEN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Shapes of n trends; rates in mm a year of 365.25 days, mm/yr^2 for the acceleration.

    Attributes
    ----------
    shape : ndarray of int8, shape [n]
        ``Shape``.
    velocity, acceleration, before, after : ndarray of float64, shape [n]
        Finite where the shape needs them.
    break_day : ndarray of float64, shape [n]
        In the days of the axis.
    """

    shape: NDArray[np.int8]
    velocity: Floats
    acceleration: Floats
    break_day: Floats
    before: Floats
    after: Floats

    @classmethod
    def by_class(
        cls,
        class_id: NDArray[np.integer],
        *,
        velocity: Floats,
        acceleration: Floats,
        break_day: Floats,
        before: Floats,
        after: Floats,
    ) -> Shapes:
        """Choose what the class of each row says, as far as its rates are known: a line where nothing else is.

        Nothing is drawn of a Bilinear whose break is not known, and of PUE and Other: no line lies on their points. The
        segments of series with jumps are fitted by ``segments.stepped_trend``.
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
    """Curves by three points each: begin, middle or break, end; NaN where there is none.

    Attributes
    ----------
    shape : ndarray of int8, shape [n]
    day, mm : ndarray of float64, shape [n, 3]
    """

    shape: NDArray[np.int8]
    day: Floats
    mm: Floats

    def curve(self, row: int, most: int = 60) -> tuple[Floats, Floats]:
        """Return days and mm of the corners of one curve; of a parabola so many points."""
        day, mm = self.day[row], self.mm[row]
        if self.shape[row] == Shape.NONE:
            return np.empty(0), np.empty(0)
        if self.shape[row] != Shape.PARABOLA or day[2] <= day[0]:
            return day, mm
        days = np.linspace(day[0], day[2], most)
        return days, np.polyval(np.polyfit(day - day[1], mm, 2), days - day[1])


def fit_trends(displacement: NDArray[np.floating], days: Floats, shapes: Shapes) -> Trends:
    """Put trends through series.

    Parameters
    ----------
    displacement : ndarray of float, shape [n, T]
        mm, without repaired jumps; what is not finite is missing.
    days : ndarray of float64, shape [T]
        Since any date.
    shapes : Shapes

    Returns
    -------
    Trends
        From the first to the last epoch that has a value.
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
    days: Floats,
    nodes: Floats,
    kind: Shape,
    shapes: Shapes,
) -> Floats:
    """Fit what a shape leaves open, beside a yearly cycle; give mm at the nodes [n, 3]."""
    origin = float(days.mean())
    years = (days - origin) / DAYS_PER_YEAR
    free = [np.ones_like(years), *([years] if kind is Shape.PARABOLA else [])]
    # A part of a year says nothing about the cycle.
    cycle = [np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)] if years[-1] - years[0] >= 1 else []
    design = np.stack([*free, *cycle], axis=1)
    rest = np.where(there, np.where(there, displacement, 0.0) - _known(shapes, kind, years[None], origin), 0.0)
    normal = there.astype(np.float64) @ (design[:, :, None] * design[:, None, :]).reshape(len(days), -1)
    inverse = np.linalg.pinv(normal.reshape(-1, design.shape[1], design.shape[1]), rcond=1e-9, hermitian=True)
    found = (inverse @ (rest @ design)[:, :, None])[:, : len(free), 0]
    at = (nodes - origin) / DAYS_PER_YEAR
    powers = at[:, :, None] ** np.arange(len(free))
    fitted: Floats = _known(shapes, kind, at, origin) + (powers @ found[:, :, None])[:, :, 0]
    return fitted


def _known(shapes: Shapes, kind: Shape, years: Floats, origin: float) -> Floats:
    """Return the part of the curves that the rates tell, at years [n or 1, m] from the origin."""
    if kind is Shape.LINE:
        return shapes.velocity[:, None] * years
    if kind is Shape.PARABOLA:
        return 0.5 * shapes.acceleration[:, None] * years**2
    since = years - ((shapes.break_day - origin) / DAYS_PER_YEAR)[:, None]
    return np.where(since < 0, shapes.before[:, None], shapes.after[:, None]) * since
