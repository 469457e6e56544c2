"""What the columns of a table mean: which are the series, the dates, the position, the velocity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from insar_runtime._input.column_roles import Role, find_roles
from insar_runtime._input.column_types import is_list, is_numeric, is_text, refuse_double, schema_index
from insar_runtime._input.dates.date_columns import DATE_NAMES
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.dates.date_values import dates_of_json, holds_dates, list_dates_to_days, sort_axis
from insar_runtime._input.origin import Origin
from insar_runtime._input.producers import Domain, Producer, guess_producer
from insar_runtime._input.result_tables import refuse_result_table
from insar_runtime.errors import DataError

_SERIES_NAMES: Final = (
    "displacements",
    "displacement",
    "displacement_mm",
    "timeseries",
    "time_series",
    "ts",
    "values",
)
_DATES_NAMES: Final = ("dates", "date", "epochs")
_OUR_LISTS: Final = frozenset(
    {
        "jump_mm",
        "jump_mm_std",
        "jump_cycles",
        "jump_prob",
        "jump_distance",
        "corrected_mm",
        "corrected_cycles",
        "corrected_original",
    }
)
"""Lists of numbers that a diagnosis adds to a table beside its series."""
DATES_KEY: Final = "insar_runtime:dates"
"""Metadata key of the dates of list columns: a JSON list of ISO dates."""
UNIT_KEY: Final = "insar_runtime:unit"
"""Metadata key of a list column whose producer states the unit of its values: mm, cm or m."""
_METADATA_KEYS: Final = (DATES_KEY.encode(), b"dates")


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Meaning of the columns of one table; the time axis is one for all its rows.

    Attributes
    ----------
    kind : {"wide", "list"}
        One column a date, or one list column.
    columns : tuple of str
        Series columns: wide, the T date columns in date order; list, the one displacement column.
    dates : ndarray of datetime64[D], shape (T,)
        Acquisition dates, strictly increasing. Empty if a list table has no row with dates.
    dates_column : str or None
        List column that repeats the dates in each row.
    order : ndarray of intp, shape (T,), or None
        Permutation that sorts the lists of a file by date; None if they are sorted.
    id, longitude, latitude, easting, northing, velocity, coherence, height : str or None
        Columns found by their usual names; the velocity is documented in mm/yr, the height in m.
    attributes : tuple of str
        All columns that are not series or dates, in file order.
    made_by : Producer or None
        Who makes such tables, with what is documented about them; None if unknown.
    family : str or None
        Spelling of the date columns; None for lists.
    date_format : str or None
        Spelling of dates that the user named.
    origin : Origin
        Where the table comes from.
    """

    kind: Literal["wide", "list"]
    columns: tuple[str, ...]
    dates: npt.NDArray[np.datetime64]
    dates_column: str | None
    order: npt.NDArray[np.intp] | None
    id: str | None
    longitude: str | None
    latitude: str | None
    easting: str | None
    northing: str | None
    velocity: str | None
    coherence: str | None
    height: str | None
    attributes: tuple[str, ...]
    made_by: Producer | None
    family: str | None
    date_format: str | None
    origin: Origin

    @property
    def producer(self) -> str | None:
        """Name of the producer, e.g. ``EGMS L2b``; None if unknown."""
        return self.made_by.name if self.made_by else None

    @property
    def domain(self) -> Domain:
        """What the series are a displacement along."""
        return self.made_by.domain if self.made_by else "unknown"

    @property
    def stored_as(self) -> Literal["wide", "list", "long"]:
        """Layout of the file; one row per point and date is brought to lists on reading, so its `kind` is that."""
        return "long" if self.origin.form == "long" else self.kind

    @property
    def days(self) -> npt.NDArray[np.float32]:
        """Days since the first acquisition, float32, shape (T,)."""
        return (self.dates - self.dates[:1]).astype(np.float32)

    @property
    def file_dates(self) -> npt.NDArray[np.datetime64]:
        """Dates in the order of the file's lists, datetime64[D], shape (T,)."""
        if self.order is None:
            return self.dates
        dates = np.empty_like(self.dates)
        dates[self.order] = self.dates
        return dates


