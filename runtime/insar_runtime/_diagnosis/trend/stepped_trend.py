"""Least-squares line or parabola with steps at known dates, and the test of whether it lies on the points.

Ordinary least squares beside a yearly cycle, which is not drawn. Steps have free sizes: those that a diagnosis reports
are estimated in coloured noise, which leaves part of a step to the motion, and a curve with them may miss the points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import NO_CLASS, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR

Floats = NDArray[np.float64]

MOST_SCATTER_RATIO: Final = 1.4
"""RMS distance of a series from its trend over that from the trend and its running mean, at the most: beyond, the trend
misses the points by as much as these scatter [ours, from sheets of EGMS rows]."""
_RUNNING: Final = 11
"""Epochs of the running mean."""
_PARABOLA_GAINS: Final = 0.9
"""RMS distance about a parabola over that about a line, at the most, for a parabola to be drawn of a class that names
neither [ours]."""

_LINE: Final = 2
"""Powers of time in a line."""
_SINGULAR: Final = 1e-9
_LEAST_SCATTER_MM: Final = 0.05
"""Rounding of files."""


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """A polynomial of time and the steps in it.

    Attributes
    ----------
    coefficients : ndarray of float64, shape [2 or 3]
        mm, mm/yr and mm/yr^2 of the powers of the years since ``origin``.
    origin : float
        Days.
    steps : ndarray of float64, shape [m]
        mm, one for each date of a step.
    rate_std : float
        Standard deviation of the mean rate for white noise, mm/yr.
    scatter_ratio : float
        RMS distance of the series from the trend and its cycle over that from these and a running mean.
    """

    coefficients: Floats
    origin: float
    steps: Floats
    rate_std: float
    scatter_ratio: float

    @property
    def lies_on_points(self) -> bool:
        """Whether the trend misses the points by less than these scatter."""
        return self.scatter_ratio <= MOST_SCATTER_RATIO

    @property
    def rate(self) -> float:
        """Rate at the middle of the span, which is the mean one, mm/yr."""
        return float(self.coefficients[1])

    @property
    def curved(self) -> bool:
        """Whether it is a parabola."""
        return len(self.coefficients) > _LINE

    def polynomial(self, days: Floats) -> Floats:
        """Return the trend without its steps at any days, mm."""
        return np.asarray(np.polyval(self.coefficients[::-1], (days - self.origin) / DAYS_PER_YEAR))


def stepped_trend(values: Floats, days: Floats, jumps: Floats, mm: Floats, class_id: int) -> Segments | None:
    """Fit the trend of a series that jumps: of a PUE, or of another class with jumps that are not taken out.

    Parameters
    ----------
    values, days
        See ``fit_segments``.
    jumps, mm : ndarray of float64, shape [m]
        Days of the first epochs on a new level, and the reported changes of level.
    class_id : int
        A class that names a line or a parabola decides between them; ``NO_CLASS`` and PUE do not.

    Returns
    -------
    Segments or None
        None where the best one misses the points or goes the other way than a jump, or where the class says that no
        line or parabola is there to be found.
    """
    if class_id == TrendClass.OTHER:
        return None
    undecided = class_id in {TrendClass.PUE, NO_CLASS}
    found = fit_segments(values, days, jumps, curved=None if undecided else class_id == TrendClass.QUADRATIC)
    if found is None or not found.lies_on_points or (found.steps * mm <= 0).any():
        return None
    return found


def fit_segments(values: Floats, days: Floats, steps: Floats, *, curved: bool | None) -> Segments | None:
    """Fit a line or a parabola with steps to one series.

    Parameters
    ----------
    values : ndarray of float64, shape [T]
        mm; what is not finite is missing.
    days : ndarray of float64, shape [T]
        Since any date, rising.
    steps : ndarray of float64, shape [m]
        Days of the first epochs on a new level.
    curved : bool or None
        Whether a parabola is fitted; None for one where it is clearly closer.

    Returns
    -------
    Segments or None
        None if the values are no more than the unknowns.
    """
    there = np.isfinite(values)
    if not there.any():
        return None
    days, values = days[there], values[there]
    if curved is not None:
        fit = _fit(values, days, steps, _LINE + curved)
        return fit and fit[0]
    line, parabola = _fit(values, days, steps, _LINE), _fit(values, days, steps, _LINE + 1)
    if line is None or parabola is None or parabola[1] > _PARABOLA_GAINS * line[1]:
        return line and line[0]
    return parabola[0]


def _fit(values: Floats, days: Floats, steps: Floats, powers: int) -> tuple[Segments, float] | None:
    """Fit so many powers of time, and give the RMS distance as well."""
    origin = float(days[0] + days[-1]) / 2
    years = (days - origin) / DAYS_PER_YEAR
    # A part of a year says nothing about the cycle.
    cycle = [np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)] if years[-1] - years[0] >= 1 else []
    columns = [*(years**power for power in range(powers)), *(days >= day for day in steps), *cycle]
    design = np.stack(columns, axis=1).astype(np.float64)
    freedom = len(values) - design.shape[1]
    if freedom <= 0:
        return None
    inverse = np.linalg.pinv(design, rcond=_SINGULAR)
    found = inverse @ values
    left = values - design @ found
    mean_square = float(np.mean(left**2))
    # A running mean of noise has a share of its own value in it.
    noise = float(np.mean((left - _running_mean(left)) ** 2)) / (1 - 1 / _RUNNING)
    ratio = (max(mean_square, _LEAST_SCATTER_MM**2) / max(noise, _LEAST_SCATTER_MM**2)) ** 0.5
    rate_std = float(np.sqrt(mean_square * len(values) / freedom * (inverse[1] @ inverse[1])))
    number = len(steps)
    fit = Segments(found[:powers], origin, found[powers : powers + number], rate_std, ratio)
    return fit, mean_square**0.5


def _running_mean(values: Floats) -> Floats:
    """Return the mean of the neighbours of each value, of fewer at the ends."""
    window = np.ones(min(_RUNNING, len(values)))
    whole = np.convolve(np.ones(len(values)), window, "same")
    return np.asarray(np.convolve(values, window, "same") / whole)
