"""Sums over the epochs of each row, from which rates are computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, RealArray
from insar_runtime._diagnosis.rates.rate_design import PAIRS, UNKNOWNS, RateDesign

_BLOCK: Final = 256
"""Rows of a matrix product. All have this shape, zeros at the end: for another one the library may take another path
and round otherwise, and a row's bits are not to depend on its neighbours. A block fits into the caches."""


@dataclass(frozen=True, slots=True, eq=False)
class RowSums:
    """Sums over the epochs that each of n rows has.

    Attributes
    ----------
    energy : ndarray of float64, shape [n]
        Of the squared displacement about the row's first value, mm^2.
    projections : ndarray of float64, shape [6, n]
        Of its products with the columns of the design.
    """

    energy: FloatArray
    projections: FloatArray


def sums_of_complete(design: RateDesign, displacement: RealArray) -> RowSums:
    """Sum over all epochs; a row with a missing or infinite value has an energy that is not finite."""
    rows, epochs = displacement.shape
    sums = RowSums(np.empty(rows), np.empty((UNKNOWNS, rows)))
    block = np.zeros((_BLOCK, epochs))
    for part, size in _blocks(rows):
        block[size:] = 0
        # The first value is taken off in float64, so that squares of a large offset cost no digits.
        np.subtract(displacement[part], displacement[part, :1], out=block[:size], dtype=np.float64)
        _add(sums, design, block, part, size)
    return sums


def sums_of_partial(design: RateDesign, displacement: RealArray, present: BoolArray) -> tuple[RowSums, FloatArray]:
    """Sum over the epochs that are present [n, T]; each row has one at least.

    Returns
    -------
    sums : RowSums
    gram : ndarray of float64, shape [21, n]
        Sums of the products of the columns, in the order of ``PAIRS``.
    """
    rows, epochs = displacement.shape
    sums, gram = RowSums(np.empty(rows), np.empty((UNKNOWNS, rows))), np.empty((len(PAIRS[0]), rows))
    first = displacement[np.arange(rows), present.argmax(axis=1)][:, None]
    block, weight = np.zeros((_BLOCK, epochs)), np.zeros((_BLOCK, epochs))
    for part, size in _blocks(rows):
        block[:] = 0
        weight[size:] = 0
        weight[:size] = present[part]
        np.subtract(displacement[part], first[part], out=block[:size], where=present[part], dtype=np.float64)
        _add(sums, design, block, part, size)
        gram[:, part] = (weight @ design.products)[:size].T
    return sums, gram


def _blocks(rows: int) -> Iterator[tuple[slice, int]]:
    for start in range(0, rows, _BLOCK):
        stop = min(start + _BLOCK, rows)
        yield slice(start, stop), stop - start


def _add(sums: RowSums, design: RateDesign, block: FloatArray, part: slice, size: int) -> None:
    sums.energy[part] = np.einsum("ij,ij->i", block, block)[:size]
    sums.projections[:, part] = (block @ design.columns)[:size].T
