"""What a search of areas is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from insar_runtime.classes import CLASS_NAMES, TrendClass
from insar_runtime.errors import UsageError

MOVING_CLASSES: Final = ("Linear", "Quadratic", "Bilinear", "Other")
"""Classes of points that move, by default; a phase unwrapping error is no motion."""
MIN_POINTS: Final = 5
"""Fewest moving points of an area, as ADAfinder has it (Barra et al., "A Methodology to Detect and Update Active
Deformation Areas Based on Sentinel-1 SAR Images", Remote Sensing 9(10), 2017, 1002)."""


@dataclass(frozen=True, slots=True)
class AreaSettings:
    """What a search of areas is asked for.

    Attributes
    ----------
    distance_m : float or None
        Distance within which points are neighbours; from the spacing of the points if not given.
    min_points : int
        Fewest moving points of an area.
    classes : tuple of str
        Classes of the points that move.
    series : bool
        Whether the areas get a series: median and quartiles at each date.
    """

    distance_m: float | None = None
    min_points: int = MIN_POINTS
    classes: tuple[str, ...] = MOVING_CLASSES
    series: bool = False

    @property
    def class_ids(self) -> tuple[int, ...]:
        """Numbers of the classes."""
        return tuple(CLASS_NAMES.index(name) for name in self.classes)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for metadata."""
        return {
            "distance_m": self.distance_m,
            "min_points": self.min_points,
            "classes": list(self.classes),
            "series": self.series,
        }


def parse_settings(
    distance_m: float | None = None,
    min_points: int = MIN_POINTS,
    classes: Sequence[str] = MOVING_CLASSES,
    *,
    series: bool = False,
) -> AreaSettings:
    """Check what the user asks for.

    Raises
    ------
    UsageError
        If the distance is not positive, fewer than 3 points are asked for, or a class is unknown or does not move.
    """
    if distance_m is not None and not (math.isfinite(distance_m) and distance_m > 0):
        raise UsageError(f"the distance is {distance_m:g} m; give a positive number of metres")
    if min_points < 3:
        raise UsageError(f"an area of {min_points} points has no extent; give 3 points or more")
    by_name = {name.lower(): name for name in CLASS_NAMES}
    stable = CLASS_NAMES[TrendClass.STABLE]
    if isinstance(classes, str):
        raise UsageError(f"classes is one text, {classes!r}; give a list of names")
    unknown = [name for name in classes if by_name.get(name.strip().lower(), stable) == stable]
    if unknown or not classes:
        known = ", ".join(name for name in CLASS_NAMES if name != stable)
        raise UsageError(
            f"class {unknown[0]!r} is none of moving points; name some of {known}"
            if unknown
            else f"no class is named; name some of {known}"
        )
    chosen = {by_name[name.strip().lower()] for name in classes}
    return AreaSettings(distance_m, min_points, tuple(name for name in CLASS_NAMES if name in chosen), series)
