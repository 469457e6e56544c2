"""Dates of a caller's array: datetimes, texts, whole numbers YYYYMMDD and decimal years, as days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insar_runtime._input.dates.date_values import parse_date, sort_axis
from insar_runtime.errors import DataError

_GIVE: Final = "give datetime64, date, text such as 2020-01-03, whole numbers such as 20200103, or decimal years"
_FIRST_DECIMAL: Final = 1900.0
_AFTER_DECIMAL: Final = 2101.0
"""Decimal years lie from the first up to below the second."""
_LEAST_WHOLE: Final = 10_000_000
"""Whole numbers from here on have the eight digits of YYYYMMDD."""


def as_dates(dates: ArrayLike | Sequence[Any]) -> tuple[NDArray[np.datetime64], NDArray[np.intp] | None]:
    """Return dates in order, and the order if they were not.

    Parameters
    ----------
    dates : array_like, shape [T]
        ``datetime64``, ``datetime.date``, text that begins with the year, whole numbers YYYYMMDD, or decimal years. The
        fraction of a decimal year counts from 1 January in parts of that year, and is rounded to the nearest day; where
        the writer divided by 365.25, it may be one day off. Decimal years must increase: other numbers seldom do so
        between 1900 and 2101.

    Raises
    ------
    DataError
        If a date is missing, unreadable or occurs twice.
    """
    raw = np.asarray(dates).ravel()
    if raw.dtype.kind == "O":
        raw = _plain_numbers(raw)
    if raw.dtype.kind in "iu":
        raw = _days_of_whole_numbers(raw.astype(np.int64))
    elif raw.dtype.kind == "f":
        raw = _days_of_floats(raw.astype(np.float64))
    elif raw.dtype.kind in "OU":
        # numpy takes "20200103" for a year.
        raw = np.array([_plain_date(day) for day in raw.tolist()], dtype=object)
    elif raw.dtype.kind != "M":
        raise DataError(f"dates are of type {raw.dtype}; {_GIVE}")
    try:
        axis = raw.astype("datetime64[D]")
    except (TypeError, ValueError) as error:
        raise DataError(f"dates are not readable ({error}); {_GIVE}") from error
    if np.isnat(axis).any():
        raise _missing(int(np.isnat(axis).argmax()))
    return sort_axis(axis)


def _plain_numbers(raw: NDArray[Any]) -> NDArray[Any]:
    """Return objects that are all numbers as an array of them, and other objects unchanged."""
    values = raw.tolist()
    if not values or not all(isinstance(value, (int, float, np.number)) for value in values):
        return raw
    if any(isinstance(value, bool) for value in values):
        return raw
    return np.array(values)


def _days_of_whole_numbers(numbers: NDArray[np.int64]) -> NDArray[Any]:
    days = []
    for number in numbers.tolist():
        day = parse_date(f"{number:08d}") if number > 0 else None
        if day is None:
            raise DataError(f"dates are whole numbers, and {number} is not a date YYYYMMDD; {_GIVE}")
        days.append(day)
    return np.array(days, dtype="datetime64[D]")


def _days_of_floats(numbers: NDArray[np.float64]) -> NDArray[Any]:
    """Return the days of decimal years, or of whole numbers YYYYMMDD that a library has turned to floats."""
    finite = np.isfinite(numbers)
    if not finite.all():
        raise _missing(int((~finite).argmax()))
    if (numbers == np.floor(numbers)).all() and (numbers >= _LEAST_WHOLE).all():
        return _days_of_whole_numbers(numbers.astype(np.int64))
    outside = (numbers < _FIRST_DECIMAL) | (numbers >= _AFTER_DECIMAL)
    if outside.any():
        raise DataError(
            f"dates are numbers, and {numbers[outside][0]:g} is not a decimal year of 1900 to 2100; {_GIVE}"
        )
    falls = np.flatnonzero(np.diff(numbers) <= 0)
    if len(falls):
        before, after = numbers[falls[0]], numbers[falls[0] + 1]
        raise DataError(f"decimal years must increase, and {after:.10g} follows {before:.10g}; {_GIVE}")
    years = np.floor(numbers)
    first = (years.astype(np.int64) - 1970).astype("datetime64[Y]")
    start = first.astype("datetime64[D]")
    length = ((first + 1).astype("datetime64[D]") - start).astype(np.float64)
    return np.asarray(start + np.rint((numbers - years) * length).astype(np.int64))


def _missing(epoch: int) -> DataError:
    return DataError(f"date {epoch} is missing or unreadable; every epoch needs one such as 2020-01-03")


def _plain_date(day: Any) -> Any:
    """Return text and times of day as dates; time zones are ignored: the local date counts."""
    if isinstance(day, str):
        return parse_date(day)
    if isinstance(day, (int, float)):
        if math.isnan(day):  # as pandas writes a missing value
            return None
        # numpy would count it in days since 1970.
        raise DataError(f"dates are of several types, {day!r} among them; {_GIVE}")
    return day.date() if isinstance(day, datetime) else day
