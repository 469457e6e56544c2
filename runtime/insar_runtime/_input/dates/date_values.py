"""Dates among values: texts, timestamps and numbers of columns and of metadata, and the order of an axis."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime._input.column_types import is_text
from insar_runtime._input.dates.date_formats import FIRST_YEAR, LAST_YEAR, DateFormat, calendar_day
from insar_runtime.errors import DataError

_YEAR_FIRST: Final = re.compile(r"([0-9]{4})([-/._]?)([0-9]{2})\2([0-9]{2})(?:[ T][0-9:.]+(?:Z|[+-][0-9:]+)?)?")
_UTC: Final = frozenset({"UTC", "ETC/UTC", "Z", "GMT", "+00:00"})
"""Needs no data base of time zones, which small systems lack."""
_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
"""A zone that is a distance from UTC."""
_LOOKED_AT: Final = 20
"""Rows by which it is decided whether a column holds dates."""


def parse_date(text: str) -> date | None:
    """Read a date, year first: ``YYYYMMDD``, or with one of - / . _ between; None if it is none.

    A time of day is dropped.
    """
    match = _YEAR_FIRST.fullmatch(text)
    return calendar_day(match[1], match[3], match[4]) if match else None


def holds_dates(values: pa.Array) -> bool:
    """Whether a column holds dates, timestamps, or texts the first of which are all dates."""
    if is_text(values.type):
        texts = values.slice(0, _LOOKED_AT).cast(pa.string()).to_pylist()
        return bool(texts) and all(parse_date(text or "") for text in texts)
    return bool(pa.types.is_date(values.type) or pa.types.is_timestamp(values.type))


def list_dates_to_days(values: pa.Array, name: str, date_format: str | None = None) -> npt.NDArray[np.datetime64]:
    """Flat dates as datetime64[D]: date, timestamp, text, or whole numbers YYYYMMDD.

    Parameters
    ----------
    values : pyarrow.Array
    name : str
        Of their column, for messages.
    date_format : str, optional
        How texts and numbers spell dates; year first if not given.

    Raises
    ------
    DataError
        One is null or no date.
    """
    if values.null_count:
        raise DataError(f"column '{name}' has a null among its dates: one complete time axis per file")
    t = pa.types
    if t.is_dictionary(values.type):
        values = values.dictionary_decode()
    if t.is_floating(values.type) and pc.all(pc.equal(values, pc.round(values))).as_py():
        values = values.cast(pa.int64(), safe=False)  # pandas makes such of whole numbers with gaps
    if is_text(values.type) or t.is_integer(values.type):
        # Texts repeat from row to row: each is read once.
        encoded = values.cast(pa.string()).dictionary_encode()
        days = [_day(text, name, date_format) for text in encoded.dictionary.to_pylist()]
        values = pa.array(days, pa.date32()).take(encoded.indices)
    elif t.is_timestamp(values.type):
        values = _local_times(values, name)
    elif not t.is_date(values.type):
        raise DataError(
            f"column '{name}' is of type {values.type}: dates, timestamps, whole numbers YYYYMMDD or text needed"
        )
    result: npt.NDArray[np.datetime64] = values.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return result


def _local_times(values: pa.Array, name: str) -> pa.Array:
    """Return timestamps as the clocks of their zone show them: midnight in Rome is the day before in UTC."""
    zone = values.type.tz
    if zone is None or zone.upper() in _UTC:
        return values.cast(pa.timestamp(values.type.unit))
    if match := _OFFSET.fullmatch(zone):  # needs no database of time zones
        offset = timedelta(hours=int(match[2]), minutes=int(match[3])) * (-1 if match[1] == "-" else 1)
        return pc.add(values.cast(pa.timestamp(values.type.unit)), pa.scalar(offset, pa.duration(values.type.unit)))
    try:
        return pc.local_timestamp(values)
    except pa.ArrowInvalid as error:
        raise DataError(f"column '{name}' has times of zone '{zone}', which is not known here: write dates") from error


def _day(text: Any, name: str, date_format: str | None = None) -> date:
    text = str(text).strip()
    if date_format is None:
        day = parse_date(text)
        remedy = "write YYYY-MM-DD, or use --date-format, e.g. DD/MM/YYYY"
    else:
        wanted = DateFormat.of(date_format)
        # A whole number has lost the zero that its text began with.
        day = wanted.read(text.zfill(len(wanted.text)) if text.isdigit() else text)
        remedy = f"it is not spelled {wanted.text}, correct --date-format"
    if day is None:
        raise DataError(f"'{text}' in '{name}' is not a date of {FIRST_YEAR}-{LAST_YEAR}: {remedy}")
    return day


def dates_of_json(raw: bytes, key: str) -> npt.NDArray[np.datetime64]:
    """Dates in a metadata value, a JSON list of ISO dates; DataError if it is none."""
    try:
        texts = json.loads(raw)
    except (ValueError, RecursionError):  # also what is not text, or nested too deep
        texts = None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"metadata '{key}' is not a JSON list of dates: write [\"2020-01-03\", ...]")
    return np.array([_day(text, key) for text in texts], dtype="datetime64[D]")


def sort_axis(
    dates: npt.NDArray[np.datetime64],
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.intp] | None]:
    """Dates in order, and the permutation that orders them (None if it changes nothing).

    Raises
    ------
    DataError
        A date occurs twice, is not a time, or lies outside the satellite era.
    """
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    bad = (years < FIRST_YEAR) | (years > LAST_YEAR)  # also NaT
    if bad.any():
        raise DataError(f"date {dates[bad][0]} lies outside {FIRST_YEAR}-{LAST_YEAR}: correct the time axis")
    order = np.argsort(dates, kind="stable")
    ordered = dates[order]
    twice = ordered[1:] == ordered[:-1]
    if twice.any():
        raise DataError(f"date {ordered[1:][twice][0]} occurs twice: keep one value per date")
    return ordered, None if np.array_equal(order, np.arange(len(order))) else order
