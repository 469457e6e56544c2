"""Dialect of a CSV: separator, names of the columns, and lines before the first row, from its first lines."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from insar_runtime._input.column_types import refuse_double, refuse_too_many
from insar_runtime._input.dates.date_formats import FIRST_YEAR, LAST_YEAR
from insar_runtime.errors import DataError

HEADER_LIMIT: Final = 1 << 26
"""Longest header line that is read: a million points of a transposed table, which is then refused by name."""
ROW_LIMIT: Final = 1 << 23
"""Longest line of a row: 25,000 columns take less than a megabyte, the outline of an area in a cell may take some."""
SEPARATORS: Final = (",", ";", "\t", "|")
"""Signs that may separate the columns of a CSV."""
_SEPARATOR_BYTES: Final = tuple(sign.encode() for sign in SEPARATORS)
_EXCEL: Final = re.compile(rb"(?:\xef\xbb\xbf)?\"?sep=[,;|\t]\"?\s*", re.IGNORECASE)
_VISUALIZER: Final = re.compile(r"export_res_ *[0-9]+")
_MATLAB_DAYS: Final = 366
"""MATLAB counts days from the year 0, Python from the year 1."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a CSV.

    Attributes
    ----------
    names : tuple of str
        One for each cell of a row, all different.
    kept : tuple of str
        Those of them that are columns: all but empty cells behind the last separator.
    separator : str
    lines : int
        Lines before the first point.
    form : {"visualizer"} or None
        A table of StaMPS Visualizer, whose columns were named here.
    notes : tuple of str
        What a person should know about the reading.
    """

    names: tuple[str, ...]
    kept: tuple[str, ...]
    separator: str
    lines: int = 1
    form: Literal["visualizer"] | None = None
    notes: tuple[str, ...] = ()


def is_comment(line: bytes, following: bytes) -> bool:
    """Whether a line is not a header: Excel's sep=; or one with # before another such line, or other separators."""
    if _EXCEL.fullmatch(line):
        return True
    if not line.removeprefix(b"\xef\xbb\xbf").startswith(b"#") or not following.strip():
        return False
    # One more or less may be a separator at the end of the header or of the rows.
    difference = max(map(line.count, _SEPARATOR_BYTES)) - max(map(following.count, _SEPARATOR_BYTES))
    return following.startswith(b"#") or abs(difference) > 1


def read_header(header: bytes, head: bytes) -> Header:
    """Return columns and separator by the first line and the beginning of the rest.

    Raises
    ------
    DataError
        No header, a column twice, or a table of StaMPS Visualizer without dates.
    """
    fields, separator = _split(header)
    row = _first_row(head, separator)
    names = [name.strip() for name in fields]
    if not any(names):
        raise DataError("the first line holds no column names: put them there")
    names[0] = names[0].lstrip("#").lstrip()
    if len(names) > 3 and all(_VISUALIZER.fullmatch(name) for name in names):
        return _read_visualizer(names, row, separator)
    if row is not None and len(row) == len(names) - 1 and not names[-1]:
        names.pop()  # a separator at the end of the header alone
    if row is not None and len(row) == len(names) + 1 and not row[-1].strip():
        names.append("")  # at the end of the rows alone
    last = len(names)
    while last > 1 and not names[last - 1] and (row is None or len(row) < last or not row[last - 1].strip()):
        last -= 1
    named = Counter(name for name in names if name)
    refuse_double([name for name in names if name])
    # pandas writes its index without a name.
    full = tuple(name or _new_name(f"unnamed_{number}", named) for number, name in enumerate(names, 1))
    return Header(full, full[:last], separator)


def _split(header: bytes) -> tuple[list[str], str]:
    if not header.endswith(b"\n") and len(header) >= HEADER_LIMIT:
        raise DataError(f"no line end in the first {HEADER_LIMIT >> 20} MiB: not a table of one row per point")
    try:
        text = header.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise DataError(
            "the header is not UTF-8 text: convert the file to UTF-8, e.g. iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    refuse_too_many(max(map(text.count, SEPARATORS)) + 1, "the first line")
    readings, wrong = [], None
    for sign in SEPARATORS:
        try:
            readings.append((next(csv.reader([text], delimiter=sign), []), sign))
        except csv.Error as error:  # also a line that is too long for one cell, which another separator cuts
            wrong = error
    if not readings:
        raise DataError(f"the first line is not a CSV header ({wrong}): one row per point, lines end with LF")
    fields, separator = max(readings, key=lambda reading: len(reading[0]))
    if len(fields) == 1 and len(text.split()) > 3:
        raise DataError(f"the first line ('{text[:40]}...') has no , ; | or tab: separate columns by one of them")
    return fields, separator


def _first_row(head: bytes, separator: str) -> list[str] | None:
    line = next((line for line in head.split(b"\n", 8)[:8] if line.strip()), None)
    if line is None:
        return None
    try:
        return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r")], delimiter=separator), None)
    except csv.Error:
        return None  # the reader of the rows says what is wrong


def _new_name(name: str, taken: Counter[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _read_visualizer(names: list[str], row: list[str] | None, separator: str) -> Header:
    """Name the columns of StaMPS Visualizer (github thho/StaMPS_Visualizer) by its first row.

    That row holds longitude and latitude of the reference point, NaN, and the dates as MATLAB day numbers; each
    further row a point: longitude, latitude, mean velocity in mm/yr, displacements in mm.
    """
    if row is None or len(row) != len(names):
        raise DataError(
            f"StaMPS Visualizer table ('{names[0]}', ...) without its first row of MATLAB day numbers: export it again"
        )
    columns = ("lon", "lat", "vlos", *(f"D{_matlab_date(cell):%Y%m%d}" for cell in row[3:]))
    note = (
        f"StaMPS Visualizer table: its dates are the MATLAB day numbers of its first row, which holds the reference "
        f"point ({row[0].strip()}, {row[1].strip()}) and no series"
    )
    twice = next((name for name, count in Counter(columns).items() if count > 1), None)
    if twice:
        raise DataError(f"date {twice[1:]} occurs twice in the first row: keep one column per date")
    return Header(columns, columns, separator, 2, "visualizer", (note,))


def _matlab_date(cell: str) -> date:
    try:
        number = float(cell)
        day = date(1, 1, 1) + timedelta(math.floor(number) - _MATLAB_DAYS - 1)
    except (ValueError, OverflowError):
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise DataError(
            f"StaMPS Visualizer table: '{cell.strip()}' in its first row is not a MATLAB day number of "
            f"{FIRST_YEAR}-{LAST_YEAR} (735928 is 2014-11-25): export it again"
        )
    return day
