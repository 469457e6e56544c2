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
from insar_runtime._diagnosis.row_products import multiply_rows

_EXACT: Final = 24
_COMPONENTS: Final = 96
"""Components with all products, and components with a weight of their own. With 64 and 96, the results are the same;
with 24 and 64, the errors of log-likelihoods are three times as large. Our choice."""


class EnergyBasis:
    """Slow and fast components of series.

    Parameters
    ----------
    mean : ndarray of float64, shape [T, T]
        Covariance of the mean noise, whose eigenvectors are the basis.
    nuisance : ndarray of float64, shape [T, p]
        Columns that are projected out.
    white : ndarray of float64, shape [T]
        Scatter of white noise at each epoch, by which values are divided.

    Attributes
    ----------
    vectors : ndarray of float64, shape [T, m]
        Orthonormal, slowest first, in units of ``white``.
    white : ndarray of float64, shape [T]
    left : int
        Number of components that are left: the fastest ones.
    columns : ndarray of float32, shape [T, m + p]
        Their product with a series gives its components, and those of the nuisance columns.
    """

    def __init__(self, mean: FloatArray, nuisance: FloatArray, white: FloatArray) -> None:
        free, _ = np.linalg.qr(nuisance / white[:, None])
        kept = np.eye(len(white)) - free @ free.T
        size = max(min(_COMPONENTS, len(white) - nuisance.shape[1]), 1)
        self.white = white
        self.vectors = np.linalg.eigh(kept @ (mean / np.outer(white, white)) @ kept)[1][:, ::-1][:, :size]
        self.left = len(white) - nuisance.shape[1] - size
        self._inverse_white = (1 / white).astype(np.float32)
        self.columns = (np.concatenate([self.vectors, free], axis=1) / white[:, None]).astype(np.float32)

    def components(self, values: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Return the components [n, m] of rows, and the sum of squares [n] of those that are left.

        Parameters
        ----------
        values : ndarray of float32, shape [n, T]
            mm, without missing values. Nuisance columns have no effect, if they are no large multiples.
        """
        found = multiply_rows(values, self.columns)
        return found[:, : self.vectors.shape[1]], self.rest(self.squares(values), found)

    def squares(self, values: Float32Array) -> Float32Array:
        """Return the sums of squares [n] of rows [n, T] in units of ``white``."""
        scaled = values * self._inverse_white
        return np.asarray(np.vecdot(scaled, scaled))

    def rest(self, squares: Float32Array, found: Float32Array) -> Float32Array:
        """Return the sums of squares [n] that are left beside the products [n, m + p] with ``columns``."""
        return np.asarray(np.maximum(squares - np.vecdot(found, found), np.float32(0)))


class Energies:
    """Weighted sums of squares y'Py of series under several noise models.

    Parameters
    ----------
    basis : EnergyBasis
    precisions : sequence of ndarray of float64, shape [T, T]
        Of each noise model, with the nuisance columns of the basis projected out.
    """

    def __init__(self, basis: EnergyBasis, precisions: Sequence[FloatArray]) -> None:
        exact = self._exact = min(_EXACT, basis.vectors.shape[1])
        blocks, weights, rest = [], [], []
        for precision in precisions:
            scaled = precision * np.outer(basis.white, basis.white)
            of_components = basis.vectors.T @ scaled @ basis.vectors
            blocks.append(of_components[:exact, :exact])
            weights.append(np.diag(of_components)[exact:])
            # The mean over the components that are left.
            rest.append(max(float(np.trace(scaled) - np.trace(of_components)), 0.0) / max(basis.left, 1))
        self._block = np.concatenate(blocks, axis=1).astype(np.float32)
        self._weights = np.stack(weights, axis=1).astype(np.float32)
        self._rest = np.array(rest, dtype=np.float32)

    def of(self, components: Float32Array, rest: Float32Array) -> Float32Array:
        """Return the weighted sums of squares [n, number of noise models] of rows.

        Parameters
        ----------
        components : ndarray of float32, shape [n, m]
            As ``EnergyBasis.components`` returns them.
        rest : ndarray of float32, shape [n]
        """
        slow = np.ascontiguousarray(components[:, : self._exact])
        block = multiply_rows(slow, self._block).reshape(len(slow), -1, self._exact)
        found = np.vecdot(block, slow[:, None])
        if len(self._weights):
            found += multiply_rows(np.square(components[:, self._exact :]), self._weights)
        return np.asarray(found + rest[:, None] * self._rest)
