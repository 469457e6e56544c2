"""Acquisition dates: found in the names of columns, in lists and in metadata."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime._input.column_types import is_text
from insar_runtime._input.dates.date_formats import (
    FIRST_YEAR,
    LAST_YEAR,
    DateFormat,
    Spelling,
    calendar_day,
    day_first,
    find_merged,
    find_spellings,
    format_within,
)
from insar_runtime.errors import DataError

ID_ALIASES: Final = ("pid", "code", "point_id", "point id", "ps_id", "pnt_id", "code_target", "code_targe", "id")
"""Names of the point identifier, most telling first; compared without regard to case.

Of long names also the first ten characters, here and below: more a shapefile does not hold.
"""

_YEAR_FIRST: Final = re.compile(r"([0-9]{4})([-/._]?)([0-9]{2})\2([0-9]{2})(?:[ T][0-9:.]+(?:Z|[+-][0-9:]+)?)?")
_AMPLITUDE: Final = re.compile(r"(?:amp|a)_?[0-9]{8}", re.IGNORECASE)
_STAMPS: Final = re.compile(r"export_res_ *[0-9]+")
DATE_NAMES: Final = (
    "date",
    "dates",
    "datum",
    "time",
    "epoch",
    "acquisition",
    "data_misura",
    "data_misur",
    "dataripresa",
    "dataripres",
)
"""Names of the date in tables with one row per point and date."""
VALUE_NAMES: Final = (
    "displacement_mm",
    "displacement",
    "displacement_m",
    "displaceme",
    "spost_rel_mm",
    "spost_rel_",
    "valore",
    "value",
    "defo",
    "los",
)
"""Names of the displacement there, most telling first."""
_UTC: Final = frozenset({"UTC", "ETC/UTC", "Z", "GMT", "+00:00"})
"""Needs no data base of time zones, which small systems lack."""
_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
"""A zone that is a distance from UTC."""
_LOOKED_AT: Final = 20
"""Rows by which it is decided whether a column holds dates."""
_LOOKED_FOR: Final = "YYYYMMDD, DYYYYMMDD, D_YYYYMMDD, YYYY-MM-DD or YY/MM/DD"


@dataclass(frozen=True, slots=True, eq=False)
class DateColumns:
    """The date columns of a wide table, in date order.

    Attributes
    ----------
    family : str
        Spelling shared by all names, e.g. ``YYYYMMDD``, ``DYYYYMMDD``, ``D_YYYYMMDD``, ``YYYY-MM-DD`` or ``YY/MM/DD``.
    names : tuple of str
        Column names as the file spells them, length T.
    dates : ndarray of datetime64[D], shape (T,)
        Strictly increasing.
    """

    family: str
    names: tuple[str, ...]
    dates: npt.NDArray[np.datetime64]


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


def is_amplitude_name(name: str) -> bool:
    """Whether the name is that of an amplitude epoch (``a_20160327``, ``AMP20160327``), never a series."""
    return _AMPLITUDE.fullmatch(name) is not None


def find_date_columns(names: Iterable[str], date_format: str | None = None) -> DateColumns:
    """Find the displacement epochs among the column names of a wide table.

    Amplitude epochs and other prefixes (``h2ph_20160327``) are ordinary attributes.

    Parameters
    ----------
    names : iterable of str
        All column names of the table; the order of the dates matters only where day, month and year of two
        digits may be read in several ways: then the one that makes them chronological is taken.
    date_format : str, optional
        How the names spell dates, e.g. ``DDMMYYYY`` or ``%d%m%Y``; the usual spellings if not given.

    Returns
    -------
    DateColumns
        At least one column, sorted by date.

    Raises
    ------
    DataError
        No date column, two spellings, a date twice, an impossible date, dates that may be read in two ways, or a
        table that has no date columns by its nature (transposed, long). The message says how to repair it.
    UsageError
        `date_format` is none.
    """
    names = list(names)
    spellings = find_spellings(names, date_format)
    families = [spelling for spelling in spellings if spelling.found]
    if not families:
        _refuse_without_dates(names, spellings, date_format)
    if len(families) > 1:
        examples = " and ".join(f"{spelling.family} ('{spelling.found[0][1]}')" for spelling in families)
        raise DataError(f"date columns in {len(families)} spellings, {examples}: keep one displacement series")
    spelling = families[0]
    if spelling.impossible:
        raise DataError(
            f"column '{spelling.impossible[0]}' is not a calendar date ({spelling.family}): rename or drop it"
        )
    if len(spelling.readings) > 1:
        raise DataError(
            f"date columns such as '{spelling.found[0][1]}' may be {' or '.join(spelling.readings)}: say which, "
            f"e.g. --date-format {spelling.readings[0]}"
        )
    if (merged := find_merged(names, date_format)) is not None:
        raise DataError(
            f"column '{merged}' is one of two columns of a date, as a merge of tables names them: keep one column "
            f"a date, named {spelling.family}"
        )
    found = sorted(spelling.found)
    for (day, name), (other_day, other) in itertools.pairwise(found):
        if day == other_day:
            raise DataError(f"date {day} occurs twice (columns '{name}' and '{other}'): keep one of them")
    dates = np.array([day for day, _ in found], dtype="datetime64[D]")
    return DateColumns(spelling.family, tuple(name for _, name in found), dates)


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


def _refuse_without_dates(names: Sequence[str], spellings: Sequence[Spelling], date_format: str | None) -> NoReturn:
    """Say as exactly as possible why there is no date column, and what to do."""
    lower = {name.strip().lower(): name for name in names}
    if any(_STAMPS.fullmatch(name) for name in names):
        raise DataError(
            "StaMPS Visualizer table (columns 'export_res_ 1', ...): the dates are in the first data row as "
            "MATLAB day numbers; give it as the CSV that it was, or write them as column names DYYYYMMDD (735928 is "
            "D20141125), name the first three columns LON, LAT, VLOS, and drop that row"
        )
    date_name = next((lower[name] for name in lower if name in DATE_NAMES), None)
    if date_name is not None:
        value_name = next((lower[name] for name in lower if name in VALUE_NAMES), None)
        if value_name is not None or any(alias in lower for alias in ID_ALIASES):
            raise DataError(
                f"long table (one row per point and date: '{date_name}', '{value_name or 'value'}') that is not read "
                f"as such: name its columns 'pid', 'date' and 'displacement_mm' and give it as a file, or pivot to "
                f"wide (one row per point, columns YYYYMMDD) or to list columns 'dates' and 'displacements'"
            )
        raise DataError(
            f"transposed table ('{date_name}' and {len(names) - 1} further columns: one row per date, one "
            f"column per point): transpose it to one row per point with date columns: insar-rt convert TABLE "
            f"--positions POSITIONS -o OUT.parquet"
        )
    if spellings:
        family, name = spellings[0].family, spellings[0].impossible[0]
        remedy = "correct --date-format" if date_format else "spell date columns year first, YYYYMMDD"
        if date_format is None and (other := day_first(name)) is not None:
            remedy += f", or use --date-format {other}"
        raise DataError(f"column '{name}' is not a calendar date of {FIRST_YEAR}-{LAST_YEAR} ({family}): {remedy}")
    if date_format is not None:
        raise DataError(
            f"no column is a date spelled {DateFormat.of(date_format).text}, alone or after D, D_, d, d_ or X: "
            f"correct --date-format, or leave it out"
        )
    amplitude = [name for name in names if is_amplitude_name(name)]
    if amplitude:
        raise DataError(
            f"only amplitude columns ({len(amplitude)}, e.g. '{amplitude[0]}'), no displacement: take the "
            f"product with date columns {_LOOKED_FOR}"
        )
    within = next(filter(None, map(format_within, names)), None)
    hint = f"; if dates are in the names, use --date-format {within}" if within else ""
    shown = ", ".join(f"'{name[:40]}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
    raise DataError(
        f"no date columns among {len(names)} columns ({shown or 'none'}): looked for {_LOOKED_FOR}, or list "
        f"columns 'dates' and 'displacements'{hint}"
    )
