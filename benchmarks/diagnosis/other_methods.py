"""Alternatives to the diagnosis: fits of single series with scipy, and textbook generalised least squares.

All of them prepare the time axis once, and the covariance if they need one. None of them estimates noise models,
probabilities or intervals of dates, so they do less than the diagnosis.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, lstsq
from scipy.optimize import curve_fit

from insar_runtime.definitions import DAYS_PER_YEAR

Doubles = NDArray[np.float64]
Rows = NDArray[np.float32]

_EDGE: Final = 0.05
_MOST_STEPS: Final = 16
_LEAST_GAIN: Final = 25.0
"""Smallest decrease of the weighted sum of squares by a step, about five standard deviations."""


def _year(years: Doubles) -> list[Doubles]:
    return [np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)]


class Lstsq:
    """``scipy.linalg.lstsq`` per series: line, parabola and cubic with annual cycle, and standard deviations."""

    def __init__(self, days: Doubles) -> None:
        years = days / DAYS_PER_YEAR
        self._designs = [np.stack([years**i for i in range(p + 1)] + _year(years), axis=1) for p in (1, 2, 3)]

    def rates(self, displacement: Rows) -> Doubles:
        """Return velocity, acceleration, amplitude and rmse, standard deviations of the first two, [n, 6]."""
        out = np.empty((len(displacement), 6))
        for row, series in enumerate(displacement.astype(np.float64)):
            line, parabola, cubic = (lstsq(design, series)[0] for design in self._designs)
            rest = series - self._designs[2] @ cubic
            spread = [
                self._std(series, design, fit) for design, fit in zip(self._designs, (line, parabola), strict=False)
            ]
            amplitude = np.hypot(cubic[-1], cubic[-2])
            out[row] = line[1], 2 * parabola[2], amplitude, np.sqrt(np.mean(rest**2)), spread[0][1], 2 * spread[1][2]
        return out

    @staticmethod
    def _std(series: Doubles, design: Doubles, fit: Doubles) -> Doubles:
        rest = series - design @ fit
        variance = rest @ rest / (len(series) - design.shape[1])
        return np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))


class CurveFit:
    """``scipy.optimize.curve_fit`` per series, with the same three models."""

    def __init__(self, days: Doubles) -> None:
        self._years = days / DAYS_PER_YEAR

    def rates(self, displacement: Rows) -> Doubles:
        """Return velocity, acceleration, amplitude and rmse, standard deviations of the first two, [n, 6]."""
        out = np.empty((len(displacement), 6))
        for row, series in enumerate(displacement.astype(np.float64)):
            line, line_spread = curve_fit(_line, self._years, series)
            parabola, parabola_spread = curve_fit(_parabola, self._years, series)
            cubic, _ = curve_fit(_cubic, self._years, series)
            rest = series - _cubic(self._years, *cubic)
            out[row] = (
                line[1],
                2 * parabola[2],
                np.hypot(cubic[-1], cubic[-2]),
                np.sqrt(np.mean(rest**2)),
                np.sqrt(line_spread[1, 1]),
                2 * np.sqrt(parabola_spread[2, 2]),
            )
        return out

    def breaks(self, displacement: Rows) -> Doubles:
        """Return the day of the break [n] of a bilinear fit with the initial value in the middle."""
        out = np.empty(len(displacement))
        middle = self._years[-1] / 2
        for row, series in enumerate(displacement.astype(np.float64)):
            start = (series.mean(), 0.0, 0.0, middle, 0.0, 0.0)
            try:
                fit, _ = curve_fit(_two_lines, self._years, series, p0=start, maxfev=2000)
                out[row] = fit[3] * DAYS_PER_YEAR
            except RuntimeError:
                out[row] = np.nan
        return out


def _line(t: Doubles, a: float, v: float, s: float, c: float) -> Doubles:
    return a + v * t + s * np.sin(2 * np.pi * t) + c * np.cos(2 * np.pi * t)


def _parabola(t: Doubles, a: float, v: float, q: float, s: float, c: float) -> Doubles:
    return _line(t, a, v, s, c) + q * t**2


def _cubic(t: Doubles, a: float, v: float, q: float, k: float, s: float, c: float) -> Doubles:
    return _parabola(t, a, v, q, s, c) + k * t**3


def _two_lines(t: Doubles, a: float, v: float, change: float, meet: float, s: float, c: float) -> Doubles:
    return _line(t, a, v, s, c) + change * np.maximum(t - meet, 0)


class Scan:
    """Bilinear fits with a break at each epoch, or fits of one more step at each, by ``lstsq`` for white noise."""

    def __init__(self, days: Doubles) -> None:
        self._days, years = days, days / DAYS_PER_YEAR
        self._base = np.stack([np.ones_like(years), years, *_year(years)], axis=1)
        inner = (days > _EDGE * days[-1]) & (days < (1 - _EDGE) * days[-1])
        self._meets = days[inner]
        self._hinges = np.maximum(days - self._meets[:, None], 0) / DAYS_PER_YEAR
        self._steps = (days >= days[1:, None]).astype(np.float64)

    def breaks(self, displacement: Rows) -> Doubles:
        """Return the day of the break, [n]."""
        out = np.empty(len(displacement))
        for row, series in enumerate(displacement.astype(np.float64)):
            left = [self._left(np.column_stack([self._base, hinge]), series) for hinge in self._hinges]
            out[row] = self._meets[np.argmin(left)]
        return out

    def jumps(self, displacement: Rows) -> list[list[int]]:
        """Return the epochs of steps [n], added one by one while the decrease is large enough."""
        out = []
        for series in displacement.astype(np.float64):
            design = self._base
            found: list[int] = []
            left = self._left(design, series)
            while len(found) < _MOST_STEPS:
                tried = [self._left(np.column_stack([design, step]), series) for step in self._steps]
                best = int(np.argmin(tried))
                if left - tried[best] < _LEAST_GAIN * tried[best] / len(series):
                    break
                design, left = np.column_stack([design, self._steps[best]]), tried[best]
                found.append(best + 1)
            out.append(sorted(found))
        return out

    @staticmethod
    def _left(design: Doubles, series: Doubles) -> float:
        fit = lstsq(design, series, check_finite=False)[0]
        rest = series - design @ fit
        return float(rest @ rest)


class Gls:
    """Generalised least squares with a dense covariance, factorised per series; all hinges and steps are fitted.

    Parameters
    ----------
    days : ndarray of float64, shape [T]
    covariance : ndarray of float64, shape [T, T]
        Covariance of noise of unit scatter.
    """

    def __init__(self, days: Doubles, covariance: Doubles) -> None:
        self._days, self._covariance = days, covariance
        years = days / DAYS_PER_YEAR
        self._line = np.stack([np.ones_like(years), years], axis=1)
        inner = (days > _EDGE * days[-1]) & (days < (1 - _EDGE) * days[-1])
        self._meets = days[inner]
        self._hinges = np.maximum(days[:, None] - self._meets, 0) / DAYS_PER_YEAR
        self._steps = (days[:, None] >= days[1:]).astype(np.float64)

    def breaks(self, displacement: Rows) -> Doubles:
        """Return the day of the break, [n]."""
        out = np.empty(len(displacement))
        for row, series in enumerate(displacement.astype(np.float64)):
            gain, _ = self._gains(series, self._line, self._hinges)
            out[row] = self._meets[np.argmax(gain)]
        return out

    def jumps(self, displacement: Rows) -> list[list[int]]:
        """Return the epochs of steps [n], added one by one while the decrease is large enough."""
        out = []
        for series in displacement.astype(np.float64):
            design = self._line
            found: list[int] = []
            while len(found) < _MOST_STEPS:
                gain, left = self._gains(series, design, self._steps)
                gain[found] = 0
                best = int(np.argmax(gain))
                if gain[best] < _LEAST_GAIN * left / len(series):
                    break
                design = np.column_stack([design, self._steps[:, best]])
                found.append(best)
            out.append(sorted(step + 1 for step in found))
        return out

    def _gains(self, series: Doubles, design: Doubles, columns: Doubles) -> tuple[Doubles, float]:
        """Return the decrease of the weighted sum of squares by each column, and the sum without any column."""
        scatter = float(np.std(series))
        factor = cho_factor(scatter**2 * self._covariance, lower=True)
        weighted = cho_solve(factor, design)
        inner = np.linalg.inv(design.T @ weighted)
        rest = series - design @ (inner @ (weighted.T @ series))
        weighted_rest = cho_solve(factor, rest)
        weighted_columns = cho_solve(factor, columns)
        shared = weighted.T @ columns
        power = np.einsum("ij,ij->j", columns, weighted_columns) - np.einsum("ij,ij->j", shared, inner @ shared)
        along = columns.T @ weighted_rest
        gain = np.where(power > 1e-9 * power.max(), along**2 / np.maximum(power, 1e-300), 0.0)
        return gain, float(rest @ weighted_rest)
