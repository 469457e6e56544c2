"""What an output must hold: rows, identifiers and classes, from the input as an independent reader has it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hostile.files.independent import PlainTable, block_of
from hostile.judge import Verdict
from insar_runtime import Classifier
from insar_runtime.errors import InsarRuntimeError

_DATE: Final = re.compile(r"(?:D_|d_|D|d|X|)([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:T10:20:30)?")
"""Spellings of the dates of made tables."""
_ERA: Final = range(1991, 2101)
"""Years of radar satellites, within which a name of eight digits is a date."""
_LISTS: Final = ("displacement", "displacements", "timeseries")
_MISSING: Final = frozenset({"", "nan", "null", "na", "none", "-nan", "n/a"})
_VALUES: Final = ("displacement", "displaceme")
"""Column of a long table; a shapefile holds ten characters of its name."""


@dataclass(frozen=True, slots=True)
class Points:
    """The series of a table, as an independent reader finds them.

    Attributes
    ----------
    ids : list or None
        One a point; None if there is no column of ids.
    dates : ndarray of datetime64[D], shape (T,)
    values : ndarray of float64, shape (N, T)
        In the unit of the file.
    """

    ids: list[Any] | None
    dates: NDArray[np.datetime64]
    values: NDArray[np.float64]


def compare(made: PlainTable, out: PlainTable, classifier: Classifier | None, *, id_name: str | None) -> Verdict | None:
    """Compare an output with what its input says; None if they agree, as far as the input can be read.

    Parameters
    ----------
    made : PlainTable
        The input.
    out : PlainTable
        The output.
    classifier : Classifier or None
        The one of the Python API that says which classes are right; None if they are not those of the series alone.
    id_name : str or None
        Column of the input with the identifiers.
    """
    points = find_points(made, id_name)
    rows = count_points(made, id_name)
    if rows is not None and out.rows != rows:
        return "lost rows", f"{out.rows} of {rows} rows"
    ids = None if points is None else points.ids
    if ids is None and id_name is not None and not _is_long(made):
        ids = made.column(id_name)
    written = None if id_name is None else out.column(id_name)
    if ids is not None and written is not None:
        different = [k for k, (a, b) in enumerate(zip(ids, written, strict=True)) if not same_cells(a, b)]
        if different:
            k = different[0]
            return "wrong result", f"id {written[k]!r} in place of {ids[k]!r} in row {k}"
    if points is None or classifier is None:
        return None
    # An input of convert may have such a column itself; classify refuses it.
    is_classified = "class_id" in out.names and "class_id" not in made.names
    return _compare_classes(points, out, classifier) if is_classified else _compare_series(points, out)


def count_points(made: PlainTable, id_name: str | None) -> int | None:
    """Return the number of points of a table; None where damage leaves it open.

    Parameters
    ----------
    made : PlainTable
    id_name : str or None
        Column of the identifiers.
    """
    if not _is_long(made):
        return made.rows
    points = find_points(made, id_name)
    return None if points is None else len(points.values)


def find_points(made: PlainTable, id_name: str | None) -> Points | None:
    """Return the series of a made table; None where damage leaves open what they are."""
    try:
        if _is_long(made):
            return _long_points(made, id_name)
        ids = None if id_name is None else made.column(id_name)
        series = [(name, column) for name, column in zip(made.names, made.columns, strict=True) if name in _LISTS]
        if series:
            return _list_points(made, series[0][1], ids) if len(series) == 1 else None
        found = [(_DATE.fullmatch(name), column) for name, column in zip(made.names, made.columns, strict=True)]
        days = [(_day(*match.groups()), column) for match, column in found if match]
        # A name of another year is an ordinary column among dates of another spelling, and refused among its own.
        dated = [(day, column) for day, column in days if day.year in _ERA]
        if not dated:
            return None
        values = np.array([[_number(cell) for cell in column] for _, column in dated], dtype=float)
        return _sorted(ids, [day for day, _ in dated], values.reshape(len(dated), made.rows).T)
    except (ValueError, TypeError, OverflowError):
        return None


def _is_long(made: PlainTable) -> bool:
    return "date" in made.names and any(name in made.names for name in _VALUES)


def _day(year: str, month: str, day: str) -> date:
    return date(int(year), int(month), int(day))


def _sorted(ids: list[Any] | None, days: list[date], values: NDArray[np.float64]) -> Points:
    dates = np.array(days, dtype="datetime64[D]")
    if len(np.unique(dates)) != len(dates):
        raise ValueError("a date twice")
    order = np.argsort(dates, kind="stable")
    return Points(ids, dates[order], values[:, order])


def _list_points(made: PlainTable, rows: list[Any], ids: list[Any] | None) -> Points | None:
    axes = made.column("dates")
    if axes is not None:
        axis = next((row for row in axes if row is not None), None)
    else:
        axis = json.loads(made.metadata.get("insar_runtime:dates", "null"))
    if not axis:
        return None
    days = [_as_date(value) for value in axis]
    values = np.full((len(rows), len(days)), np.nan)
    for target, row in zip(values, rows, strict=True):
        if row:
            target[:] = [_number(cell) for cell in row]
    return _sorted(ids, days, values)


def _long_points(made: PlainTable, id_name: str | None) -> Points | None:
    value = next((name for name in _VALUES if name in made.names), "")
    ids, dates, values = (made.column(name) for name in (id_name or "", "date", value))
    if ids is None or dates is None or values is None:
        return None
    days = [_as_date(value) for value in dates]
    axis = sorted(set(days))
    place = {day: k for k, day in enumerate(axis)}
    order: list[Any] = list(dict.fromkeys(ids))
    if 1 + sum(one != other for one, other in pairwise(ids)) > len(order):
        order.sort()  # the rows of a point are not together
    row = {name: k for k, name in enumerate(order)}
    matrix = np.full((len(order), len(axis)), np.nan)
    for name, day, value in zip(ids, days, values, strict=True):
        matrix[row[name], place[day]] = _number(value)
    return Points(order, np.array(axis, dtype="datetime64[D]"), matrix)


def _as_date(value: Any) -> date:
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            raise ValueError("a date of a time zone")
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str) and (match := _DATE.fullmatch(value.strip())):
        return _day(*match.groups())
    raise ValueError(f"{value!r} is no date")


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, str):
        if value.strip().lower() in _MISSING:
            return math.nan
        if "_" in value or not value.isascii():
            raise ValueError(f"{value!r} is a number for Python alone")
        return float(value)
    if isinstance(value, (bool, date)) or not isinstance(value, (int, float, Decimal)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def same_cells(made: Any, written: Any) -> bool:
    """Return whether two cells are the same; empty texts are null in some containers, and only texts pass all.

    Parameters
    ----------
    made, written : Any
        Cell of an input, and of an output.
    """
    if not isinstance(made, str | None) and type(made) is not type(written):
        return True
    if made is None or made == "" or (isinstance(made, str) and made.strip().lower() in _MISSING):
        return written is None or written in ("", made)
    return made == written or str(made) == str(written)


def _compare_series(points: Points, out: PlainTable) -> Verdict | None:
    """Compare the series that ``convert`` has written with those of its input."""
    found = find_points(out, None)
    if found is None or block_of(out).get("converted", {}).get("source_unit", "mm") != "mm":
        return None
    if not np.array_equal(found.dates, points.dates):
        return "wrong result", f"{len(found.dates)} dates in place of {len(points.dates)}, or others"
    with np.errstate(over="ignore"):
        written, wanted = found.values.astype(np.float32), points.values.astype(np.float32)
    same = np.array_equal(written, wanted, equal_nan=True)
    return None if same else ("wrong result", "other values than the input has")


def _compare_classes(points: Points, out: PlainTable, classifier: Classifier) -> Verdict | None:
    """Compare classes with those of the Python API on the same numbers."""
    unit = block_of(out).get("input", {}).get("unit", "mm")
    found = out.column("class_id")
    if unit != "mm" or found is None:
        return None
    try:
        with np.errstate(over="ignore"):
            values = points.values.astype(np.float32)
        wanted = classifier.classify(values, points.dates).class_id
    except InsarRuntimeError:
        return None
    different = [k for k, (a, b) in enumerate(zip(wanted, found, strict=True)) if b in {None, ""} or int(a) != int(b)]
    if different:
        k = different[0]
        return "wrong result", f"class {found[k]} in place of {wanted[k]} in row {k}, {len(different)} rows in all"
    return None
