"""Sums over the epochs of each row, from which the rates are computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, RealArray
from insar_runtime._diagnosis.rates.rate_design import PAIRS, UNKNOWNS, RateDesign

_BLOCK: Final = 256
"""Rows of each matrix product, padded with zeros. A fixed shape keeps the bits of a row independent of the other rows,
because the linear algebra library may sum in another order for another shape. A block fits into the caches."""


@dataclass(frozen=True, slots=True, eq=False)
class RowSums:
    """Sums over the epochs with a value, for each of n rows.

    Attributes
    ----------
    energy : ndarray of float64, shape [n]
        Sum of the squared displacement relative to the first value of the row, mm^2.
    projections : ndarray of float64, shape [6, n]
        Sums of its products with the columns of the design.
    """

    energy: FloatArray
    projections: FloatArray


def sums_of_complete(design: RateDesign, displacement: RealArray) -> RowSums:
    """Return the sums over all epochs; the energy of a row with a missing or infinite value is not finite."""
    rows, epochs = displacement.shape
    sums = RowSums(np.empty(rows), np.empty((UNKNOWNS, rows)))
    block = np.zeros((_BLOCK, epochs))
    for part, size in _blocks(rows):
        block[size:] = 0
        # The first value is subtracted in float64, so that the squares of a large offset cost no digits.
        np.subtract(displacement[part], displacement[part, :1], out=block[:size], dtype=np.float64)
        _add(sums, design, block, part, size)
    return sums


def sums_of_partial(design: RateDesign, displacement: RealArray, present: BoolArray) -> tuple[RowSums, FloatArray]:
    """Return the sums over the epochs that are present [n, T]; each row must have at least one.

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
