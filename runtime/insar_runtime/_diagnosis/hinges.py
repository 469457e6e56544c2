"""What one kind of noise makes of a break, at every date at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.candidates import Candidates
from insar_runtime._diagnosis.gaps import Gaps
from insar_runtime._diagnosis.gls import line_estimator, restricted_precision
from insar_runtime._diagnosis.noise import Floats

Singles = NDArray[np.float32]
_LEAST_LEFT: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Fits of all candidates to n rows in one kind of noise; axes of length 1 hold for all rows.

    Attributes
    ----------
    gain : ndarray of float32, shape [n, J]
        Amplitude over its standard deviation in noise of unit scatter; its square is what a candidate takes off the
        sum of squares.
    squares : ndarray of float64, shape [n]
        Weighted sum of squares about the line.
    slope : ndarray of float64, shape [n]
        Of the line alone, mm/yr.
    information : ndarray of float64, shape [n or 1, J]
        Inverse variance of each amplitude in noise of unit scatter.
    lean : ndarray of float64, shape [n or 1, J]
        Slope of the line that a candidate of unit amplitude is taken for.
    slope_variance : ndarray of float64, shape [n or 1]
        Of ``slope``, in noise of unit scatter.
    log_determinant, freedom : ndarray of float64, shape [n or 1]
        Of the restricted likelihood of the line: see ``Precision``.
    """

    gain: Singles
    squares: Floats
    slope: Floats
    information: Floats
    lean: Floats
    slope_variance: Floats
    log_determinant: Floats
    freedom: Floats


class HingeTable:
    """All that one kind of noise has to say of the candidates, as one matrix to multiply rows with.

    Parameters
    ----------
    covariance : ndarray of float64, shape [T, T]
        Of unit scatter.
    candidates : Candidates

    Raises
    ------
    numpy.linalg.LinAlgError
        If the covariance is singular.
    """

    def __init__(self, covariance: Floats, candidates: Candidates) -> None:
        precision = restricted_precision(covariance, candidates.line)
        estimator, spread = line_estimator(covariance, candidates.line)
        self._freedom = precision.freedom
        self._precision = precision.matrix
        seen = precision.matrix @ candidates.column
        self._information = (candidates.column * seen).sum(axis=0)
        self._lean = estimator[1] @ candidates.column
        self._slope_variance = float(spread[1, 1])
        self._log_determinant = precision.log_determinant
        self._seen = np.concatenate([seen, estimator[1][:, None]], axis=1)
        self._matrix32 = precision.matrix.astype(np.float32)
        self._gain32 = (seen / np.sqrt(self._information)).astype(np.float32)
        self._slope32 = estimator[1].astype(np.float32)

    def fit(self, values: Singles, gaps: list[Gaps]) -> Fits:
        """Fit all candidates to rows.

        Parameters
        ----------
        values : ndarray of float32, shape [n, T]
            mm; 0 = missing. n should always be the same, for the same bits.
        gaps : list of Gaps
            Of the rows that lack values.
        """
        seen = values @ self._matrix32
        one = np.ones(len(values) if gaps else 1)
        fits = Fits(
            values @ self._gain32,
            np.vecdot(values, seen).astype(np.float64),
            np.vecdot(values, self._slope32).astype(np.float64),
            one[:, None] * self._information,
            one[:, None] * self._lean,
            one * self._slope_variance,
            one * self._log_determinant,
            one * self._freedom,
        )
        for some in gaps:
            self._mend(fits, seen, some)
        return fits

    def _mend(self, fits: Fits, seen: Singles, gaps: Gaps) -> None:
        """Take missing epochs out of the fits of their rows: each is as good as an unknown of its own."""
        matrix = self._precision[gaps.lost[:, :, None], gaps.lost[:, None, :]]
        matrix[gaps.padding[:, :, None] | gaps.padding[:, None, :]] = 0.0
        index = np.arange(gaps.lost.shape[1])
        matrix[:, index, index] += gaps.padding
        factor = np.linalg.cholesky(matrix)
        half = np.linalg.inv(factor)
        across = self._seen[gaps.lost]
        across[gaps.padding] = 0.0
        across = half @ across
        hinges, line = across[:, :, :-1], across[:, :, -1]
        information = self._information - np.einsum("pmj,pmj->pj", hinges, hinges)
        # Of a hinge that lies beyond the row's own epochs nothing is left but rounding.
        told = information > _LEAST_LEFT * self._information
        scale = np.where(told, 1 / np.sqrt(np.where(told, information, 1.0)), 0.0)
        lean = self._lean - (line[:, None] @ hinges)[:, 0]
        rows, pattern = gaps.rows, gaps.pattern
        fits.information[rows] = np.where(told, information, self._information)[pattern][:, None]
        fits.lean[rows] = lean[pattern][:, None]
        fits.slope_variance[rows] = (self._slope_variance + np.vecdot(line, line))[pattern][:, None]
        volume = self._log_determinant + 2 * np.log(factor[:, index, index]).sum(axis=1)
        fits.log_determinant[rows] = volume[pattern][:, None]
        fits.freedom[rows] = self._freedom - (~gaps.padding).sum(axis=1)[pattern][:, None]

        there = np.where(gaps.padding[pattern][:, None, :], 0.0, seen[rows[:, :, None], gaps.lost[pattern][:, None, :]])
        there = there @ half.transpose(0, 2, 1)[pattern]
        taken = there @ across[pattern]
        gain = fits.gain[rows] * np.sqrt(self._information) - taken[:, :, :-1]
        fits.gain[rows] = gain * scale[pattern][:, None]
        fits.squares[rows] = fits.squares[rows] - np.vecdot(there, there)
        fits.slope[rows] = fits.slope[rows] - taken[:, :, -1]
