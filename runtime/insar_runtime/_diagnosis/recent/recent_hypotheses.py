"""Hypotheses of the recent change: noise models, and trends before the window, with their linear estimators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime._diagnosis.gls import PrecisionMatrix, line_estimator, restricted_precision
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.noise.rate_noise import mean_rate_noise, rate_noise_models
from insar_runtime._diagnosis.recent.recent_design import RecentDesign

_TREND: Final = 10.0
"""Standard deviation of the RMS departure of a trend from its line, over the scatter: wide, so that the trend is hardly
shrunk. Our choice."""
_CURVED: Final = 0.1
_BROKEN: Final = 0.1
"""Prior shares of the series with a parabola, and with one earlier break. Our choice: few series of a file have one."""


@dataclass(frozen=True, slots=True, eq=False)
class RecentHypotheses:
    """Hypotheses: each noise model with a line before the window, then mean noise with each of the trends.

    Attributes
    ----------
    change, rate : ndarray of float64, shape [H, T]
        Generalised least-squares estimators of the change of rate, and of the rate in the window: their products with
        a series, mm/yr.
    change_variance, rate_variance : ndarray of float64, shape [H]
        Variances of both in noise of unit scatter.
    constant : ndarray of float64, shape [H]
        Logarithm of the prior probability and of the determinants of the restricted likelihood, in which line and
        change of rate are free.
    mean : ndarray of float64, shape [T, T]
        Covariance of the mean noise of unit scatter.
    precisions : list of ndarray of float64, shape [T, T]
        Of each noise model, and then of the mean noise, with line and change of rate projected out.
    trends : ndarray of float64, shape [J, T]
        Trends that are no lines.
    trend_products : ndarray of float64, shape [J, T]
        Their products with the last of the precisions.
    trend_energy, trend_information : ndarray of float64, shape [J]
        Inverse variance of their amplitudes in mean noise, without and with their prior.
    freedom : int
        Degrees of freedom of complete series.
    """

    change: FloatArray
    rate: FloatArray
    change_variance: FloatArray
    rate_variance: FloatArray
    constant: FloatArray
    mean: FloatArray
    precisions: list[FloatArray]
    trends: FloatArray
    trend_products: FloatArray
    trend_energy: FloatArray
    trend_information: FloatArray
    freedom: int

    @classmethod
    def of(cls, noise: FileNoise, design: RecentDesign) -> RecentHypotheses:
        """Return the hypotheses for the noise of a file.

        Raises
        ------
        numpy.linalg.LinAlgError
            If a covariance is singular.
        """
        covariances, weights = rate_noise_models(noise)
        columns, slopes = design.columns, design.rates
        trends = columns.shape[1] - 1
        plain = np.log(weights * (1 - _CURVED - _BROKEN * (trends > 1)))
        bases = [_BesideLine.of(one, design.line) for one in covariances]
        found = [base.fit(columns[:, :1], slopes[:1]) for base in bases]
        constants = [prior + fit.constant for prior, fit in zip(plain, found, strict=True)]
        mean = mean_rate_noise(noise)
        base = _BesideLine.of(mean, design.line)
        for place in range(1, trends + 1):
            pair = [0, place]
            found.append(base.fit(columns[:, pair], slopes[pair]))
            prior = _CURVED if place == 1 else _BROKEN / (trends - 1)
            constants.append(np.log(prior) + found[-1].constant)
        precisions = [one.without(columns[:, 0]) for one in (*bases, base)]
        products = precisions[-1] @ columns[:, 1:]
        energy = np.vecdot(columns[:, 1:].T, products.T)
        return cls(
            np.stack([fit.change for fit in found]),
            np.stack([fit.rate for fit in found]),
            np.array([fit.change_variance for fit in found]),
            np.array([fit.rate_variance for fit in found]),
            np.array(constants),
            mean,
            precisions,
            np.ascontiguousarray(columns[:, 1:].T),
            np.ascontiguousarray(products.T),
            energy,
            energy + _TREND**-2,
            len(design.days) - 3,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Estimators under one hypothesis; see ``RecentHypotheses``."""

    change: FloatArray
    rate: FloatArray
    change_variance: float
    rate_variance: float
    constant: float


@dataclass(frozen=True, slots=True, eq=False)
class _BesideLine:
    """Fits beside a line in one noise model.

    Attributes
    ----------
    precision : PrecisionMatrix
        With the line projected out.
    slope : ndarray of float64, shape [T]
        Estimator of the slope of the line alone, mm/yr.
    slope_variance : float
        Its variance in noise of unit scatter.
    """

    precision: PrecisionMatrix
    slope: FloatArray
    slope_variance: float

    @classmethod
    def of(cls, covariance: FloatArray, line: FloatArray) -> _BesideLine:
        """Return the fits for a covariance [T, T] and a line [T, 2]."""
        estimator, spread = line_estimator(covariance, line)
        return cls(restricted_precision(covariance, line), estimator[1], float(spread[1, 1]))

    def without(self, column: FloatArray) -> FloatArray:
        """Return the precision matrix [T, T] with a column [T] projected out as well."""
        weighted = self.precision.matrix @ column
        return np.asarray(self.precision.matrix - np.outer(weighted, weighted) / (column @ weighted))

    def fit(self, columns: FloatArray, slopes: FloatArray) -> _Fit:
        """Return the estimators of one or two columns; the second has an amplitude with a normal prior.

        Parameters
        ----------
        columns : ndarray of float64, shape [T, 1 or 2]
        slopes : ndarray of float64, shape [1 or 2]
            Their slopes in the window, 1/yr.
        """
        weighted = self.precision.matrix @ columns
        prior = np.append(0.0, np.full(len(slopes) - 1, _TREND**-2))
        inverse = np.linalg.inv(columns.T @ weighted + np.diag(prior))
        amplitudes = inverse @ weighted.T
        # Each column changes the slope of the line, too.
        of_slope = slopes - self.slope @ columns
        determinant = self.precision.log_determinant - np.linalg.slogdet(inverse)[1] - np.log(prior[1:]).sum()
        return _Fit(
            amplitudes[0],
            self.slope + of_slope @ amplitudes,
            float(inverse[0, 0]),
            float(self.slope_variance + of_slope @ inverse @ of_slope),
            -0.5 * float(determinant),
        )
