"""What one kind of noise makes of a break, at every date at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray, IndexArray
from insar_runtime._diagnosis.breaks.candidates import BreakCandidates
from insar_runtime._diagnosis.breaks.gap_layout import LOST_MULTIPLE, GapLayout
from insar_runtime._diagnosis.gls import line_estimator, restricted_precision
from insar_runtime._diagnosis.row_products import multiply_equal_rows

_LEAST_LEFT: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class HingeScales:
    """What one kind of noise makes of candidates whatever the values are, for n sets of missing epochs.

    Attributes
    ----------
    lift : ndarray of float32, shape [n, J]
        What the gain on all epochs is multiplied by; 0 where the epochs that are left do not tell of the candidate.
    log_information : ndarray of float32, shape [n, J]
        Logarithm of the inverse variance of each amplitude in noise of unit scatter.
    before, after : ndarray of float32, shape [n, J]
        What a gain of one adds to the slope before the break, and after it.
    slope_variance : ndarray of float64, shape [n]
        Of the slope of the line alone, in noise of unit scatter.
    log_determinant, freedom : ndarray of float64, shape [n]
        Of the restricted likelihood of the line: see ``Precision``.
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
        of_hinges = self.lift, self.log_information, self.before, self.after
        return (*of_hinges, self.slope_variance, self.log_determinant, self.freedom)

    def repeated(self, count: int) -> HingeScales:
        """Give the first one so many times."""
        return self.__class__(*(np.repeat(part[:1], count, axis=0) for part in self._parts))

    def put(self, places: IndexArray, others: HingeScales) -> None:
        """Put others in some places."""
        for part, other in zip(self._parts, others._parts, strict=True):
            part[places] = other

    def __getitem__(self, some: IndexArray) -> HingeScales:
        """Give some of them."""
        return self.__class__(*(part[some] for part in self._parts))


@dataclass(frozen=True, slots=True, eq=False)
class HingeFits:
    """Fits of all candidates to n rows in one kind of noise.

    Attributes
    ----------
    gain : ndarray of float32, shape [n, J]
        Amplitude over its standard deviation in noise of unit scatter; its square is what a candidate takes off the
        sum of squares.
    squares : ndarray of float64, shape [n]
        Weighted sum of squares about the line.
    slope : ndarray of float64, shape [n]
        Of the line alone, mm/yr.
    scales : HingeScales
        Of each row, or one of all.
    """

    gain: Float32Array
    squares: FloatArray
    slope: FloatArray
    scales: HingeScales


