"""Products of rows with a matrix in which the bits of a row depend on that row alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

_BLOCKS: Final = (128, 16, 8, 4, 1)
"""Rows of one product, of which the first serves that the library treats alike. OpenBLAS' kernel for Haswell, which
processors without AVX-512 get, works on twelve rows at a time in single precision and rounds the second six otherwise
than the first six; of eight rows it works on twice four [measured]."""
_TRIALS: Final = 8


def row_products(values: NDArray[Real], matrix: NDArray[Real], most: int) -> NDArray[Real]:
    """Multiply rows by a matrix, always as many of them at once as the library treats alike.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape [n, T]
        Rows.
    matrix : ndarray of the same type, shape [T, J]
    most : int
        Rows of one product at the most.

    Returns
    -------
    ndarray of the same type, shape [n, J]
        The bits of a row do not depend on where it stands, nor on how many others there are.
    """
    count, block = len(values), rows_of_product(*matrix.shape, values.dtype, most)
    whole = count - count % block
    result = np.empty((count, matrix.shape[1]), dtype=values.dtype)
    stacked = values[:whole].reshape(-1, block, len(matrix))
    np.matmul(stacked, matrix, out=result[:whole].reshape(-1, block, matrix.shape[1]))
    if count > whole:
        padded = np.zeros((block, len(matrix)), dtype=values.dtype)
        padded[: count - whole] = values[whole:]
        result[whole:] = (padded @ matrix)[: count - whole]
    return result


@lru_cache(maxsize=1024)
def rows_of_product(epochs: int, columns: int, dtype: np.dtype[Any], most: int) -> int:
    """Return how many rows a product with a matrix [epochs, columns] may have: of equal rows, all come out equal."""
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((epochs, columns)).astype(dtype)
    rows = rng.standard_normal((_TRIALS, epochs)).astype(dtype)
    for block in (size for size in _BLOCKS if size <= most):
        products = (np.repeat(row[None], block, axis=0) @ matrix for row in rows)
        if all((product == product[0]).all() for product in products):
            return block
    return 1
