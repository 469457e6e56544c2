"""Acquisition dates in the names of columns, and names that other tables give to ids, dates and displacements."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np
import numpy.typing as npt

from insar_runtime._input.dates.date_formats import (
    FIRST_YEAR,
    LAST_YEAR,
    DateFormat,
    Spelling,
    day_first,
    find_merged,
    find_spellings,
    format_within,
)
from insar_runtime.errors import DataError

ID_ALIASES: Final = ("pid", "code", "point_id", "point id", "ps_id", "pnt_id", "code_target", "code_targe", "id")
"""Names of the point identifier, most specific first; compared without regard to case.

Of long names also the first ten characters, here and below: more a shapefile does not hold.
"""

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
"""Names of the displacement there, most specific first."""
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
