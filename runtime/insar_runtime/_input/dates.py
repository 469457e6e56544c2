"""Acquisition dates: how column names, list values and metadata spell them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from insar_runtime.errors import DataError

FIRST_YEAR: Final = 1991
"""Year of the first interferometric satellite (ERS-1)."""
LAST_YEAR: Final = 2100

ID_ALIASES: Final = ("pid", "code", "point_id", "point id", "ps_id", "pnt_id", "code_target", "id")
"""Names of the point identifier, most telling first; compared without regard to case."""

_COMPACT: Final = re.compile(r"(D_|d_|D|d|)([0-9]{8})")
_ISO: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T][0-9:.]+(?:Z|[+-][0-9:]+)?)?")
_AMPLITUDE: Final = re.compile(r"(?:amp|a)_?[0-9]{8}", re.IGNORECASE)
_STAMPS: Final = re.compile(r"export_res_ *[0-9]+")
_DATE_NAMES: Final = frozenset({"date", "dates", "datum", "time", "epoch", "acquisition", "data_misura", "dataripresa"})
_VALUE_NAMES: Final = frozenset(
    {"displacement", "displacement_mm", "displacement_m", "value", "valore", "spost_rel_mm", "los", "defo"}
)
_LOOKED_FOR: Final = "YYYYMMDD, DYYYYMMDD, D_YYYYMMDD or YYYY-MM-DD"


@dataclass(frozen=True, slots=True, eq=False)
class DateColumns:
    """The date columns of a wide table, in date order.

    Attributes
    ----------
    family : str
        Spelling shared by all names: ``YYYYMMDD``, ``DYYYYMMDD``, ``dYYYYMMDD``, ``D_YYYYMMDD``,
        ``d_YYYYMMDD`` or ``YYYY-MM-DD``.
    names : tuple of str
        Column names as the file spells them, length T.
    dates : ndarray of datetime64[D], shape (T,)
        Strictly increasing.
    """

    family: str
    names: tuple[str, ...]
    dates: npt.NDArray[np.datetime64]


def parse_date(text: str) -> date | None:
    """Read ``YYYYMMDD`` or ISO ``YYYY-MM-DD`` (a time of day is dropped); None if it is no such date."""
    match = _ISO.fullmatch(text)
    digits = match[1].replace("-", "") if match else text
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def is_amplitude_name(name: str) -> bool:
    """Whether the name is that of an amplitude epoch (``a_20160327``, ``AMP20160327``), never a series."""
    return _AMPLITUDE.fullmatch(name) is not None


def find_date_columns(names: Iterable[str]) -> DateColumns:
    """Find the displacement epochs among the column names of a wide table.

    Amplitude epochs and other prefixes (``h2ph_20160327``) are ordinary attributes.

    Parameters
    ----------
    names : iterable of str
        All column names of the table; the order of the dates does not matter.

    Returns
    -------
    DateColumns
        At least one column, sorted by date.

    Raises
    ------
    DataError
        No date column, two spellings, a date twice, an impossible date, or a layout that is known but
        not read (transposed, long, StaMPS Visualizer). The message says how to repair it.
    """
    names = list(names)
    families: dict[str, list[tuple[date, str]]] = {}
    impossible: dict[str, str] = {}
    for name in names:
        spelled = _spelling(name)
        if spelled is None:
            continue
        family, text = spelled
        day = parse_date(text)
        if day is None:
            impossible.setdefault(family, name)
        else:
            families.setdefault(family, []).append((day, name))
    if not families:
        _refuse_without_dates(names, impossible)
    if len(families) > 1:
        examples = " and ".join(f"{family} ('{found[0][1]}')" for family, found in families.items())
        raise DataError(f"date columns in {len(families)} spellings, {examples}: keep one displacement series")
    family, found = families.popitem()
    if family in impossible:
        raise DataError(f"column '{impossible[family]}' is no calendar date ({family}): rename or drop it")
    found.sort()
    for (day, name), (other_day, other) in itertools.pairwise(found):
        if day == other_day:
            raise DataError(f"date {day} occurs twice (columns '{name}' and '{other}'): keep one of them")
    dates = np.array([day for day, _ in found], dtype="datetime64[D]")
    return DateColumns(family, tuple(name for _, name in found), dates)


def list_dates_to_days(values: pa.Array, name: str) -> npt.NDArray[np.datetime64]:
    """Flat date, timestamp or text values as datetime64[D]; DataError if one is null or no date."""
    if values.null_count:
        raise DataError(f"column '{name}' has a null among its dates: one complete time axis per file")
    if is_text(values.type):
        # Texts repeat from row to row: each is read once.
        encoded = values.cast(pa.string()).dictionary_encode()
        days = [_day(text, name) for text in encoded.dictionary.to_pylist()]
        values = pa.array(days, pa.date32()).take(encoded.indices)
    elif pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp(values.type.unit))
    result: npt.NDArray[np.datetime64] = values.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return result


def _day(text: Any, name: str) -> date:
    day = parse_date(str(text))
    if day is None:
        raise DataError(f"'{text}' in '{name}' is no date of {FIRST_YEAR}-{LAST_YEAR}: write YYYY-MM-DD")
    return day


def dates_of_json(raw: bytes, key: str) -> npt.NDArray[np.datetime64]:
    """Dates in a metadata value, a JSON list of ISO dates; DataError if it is none."""
    try:
        texts = json.loads(raw)
    except ValueError:
        texts = None
    if not isinstance(texts, list):
        raise DataError(f"metadata '{key}' is no JSON list of dates: write [\"2020-01-03\", ...]")
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


def is_text(data_type: pa.DataType) -> bool:
    """Whether a type holds text."""
    t = pa.types
    return bool(t.is_string(data_type) or t.is_large_string(data_type) or t.is_string_view(data_type))


def _spelling(name: str) -> tuple[str, str] | None:
    """Family and date text of a name that is spelled like a date column."""
    if match := _COMPACT.fullmatch(name):
        return f"{match[1]}YYYYMMDD", match[2]
    if match := _ISO.fullmatch(name):
        return "YYYY-MM-DD", match[1]
    return None


def _refuse_without_dates(names: Sequence[str], impossible: dict[str, str]) -> NoReturn:
    """Say as exactly as possible why there is no date column, and what to do."""
    lower = {name.strip().lower(): name for name in names}
    if any(_STAMPS.fullmatch(name) for name in names):
        raise DataError(
            "StaMPS Visualizer table (columns 'export_res_ 1', ...): the dates are in the first data row as "
            "MATLAB day numbers; write them as column names DYYYYMMDD (735928 is D20141125), name the "
            "first three columns LON, LAT, VLOS, and drop that row"
        )
    date_name = next((lower[name] for name in lower if name in _DATE_NAMES), None)
    if date_name is not None:
        value_name = next((lower[name] for name in lower if name in _VALUE_NAMES), None)
        if value_name is not None or any(alias in lower for alias in ID_ALIASES):
            raise DataError(
                f"long table (one row a point and date: '{date_name}', '{value_name or 'value'}'): pivot to "
                f"wide (one row a point, columns YYYYMMDD) or to list columns 'dates' and 'displacements'"
            )
        raise DataError(
            f"transposed table ('{date_name}' and {len(names) - 1} further columns: one row a date, one "
            f"column a point): transpose it to one row a point with date columns: insar-rt convert TABLE "
            f"--points POSITIONS -o OUT.parquet"
        )
    if impossible:
        family, name = next(iter(impossible.items()))
        raise DataError(
            f"column '{name}' is no calendar date of {FIRST_YEAR}-{LAST_YEAR} ({family}): spell date columns "
            f"year first, YYYYMMDD"
        )
    amplitude = [name for name in names if is_amplitude_name(name)]
    if amplitude:
        raise DataError(
            f"only amplitude columns ({len(amplitude)}, e.g. '{amplitude[0]}'), no displacement: take the "
            f"product with date columns {_LOOKED_FOR}"
        )
    shown = ", ".join(f"'{name}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
    raise DataError(
        f"no date columns among {len(names)} columns ({shown or 'none'}): looked for {_LOOKED_FOR}, or list "
        f"columns 'dates' and 'displacements'"
    )
