"""Generalised least-squares fits of hinges at all candidate dates, in one noise model, by a single matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray, IndexArray
from insar_runtime._diagnosis.breaks.candidates import BreakCandidates
from insar_runtime._diagnosis.breaks.gap_layout import GapLayout
from insar_runtime._diagnosis.breaks.gapped_precision import GappedPrecision, predict_missing
from insar_runtime._diagnosis.gls import line_estimator, restricted_precision
from insar_runtime._diagnosis.row_products import multiply_rows

_LEAST_LEFT: Final = 1e-9
"""Least remaining part of the information on an amplitude: less is rounding error."""


@dataclass(frozen=True, slots=True, eq=False)
class HingeScales:
    """Factors of the fits that depend on the missing epochs and not on the values, for n sets of missing epochs.

    Attributes
    ----------
    lift : ndarray of float32, shape [n, J]
        Factor of the gain on all epochs; 0 if the remaining epochs do not determine the amplitude.
    log_information : ndarray of float32, shape [n, J]
        Logarithm of the inverse variance of each amplitude in noise of unit scatter.
    before, after : ndarray of float32, shape [n, J]
        Change of the slopes before and after the break per unit gain.
    slope_variance : ndarray of float64, shape [n]
        Variance of the slope of the line alone, in noise of unit scatter.
    log_determinant, freedom : ndarray of float64, shape [n]
        Constants of the restricted likelihood of the line: see ``PrecisionMatrix``.
    """

    lift: Float32Array
    log_information: Float32Array
    before: Float32Array
    after: Float32Array
    slope_variance: FloatArray
    log_determinant: FloatArray
    freedom: FloatArray

    @property
    def _parts(self) -> tuple[NDArray[Any], ...]:
        of_candidates = self.lift, self.log_information, self.before, self.after
        return (*of_candidates, self.slope_variance, self.log_determinant, self.freedom)

    def repeated(self, count: int) -> HingeScales:
        """Return ``count`` copies of the first set."""
        return self.__class__(*(np.repeat(part[:1], count, axis=0) for part in self._parts))

    def put(self, places: IndexArray, others: HingeScales) -> None:
        """Replace the sets at some indices."""
        for part, other in zip(self._parts, others._parts, strict=True):
            part[places] = other

    def __getitem__(self, some: IndexArray) -> HingeScales:
        """Return the sets at some indices."""
        return self.__class__(*(part[some] for part in self._parts))


@dataclass(frozen=True, slots=True, eq=False)
class HingeFits:
    """Fits of all candidates to n rows in one noise model.

    Attributes
    ----------
    gain : ndarray of float32, shape [n, J]
        Amplitude over its standard deviation in noise of unit scatter; its square is the reduction of the sum of
        squares by a candidate.
    squares : ndarray of float64, shape [n]
        Weighted sum of squared residuals of the line.
    slope : ndarray of float64, shape [n]
        Slope of the line alone, mm/yr.
    scales : HingeScales
        One set per row, or a single one for all rows.
    """

    gain: Float32Array
    squares: FloatArray
    slope: FloatArray
    scales: HingeScales


class HingeTable:
    """Fits of all candidates in one noise model, by a product with a precomputed matrix.

    Parameters
    ----------
    covariance : ndarray of float64, shape [T, T]
        Covariance of noise of unit scatter.
    candidates : BreakCandidates

    Raises
    ------
    numpy.linalg.LinAlgError
        If the covariance is singular.
    """

    def __init__(self, covariance: FloatArray, candidates: BreakCandidates) -> None:
        precision = restricted_precision(covariance, candidates.line)
        estimator, spread = line_estimator(covariance, candidates.line)
        weighted = precision.matrix @ candidates.column
        self._information = (candidates.column * weighted).sum(axis=0)
        self._fitted_slope = estimator[1] @ candidates.column
        self._slope_variance, self._log_determinant = float(spread[1, 1]), precision.log_determinant
        self._freedom = precision.freedom
        none = np.zeros(1)
        self._complete = self._scales(self._information[None], self._fitted_slope[None], none, none, none)
        # One additional epoch without information, as in the precision matrix.
        self._precision = GappedPrecision(precision.matrix)
        self._weighted = np.pad(np.concatenate([weighted, estimator[1][:, None]], axis=1), ((0, 1), (0, 0)))
        self._gain32 = (self._weighted[:, :-1] / np.sqrt(self._information)).astype(np.float32)
        self._slope32 = self._weighted[:, -1].astype(np.float32)

    def fit(self, values: Float32Array, gaps: list[GapLayout]) -> HingeFits:
        """Return the fits of all candidates to rows.

        Parameters
        ----------
        values : ndarray of float32, shape [n, T + 1]
            mm; 0 at missing values and at the additional last epoch.
        gaps : list of GapLayout
            Layouts of the rows with missing values.
        """
        weighted, squares = self._precision.weigh(values)
        scales = self._complete
        if gaps:
            values, scales = values.copy(), scales.repeated(len(values))
            for some in gaps:
                half, volume = self._precision.factors(some)
                predict_missing(values, squares, weighted, some, half)
                scales.put(some.row, self._without(some, half, volume)[some.pattern_of_row])
        gain = multiply_rows(values, self._gain32)
        gain *= scales.lift
        return HingeFits(gain, squares, np.vecdot(values, self._slope32).astype(np.float64), scales)

    def _without(self, gaps: GapLayout, half: FloatArray, volume: FloatArray) -> HingeScales:
        """Return the scales of each pattern: a missing epoch is equivalent to an additional unknown."""
        across = half @ self._weighted[gaps.lost]
        hinges, line = across[:, :, :-1], across[:, :, -1]
        information = self._information - np.einsum("pmj,pmj->pj", hinges, hinges)
        fitted_slope = self._fitted_slope - (line[:, None] @ hinges)[:, 0]
        lost = (~gaps.padding).sum(axis=1).astype(np.float64)
        return self._scales(information, fitted_slope, np.vecdot(line, line), volume, lost)

    def _scales(
        self,
        information: FloatArray,
        fitted_slope: FloatArray,
        of_slope: FloatArray,
        volume: FloatArray,
        lost: FloatArray,
    ) -> HingeScales:
        """Return the scales of p sets of missing epochs, from their differences to the scales of all epochs.

        Parameters
        ----------
        information : ndarray of float64, shape [p, J]
            Inverse variance of each amplitude.
        fitted_slope : ndarray of float64, shape [p, J]
            Slope of the line fitted to a candidate of unit amplitude.
        of_slope, volume, lost : ndarray, shape [p]
            Increase of the variance of the slope and of the log determinant, and loss of degrees of freedom.
        """
        # For a hinge beyond the epochs of the row, nothing but rounding error is left.
        determined = information > _LEAST_LEFT * self._information
        information = np.where(determined, information, self._information)
        scale = 1 / np.sqrt(information)
        return HingeScales(
            np.where(determined, np.sqrt(self._information) * scale, 0.0).astype(np.float32),
            np.log(information).astype(np.float32),
            (-fitted_slope * scale).astype(np.float32),
            ((1 - fitted_slope) * scale).astype(np.float32),
            self._slope_variance + of_slope,
            self._log_determinant + volume,
            self._freedom - lost,
        )
