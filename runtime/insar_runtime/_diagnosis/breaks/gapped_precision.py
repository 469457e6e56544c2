"""Precision matrix of noise for series of which each has missing values of its own."""

from __future__ import annotations

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray
from insar_runtime._diagnosis.breaks.gap_layout import LOST_MULTIPLE, GapLayout
from insar_runtime._diagnosis.row_products import multiply_rows


class GappedPrecision:
    """Precision matrix of complete series, and the factors by which missing epochs are taken out of it.

    Parameters
    ----------
    matrix : ndarray of float64, shape [T, T]
        Symmetric.

    Notes
    -----
    It has one additional epoch without information, to which the padding of missing epochs refers.
    """

    def __init__(self, matrix: FloatArray) -> None:
        self._matrix = np.pad(matrix, (0, 1))
        self._single = self._matrix.astype(np.float32)

    def weigh(self, values: Float32Array) -> tuple[Float32Array, FloatArray]:
        """Return the products of rows and the matrix [n, T + 1], and the weighted sums of squares [n] of the rows.

        Parameters
        ----------
        values : ndarray of float32, shape [n, T + 1]
            mm; 0 at missing values and at the additional last epoch.
        """
        weighted = multiply_rows(values, self._single)
        return weighted, np.vecdot(values, weighted).astype(np.float64)

    def factors(self, gaps: GapLayout) -> tuple[FloatArray, FloatArray]:
        """Return the inverse Cholesky factors [p, m, m] and log determinants [p] of the precision of missing epochs."""
        matrix = self._matrix[gaps.lost[:, :, None], gaps.lost[:, None, :]]
        index = np.arange(gaps.lost.shape[1])
        matrix[:, index, index] += gaps.padding
        factor = np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
        return _inverse(factor), 2 * np.log(factor[:, index, index]).sum(axis=1)


def predict_missing(
    values: Float32Array, squares: FloatArray, weighted: Float32Array, gaps: GapLayout, half: FloatArray
) -> None:
    """Replace missing values by their prediction from all others, which adds nothing to the sum of squares.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T + 1]
        Changed in place, as are their squares.
    squares : ndarray of float64, shape [n]
    weighted : ndarray of float32, shape [n, T + 1]
        As ``GappedPrecision.weigh`` returns them.
    gaps : GapLayout
    half : ndarray of float64, shape [p, m, m]
        As ``GappedPrecision.factors`` returns them.
    """
    at_missing = weighted[gaps.rows[:, :, None], gaps.lost[gaps.pattern][:, None]]
    there = at_missing @ half.transpose(0, 2, 1)[gaps.pattern]
    squares[gaps.rows] -= np.vecdot(there, there)
    predicted = (there @ half[gaps.pattern]).reshape(-1, half.shape[1])[gaps.place]
    values[gaps.row[:, None], gaps.lost[gaps.pattern_of_row]] = -predicted


def _inverse(lower: FloatArray) -> FloatArray:
    """Return the inverses of lower triangular matrices [p, m, m], m a multiple of ``LOST_MULTIPLE``.

    Blockwise, which takes half the time of numpy's inverse of general matrices.
    """
    inverse = np.zeros_like(lower)
    for begin in range(0, lower.shape[1], LOST_MULTIPLE):
        some, above = slice(begin, begin + LOST_MULTIPLE), slice(0, begin)
        inverse[:, some, some] = np.linalg.inv(lower[:, some, some])
        inverse[:, some, above] = -inverse[:, some, some] @ (lower[:, some, above] @ inverse[:, above, above])
    return inverse
