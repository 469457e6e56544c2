"""Date formats of column names and texts: those in use, and formats that a user names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Final

from insar_runtime.errors import UsageError

FIRST_YEAR: Final = 1991
"""Year of the first interferometric satellite (ERS-1)."""
LAST_YEAR: Final = 2100

# D as SqueeSAR, SARvey and StaMPS write it, D_ of SARscape, d_ of DePSI; R puts an X before names that are numbers.
_PREFIX: Final = r"(D_|d_|D|d|X|)"
_TIME: Final = r"(?:[ T][0-9:.]+(?:Z|[+-][0-9:]+)?)?"
_TOKEN: Final = re.compile(r"%[A-Za-z%]|YYYY|YY|MM|DD(?!D)")
_OF_STRPTIME: Final = {"%Y": "YYYY", "%y": "YY", "%m": "MM", "%d": "DD"}
_GROUPS: Final = {
    "YYYY": r"(?P<Y>[0-9]{4})",
    "YY": r"(?P<Y>[0-9]{2})",
    "MM": r"(?P<M>[0-9]{2})",
    "DD": r"(?P<D>[0-9]{2})",
}
_APART: Final = {**_GROUPS, "MM": r"(?P<M>[0-9]{1,2})", "DD": r"(?P<D>[0-9]{1,2})"}
"""Where signs part them, the zero of days and months may be left out."""
_MERGED: Final = re.compile(r"(.+?)(?:_x|_y|\.[0-9]{1,2})")
_WITHIN: Final = re.compile(r"([^0-9%]*)([0-9]{8})([^0-9%]*)")
_EXAMPLES: Final = "DDMMYYYY, MMDDYYYY, YYMMDD, DD/MM/YYYY or a pattern such as %d%m%Y"


@dataclass(frozen=True, slots=True)
class _Shape:
    """Names that look alike, and the orders of day, month and year that they may be read in."""

    pattern: re.Pattern[str]
    orders: tuple[str, ...]
    year: str


def _shape(fields: tuple[int, int, int], *orders: str) -> _Shape:
    # Spreadsheets leave the zero of days and months away.
    first, second, third = ("([0-9]{4})" if digits == 4 else "([0-9]{1,2})" for digits in fields)
    pattern = rf"{_PREFIX}{first}([-/._]){second}\3{third}{_TIME}"
    return _Shape(re.compile(pattern), orders, "YYYY" if 4 in fields else "YY")


_BEGINNING: Final = re.compile(rf"{_PREFIX}[0-9]")
"""What every date begins with: most names of a transposed table, which may have a million columns, do not."""
_COMPACT: Final = re.compile(rf"{_PREFIX}([0-9]{{4}})()([0-9]{{2}})([0-9]{{2}})(?:T[0-9]{{6}}Z?)?")
_SHAPES: Final = (
    _Shape(_COMPACT, ("YMD",), "YYYY"),
    _shape((4, 2, 2), "YMD"),
    _shape((2, 2, 2), "YMD", "DMY", "MDY"),
    _shape((2, 2, 4), "DMY", "MDY"),
)


@dataclass(frozen=True, slots=True)
class Spelling:
    """Names of one spelling.

    Attributes
    ----------
    family : str
        The spelling, e.g. ``DYYYYMMDD`` or ``YY/MM/DD``.
    found : tuple of (date, str)
        Names that are dates, in the order given.
    impossible : tuple of str
        Names that look like it and are not a calendar date.
    readings : tuple of str
        Without the prefix; more than one if the names fit several of them.
    """

    family: str
    found: tuple[tuple[date, str], ...]
    impossible: tuple[str, ...]
    readings: tuple[str, ...]


def calendar_day(year: str, month: str, day: str) -> date | None:
    """Return the day; None if there is no such day in the satellite era. Years of two digits are of 1991 to 2090."""
    number = int(year)
    if len(year) == 2:
        number += 1900 if number >= FIRST_YEAR % 100 else 2000
    try:
        found = date(number, int(month), int(day))
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def find_spellings(names: Iterable[str], date_format: str | None = None) -> list[Spelling]:
    """Sort names by the way they spell a date; names that spell none are left out.

    Parameters
    ----------
    names : iterable of str
        All names of columns, in the order of the file.
    date_format : str, optional
        The one format to look for, see ``DateFormat``; any of the known ones if not given.
    """
    if date_format is not None:
        return _find_formatted(names, DateFormat.of(date_format))
    alike: dict[tuple[str, str, int], list[re.Match[str]]] = {}
    for name in names:
        if not _BEGINNING.match(name):
            continue
        for number, shape in enumerate(_SHAPES):
            if match := shape.pattern.fullmatch(name):
                alike.setdefault((match[1], match[3], number), []).append(match)
                break
    return [_read(matches, _SHAPES[key[2]]) for key, matches in alike.items()]


def _read(matches: Sequence[re.Match[str]], shape: _Shape) -> Spelling:
    """Choose the order of day, month and year in which all names are dates, and the columns chronological."""
    readings = {order: [_day(match, order) for match in matches] for order in shape.orders}
    valid = [order for order in shape.orders if None not in readings[order]]
    if len(valid) > 1:
        rising = [order for order in valid if _rises([day for day in readings[order] if day])]
        # Neither is proven if both rise; if none does, the file is out of order and nothing is proven either.
        valid = rising if len(rising) == 1 else valid
    order = (valid or shape.orders)[0]
    words = {"Y": shape.year, "M": "MM", "D": "DD"}
    ways = tuple(matches[0][3].join(words[letter] for letter in way) for way in (valid or [order]))
    days = list(zip(readings[order], (match[0] for match in matches), strict=True))
    found = tuple((day, name) for day, name in days if day is not None)
    impossible = tuple(name for day, name in days if day is None)
    return Spelling(matches[0][1] + ways[0], found, impossible, ways)


def _day(match: re.Match[str], order: str) -> date | None:
    parts = dict(zip(order, match.group(2, 4, 5), strict=True))
    return calendar_day(parts["Y"], parts["M"], parts["D"]) if len(parts["Y"]) > 1 else None


def _rises(days: Sequence[date]) -> bool:
    return all(a < b for a, b in pairwise(days))


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A spelling that the user named, e.g. ``DDMMYYYY``, ``DD/MM/YYYY`` or ``%d%m%Y``, without a prefix such as D.

    Attributes
    ----------
    text : str
        As YYYY or YY, MM and DD.
    """

    text: str
    _pattern: re.Pattern[str]

    @staticmethod
    @lru_cache(maxsize=8)
    def of(text: str) -> DateFormat:
        """Read a format.

        Raises
        ------
        UsageError
            It does not hold year, month and day once each.
        """
        wanted = text.upper() if "%" not in text else text
        parts: list[str] = []
        shown: list[str] = []
        begin = 0
        tokens = list(_TOKEN.finditer(wanted))
        groups = _GROUPS if any(a.end() == b.start() for a, b in pairwise(tokens)) else _APART
        for token in tokens:
            word = _OF_STRPTIME.get(token[0], token[0])
            if word not in _GROUPS:
                raise UsageError(f"date format '{text}': '{word}' is not read; give {_EXAMPLES}")
            literal = wanted[begin : token.start()]
            parts += [re.escape(literal), groups[word]]
            shown += [literal, word]
            begin = token.end()
        parts.append(re.escape(wanted[begin:]))
        shown.append(wanted[begin:])
        words = [word[0] for word in shown if word in _GROUPS]
        if sorted(words) != ["D", "M", "Y"]:
            raise UsageError(f"date format '{text}' does not hold year, month and day once each: give {_EXAMPLES}")
        return DateFormat("".join(shown), re.compile(f"{_PREFIX}{''.join(parts)}{_TIME}"))

    def match(self, name: str) -> re.Match[str] | None:
        """Whether a name has this form; its first group is the prefix."""
        return self._pattern.fullmatch(name)

    def read(self, text: str) -> date | None:
        """Read a date; None if it is none of this form."""
        match = self.match(text)
        return calendar_day(match["Y"], match["M"], match["D"]) if match else None


