"""What a time axis alone says about the fits of rates: their columns, orthogonal, and how to read rates from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray
from insar_runtime._input.slopes import DAYS_PER_YEAR

UNKNOWNS: Final = 6
"""Of the largest model. The models are nested: an offset and the annual sine, then a line, a parabola, a cubic."""

SEASON: Final = slice(1, 3)
LINE: Final = 3
PARABOLA: Final = 4

PAIRS: Final = np.tril_indices(UNKNOWNS)
"""Which products of two columns a symmetric matrix is kept as."""

_DEPENDENT: Final = 1e-11
"""Part of a column's square that the columns before it leave, below which it counts as made of them. A row that spans
one of the axis' 20 years leaves 1e-10 of the cubic, and normal equations then keep five digits."""


@dataclass(frozen=True, slots=True, eq=False)
class RateDesign:
    """Columns of the fits on a time axis, made orthonormal in the order in which the models grow.

    Whatever the epochs of a row, the last column of a model holds its highest power of time alone, so the amplitude
    of that column over its ``scale`` is the rate.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
    columns : ndarray of float64, shape [T, 6]
    products : ndarray of float64, shape [T, 21]
        Of all pairs of columns; their sums over the epochs of a row are its normal equations.
    scale : ndarray of float64, shape [6]
        Amplitude of each orthonormal column in one unit (mm, mm/yr, ...) of the column that it was made from.
    season : ndarray of float64, shape [2, 6]
        Sine and cosine of the largest model from the amplitudes of the orthonormal columns.
    """

    days: FloatArray
    columns: FloatArray
    products: FloatArray
    scale: FloatArray
    season: FloatArray

    @classmethod
    def on(cls, days: FloatArray) -> RateDesign | None:
        """Give the design of a time axis [T], in days; None if it cannot tell the columns from each other."""
        if len(days) < UNKNOWNS:
            return None
        years = (days - (days[0] + days[-1]) / 2) / DAYS_PER_YEAR
        phase = 2 * np.pi * years
        raw = np.stack([np.ones_like(years), np.sin(phase), np.cos(phase), years, years**2, years**3], axis=1)
        columns, triangle = np.linalg.qr(raw)
        scale = np.diag(triangle)
        if not (scale**2 > _DEPENDENT * (raw**2).sum(axis=0)).all():
            return None
        products = columns[:, PAIRS[0]] * columns[:, PAIRS[1]]
        return cls(days, columns, products, scale, np.linalg.inv(triangle)[SEASON])


def over_columns(terms: FloatArray) -> FloatArray:
    """Sum over the first axis, in its order: numpy's own sum has another order for a single row."""
    total = np.zeros(terms.shape[1:])
    for term in terms:
        total += term
    return total


def factors(gram: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Factor the normal equations of many rows (Cholesky).

    Written out over the rows, since the library's routine takes one small matrix at a time, and fails for all of them
    when one is singular. Only elementwise arithmetic, so a row's bits are its own.

    Parameters
    ----------
    gram : ndarray of float64, shape [21, n]
        Lower triangles, in the order of ``PAIRS``.

    Returns
    -------
    lower : ndarray of float64, shape [6, 6, n]
    regular : ndarray of bool, shape [n]
        Whether the row's epochs tell the columns from each other; its factor is of no use otherwise.
    """
    full = np.zeros((UNKNOWNS, UNKNOWNS, gram.shape[1]))
    full[PAIRS] = gram
    lower = np.zeros_like(full)
    regular = np.ones(gram.shape[1], dtype=np.bool_)
    for column in range(UNKNOWNS):
        known = lower[column, :column]
        pivot = full[column, column] - over_columns(known**2)
        regular &= pivot > _DEPENDENT * full[column, column]
        lower[column, column] = np.sqrt(np.where(regular, pivot, 1.0))
        for below in range(column + 1, UNKNOWNS):
            rest = full[below, column] - over_columns(lower[below, :column] * known)
            lower[below, column] = rest / lower[column, column]
    return lower, regular


def substitute(lower: FloatArray, right: FloatArray) -> FloatArray:
    """Solve ``lower x = right`` for many rows and several right sides.

    Parameters
    ----------
    lower : ndarray of float64, shape [6, 6, n]
    right : ndarray of float64, shape [6, k, n]

    Returns
    -------
    ndarray of float64, shape [6, k, n]
    """
    solved = np.empty_like(right)
    for row in range(UNKNOWNS):
        rest = right[row] - over_columns(lower[row, :row, None] * solved[:row])
        solved[row] = rest / lower[row, row]
    return solved
