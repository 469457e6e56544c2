"""Values of a sample: range, rounding, fillers, and rows that are no series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.nodata_values import count_fillers

_STEPS: Final = (10.0, 1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001)
_MOST_STEPS: Final = 2.0**17
"""Largest multiple of a step that a float32 resolves."""
_WHOLE: Final = 0.02
_MOST_VALUES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Values:
    """Facts about the values of a sample of rows, in the unit of the file.

    Attributes
    ----------
    low, high : float or None
        Smallest and largest value; None without any.
    rounded_to : float or None
        Step of which all values are multiples (0.1: one decimal); None if there is none, or if all values are 0.
    begin_at_zero : float
        Share of the rows whose first value is 0.
    constant_rows : int
        Number of rows with at least two values, which are all equal.
    zero_rows : int
        Number of these rows whose values are 0.
    repeated_rows : int
        Number of rows with the same values as an earlier row, without constant rows.
    fillers : dict of str to int
        Values that usually stand for missing ones, such as -9999, with their number.
    infinite : int
        Number of infinite values.
    """

    low: float | None
    high: float | None
    rounded_to: float | None
    begin_at_zero: float
    constant_rows: int
    zero_rows: int
    repeated_rows: int
    fillers: dict[str, int]
    infinite: int


def examine_values(series: NDArray[np.float32]) -> Values:
    """Examine the values of some rows.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        In the unit of the file; NaN = missing.
    """
    there = ~np.isnan(series)
    counts = there.sum(axis=1)
    finite = series[np.isfinite(series)]
    low, high = np.fmin.reduce(series, axis=1, initial=np.inf), np.fmax.reduce(series, axis=1, initial=-np.inf)
    constant = (counts >= 2) & (low == high)
    some = counts > 0
    first = series[np.arange(len(series)), there.argmax(axis=1)][some] if series.shape[1] else np.empty(0)
    return Values(
        low=float(finite.min()) if finite.size else None,
        high=float(finite.max()) if finite.size else None,
        rounded_to=_rounding(finite),
        begin_at_zero=float(np.mean(first == 0)) if first.size else 0.0,
        constant_rows=int(np.count_nonzero(constant)),
        zero_rows=int(np.count_nonzero(constant & (low == 0))),
        repeated_rows=_repeated(series[some & ~constant]),
        fillers=count_fillers(finite),
        infinite=int(np.count_nonzero(np.isinf(series))),
    )


def _rounding(values: NDArray[np.float32]) -> float | None:
    """Return the largest power of ten of which all values are multiples; None if float32 does not resolve it."""
    values = values[:: max(len(values) // _MOST_VALUES, 1)].astype(np.float64)
    values = values[values != 0]
    if not values.size:
        return None
    for step in _STEPS:
        steps, whole = values / step, np.round(values / step)
        resolved = np.abs(whole).min() > 0 and np.abs(whole).max() < _MOST_STEPS
        if resolved and np.abs(steps - whole).max() < _WHOLE:
            return step
    return None


def _repeated(series: NDArray[np.float32]) -> int:
    if not series.size:
        return 0
    # Adding 0 makes zeros of both signs equal.
    plain = np.ascontiguousarray(np.where(np.isnan(series), np.float32(np.nan), series) + np.float32(0))
    rows = plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()
    return len(rows) - len(set(rows.tolist()))
