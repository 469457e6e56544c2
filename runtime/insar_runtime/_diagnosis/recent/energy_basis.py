"""Weighted sums of squares of series under many noise models at once, in a common basis.

The covariances of all noise models have nearly the same eigenvectors: slow oscillations first, fast ones last. In the
basis of the mean noise, the sums of squares of the slowest components are exact, those of faster ones neglect products
of different components, and the fastest components have one weight for all of them. One product of a series with some
hundred columns then replaces a product with a matrix [T, T] for each noise model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray
from insar_runtime._diagnosis.row_products import multiply_equal_rows

_EXACT: Final = 24
_COMPONENTS: Final = 96
"""Components with all products, and components with a weight of their own. With half or twice as many, the results
hardly differ (``tests/runtime/diagnosis/test_recent_change.py``)."""


class EnergyBasis:
    """Weighted sums of squares y'Py of series under several noise models.

    Parameters
    ----------
    covariances, precisions : sequence of ndarray of float64, shape [T, T]
        Of each noise model; the last one is the mean noise, which decides the basis.
    nuisance : ndarray of float64, shape [T, p]
        Columns that are projected out of the precisions.
    white : ndarray of float64, shape [T]
        Scatter of white noise at each epoch.
    """

    def __init__(
        self,
        covariances: Sequence[FloatArray],
        precisions: Sequence[FloatArray],
        nuisance: FloatArray,
        white: FloatArray,
    ) -> None:
        free, _ = np.linalg.qr(nuisance / white[:, None])
        scale = np.outer(white, white)
        kept = np.eye(len(white)) - free @ free.T
        mean = kept @ (covariances[-1] / scale) @ kept
        size = max(min(_COMPONENTS, len(white) - nuisance.shape[1]), 1)
        vectors = np.linalg.eigh(mean)[1][:, ::-1][:, :size]
        exact = min(_EXACT, size)
        self._exact = exact
        blocks, weights, rest = [], [], []
        for covariance, precision in zip(covariances, precisions, strict=True):
            of_precision = vectors.T @ (precision * scale) @ vectors
            own = kept @ (covariance / scale) @ kept
            of_covariance = vectors.T @ own @ vectors
            blocks.append(of_precision[:exact, :exact])
            weights.append(np.diag(of_precision)[exact:])
            # The expected sum of squares is the number of degrees of freedom.
            expected = np.sum(blocks[-1] * of_covariance[:exact, :exact]) + weights[-1] @ np.diag(of_covariance)[exact:]
            left = np.trace(own) - np.trace(of_covariance)
            freedom = len(white) - nuisance.shape[1]
            rest.append((freedom - expected) / left if len(white) - nuisance.shape[1] > size else 0.0)
        self._block = np.concatenate(blocks, axis=1).astype(np.float32)
        self._weights = np.stack(weights, axis=1).astype(np.float32)
        self._rest = np.maximum(rest, 0.0)
        self._inverse_white = (1 / white).astype(np.float32)
        self._columns = np.concatenate([vectors, free], axis=1).astype(np.float32)
        self._size = size

    def energies(self, values: Float32Array) -> FloatArray:
        """Return the weighted sums of squares [n, number of noise models] of rows.

        Parameters
        ----------
        values : ndarray of float32, shape [n, T]
            mm, without missing values and without large multiples of the nuisance columns. n must always be the same
            for reproducible bits.
        """
        white = values * self._inverse_white
        components = multiply_equal_rows(white, self._columns)
        slow = components[:, : self._exact]
        block = multiply_equal_rows(np.ascontiguousarray(slow), self._block).reshape(len(values), -1, self._exact)
        found = np.vecdot(block, slow[:, None]).astype(np.float64)
        fast = components[:, self._exact : self._size]
        if fast.shape[1]:
            found += multiply_equal_rows(np.square(fast), self._weights)
        rest = np.vecdot(white, white).astype(np.float64) - np.vecdot(components, components)
        return np.asarray(found + np.maximum(rest, 0.0)[:, None] * self._rest)
