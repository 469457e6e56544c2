"""Rates of displacement by the definitions of EGMS: velocity, acceleration, seasonality and residual scatter.

Ordinary least squares on the epochs that each series has. The definitions reproduce the numbers in the files of the
European Ground Motion Service; ``python -m evaluation rates`` compares them:

- velocity: slope of a line fitted with an annual sine; acceleration: twice the quadratic coefficient of a parabola
  fitted with an annual sine; seasonality: amplitude of an annual sine fitted with a cubic; rmse: residual scatter of
  that last model;
- the residual scatter of each model is the root of the mean squared residual over all epochs, not over the degrees of
  freedom, and the noise is assumed to be white;
- the standard deviation of the seasonality is that of the amplitude of pure noise (Rayleigh distribution):
  sqrt(2 - pi/2) times that of a coefficient;
- a year has 365.25 days. The available files of release 2020-2024 agree better with 365 days, and the one of release
  2015-2021 with a mean over one epoch less; for most rows neither changes the published digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, Int8Array, RealArray
from insar_runtime._diagnosis.missing_epochs import first_and_last
from insar_runtime._diagnosis.rates.rate_design import (
    LINE,
    PARABOLA,
    UNKNOWNS,
    RateDesign,
    cholesky_factors,
    solve_lower,
    sum_in_order,
)
from insar_runtime._diagnosis.rates.rate_sums import RowSums, sums_of_complete, sums_of_partial
from insar_runtime._diagnosis.results import FitStatus, Rates
from insar_runtime.definitions import DAYS_PER_YEAR

LEAST_RATE_EPOCHS: Final = 2 * UNKNOWNS
"""With fewer epochs, the residual scatter is too uncertain."""

LEAST_RATE_DAYS: Final = DAYS_PER_YEAR
"""Over less than a year, part of an annual sine resembles a line, a parabola or a cubic."""

MOST_INFLATION: Final = 10.0
"""A row is singular if a standard deviation exceeds that of the same number of evenly spaced epochs by more than this
factor, for a model that contains the term alone. For the seasonality, the factor is 8 on a span of one year and 1.1 on
two years."""

_CHUNK: Final = 4096
"""Rows with missing values that are fitted at a time: each takes a kilobyte of memory."""

_RAYLEIGH: Final = float(np.sqrt(2 - np.pi / 2))


def estimate_rates(displacement: RealArray, days: RealArray) -> Rates:
    """Estimate the rates of series that share a time axis.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing. Any offset.
    days : ndarray, shape [T]
        Days since any date, increasing.

    Returns
    -------
    Rates
        NaN where the status is not OK: ``NON_FINITE`` if a value is infinite, ``TOO_FEW_EPOCHS`` if there are fewer
        than ``LEAST_RATE_EPOCHS`` values, ``SPAN_TOO_SHORT`` if they span less than ``LEAST_RATE_DAYS``, ``SINGULAR``
        if their dates do not separate trend and annual cycle (``MOST_INFLATION``).
    """
    return EgmsRateEstimator(days).estimate(displacement)


class EgmsRateEstimator:
    """Estimates rates on one time axis; built once per file, safe to share between threads.

    Parameters
    ----------
    days : ndarray, shape [T]
        Days since any date, increasing.
    """

    def __init__(self, days: RealArray) -> None:
        self._days = np.asarray(days, dtype=np.float64)
        self._design = RateDesign.for_days(self._days)

    def estimate(self, displacement: RealArray) -> Rates:
        """Estimate the rates of series [N, T] in mm; see ``estimate_rates``."""
        found = np.full((7, len(displacement)), np.nan)
        status = np.full(len(displacement), FitStatus.SINGULAR, dtype=np.int8)
        complete = np.zeros(len(displacement), dtype=np.bool_)
        with np.errstate(all="ignore"):
            if self._design is not None:
                # All rows, even those with missing or infinite values: that is cheaper than testing every value first.
                sums = sums_of_complete(self._design, displacement)
                complete = np.isfinite(sums.energy)
                found[:], status[:] = _rates(_complete_fit(self._design, sums))
            partial = np.flatnonzero(~complete)
            for start in range(0, len(partial), _CHUNK):
                rows = partial[start : start + _CHUNK]
                found[:, rows], status[rows] = self._partial(displacement[rows])
            rates = found.astype(np.float32)
        # The rates of very large values may exceed the range of float32.
        status[(status == FitStatus.OK) & ~np.isfinite(rates).all(axis=0)] = FitStatus.NON_FINITE
        rates[:, status != FitStatus.OK] = np.nan
        velocity, velocity_std, acceleration, acceleration_std, season_amp, season_amp_std, rmse = rates
        return Rates(velocity, velocity_std, acceleration, acceleration_std, season_amp, season_amp_std, rmse, status)

    def _partial(self, displacement: RealArray) -> tuple[FloatArray, Int8Array]:
        present = np.isfinite(displacement)
        count = np.count_nonzero(present, axis=1)
        first, last = first_and_last(present, self._days)
        span = last - first
        if self._design is None:
            found = np.full((7, len(displacement)), np.nan)
            status = _status(count, span, np.zeros(len(displacement), dtype=np.bool_))
        else:
            sums, gram = sums_of_partial(self._design, displacement, present)
            found, status = _rates(_partial_fit(self._design, sums, gram, count, span))
        status[np.isinf(displacement).any(axis=1)] = FitStatus.NON_FINITE
        return found, status


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Fits of n rows in columns that are orthonormal over the epochs of the row; n may be 1 for what all rows share.

    Attributes
    ----------
    count, span : ndarray, shape [n]
        Number of epochs, and days between the first and the last of them.
    energy : ndarray of float64, shape [n]
        Sum of squares, mm^2.
    amplitudes : ndarray of float64, shape [6, n]
        Amplitudes of the columns; each lowers the sum of squares by its square, whichever columns follow.
    line, parabola : ndarray of float64, shape [n]
        Amplitude of the column of the highest power for a rate of 1 mm/yr, and for a quadratic coefficient of 1.
    season : ndarray of float64, shape [6, 2, n]
        Coefficients of sine and cosine per unit amplitude.
    regular : ndarray of bool, shape [n]
        Whether the normal equations are regular.
    """

    count: NDArray[np.integer]
    span: FloatArray
    energy: FloatArray
    amplitudes: FloatArray
    line: FloatArray
    parabola: FloatArray
    season: FloatArray
    regular: BoolArray


