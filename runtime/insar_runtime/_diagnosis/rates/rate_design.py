"""Design matrix of the rate fits on a time axis, made orthonormal by a QR decomposition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray
from insar_runtime.definitions import DAYS_PER_YEAR

UNKNOWNS: Final = 6
"""Unknowns of the largest model. The models are nested: offset and annual sine, then a line, a parabola, a cubic."""

SEASON: Final = slice(1, 3)
LINE: Final = 3
PARABOLA: Final = 4

PAIRS: Final = np.tril_indices(UNKNOWNS)
"""Row and column indices of the lower triangle, which represents a symmetric matrix."""

_DEPENDENT: Final = 1e-11
"""A column counts as linearly dependent on the columns before it if they leave less than this part of its square. For a
row that spans one of the 20 years of an axis, 1e-10 of the cubic is left, and the normal equations keep five digits."""


@dataclass(frozen=True, slots=True, eq=False)
class RateDesign:
    """Columns of the rate fits on a time axis, made orthonormal in the order of the nested models.

    Whatever the epochs of a row are, the last column of a model represents its highest power of time alone, so the rate
    is the amplitude of that column over its ``scale``.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
    columns : ndarray of float64, shape [T, 6]
    products : ndarray of float64, shape [T, 21]
        Products of all pairs of columns; their sums over the epochs of a row are its normal equations.
    scale : ndarray of float64, shape [6]
        Amplitude of each orthonormal column per unit (mm, mm/yr, ...) of the column that it was made from.
    season : ndarray of float64, shape [2, 6]
        Coefficients of sine and cosine in the largest model per unit amplitude of the orthonormal columns.
    """

    days: FloatArray
    columns: FloatArray
    products: FloatArray
    scale: FloatArray
    season: FloatArray

    @classmethod
    def for_days(cls, days: FloatArray) -> RateDesign | None:
        """Return the design of a time axis [T], in days; None if the columns are linearly dependent on it."""
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


def sum_in_order(terms: FloatArray) -> FloatArray:
    """Return the sum over the first axis, term by term: numpy sums in another order if there is a single row."""
    total = np.zeros(terms.shape[1:])
    for term in terms:
        total += term
    return total


def cholesky_factors(gram: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return the Cholesky factors of the normal equations of many rows.

    The factorisation is vectorised over the rows, because the routine of numpy factors one small matrix at a time and
    fails for all of them if one is singular. All operations are elementwise, so the bits of a row do not depend on
    other rows.

    Parameters
    ----------
    gram : ndarray of float64, shape [21, n]
        Lower triangles, in the order of ``PAIRS``.

    Returns
    -------
    lower : ndarray of float64, shape [6, 6, n]
    regular : ndarray of bool, shape [n]
        Whether the columns are linearly independent on the epochs of the row; its factor is valid only then.
    """
    full = np.zeros((UNKNOWNS, UNKNOWNS, gram.shape[1]))
    full[PAIRS] = gram
    lower = np.zeros_like(full)
    regular = np.ones(gram.shape[1], dtype=np.bool_)
    for column in range(UNKNOWNS):
        known = lower[column, :column]
        pivot = full[column, column] - sum_in_order(known**2)
        regular &= pivot > _DEPENDENT * full[column, column]
        lower[column, column] = np.sqrt(np.where(regular, pivot, 1.0))
        for below in range(column + 1, UNKNOWNS):
            rest = full[below, column] - sum_in_order(lower[below, :column] * known)
            lower[below, column] = rest / lower[column, column]
    return lower, regular


def solve_lower(lower: FloatArray, right: FloatArray) -> FloatArray:
    """Return the solution x of ``lower x = right`` for many rows and several right-hand sides.

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
        rest = right[row] - sum_in_order(lower[row, :row, None] * solved[:row])
        solved[row] = rest / lower[row, row]
    return solved
