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
_FLAT_EPOCHS: Final = 6
_FLAT_SHARE: Final = 0.02
_FLAT_ROWS: Final = 3
_FLAT_EXCESS: Final = 10.0
"""Epochs in a row with one value, least share and number of rows with them, and least ratio to their number by
chance."""


@dataclass(frozen=True, slots=True)
class Values:
    """Facts about the values of a sample of rows, in the unit of the file.

    Attributes
    ----------
    low, high : float or None
        Smallest and largest value; None without any.
    rounded_to : float or None
        Step of which all values are multiples (0.1: one decimal); None if there is none, if all
        values are 0, or if it was not asked for.
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
    flat_rows : int
        Number of rows that hold one value for six neighbouring epochs or more, without constant rows; 0 if there are no
        more of them than chance and rounding make.
    flat_value : float or None
        Value that most of these rows hold there; None if half of them hold others.
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
    flat_rows: int = 0
    flat_value: float | None = None


def examine_values(series: NDArray[np.float32], *, rounding: bool = True) -> Values:
    """Examine the values of some rows.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        In the unit of the file; NaN = missing.
    rounding : bool
        Whether to find out how the values are rounded.
    """
    there = ~np.isnan(series)
    counts = there.sum(axis=1)
    finite = series[np.isfinite(series)]
    low, high = np.fmin.reduce(series, axis=1, initial=np.inf), np.fmax.reduce(series, axis=1, initial=-np.inf)
    constant = (counts >= 2) & (low == high)
    some = counts > 0
    flat_rows, flat_value = _flat_rows(series[~constant])
    first = series[np.arange(len(series)), there.argmax(axis=1)][some] if series.shape[1] else np.empty(0)
    return Values(
        low=float(finite.min()) if finite.size else None,
        high=float(finite.max()) if finite.size else None,
        rounded_to=_rounding(finite) if rounding else None,
        begin_at_zero=float(np.mean(first == 0)) if first.size else 0.0,
        constant_rows=int(np.count_nonzero(constant)),
        zero_rows=int(np.count_nonzero(constant & (low == 0))),
        repeated_rows=_repeated(series[some & ~constant]),
        fillers=count_fillers(finite),
        infinite=int(np.count_nonzero(np.isinf(series))),
        flat_rows=flat_rows,
        flat_value=flat_value,
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


def _flat_rows(series: NDArray[np.float32]) -> tuple[int, float | None]:
    """Return the number of rows that hold one value for several neighbouring epochs, and the value of most of them."""
    equal = series[:, 1:] == series[:, :-1]
    width = _FLAT_EPOCHS - 1
    places = equal.shape[1] - width + 1
    if not len(series) or places < 1:
        return 0, None
    flat = np.logical_and.reduce([equal[:, begin : begin + places] for begin in range(width)])
    rows = np.flatnonzero(flat.any(axis=1))
    if len(rows) < max(_FLAT_SHARE * len(series), _FLAT_ROWS):
        return 0, None
    inside = np.zeros_like(equal)
    for begin in range(width):
        inside[:, begin : begin + places] |= flat
    # Rounded values of quiet series are equal by chance.
    chance = float(np.mean(equal[~inside])) if not inside.all() else 0.0
    if len(rows) < _FLAT_EXCESS * len(series) * places * chance**width:
        return 0, None
    values, counts = np.unique(series[rows, flat[rows].argmax(axis=1)], return_counts=True)
    most = int(counts.argmax())
    return len(rows), float(values[most]) if 2 * counts[most] > len(rows) else None
