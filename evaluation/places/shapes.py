"""Moving areas: their shapes, the share of the motion at each point, and the course of the motion in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR, STABLE_RATE_MM_YR

Floats = NDArray[np.float64]
Shape = Literal["bowl", "slope", "band", "horseshoe"]
Course = Literal["linear", "accelerating", "starts", "stops"]

SHAPES: Final[tuple[Shape, ...]] = ("bowl", "slope", "band", "horseshoe")
COURSES: Final[tuple[Course, ...]] = ("linear", "accelerating", "starts", "stops")
CLASS_OF_COURSE: Final = {
    "linear": TrendClass.LINEAR,
    "accelerating": TrendClass.QUADRATIC,
    "starts": TrendClass.BILINEAR,
    "stops": TrendClass.BILINEAR,
}

_MARGIN: Final = 0.3
"""Share of a slope, a band or a horseshoe at its edge in which the rate falls to 0."""
_RATE_MM_YR: Final = (6.0, 30.0)
"""Largest rate of an area; log-uniform."""
_SINKING: Final = 0.8
"""Share of the areas that move away from the radar."""
_ASPECT: Final = (1.0, 2.5)
_BREAK_SHARE: Final = (0.3, 0.7)
_BAND_LENGTH: Final = 5.0
"""Length of a band, in half widths."""
_HORSESHOE_WIDTH: Final = 0.35
"""Half width of a horseshoe, in radii."""


@dataclass(frozen=True, slots=True)
class MovingArea:
    """An area that moves.

    Attributes
    ----------
    centre_m : tuple of float
        Of the shape.
    radius_m : float
        Half of its longest extent, about.
    shape : str
        One of ``SHAPES``.
    aspect, angle : float
        Ratio of the axes of a bowl or a slope; direction of the shape in radians.
    course : str
        One of ``COURSES``.
    rate_mm_yr : float
        Least-squares rate where the area moves most.
    break_share : float
        Share of the span at which the motion starts or stops.
    """

    centre_m: tuple[float, float]
    radius_m: float
    shape: Shape
    aspect: float
    angle: float
    course: Course
    rate_mm_yr: float
    break_share: float

    def weight(self, points_m: Floats) -> Floats:
        """Return the share of the motion [N] at points [N, 2]: 1 where the area moves most, 0 outside."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        local = (points_m - self.centre_m) @ np.array([[cos, -sin], [sin, cos]]) / self.radius_m
        return _WEIGHTS[self.shape](local, self.aspect)

    def moves(self, points_m: Floats) -> NDArray[np.bool_]:
        """Return which points [N] move at the rate of a moving class or faster."""
        return np.abs(self.rate_mm_yr) * self.weight(points_m) >= STABLE_RATE_MM_YR

    def displacement(self, days: Floats) -> Floats:
        """Return the displacement in mm [T] where the area moves most, 0 at the first epoch."""
        years, span = days / DAYS_PER_YEAR, days[-1] / DAYS_PER_YEAR
        at = self.break_share * span
        course = {
            "linear": years,
            "accelerating": years**2,
            "starts": np.maximum(years - at, 0),
            "stops": np.minimum(years, at),
        }[self.course]
        return self.rate_mm_yr / float(np.polyfit(years, course, 1)[0]) * course


def draw_area(rng: np.random.Generator, points_m: Floats, nearest: Floats, number: int) -> MovingArea:
    """Draw the area of a number around the first of its nearest points.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    points_m : ndarray of float64, shape [N, 2]
        The points near the centre, which is the first of them.
    nearest : ndarray of float64, shape [N]
        Their distances from the centre, increasing: the radius of the area is the largest of them.
    number : int
        Shapes and courses are used in turn.
    """
    shape, course = SHAPES[number % len(SHAPES)], COURSES[(number // len(SHAPES) + number) % len(COURSES)]
    rate = np.exp(rng.uniform(*np.log(_RATE_MM_YR))) * (-1 if rng.random() < _SINKING else 1)
    return MovingArea(
        centre_m=(float(points_m[0, 0]), float(points_m[0, 1])),
        radius_m=float(nearest[-1]),
        shape=shape,
        aspect=float(rng.uniform(*_ASPECT)),
        angle=float(rng.uniform(0, 2 * np.pi)),
        course=course,
        rate_mm_yr=float(rate),
        break_share=float(rng.uniform(*_BREAK_SHARE)),
    )


def _bowl(local: Floats, aspect: float) -> Floats:
    """Return a bowl that falls smoothly to 0, like a subsidence basin."""
    return np.maximum(1 - local[:, 0] ** 2 - (aspect * local[:, 1]) ** 2, 0) ** 1.5


def _slope(local: Floats, aspect: float) -> Floats:
    """Return a landslide: one rate, with a margin."""
    return _plateau(np.hypot(local[:, 0], aspect * local[:, 1]))


def _band(local: Floats, aspect: float) -> Floats:  # noqa: ARG001 - its shape is fixed
    """Return a band such as an embankment: a segment of a line, with a margin on both sides."""
    along = np.clip(local[:, 0], -1 + 1 / _BAND_LENGTH, 1 - 1 / _BAND_LENGTH)
    return _plateau(_BAND_LENGTH * np.hypot(local[:, 0] - along, local[:, 1]))


def _horseshoe(local: Floats, aspect: float) -> Floats:  # noqa: ARG001 - its shape is fixed
    """Return three quarters of a ring, which no convex outline fits."""
    radius, angle = np.hypot(local[:, 0], local[:, 1]), np.arctan2(local[:, 1], local[:, 0])
    across = np.abs(radius - (1 - _HORSESHOE_WIDTH)) / _HORSESHOE_WIDTH
    return np.where(np.abs(angle) <= 0.75 * np.pi, _plateau(across), 0)


def _plateau(edge: Floats) -> Floats:
    """Return 1 inside, falling linearly to 0 in the margin before ``edge`` is 1."""
    return np.clip((1 - edge) / _MARGIN, 0, 1)


_WEIGHTS: Final[dict[Shape, Callable[[Floats, float], Floats]]] = {
    "bowl": _bowl,
    "slope": _slope,
    "band": _band,
    "horseshoe": _horseshoe,
}
