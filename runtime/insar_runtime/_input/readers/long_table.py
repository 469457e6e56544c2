"""Tables with one row per point and date, brought to one row per point: grouped by point, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime._input.batches import chain_head
from insar_runtime._input.column_types import is_list, is_numeric
from insar_runtime._input.dates.date_columns import DATE_NAMES, ID_ALIASES, VALUE_NAMES
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.dates.date_values import list_dates_to_days, sort_axis
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._input.matrix import as_floats
from insar_runtime._input.readers.point_order import PointOrder, PointReturnsError, first_rows
from insar_runtime.errors import DataError

Days = npt.NDArray[np.datetime64]

PIECE_ROWS: Final = 1 << 16
"""Rows of a point and date that are brought to lists at a time."""
_HEAD_ROWS: Final = 1 << 17
"""Rows of a stream that its dates are taken from: those of hundreds of points."""


@dataclass(frozen=True, slots=True)
class LongColumns:
    """The columns that make a table one of a row a point and date."""

    id: str
    date: str
    value: str


@dataclass(frozen=True, slots=True)
class LongAxis:
    """Result of a first reading.

    Attributes
    ----------
    dates : ndarray of datetime64[D], shape (T,)
        All dates, in order.
    points : int or None
        Number of points; None if the rows of one are not together.
    rows : int
        Number of rows.
    """

    dates: Days
    points: int | None
    rows: int


def find_long_columns(names: Sequence[str], roles: Mapping[str, str], search: DateSearch) -> LongColumns | None:
    """Find identifier, date and displacement among the names of columns; None if the table is no long one.

    Parameters
    ----------
    names : sequence of str
        All columns.
    roles : mapping of role to column name
        Columns that the user named; the ``id`` counts.
    search : DateSearch
        What was found among these names.
    """
    if search.found is not None:
        return None
    lower = {name.strip().lower(): name for name in reversed(names)}
    point = roles.get("id") or next((lower[name] for name in ID_ALIASES if name in lower), None)
    day = next((lower[name] for name in DATE_NAMES if name in lower), None)
    value = next((lower[name] for name in VALUE_NAMES if name in lower), None)
    return LongColumns(point, day, value) if point in names and point and day and value else None


def is_long(schema: pa.Schema, columns: LongColumns | None) -> bool:
    """Whether the columns that were found by name are of types that fit: one date and one number a row."""
    if columns is None:
        return False
    series = [field for field in schema if is_list(field.type) and is_numeric(field.type.value_type)]
    if len(set(schema.names)) < len(schema.names):
        return False  # the layout refuses names that occur twice
    day, value = (schema.field(name).type for name in (columns.date, columns.value))
    return not series and is_numeric(value) and not pa.types.is_nested(day)


def as_list_schema(schema: pa.Schema, columns: LongColumns, dates: Days) -> pa.Schema:
    """Return the schema of the table with one row per point: a list in place of the value, no date."""
    text = json.dumps([str(day) for day in dates])
    series = pa.field(columns.value, pa.list_(pa.float32(), len(dates)), metadata={DATES_KEY: text})
    fields = [series if field.name == columns.value else field for field in schema]
    return pa.schema([field for field in fields if field.name != columns.date], metadata=schema.metadata)


def scan(batches: Iterable[pa.RecordBatch], columns: LongColumns, date_format: str | None) -> LongAxis:
    """Read identifiers and dates once: gather the dates, count the points, and check whether each is in one piece.

    Raises
    ------
    DataError
        An identifier or date is missing or unreadable.
    """
    points: PointOrder | None = PointOrder(columns.id)
    days: set[np.datetime64] = set()
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        if batch.num_rows:
            try:
                if points is not None:
                    points.add(batch)
            except PointReturnsError:
                points = None
            days.update(_days(pc.unique(batch.column(columns.date)), columns, date_format))
    return LongAxis(_axis(days), None if points is None else points.count, rows)


def pivot(
    batches: Iterable[pa.RecordBatch],
    columns: LongColumns,
    dates: Days,
    date_format: str | None,
    *,
    check: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Bring rows of a point and date to one row per point.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        All rows, those of a point one after another; their dates in any order, in batches of any size.
    columns : LongColumns
    dates : ndarray of datetime64[D], shape (T,)
        All dates that occur, in order.
    date_format : str or None
        Spelling of dates that the user named.
    check : bool
        Whether to check that no point returns; needless after ``scan``.

    Yields
    ------
    pyarrow.RecordBatch
        Of the schema of ``as_list_schema``: series of float32, NaN where a date is missing; other columns as in the
        first row of each point.

    Raises
    ------
    DataError
        A point has a date twice, a date is not one of `dates`, or a point returns.
    """
    points = PointOrder(columns.id) if check else None
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        if points is not None and batch.num_rows:
            points.add(batch)
        waiting.append(batch)
        count += batch.num_rows
        if count < PIECE_ROWS:
            continue
        rows = pa.concat_batches(waiting)
        last = int(first_rows(rows.column(columns.id))[-1])
        # The rows of the last point go on in the next batch, unless there are more than it can have dates.
        end = last if rows.num_rows - last <= len(dates) else rows.num_rows
        if end:
            yield _to_lists(rows.slice(0, end), columns, dates, date_format)
        waiting, count = [rows.slice(end)], rows.num_rows - end
    if count:
        yield _to_lists(pa.concat_batches(waiting), columns, dates, date_format)


