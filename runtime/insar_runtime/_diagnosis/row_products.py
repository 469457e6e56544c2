"""Products of rows with a matrix whose bits do not depend on how many rows there are, nor on their places."""

from __future__ import annotations

from functools import cache
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import Float32Array

Real = TypeVar("Real", np.float32, np.float64)

_ROWS_OF_PRODUCT: Final = 8
"""Of more rows, OpenBLAS would take several threads, and its kernels for processors without AVX-512 would add up the
products of rows at different places in different orders [measured]."""


def multiply_rows(values: NDArray[Real], matrix: NDArray[Real]) -> NDArray[Real]:
    """Multiply rows [n, T] by a matrix, always as many of them at once."""
    count = len(values)
    whole = count - count % _ROWS_OF_PRODUCT
    result = np.empty((count, matrix.shape[1]), dtype=values.dtype)
    for begin in range(0, whole, _ROWS_OF_PRODUCT):
        part = slice(begin, begin + _ROWS_OF_PRODUCT)
        np.matmul(values[part], matrix, out=result[part])
    if count > whole:
        padded = np.zeros((_ROWS_OF_PRODUCT, len(matrix)), dtype=values.dtype)
        padded[: count - whole] = values[whole:]
        result[whole:] = (padded @ matrix)[: count - whole]
    return result


def multiply_equal_rows(values: Float32Array, matrix: Float32Array) -> Float32Array:
    """Multiply rows [n, T] by a matrix [T, m]; n should always be the same, for the same bits.

    All rows are multiplied at once where this processor's kernel adds up all of them in the same order, and in blocks
    elsewhere, which takes up to twice as long.
    """
    if _same_order(len(values), *matrix.shape):
        return values @ matrix
    return multiply_rows(values, matrix)


@cache
def _same_order(count: int, length: int, width: int) -> bool:
    """Try with random numbers whether a row's bits depend on its place among so many."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((count, length), dtype=np.float32)
    matrix = rng.standard_normal((length, width), dtype=np.float32)
    turned = np.arange(count) - 1
    return np.array_equal(values[turned] @ matrix, (values @ matrix)[turned])
