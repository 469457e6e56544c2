"""Rates of displacement with HAC (Newey-West) standard deviations, which hold for coloured noise; a row at a time.

Least squares of a line beside an annual sine, and the heteroskedasticity and autocorrelation consistent (HAC) variance
of the slope: Newey and West, "A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
covariance matrix", Econometrica 55(3), 1987, 703-708. Bartlett's weights are taken over the time between two epochs and
not over their numbers, so that gaps and changes of sampling count as what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.hac_bias import shrinkage
from insar_runtime.definitions import DAYS_PER_YEAR

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

LEAST_SEASONAL_DAYS: Final = DAYS_PER_YEAR
"""Span from which an annual sine is fitted beside the line: a part of one looks like a line."""

LAG_DAYS: Final = 150.0
"""Time between two epochs from which on they count as independent. Two to five times the lag that Newey and West
(Review of Economic Studies 61, 1994) name for white noise, 4 (T / 100)^(2/9) epochs: PS series wander for months."""

_DEPENDENT: Final = 1e-6
"""Part of a column's square that the columns before it leave, below which it counts as made of them."""

_BLOCK: Final = 256
"""Rows at a time, whose arrays (float32) stay in the caches. All blocks have this width, the last one with rows of
before at its end: numpy sums a single row in another order, and a row's bits are not to depend on its neighbours."""

_SMALL_BLOCK: Final = 32
"""Rows at a time in ``rates_without_std``, which often gets a few rows only; blocks have their full width here too."""


