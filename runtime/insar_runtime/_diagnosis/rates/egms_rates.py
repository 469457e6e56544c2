"""Rates of displacement by the definitions of EGMS: velocity, acceleration, seasonality, scatter.

Least squares with equal weights, each on the epochs that the row has. These definitions give the numbers that the
files of the European Ground Motion Service carry (``python -m training rates`` compares them):

- velocity: of a line with the annual sine; acceleration: twice the quadratic coefficient of a parabola with it;
  seasonality: amplitude of the sine beside a cubic; rmse: scatter about that last model;
- the scatter about each model is the root of the mean squared residual, over all epochs rather than the degrees of
  freedom, and the noise is taken as white;
- the standard deviation of the seasonality is that of an amplitude of pure noise (Rayleigh): sqrt(2 - pi/2) times that
  of a coefficient;
- a year has 365.25 days. The files of release 2020-2024 at hand fit one of 365 better, and that of release 2015-2021
  a mean over one epoch less; neither shows in the digits of most rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, Int8Array, RealArray
from insar_runtime._diagnosis.missing import first_and_last
from insar_runtime._diagnosis.rates.rate_design import (
    LINE,
    PARABOLA,
    UNKNOWNS,
    RateDesign,
    factors,
    over_columns,
    substitute,
)
from insar_runtime._diagnosis.rates.rate_sums import RowSums, sums_of_complete, sums_of_partial
from insar_runtime._diagnosis.results import FitStatus, Rates
from insar_runtime._input.slopes import DAYS_PER_YEAR

LEAST_EPOCHS: Final = 2 * UNKNOWNS
"""Fewer leave too little to tell the scatter."""

LEAST_DAYS: Final = DAYS_PER_YEAR
"""Within less than a year, a part of the sine looks like a line, a parabola or a cubic."""

MOST_INFLATION: Final = 10.0
"""A row is singular if its epochs lie so badly that a standard deviation is above this many times that of as many
epochs, evenly spread, of a model of its own. That of the seasonality is 8 times as large on a span of one year, and
1.1 times on two."""

_CHUNK: Final = 4096
"""Rows with missing values at a time: each takes a kilobyte."""

_RAYLEIGH: Final = float(np.sqrt(2 - np.pi / 2))


def estimate_rates(displacement: RealArray, days: RealArray) -> Rates:
    """Estimate the rates of series that share a time axis.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing. Any offset.
    days : ndarray, shape [T]
        Days since any date, rising.

    Returns
    -------
    Rates
        NaN where the status is not OK: ``NON_FINITE`` with an infinite value, ``TOO_FEW_EPOCHS`` with fewer than
        ``LEAST_EPOCHS`` values, ``SPAN_TOO_SHORT`` where they span less than ``LEAST_DAYS``, ``SINGULAR`` where they
        lie such that trend and yearly cycle cannot be told apart (``MOST_INFLATION``).
    """
    return EgmsRateEstimator(days).estimate(displacement)


class EgmsRateEstimator:
    """Estimates rates on one time axis; made once a file. Several threads may use it at a time.

    Parameters
    ----------
    days : ndarray, shape [T]
        Days since any date, rising.
    """

    def __init__(self, days: RealArray) -> None:
        self._days = np.asarray(days, dtype=np.float64)
        self._design = RateDesign.on(self._days)

    def estimate(self, displacement: RealArray) -> Rates:
        """Estimate the rates of series [N, T] in mm; see ``estimate_rates``."""
        found = np.full((7, len(displacement)), np.nan)
        status = np.full(len(displacement), FitStatus.SINGULAR, dtype=np.int8)
        complete = np.zeros(len(displacement), dtype=np.bool_)
        with np.errstate(all="ignore"):
            if self._design is not None:
                # Rows with missing or infinite values go through this as well: cheaper than a look at all values.
                sums = sums_of_complete(self._design, displacement)
                complete = np.isfinite(sums.energy)
                found[:], status[:] = _rates(_complete_fit(self._design, sums))
            partial = np.flatnonzero(~complete)
            for start in range(0, len(partial), _CHUNK):
                rows = partial[start : start + _CHUNK]
                found[:, rows], status[rows] = self._partial(displacement[rows])
            rates = found.astype(np.float32)
        # Absurd values may have rates beyond float32.
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
    """Fits of n rows in columns that are orthonormal over the row's own epochs; n may be 1 where all rows share it.

    Attributes
    ----------
    count, span : ndarray, shape [n]
        Epochs, and days between the first and the last of them.
    energy : ndarray of float64, shape [n]
        Sum of squares, mm^2.
    amplitudes : ndarray of float64, shape [6, n]
        Of the columns; each takes its square off the sum of squares, whichever columns follow.
    line, parabola : ndarray of float64, shape [n]
        Amplitude of the highest power's column for a rate of one mm/yr, and for a quadratic coefficient of one.
    season : ndarray of float64, shape [6, 2, n]
        Sine and cosine from the amplitudes.
    regular : ndarray of bool, shape [n]
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
    lower, regular = factors(gram)
    season = np.broadcast_to(design.season.T[:, :, None], (UNKNOWNS, 2, len(count)))
    solved = substitute(lower, np.concatenate([sums.projections[:, None], season], axis=1))
    line, parabola = (design.scale[power] * lower[power, power] for power in (LINE, PARABOLA))
    return _Fit(count, span, sums.energy, solved[:, 0], line, parabola, solved[:, 1:], regular)


def _rates(fit: _Fit) -> tuple[FloatArray, Int8Array]:
    """Give the seven rates [7, n], in the order of ``Rates``, and the status [n]."""
    left = fit.energy - np.cumsum(fit.amplitudes**2, axis=0)[LINE:]
    by_line, by_parabola, by_cubic = np.sqrt(np.maximum(left, 0) / fit.count)
    velocity, acceleration = fit.amplitudes[LINE] / fit.line, 2 * fit.amplitudes[PARABOLA] / fit.parabola
    sine, cosine = over_columns(fit.season * fit.amplitudes[:, None])
    # Standard deviations for noise of 1 mm.
    of_velocity, of_acceleration = 1 / np.abs(fit.line), 2 / np.abs(fit.parabola)
    of_season = np.sqrt(over_columns(over_columns(fit.season**2)) / 2)
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
    reasons = [count < LEAST_EPOCHS, span < LEAST_DAYS, ~regular]
    status = (FitStatus.TOO_FEW_EPOCHS, FitStatus.SPAN_TOO_SHORT, FitStatus.SINGULAR)
    return np.select(reasons, [np.int8(one) for one in status], np.int8(FitStatus.OK))