class HingeTable:
    """All that one kind of noise has to say of the candidates, as one matrix to multiply rows with.

    Parameters
    ----------
    covariance : ndarray of float64, shape [T, T]
        Of unit scatter.
    candidates : BreakCandidates

    Raises
    ------
    numpy.linalg.LinAlgError
        If the covariance is singular.
    """

    def __init__(self, covariance: FloatArray, candidates: BreakCandidates) -> None:
        precision = restricted_precision(covariance, candidates.line)
        estimator, spread = line_estimator(covariance, candidates.line)
        seen = precision.matrix @ candidates.column
        self._information = (candidates.column * seen).sum(axis=0)
        self._lean = estimator[1] @ candidates.column
        self._slope_variance, self._log_determinant = float(spread[1, 1]), precision.log_determinant
        self._freedom = precision.freedom
        none = np.zeros(1)
        self._complete = self._scales(self._information[None], self._lean[None], none, none, none)
        # One more epoch, of which nothing is known, stands for the padding of rows that lack values.
        self._precision = np.pad(precision.matrix, (0, 1))
        self._seen = np.pad(np.concatenate([seen, estimator[1][:, None]], axis=1), ((0, 1), (0, 0)))
        self._precision32 = self._precision.astype(np.float32)
        self._gain32 = (self._seen[:, :-1] / np.sqrt(self._information)).astype(np.float32)
        self._slope32 = self._seen[:, -1].astype(np.float32)

    def fit(self, values: Float32Array, gaps: list[GapLayout]) -> HingeFits:
        """Fit all candidates to rows.

        Parameters
        ----------
        values : ndarray of float32, shape [n, T + 1]
            mm; 0 = missing, and at the end. n should always be the same, for the same bits.
        gaps : list of GapLayout
            Of the rows that lack values.
        """
        seen = multiply_equal_rows(values, self._precision32)
        squares = np.vecdot(values, seen).astype(np.float64)
        scales = self._complete
        if gaps:
            values, scales = values.copy(), scales.repeated(len(values))
            for some in gaps:
                half, volume = self._factors(some)
                self._foretell(values, squares, seen, some, half)
                scales.put(some.row, self._without(some, half, volume)[some.pattern_of_row])
        gain = multiply_equal_rows(values, self._gain32)
        gain *= scales.lift
        return HingeFits(gain, squares, np.vecdot(values, self._slope32).astype(np.float64), scales)

    def _factors(self, gaps: GapLayout) -> tuple[FloatArray, FloatArray]:
        """Factor the precision of missing epochs: gives inverse factors [p, m, m] and log determinants [p]."""
        matrix = self._precision[gaps.lost[:, :, None], gaps.lost[:, None, :]]
        index = np.arange(gaps.lost.shape[1])
        matrix[:, index, index] += gaps.padding
        factor = np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
        return _inverse(factor), 2 * np.log(factor[:, index, index]).sum(axis=1)

    @staticmethod
    def _foretell(
        values: Float32Array, squares: FloatArray, seen: Float32Array, gaps: GapLayout, half: FloatArray
    ) -> None:
        """Put what the others foretell in the place of missing values: there it adds to no sum of squares."""
        there = seen[gaps.rows[:, :, None], gaps.lost[gaps.pattern][:, None]] @ half.transpose(0, 2, 1)[gaps.pattern]
        squares[gaps.rows] -= np.vecdot(there, there)
        foretold = (there @ half[gaps.pattern]).reshape(-1, half.shape[1])[gaps.place]
        values[gaps.row[:, None], gaps.lost[gaps.pattern_of_row]] = -foretold

    def _without(self, gaps: GapLayout, half: FloatArray, volume: FloatArray) -> HingeScales:
        """Give the scales of each pattern: a missing epoch is as good as an unknown of its own."""
        across = half @ self._seen[gaps.lost]
        hinges, line = across[:, :, :-1], across[:, :, -1]
        information = self._information - np.einsum("pmj,pmj->pj", hinges, hinges)
        lean = self._lean - (line[:, None] @ hinges)[:, 0]
        lost = (~gaps.padding).sum(axis=1).astype(np.float64)
        return self._scales(information, lean, np.vecdot(line, line), volume, lost)

    def _scales(
        self, information: FloatArray, lean: FloatArray, of_slope: FloatArray, volume: FloatArray, lost: FloatArray
    ) -> HingeScales:
        """Give scales from what each of p sets of missing epochs leaves, and adds to those of all epochs.

        Parameters
        ----------
        information : ndarray of float64, shape [p, J]
            Inverse variance of each amplitude.
        lean : ndarray of float64, shape [p, J]
            Slope of the line that a candidate of unit amplitude is taken for.
        of_slope, volume, lost : ndarray, shape [p]
            More variance of the slope and log determinant, and less freedom.
        """
        # Of a hinge that lies beyond the row's own epochs nothing is left but rounding.
        told = information > _LEAST_LEFT * self._information
        information = np.where(told, information, self._information)
        scale = 1 / np.sqrt(information)
        return HingeScales(
            np.where(told, np.sqrt(self._information) * scale, 0.0).astype(np.float32),
            np.log(information).astype(np.float32),
            (-lean * scale).astype(np.float32),
            ((1 - lean) * scale).astype(np.float32),
            self._slope_variance + of_slope,
            self._log_determinant + volume,
            self._freedom - lost,
        )


def _inverse(lower: FloatArray) -> FloatArray:
    """Invert triangular matrices [p, m, m], m a multiple of ``LOST_MULTIPLE``: twice as fast as a routine for any."""
    inverse = np.zeros_like(lower)
    for begin in range(0, lower.shape[1], LOST_MULTIPLE):
        some, above = slice(begin, begin + LOST_MULTIPLE), slice(0, begin)
        inverse[:, some, some] = np.linalg.inv(lower[:, some, some])
        inverse[:, some, above] = -inverse[:, some, some] @ (lower[:, some, above] @ inverse[:, above, above])
    return inverse
