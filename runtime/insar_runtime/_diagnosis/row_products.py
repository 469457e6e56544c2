"""Matrix products of series, with results that do not depend on the number or the order of the series."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.onnx_runtime import cpu_session_options, import_onnxruntime

Real = TypeVar("Real", np.float32, np.float64)

_MULTIPLE: Final = 16
"""Numbers of rows of the products in single precision are multiples of it."""
_TESTED: Final = (16, 32, 48)
"""Numbers of rows by which the order of the sums is tested: all remainders of multiples of ``_MULTIPLE`` in the 4, 6, 8
or 12 rows that the kernels of onnxruntime compute at a time."""
_ROWS_OF_BLOCK: Final = 8
"""Rows per product of numpy. For more rows, OpenBLAS uses several threads, and its kernels for processors without
AVX-512 sum in an order that depends on the position of a row, as measured on such processors."""


def multiply_rows(values: NDArray[Real], matrix: NDArray[Real]) -> NDArray[Real]:
    """Return the product of rows [n, T] and a matrix [T, m]; the bits of a row are those of the row alone.

    In single precision by onnxruntime, which takes a third of the time of blocks of a fixed number of rows, if its
    kernel for this processor sums all rows in the same order.
    """
    if not len(values) or values.dtype != np.float32 or not _same_order(*matrix.shape):
        return _by_blocks(values, matrix)
    return _by_onnxruntime(values, matrix)


def _by_onnxruntime(values: NDArray[Real], matrix: NDArray[Real]) -> NDArray[Real]:
    rest = -len(values) % _MULTIPLE
    padded = np.concatenate([values, np.zeros((rest, len(matrix)), dtype=values.dtype)]) if rest else values
    product: NDArray[Real] = _session().run(None, {"rows": padded, "matrix": matrix})[0]
    return product[: len(values)]


def _by_blocks(values: NDArray[Real], matrix: NDArray[Real]) -> NDArray[Real]:
    count = len(values)
    whole = count - count % _ROWS_OF_BLOCK
    result = np.empty((count, matrix.shape[1]), dtype=values.dtype)
    if whole:
        # One call for all blocks, during which other threads may run Python code.
        blocks = values[:whole].reshape(-1, _ROWS_OF_BLOCK, values.shape[1])
        np.matmul(blocks, matrix, out=result[:whole].reshape(-1, _ROWS_OF_BLOCK, matrix.shape[1]))
    if count > whole:
        padded = np.zeros((_ROWS_OF_BLOCK, len(matrix)), dtype=values.dtype)
        padded[: count - whole] = values[whole:]
        result[whole:] = (padded @ matrix)[: count - whole]
    return result


@cache
def _session() -> Any:
    """Return an onnxruntime session of the matrix product."""
    onnxruntime = import_onnxruntime()
    model = Path(__file__).with_name("row_product.onnx").read_bytes()
    options = cpu_session_options(onnxruntime)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@cache
def _same_order(length: int, width: int) -> bool:
    """Return whether the bits of a row depend neither on its position nor on the number of rows.

    Tested with one row of random numbers, repeated, and a random matrix of this shape.
    """
    rng = np.random.default_rng(0)
    row = rng.standard_normal((1, length), dtype=np.float32)
    matrix = rng.standard_normal((length, width), dtype=np.float32)
    products = np.concatenate([_by_onnxruntime(np.repeat(row, count, axis=0), matrix) for count in _TESTED])
    return bool((products == products[0]).all())