class RateEstimator:
    """Estimates rates and their standard deviations on one time axis. Several threads may use it at a time.

    Parameters
    ----------
    days : ndarray of float32, shape [T]
        Days since any date, strictly increasing.
    """

    def __init__(self, days: NDArray[np.float32]) -> None:
        self._axis = _Axis(np.asarray(days, dtype=np.float64))
        self._complete = _Design(np.ones((len(days), 1)), self._axis.days)

    def estimate(self, displacement: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Estimate the rate of each series and its standard deviation.

        A row's bits depend on this row and the axis alone.

        Parameters
        ----------
        displacement : ndarray of float32, shape [N, T]
            mm, finite; NaN = missing. Each row has two values at least.

        Returns
        -------
        rate, std : ndarray of float64, shape [N]
            mm/yr, of a line beside an annual sine; of a line alone where the values span less than a year.
        """
        found = np.empty((2, len(displacement)))
        partial = np.isnan(displacement).any(axis=1)
        block = np.zeros((displacement.shape[1], _BLOCK), dtype=np.float32)
        for part in _parts(np.flatnonzero(~partial), _BLOCK):
            block[:, : len(part)] = displacement[part].T
            found[:, part] = _fit(block, self._complete, self._axis)[:, : len(part)]
        present = np.ones_like(block)
        for part in _parts(np.flatnonzero(partial), _BLOCK):
            values = displacement[part].T
            there = ~np.isnan(values)
            present[:, : len(part)] = there
            block[:, : len(part)] = np.where(there, values, np.float32(0))
            found[:, part] = _fit(block, _Design(present, self._axis.days), self._axis)[:, : len(part)]
        return found[0], found[1]


def rates_without_std(displacement: NDArray[np.float32], days: NDArray[np.float32]) -> Floats:
    """Estimate the rate of each series; several times as fast as with its standard deviation where rows are few.

    A row's bits depend on this row and the axis alone. They may differ from those of ``RateEstimator`` by rounding.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm, finite; NaN = missing. Each row has two values at least.
    days : ndarray of float32, shape [T]
        Days since any date, strictly increasing.

    Returns
    -------
    ndarray of float64, shape [N]
        mm/yr, of a line beside an annual sine; of a line alone where the values span less than a year.
    """
    axis = np.asarray(days, dtype=np.float64)
    complete = _Design(np.ones((len(axis), 1)), axis)
    rates = np.empty(len(displacement))
    partial = np.isnan(displacement).any(axis=1)
    # The last column is at right angles to the others, so its amplitude needs none of them.
    weight = complete.columns[-1][:, 0].astype(np.float64) * complete.slope[0]
    rates[~partial] = (displacement[~partial] * weight).sum(axis=1)
    for part in _parts(np.flatnonzero(partial), _SMALL_BLOCK):
        values = displacement[part].T
        there = ~np.isnan(values)
        block, present = np.zeros((2, len(axis), _SMALL_BLOCK), dtype=np.float32)
        present[:, : len(part)] = there
        block[:, : len(part)] = np.where(there, values, np.float32(0))
        design = _Design(present, axis)
        rates[part] = (_dot(block, design.columns[-1]) * design.slope)[: len(part)]
    return rates


def _parts(rows: NDArray[np.intp], width: int) -> Iterator[NDArray[np.intp]]:
    return (rows[start : start + width] for start in range(0, len(rows), width))


class _Axis:
    """A time axis and all windows of ``LAG_DAYS`` that differ in the epochs [T] that they hold.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
    first, last : ndarray of intp, shape [W]
        Epochs that each window holds: from the first one to before the last.
    weight : ndarray of float32, shape [W, 1]
        Days on which a window may begin and hold these epochs, over its length.
    """

    def __init__(self, days: Floats) -> None:
        self.days = days
        begins = np.union1d(days, days - LAG_DAYS)
        self.first = np.searchsorted(days, begins, side="right")
        self.last = np.searchsorted(days, begins + LAG_DAYS, side="right")
        self.weight = (np.diff(begins, append=begins[-1]) / LAG_DAYS)[:, None].astype(np.float32)


class _Design:
    """Columns of the fit of n rows that have values at epochs ``present`` (1 or 0) [T, n]; n is 1 if they share them.

    Attributes
    ----------
    columns : list of ndarray of float32, shape [T, n]
        Orthonormal over the epochs of each row, the line the last of them; zero where one depends on those before it.
    slope : ndarray of float32, shape [n]
        mm/yr for an amplitude of 1 of the last column.
    """

    def __init__(self, present: Singles | Floats, days: Floats) -> None:
        there = present > 0
        span = days[len(days) - 1 - there[::-1].argmax(axis=0)] - days[there.argmax(axis=0)]
        years = ((days - (days[0] + days[-1]) / 2)[:, None] / DAYS_PER_YEAR).astype(present.dtype)
        seasonal = present * (span >= LEAST_SEASONAL_DAYS)
        phase = 2 * np.pi * years
        columns: list[Singles | Floats] = []
        for column in (present, seasonal * np.sin(phase), seasonal * np.cos(phase), present * years):
            rest = column
            for known in columns:
                rest = rest - _dot(rest, known) * known
            square = _dot(rest, rest)
            regular = square > _DEPENDENT * _dot(column, column)
            scale = np.where(regular, 1 / np.sqrt(np.where(regular, square, 1)), 0)
            columns.append(rest * scale)
        self.columns = [column.astype(np.float32) for column in columns]
        self.slope = scale.astype(np.float32)
        self._span_years = span / DAYS_PER_YEAR
        self._values = there.sum(axis=0)

    def shrinkage(self) -> Floats:
        """Return the shrinkage [n] of the variance by Newey and West; see ``hac_bias``."""
        return shrinkage(self._span_years, self._values.astype(np.float64))


def _fit(values: Singles, design: _Design, axis: _Axis) -> Floats:
    """Fit rows [T, n] that are 0 where they miss a value; return rates and standard deviations [2, n]."""
    left: Singles = values
    for column in design.columns:
        amplitude: Singles = _dot(left, column)
        left = np.subtract(left, amplitude * column)
    # What each residual adds to the slope.
    left *= design.columns[-1] * design.slope
    return np.stack([amplitude * design.slope, np.sqrt(_bartlett(left, axis) / design.shrinkage())])


def _bartlett(terms: Singles, axis: _Axis) -> Singles:
    """Sum the products of all pairs of terms [T, n] of a row, with Bartlett's weight of the time between them.

    The weight 1 - d / lag of two epochs d days apart is the share of all windows of the length of the lag that hold
    both of them, among those that hold one. So the sum is the mean square of the sums over windows. These change at
    2 T places only: that takes T operations and not T^2, and the sum cannot be negative.
    """
    until = np.zeros((len(terms) + 1, terms.shape[1]), dtype=np.float32)
    # Several times as fast as numpy's cumsum, which goes down one column after the other.
    for before, term, after in zip(until, terms, until[1:], strict=False):
        np.add(before, term, out=after)
    inside = until[axis.last]
    inside -= until[axis.first]
    inside *= inside
    inside *= axis.weight
    summed: Singles = inside.sum(axis=0)
    return summed


def _dot(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[Any]:
    """Sum the products of rows [T, n] or [T, 1]; einsum, as libraries for matrices round by the number of threads."""
    summed: NDArray[Any] = np.einsum("tn,tn->n", one, other)
    return summed
