"""Least-squares line or parabola with steps at known dates, and a test of whether it fits the series.

Ordinary least squares with an annual cycle, which is not drawn. The sizes of the steps are free parameters: those of a
diagnosis are estimated in coloured noise, which attributes part of a step to the motion, so a curve with them may not
lie on the epochs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime.classes import NO_CLASS, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR

MOST_SCATTER_RATIO: Final = 1.4
"""Most RMS residual of a trend over the RMS residual of the trend plus a running mean. Beyond it the trend misses the
epochs by as much as they scatter. Our choice, from plots of rows of EGMS."""
_RUNNING: Final = 11
"""Epochs of the running mean."""
_PARABOLA_GAINS: Final = 0.9
"""Most RMS residual of a parabola over that of a line for which the parabola is chosen, if the class decides neither.
Our choice."""
CURVE_POINTS: Final = 60
"""Points of a drawn parabola."""

_LINE: Final = 2
"""Coefficients of a line."""
_SINGULAR: Final = 1e-9
_LEAST_SCATTER_MM: Final = 0.05
"""Rounding of the values in files."""


@dataclass(frozen=True, slots=True, eq=False)
class SteppedTrend:
    """A line or a parabola with steps.

    Attributes
    ----------
    coefficients : ndarray of float64, shape [2 or 3]
        Of the powers of time in years since ``origin``: mm, mm/yr, mm/yr^2.
    origin : float
        Middle of the span, in days of the time axis.
    step_days : ndarray of float64, shape [m]
        First epoch of each new level, in days of the time axis.
    steps : ndarray of float64, shape [m]
        Size of each step, mm.
    rate_std : float
        Standard deviation of the mean rate in white noise, mm/yr.
    scatter_ratio : float
        RMS residual of trend and annual cycle over the RMS residual of these plus a running mean.
    """

    coefficients: FloatArray
    origin: float
    step_days: FloatArray
    steps: FloatArray
    rate_std: float
    scatter_ratio: float

    @property
    def fits(self) -> bool:
        """Whether the trend misses the epochs by less than they scatter."""
        return self.scatter_ratio <= MOST_SCATTER_RATIO

    @property
    def rate(self) -> float:
        """Mean rate, which is that at the middle of the span, mm/yr."""
        return float(self.coefficients[1])

    @property
    def curved(self) -> bool:
        """Whether it is a parabola."""
        return len(self.coefficients) > _LINE

    def polynomial(self, days: FloatArray) -> FloatArray:
        """Return the trend without its steps at some days, mm."""
        return np.asarray(np.polyval(self.coefficients[::-1], (days - self.origin) / DAYS_PER_YEAR))

    def corners(self, first: float, last: float) -> tuple[FloatArray, FloatArray]:
        """Return days and mm of the corners of the drawn trend; a step is a line from the day before it to its day."""
        ends = np.linspace(first, last, CURVE_POINTS) if self.curved else np.array([first, last])
        edges = np.concatenate([self.step_days - 1, self.step_days])
        days = np.unique(np.concatenate([np.round(ends), edges[(first < edges) & (edges < last)]]))
        return days, self.polynomial(days) + (days[:, None] >= self.step_days) @ self.steps


def stepped_trend(
    values: FloatArray, days: FloatArray, jumps: FloatArray, mm: FloatArray, class_id: int
) -> SteppedTrend | None:
    """Fit the trend of a series with jumps that are not repaired, of PUE or of another class.

    Parameters
    ----------
    values, days
        See ``fit_stepped``.
    jumps, mm : ndarray of float64, shape [m]
        First epochs of the new levels, in days, and the reported sizes.
    class_id : int
        A class other than PUE and ``NO_CLASS`` decides between line and parabola.

    Returns
    -------
    SteppedTrend or None
        None if the best trend does not fit the series, if a step has the opposite sign of the reported jump, or if the
        class is Other.
    """
    if class_id == TrendClass.OTHER:
        return None
    undecided = class_id in {TrendClass.PUE, NO_CLASS}
    found = fit_stepped(values, days, jumps, curved=None if undecided else class_id == TrendClass.QUADRATIC)
    if found is None or not found.fits or (found.steps * mm <= 0).any():
        return None
    return found


def fit_stepped(values: FloatArray, days: FloatArray, steps: FloatArray, *, curved: bool | None) -> SteppedTrend | None:
    """Fit a line or a parabola with steps to one series.

    Parameters
    ----------
    values : ndarray of float64, shape [T]
        mm; values that are not finite are missing.
    days : ndarray of float64, shape [T]
        Days since any date, increasing.
    steps : ndarray of float64, shape [m]
        First epochs of the new levels, in days.
    curved : bool or None
        Whether to fit a parabola; None to choose it if its residual is clearly smaller than that of the line.

    Returns
    -------
    SteppedTrend or None
        None if there are no more values than unknowns.
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


def _fit(values: FloatArray, days: FloatArray, steps: FloatArray, powers: int) -> tuple[SteppedTrend, float] | None:
    """Return the fit of a polynomial with this number of coefficients, and its RMS residual in mm."""
    origin = float(days[0] + days[-1]) / 2
    years = (days - origin) / DAYS_PER_YEAR
    # Less than a year does not determine an annual cycle.
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
    # A running mean of noise contains part of the value itself.
    noise = float(np.mean((left - _running_mean(left)) ** 2)) / (1 - 1 / _RUNNING)
    ratio = (max(mean_square, _LEAST_SCATTER_MM**2) / max(noise, _LEAST_SCATTER_MM**2)) ** 0.5
    rate_std = float(np.sqrt(mean_square * len(values) / freedom * (inverse[1] @ inverse[1])))
    number = len(steps)
    fit = SteppedTrend(found[:powers], origin, steps, found[powers : powers + number], rate_std, ratio)
    return fit, mean_square**0.5


def _running_mean(values: FloatArray) -> FloatArray:
    """Return the running mean of the values, over fewer of them at the ends."""
    window = np.ones(min(_RUNNING, len(values)))
    whole = np.convolve(np.ones(len(values)), window, "same")
    return np.asarray(np.convolve(values, window, "same") / whole)