def _find_formatted(names: Iterable[str], wanted: DateFormat) -> list[Spelling]:
    alike: dict[str, list[str]] = {}
    for name in names:
        if match := wanted.match(name):
            alike.setdefault(match[1] + wanted.text, []).append(name)
    spellings = []
    for family, members in alike.items():
        days = [(wanted.read(name), name) for name in members]
        found = tuple((day, name) for day, name in days if day is not None)
        spellings.append(Spelling(family, found, tuple(name for day, name in days if day is None), (family,)))
    return spellings


def day_first(name: str) -> str | None:
    """Return the format with the day or the month first in which eight digits are a date; None if in none."""
    match = _COMPACT.fullmatch(name)
    if match is None:
        return None
    digits = match[2] + match[4] + match[5]
    formats = ("DDMMYYYY", "MMDDYYYY")
    return next((text for text in formats if DateFormat.of(text).read(digits) is not None), None)


def find_merged(names: Iterable[str], date_format: str | None = None) -> str | None:
    """Return the first name that is a date with what pandas (_x, _y, .1) or R (.1) add to columns of one name."""
    for name in names:
        match = _MERGED.fullmatch(name)
        if match and any(spelling.found for spelling in find_spellings([match[1]], date_format)):
            return name
    return None


def format_within(name: str) -> str | None:
    """Return the format of a name that holds a date YYYYMMDD after or before other words; None if it holds none."""
    match = _WITHIN.fullmatch(name)
    if match is None or DateFormat.of("YYYYMMDD").read(match[2]) is None:
        return None
    return f"{match[1]}%Y%m%d{match[3]}"
