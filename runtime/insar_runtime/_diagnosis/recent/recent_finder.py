"""Recent change of series: the rate in their last months, and whether it differs from the trend before.

Bayesian model averaging: each noise model of the file with a line before the window, and mean noise with a parabola or
with an earlier break, is a hypothesis. The reported values are averaged over the posterior of all hypotheses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IndexArray, RealArray
from insar_runtime._diagnosis.breaks.detrend import complete_without_line, without_line
from insar_runtime._diagnosis.breaks.gap_layout import GapLayout
from insar_runtime._diagnosis.breaks.gapped_precision import GappedPrecision, predict_missing
from insar_runtime._diagnosis.missing_epochs import MissingPatterns, order_by_missing_count
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.recent.energy_basis import Energies, EnergyBasis
from insar_runtime._diagnosis.recent.recent_design import RecentDesign, enough_epochs
from insar_runtime._diagnosis.recent.recent_hypotheses import RecentHypotheses
from insar_runtime._diagnosis.recent.student import two_sided
from insar_runtime._diagnosis.results import RecentChanges
from insar_runtime._diagnosis.row_products import multiply_rows

_ROWS_AT_ONCE: Final = 1024
"""Rows that are fitted at a time, few enough for the caches. Smaller chunks are padded, so the bits of a row do not
depend on the number of rows."""
_TINY: Final = 1e-300
_LARGE_MM: Final = 10.0
"""RMS departure from a line, each value over the factor of its white noise, up to which single precision suffices for
sums of squares. Our choice."""
_FLOOR_MM: Final = 0.02
"""Least scatter of any series, including rounding to 0.1 mm."""


@dataclass(frozen=True, slots=True, eq=False)
class StepErrors:
    """Steps that were subtracted from rows with an uncertain size.

    Attributes
    ----------
    row : ndarray of intp, shape [m]
    epoch : ndarray of intp, shape [m]
        First epoch after the step.
    std : ndarray of float64, shape [m]
        Standard deviation of the size, mm.
    """

    row: IndexArray
    epoch: IndexArray
    std: FloatArray

    def of_rows(self, rows: IndexArray) -> StepErrors:
        """Return the steps of some rows, numbered by them."""
        order = np.argsort(rows)
        place = order[np.minimum(np.searchsorted(rows[order], self.row), len(rows) - 1)]
        own = rows[place] == self.row
        return StepErrors(place[own], self.epoch[own], self.std[own])


@dataclass(frozen=True, slots=True, eq=False)
class _Losses:
    """Effects of missing values on the fits of n rows, relative to complete ones.

    Attributes
    ----------
    change_variance, rate_variance : ndarray of float32, shape [n, H]
        Increase of the variances in noise of unit scatter.
    volume : ndarray of float32, shape [n, H]
        Increase of the log determinant.
    lost : ndarray of float32, shape [n, 1]
        Number of missing values.
    """

    change_variance: Float32Array
    rate_variance: Float32Array
    volume: Float32Array
    lost: Float32Array


class RecentChangeFinder:
    """Estimates the recent change of many series that share a time axis and a noise model.

    Parameters
    ----------
    noise : FileNoise
    recent_days : float
        Length of the window, which ends at the last epoch of the axis.

    Notes
    -----
    Built once per file, safe to share between threads. Missing values are predicted by the mean noise, and the
    information that is lost with them is that lost under it.
    """

    def __init__(self, noise: FileNoise, recent_days: float) -> None:
        self._fits: _Fits | None = None
        design = RecentDesign.for_days(np.asarray(noise.days, dtype=np.float64), recent_days)
        if design is not None:
            try:
                self._fits = _Fits(noise, design)
            except np.linalg.LinAlgError:
                # Then no series has a result, as with too few epochs.
                self._fits = None

    def find(self, displacement: RealArray, steps: StepErrors | None = None) -> RecentChanges:
        """Return the recent change of each series.

        Parameters
        ----------
        displacement : ndarray of float32, shape [n, T]
            mm; NaN = missing. Without jumps.
        steps : StepErrors, optional
            Jumps that were subtracted; their row is an index of these series.

        Returns
        -------
        RecentChanges
            NaN where a series has too few values within the window or before it, or an infinite one.
        """
        out = RecentChanges.unknown(len(displacement))
        if self._fits is None:
            return out
        present = np.isfinite(displacement)
        complete = present.all(axis=1)
        partial = np.flatnonzero(~complete)
        fitted = enough_epochs(present[partial], self._fits.days, self._fits.begin)
        partial = partial[fitted & ~np.isinf(displacement[partial]).any(axis=1)]
        for rows in (np.flatnonzero(complete), partial[order_by_missing_count(~present[partial])]):
            for begin in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[begin : begin + _ROWS_AT_ONCE]
                # Values beyond single precision give results that are not finite.
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                    found = self._fits.fit(displacement[some], present[some], steps and steps.of_rows(some))
                found[:, ~np.isfinite(found).all(axis=0)] = np.nan
                out.v_recent[some], out.v_recent_std[some], out.probability[some] = found
        return out


class _Fits:
    """Matrices of a file, and the fits of a chunk of its rows.

    Parameters
    ----------
    noise : FileNoise
    design : RecentDesign

    Raises
    ------
    numpy.linalg.LinAlgError
        If a covariance is singular.
    """

    def __init__(self, noise: FileNoise, design: RecentDesign) -> None:
        self.days, self.begin = design.days, design.begin
        self._spread = noise.recent_spread
        hypotheses = RecentHypotheses.of(noise, design)
        self._known = hypotheses
        nuisance = np.concatenate([design.line, design.columns[:, :1]], axis=1)
        white = np.maximum(noise.white_factor, 1e-3)
        self._basis = EnergyBasis(hypotheses.mean, nuisance, white)
        self._of_kinds = Energies(self._basis, hypotheses.precisions[:-1])
        self._of_mean = Energies(self._basis, hypotheses.precisions[-1:])
        self._mean = GappedPrecision(hypotheses.precisions[-1])
        size = len(hypotheses.change)
        estimators = [hypotheses.change, hypotheses.rate, hypotheses.trend_products]
        products = [*(one.T.astype(np.float32) for one in estimators), self._basis.columns]
        self._columns = np.concatenate(products, axis=1)
        self._ends = np.cumsum([one.shape[1] for one in products[:-1]])
        self._of_steps = np.cumsum(np.concatenate(estimators[:2])[:, ::-1], axis=1)[:, ::-1]
        self._hinge = design.columns[:, 0].astype(np.float32)
        self._trends = hypotheses.trends.astype(np.float32)
        self._slow_trends = (hypotheses.trends / white @ self._basis.vectors).astype(np.float32)
        self._lines = size - len(hypotheses.trends)
        self._freedom = np.full((1, 1), hypotheses.freedom, dtype=np.float32)
        self._constant = hypotheses.constant.astype(np.float32)
        self._change_variance = hypotheses.change_variance.astype(np.float32)
        self._rate_variance = hypotheses.rate_variance.astype(np.float32)
        self._trend_variance = (1 / hypotheses.trend_information).astype(np.float32)
        self._trend_energy = hypotheses.trend_energy.astype(np.float32)
        # One additional epoch without effect, to which the padding of missing epochs refers.
        self._padded_estimators = np.pad(np.concatenate(estimators[:2]).T, ((0, 1), (0, 0)))
        diagonals = np.log([np.maximum(np.diag(one), _TINY) for one in hypotheses.precisions])
        # A trend hardly changes the precision of single epochs.
        of_hypotheses = np.append(np.arange(self._lines), np.full(len(hypotheses.trends), self._lines))
        self._volume = np.pad((diagonals - diagonals[-1])[of_hypotheses].T, ((0, 1), (0, 0)))

    def fit(self, displacement: RealArray, present: BoolArray, steps: StepErrors | None) -> Float32Array:
        """Return rate, its standard deviation, and the probability of a change [3, n] of rows.

        Parameters
        ----------
        displacement : ndarray of float32, shape [n, T]
        present : ndarray of bool, shape [n, T]
        steps : StepErrors or None
        """
        count, size = len(displacement), len(self._known.change)
        values = np.zeros((_ROWS_AT_ONCE, len(self.days)), dtype=np.float32)
        rate = np.zeros(_ROWS_AT_ONCE, dtype=np.float32)
        losses = None
        if present.all():
            values[:count], rate[:count] = complete_without_line(displacement, self.days)
        else:
            values[:count], rate[:count] = without_line(displacement, present, self.days)
            losses = self._fill_missing(values, present)
        change, of_rate, of_trends, found = np.split(multiply_rows(values, self._columns), self._ends, axis=1)
        left = self._residual_squares(values, change, of_trends, found)
        freedom = self._freedom if losses is None else self._freedom - losses.lost
        np.maximum(left, freedom * np.float32(_FLOOR_MM**2), out=left)
        # Single precision suffices for logarithms of ratios near 1.
        evidence = self._constant - 0.5 * freedom * np.log(left / left.min(axis=1, keepdims=True))
        scatter = np.divide(left, freedom / np.float32(self._spread**2), out=left)
        change_variance, rate_variance = scatter * self._change_variance, scatter * self._rate_variance
        if losses is not None:
            evidence -= 0.5 * losses.volume
            change_variance += scatter * losses.change_variance
            rate_variance += scatter * losses.rate_variance
        if steps is not None:
            response = self._of_steps[:, steps.epoch].T * steps.std[:, None]
            np.add.at(change_variance, steps.row, response[:, :size] ** 2)
            np.add.at(rate_variance, steps.row, response[:, size:] ** 2)
        weight = np.exp(evidence - evidence.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        student = np.divide(change, np.sqrt(change_variance, out=change_variance), out=change_variance)
        certainty = np.vecdot(weight, two_sided(student, np.maximum(freedom, np.float32(1))))
        mean = np.vecdot(weight, of_rate)
        # The variance of Student's distribution.
        rate_variance *= freedom / np.maximum(freedom - 2, np.float32(1))
        rate_variance += np.square(of_rate - mean[:, None])
        std = np.sqrt(np.vecdot(weight, rate_variance))
        return np.stack([mean + rate, std, np.abs(certainty)])[:, :count]

    def _fill_missing(self, values: Float32Array, present: BoolArray) -> _Losses:
        """Replace the missing values of rows by their prediction, and return what is lost with them."""
        size = len(self._known.change)
        increase = np.zeros((len(values), 2 * size), dtype=np.float32)
        volume = np.zeros((len(values), size), dtype=np.float32)
        padded = np.pad(values, ((0, 0), (0, 1)))
        weighted, squares = self._mean.weigh(padded)
        for gaps in GapLayout.of(MissingPatterns.of(~present), 2 * size):
            half, determinant = self._mean.factors(gaps)
            predict_missing(padded, squares, weighted, gaps, half)
            across = half @ self._padded_estimators[gaps.lost]
            increase[gaps.row] = np.einsum("pmj,pmj->pj", across, across)[gaps.pattern_of_row]
            volume[gaps.row] = (determinant[:, None] + self._volume[gaps.lost].sum(axis=1))[gaps.pattern_of_row]
        values[:] = padded[:, :-1]
        lost = np.zeros((len(values), 1), dtype=np.float32)
        lost[: len(present), 0] = np.count_nonzero(~present, axis=1)
        change, rate = np.split(increase, 2, axis=1)
        return _Losses(change, rate, volume, lost)

    def _residual_squares(
        self, values: Float32Array, change: Float32Array, of_trends: Float32Array, found: Float32Array
    ) -> Float32Array:
        """Return the weighted sums of squares [n, H] that are left beside line, change of rate and trend."""
        rows = np.arange(len(values))
        amplitude = of_trends * self._trend_variance
        gain = amplitude * of_trends
        best = gain.argmax(axis=1)
        size = amplitude[rows, best][:, None]
        slow_trend = size * self._slow_trends[best]
        squares = self._basis.squares(values)
        # Without the likeliest trend.
        components, fastest = found[:, : slow_trend.shape[1]] - slow_trend, self._basis.rest(squares, found)
        large = np.flatnonzero(squares > _LARGE_MM**2 * values.shape[1])
        if len(large):
            # Single precision does not suffice for their sums: trend and change of rate are subtracted before.
            rest = values[large] - size[large] * self._trends[best[large]]
            rest -= change[large, self._lines + best[large]][:, None] * self._hinge
            components[large], fastest[large] = self._basis.components(rest)
        mean = self._of_mean.of(components, fastest)
        mean += size * (2 * of_trends[rows, best, None] - size * self._trend_energy[best, None])
        kinds = self._of_kinds.of(components + slow_trend, fastest)
        return np.concatenate([kinds, mean - gain], axis=1)
