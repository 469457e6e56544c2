"""Matrix products of series, with results that do not depend on the number or the order of the series."""

from __future__ import annotations

from functools import cache
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import Float32Array

Real = TypeVar("Real", np.float32, np.float64)

_ROWS_OF_PRODUCT: Final = 8
"""Rows per matrix product. For more rows, OpenBLAS uses several threads, and its kernels for processors without AVX-512
sum in an order that depends on the position of a row, as measured on such processors."""


def multiply_rows(values: NDArray[Real], matrix: NDArray[Real]) -> NDArray[Real]:
    """Return the product of rows [n, T] and a matrix [T, m], computed in blocks of a fixed number of rows."""
    count = len(values)
    whole = count - count % _ROWS_OF_PRODUCT
    result = np.empty((count, matrix.shape[1]), dtype=values.dtype)
    if whole:
        # One call for all blocks, during which other threads may run Python code.
        blocks = values[:whole].reshape(-1, _ROWS_OF_PRODUCT, values.shape[1])
        np.matmul(blocks, matrix, out=result[:whole].reshape(-1, _ROWS_OF_PRODUCT, matrix.shape[1]))
    if count > whole:
        padded = np.zeros((_ROWS_OF_PRODUCT, len(matrix)), dtype=values.dtype)
        padded[: count - whole] = values[whole:]
        result[whole:] = (padded @ matrix)[: count - whole]
    return result


def multiply_equal_rows(values: Float32Array, matrix: Float32Array) -> Float32Array:
    """Return the product of rows [n, T] and a matrix [T, m]; n must always be the same for reproducible bits.

    The product is computed at once if the kernel of this processor sums all rows in the same order, and in blocks
    otherwise, which takes up to twice as long.
    """
    if _same_order(len(values), *matrix.shape):
        return values @ matrix
    return multiply_rows(values, matrix)


@cache
def _same_order(count: int, length: int, width: int) -> bool:
    """Return whether the bits of a row are independent of its position, tested with random numbers of these shapes."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((count, length), dtype=np.float32)
    matrix = rng.standard_normal((length, width), dtype=np.float32)
    turned = np.arange(count) - 1
    return np.array_equal(values[turned] @ matrix, (values @ matrix)[turned])