def resolve_layout(
    schema: pa.Schema,
    head: pa.RecordBatch | None = None,
    *,
    overrides: Mapping[Role, str] | None = None,
    date_format: str | None = None,
    origin: Origin | None = None,
    search: DateSearch | None = None,
) -> Layout:
    """Decide once per file what its columns mean.

    Parameters
    ----------
    schema : pyarrow.Schema
        Schema of the file. Dates of a list layout may stand in its metadata or in that of the list field,
        under ``insar_runtime:dates`` or ``dates``, as a JSON list of ISO dates.
    head : pyarrow.RecordBatch, optional
        First rows; needed for list layouts whose dates stand in a list column.
    overrides : mapping of role to column name, optional
        Columns to take for ``id``, ``longitude``, ``latitude``, ``easting``, ``northing``, ``velocity``,
        ``coherence``, ``height``.
    date_format : str, optional
        How names and texts spell dates, where they do not in one of the usual ways.
    origin : Origin, optional
        Where the table comes from.
    search : DateSearch, optional
        What was found among the names of the columns, if they were searched for dates before.

    Returns
    -------
    Layout

    Raises
    ------
    DataError
        No series, two series, a table of results, duplicate columns, duplicate dates, columns of a wrong type.
    UsageError
        An override names a column that is not there, or `date_format` is none.
    """
    names = list(schema.names)
    refuse_double(names)
    refuse_result_table(names)
    search = search or DateSearch.among(names, date_format)
    series = _list_series(schema, search)
    order = dates_column = family = None
    kind: Literal["wide", "list"]
    columns: tuple[str, ...]
    if series is None:
        kind = "wide"
        # Dates may be the nameless index of a data frame; then the message names the remedy for such tables.
        dated = head is not None and bool(names) and names[0].lower() not in DATE_NAMES and holds_dates(head.column(0))
        found = (DateSearch.among(["date", *names[1:]], date_format) if dated else search).columns
        family, columns, dates = found.family, found.names, found.dates
        _check_wide_types(schema, columns)
    else:
        kind, columns = "list", (series,)
        dates_column, file_dates = _list_dates(schema, series, head, date_format)
        dates, order = sort_axis(file_dates)
        _check_width(schema, series, dates, head)
    taken = {*columns, dates_column}
    attributes = tuple(name for name in names if name not in taken)
    roles = find_roles(schema, attributes, overrides or {})
    origin = origin or Origin()
    return Layout(
        kind=kind,
        columns=columns,
        dates=dates,
        dates_column=dates_column,
        order=order,
        **roles,
        attributes=attributes,
        made_by=guess_producer(family, attributes, origin.file_names, origin.product_level),
        family=family,
        date_format=date_format,
        origin=origin,
    )


def _check_wide_types(schema: pa.Schema, columns: Sequence[str]) -> None:
    for name in columns:
        data_type = schema.field(name).type
        if not is_numeric(data_type):
            raise DataError(f"date column '{name}' is of type {data_type}, not a number: convert it to float")


def _list_series(schema: pa.Schema, search: DateSearch) -> str | None:
    """Name of the displacement list column; None if the table has date columns or no numeric lists."""
    numeric = [
        field.name
        for field in schema
        if is_list(field.type)
        and is_numeric(field.type.value_type)
        and field.name.lower() not in _DATES_NAMES
        and field.name not in _OUR_LISTS
    ]
    if not numeric:
        return None
    known = [name for name in numeric if name.lower() in _SERIES_NAMES]
    if search.found is None:
        known = known or numeric
    elif known:
        dated = search.found.names[0]
        raise DataError(f"both '{known[0]}' and the date columns '{dated}', ... hold series: drop one of them")
    else:
        return None  # a wide table with some list attribute
    if len(known) > 1:
        quoted = ", ".join(f"'{name}'" for name in known)
        raise DataError(f"several list columns may be the displacement ({quoted}): name one 'displacements'")
    return str(known[0])


def _list_dates(
    schema: pa.Schema, series: str, head: pa.RecordBatch | None, date_format: str | None
) -> tuple[str | None, npt.NDArray[np.datetime64]]:
    """Dates in file order, from the dates column or else from metadata."""
    by_name = {field.name.lower(): field for field in schema if is_list(field.type)}
    field = next((by_name[name] for name in _DATES_NAMES if name in by_name), None)
    if field is not None:
        return field.name, _dates_of_head(field, head, date_format)
    for metadata in (schema.field(series).metadata or {}, schema.metadata or {}):
        for key in _METADATA_KEYS:
            if key in metadata:
                return None, dates_of_json(metadata[key], key.decode())
    raise DataError(
        f"list column '{series}' has no dates: add a list column 'dates', or file metadata "
        f"'insar_runtime:dates' with a JSON list of ISO dates"
    )


def _dates_of_head(field: pa.Field, head: pa.RecordBatch | None, date_format: str | None) -> npt.NDArray[np.datetime64]:
    value_type, t = field.type.value_type, pa.types
    if not (t.is_date(value_type) or t.is_timestamp(value_type) or t.is_integer(value_type) or is_text(value_type)):
        raise DataError(
            f"column '{field.name}' is of type {field.type}: lists of dates, timestamps, whole numbers YYYYMMDD or ISO "
            f"text needed"
        )
    row = None
    if head is not None:
        column = head.column(schema_index(head.schema, field.name))
        there = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        row = column[int(there[0])] if len(there) else None
    if row is None:
        if head is not None and head.num_rows:
            raise DataError(f"column '{field.name}' has no dates in the first {head.num_rows} row(s): fill it")
        return np.empty(0, dtype="datetime64[D]")
    return list_dates_to_days(row.values, field.name, date_format)


def _check_width(
    schema: pa.Schema, series: str, dates: npt.NDArray[np.datetime64], head: pa.RecordBatch | None
) -> None:
    data_type = schema.field(series).type
    if not pa.types.is_fixed_size_list(data_type) or (not len(dates) and (head is None or not head.num_rows)):
        return
    if data_type.list_size != len(dates):
        raise DataError(f"'{series}' has {data_type.list_size} values per row but there are {len(dates)} dates")