def _complete_fit(design: RateDesign, sums: RowSums) -> _Fit:
    line, parabola = design.scale[[LINE, PARABOLA], None]
    season = design.season.T[:, :, None]
    count, span = np.array([len(design.days)]), np.array([design.days[-1] - design.days[0]])
    return _Fit(count, span, sums.energy, sums.projections, line, parabola, season, np.array([True]))


def _partial_fit(
    design: RateDesign, sums: RowSums, gram: FloatArray, count: NDArray[np.integer], span: FloatArray
) -> _Fit:
    lower, regular = cholesky_factors(gram)
    season = np.broadcast_to(design.season.T[:, :, None], (UNKNOWNS, 2, len(count)))
    solved = solve_lower(lower, np.concatenate([sums.projections[:, None], season], axis=1))
    line, parabola = (design.scale[power] * lower[power, power] for power in (LINE, PARABOLA))
    return _Fit(count, span, sums.energy, solved[:, 0], line, parabola, solved[:, 1:], regular)


def _rates(fit: _Fit) -> tuple[FloatArray, Int8Array]:
    """Return the seven rates [7, n], in the order of ``Rates``, and the status [n]."""
    left = fit.energy - np.cumsum(fit.amplitudes**2, axis=0)[LINE:]
    by_line, by_parabola, by_cubic = np.sqrt(np.maximum(left, 0) / fit.count)
    velocity, acceleration = fit.amplitudes[LINE] / fit.line, 2 * fit.amplitudes[PARABOLA] / fit.parabola
    sine, cosine = sum_in_order(fit.season * fit.amplitudes[:, None])
    # Standard deviations in noise of 1 mm.
    of_velocity, of_acceleration = 1 / np.abs(fit.line), 2 / np.abs(fit.parabola)
    of_season = np.sqrt(sum_in_order(sum_in_order(fit.season**2)) / 2)
    years = fit.span / DAYS_PER_YEAR
    regular = fit.regular & (of_season <= MOST_INFLATION * np.sqrt(2 / fit.count))
    regular &= of_velocity <= MOST_INFLATION * np.sqrt(12 / fit.count) / years
    regular &= of_acceleration <= MOST_INFLATION * 2 * np.sqrt(180 / fit.count) / years**2
    found = np.stack(
        [
            velocity,
            by_line * of_velocity,
            acceleration,
            by_parabola * of_acceleration,
            np.hypot(sine, cosine),
            by_cubic * _RAYLEIGH * of_season,
            by_cubic,
        ]
    )
    return found, _status(fit.count, fit.span, regular)


def _status(count: NDArray[np.integer], span: FloatArray, regular: BoolArray) -> Int8Array:
    reasons = [count < LEAST_RATE_EPOCHS, span < LEAST_RATE_DAYS, ~regular]
    status = (FitStatus.TOO_FEW_EPOCHS, FitStatus.SPAN_TOO_SHORT, FitStatus.SINGULAR)
    return np.select(reasons, [np.int8(one) for one in status], np.int8(FitStatus.OK))
