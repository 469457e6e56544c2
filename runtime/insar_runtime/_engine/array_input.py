"""Array input: displacements and dates of a caller, converted to float32 in the order of the dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insar_runtime._input.dates.date_columns import parse_date, sort_axis
from insar_runtime.errors import DataError, UsageError


def as_float32(displacement: Any) -> NDArray[np.float32]:
    """Return displacements as float32, NaN where one is missing.

    Raises
    ------
    UsageError
        If they are no array of numbers.
    """
    if np.iscomplexobj(displacement):
        raise UsageError("displacement is complex, as interferograms are; give unwrapped displacements, [N, T] in mm")
    try:
        if hasattr(displacement, "iloc"):  # pandas, whose missing values numpy does not know
            displacement = displacement.to_numpy(dtype=np.float32, na_value=np.nan)
        if isinstance(displacement, np.ma.MaskedArray):
            displacement = np.ma.filled(displacement.astype(np.float32), np.nan)
        return np.asarray(displacement, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"displacement is no array of numbers ({error}); give [N, T] floats in mm") from error


def as_series(
    displacement: Any, dates: ArrayLike | Sequence[Any]
) -> tuple[NDArray[np.float32], NDArray[np.datetime64]]:
    """Return series as a matrix [N, T] in the order of their dates, and these dates [T].

    Raises
    ------
    UsageError
        If the shapes do not fit together, or displacements are no numbers.
    DataError
        If a date is missing, unreadable or occurs twice.
    """
    matrix = np.atleast_2d(as_float32(displacement))
    axis, order = as_dates(dates)
    if matrix.ndim != 2 or matrix.shape[1] != len(axis):
        raise UsageError(
            f"displacement has shape {list(matrix.shape)} and there are {len(axis)} dates; give [N, {len(axis)}]"
        )
    return matrix if order is None else matrix[:, order], axis


def as_dates(dates: ArrayLike | Sequence[Any]) -> tuple[NDArray[np.datetime64], NDArray[np.intp] | None]:
    """Return dates in order, and the order if they were not.

    Raises
    ------
    DataError
        If a date is missing, unreadable or occurs twice.
    """
    raw = np.asarray(dates).ravel()
    if raw.dtype.kind in "OU":
        # numpy takes "20200103" for a year.
        raw = np.array([_plain_date(day) for day in raw.tolist()], dtype=object)
    elif raw.dtype.kind != "M":
        raise DataError(f"dates are of type {raw.dtype}; give datetime64, date or text such as 2020-01-03")
    try:
        axis = raw.astype("datetime64[D]")
    except (TypeError, ValueError) as error:
        raise DataError(f"dates are not readable ({error}); give datetime64, date or text") from error
    if np.isnat(axis).any():
        first = int(np.isnat(axis).argmax())
        raise DataError(f"date {first} is missing or unreadable; every epoch needs one such as 2020-01-03")
    return sort_axis(axis)


def _plain_date(day: Any) -> Any:
    """Return text and times of day as dates; time zones are ignored: the local date counts."""
    if isinstance(day, str):
        return parse_date(day)
    return day.date() if isinstance(day, datetime) else day