def pivot_stream(
    batches: Iterable[pa.RecordBatch], columns: LongColumns, date_format: str | None
) -> tuple[Days, Iterator[pa.RecordBatch]]:
    """Bring a stream, which is read once, to one row per point: its first rows must hold all dates.

    Returns
    -------
    dates : ndarray of datetime64[D], shape (T,)
        Of the first rows.
    batches : iterator of pyarrow.RecordBatch
        As of ``pivot``.
    """
    stream = iter(batches)
    head: list[pa.RecordBatch] = []
    days: set[np.datetime64] = set()
    rows = 0
    while rows < _HEAD_ROWS and (batch := next(stream, None)) is not None:
        head.append(batch)
        rows += batch.num_rows
        days.update(_days(pc.unique(batch.column(columns.date)), columns, date_format))
    dates = _axis(days)
    return dates, pivot(chain_head(head, stream), columns, dates, date_format, check=True)


def _to_lists(rows: pa.RecordBatch, columns: LongColumns, dates: Days, date_format: str | None) -> pa.RecordBatch:
    starts = first_rows(rows.column(columns.id))
    days = _days(rows.column(columns.date), columns, date_format)
    place = np.searchsorted(dates, days)
    unknown = dates[np.minimum(place, len(dates) - 1)] != days
    if unknown.any():
        row = int(np.argmax(unknown))
        raise DataError(
            f"date {days[row]} of point '{rows.column(columns.id)[row]}' does not occur in the first {_HEAD_ROWS} rows "
            f"of the stream, which contain its dates: give the table as a file"
        )
    lengths = np.diff(np.append(starts, rows.num_rows))
    where = np.repeat(np.arange(len(starts)) * len(dates), lengths) + place
    filled = np.zeros(len(starts) * len(dates), dtype=bool)
    filled[where] = True
    if np.count_nonzero(filled) < len(where):
        _refuse_twice(rows, where, days, columns)
    matrix = np.full(len(filled), np.nan, dtype=np.float32)
    matrix[where] = as_floats(rows.column(columns.value))
    series = pa.FixedSizeListArray.from_arrays(pa.array(matrix), len(dates))
    schema = as_list_schema(rows.schema, columns, dates)
    first = rows.take(pa.array(starts))
    arrays = [series if name == columns.value else first.column(name) for name in schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _refuse_twice(rows: pa.RecordBatch, where: npt.NDArray[np.intp], days: Days, columns: LongColumns) -> None:
    order = np.argsort(where, kind="stable")
    again = order[1:][np.diff(where[order]) == 0]
    row = int(again.min())
    raise DataError(
        f"point '{rows.column(columns.id)[row]}' has date {days[row]} twice: keep one value per point and date"
    )


def _days(values: pa.Array, columns: LongColumns, date_format: str | None) -> Days:
    if values.null_count:
        raise DataError(f"a row has no date in '{columns.date}': fill or drop it")
    return list_dates_to_days(values, columns.date, date_format)


def _axis(days: set[np.datetime64]) -> Days:
    return sort_axis(np.array(sorted(days), dtype="datetime64[D]"))[0]
