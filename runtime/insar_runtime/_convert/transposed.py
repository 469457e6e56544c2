"""Transposed tables: one row per date and one column per point, with the positions of the points in another table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._convert.input_table import InputTable
from insar_runtime._input.column_roles import find_roles
from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.dates.date_columns import DATE_NAMES, ID_ALIASES, find_date_columns
from insar_runtime._input.dates.date_formats import DateFormat
from insar_runtime._input.dates.date_values import holds_dates, parse_date, sort_axis
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import read_head
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._input.matrix import as_floats
from insar_runtime._input.opening import open_source
from insar_runtime.errors import DataError

_MOST_POINTS: Final = 20_000
_MOST_VALUES: Final = 50_000_000
"""Limits of a table that is transposed in memory: 200 MB of values."""
_NO_NAMES: Final = frozenset({"unnamed_1", "unnamed: 0", "index", "__index_level_0__"})
"""Names of an unnamed index of a data frame; it is the time axis if it holds dates."""


def date_column(names: list[str], head: pa.RecordBatch | None) -> str | None:
    """Return the column of dates if these are the columns of a transposed table; None if they are not.

    A transposed table has a column of dates and columns of points, whose names are no dates. The dates are in the first
    column, or in the last one if pandas wrote its index to Parquet.
    """
    lower = {name.strip().lower() for name in names}
    if len(names) < 2 or lower & set(ID_ALIASES):
        return None
    try:
        find_date_columns(names)
    except DataError:
        return next((name for name in (names[0], names[-1]) if _holds_axis(name, head)), None)
    return None


def _holds_axis(name: str, head: pa.RecordBatch | None) -> bool:
    plain = name.strip().lower()
    return plain in {*DATE_NAMES, ""} or (plain in _NO_NAMES and head is not None and holds_dates(head.column(name)))


def open_transposed(
    path: Path,
    date: str,
    points: Path | None,
    declared: UserDeclarations,
) -> tuple[InputTable, tuple[str, ...]]:
    """Read a transposed table, and join the positions of its points by their ids.

    Parameters
    ----------
    path : Path
        File of the table.
    date : str
        Its column of dates; the names of all other columns are ids.
    points : Path or None
        Table with one row per point: id, longitude, latitude, other attributes. Its points may have any order, and
        points that are not in the table are ignored.
    declared : UserDeclarations
        Declarations of the user; the columns are those of `points`.

    Returns
    -------
    table : InputTable
    notes : tuple of str

    Raises
    ------
    DataError
        Too many points or values for the memory, texts that are no dates, or ids that occur twice.
    """
    dates, ids, matrix = _read_series(path, date, declared.date_format)
    schema, attributes, missing = _attributes(points, ids, declared)
    series = pa.field("displacement", pa.list_(pa.float32(), len(dates)))
    schema = pa.schema([*schema, series], metadata={DATES_KEY: json.dumps([str(day) for day in dates])})
    lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), len(dates))
    batch = pa.RecordBatch.from_arrays([*attributes, lists], schema=schema)
    # The date format is that of the date column, not of the columns of the joined table.
    head = read_head(iter([batch]), schema)
    description = head.describe(replace(declared, date_format=None))
    notes = []
    if points is None:
        notes.append("no positions; --positions POSITIONS.csv brings them, with one row per point")
    elif missing:
        have = "has" if missing == 1 else "have"
        notes.append(f"{missing} of {len(ids)} points {have} no row in {points}, and no position")
    return InputTable(str(path), "transposed", description, head.batches, len(ids), {}), tuple(notes)


def _read_series(
    path: Path, date: str, date_format: str | None
) -> tuple[NDArray[np.datetime64], list[str], NDArray[np.float32]]:
    """Return dates [T], ids [N], and displacements [N, T] in the order of the dates."""
    with open_source(path) as source:
        ids = [name for name in source.schema.names if name != date]
    if len(ids) > _MOST_POINTS:
        raise DataError(
            f"{path} has {len(ids)} points as columns, more than the {_MOST_POINTS} that are transposed in memory: "
            "split it by columns"
        )
    roles = {"id": date, **{f"point {i}": name for i, name in enumerate(ids)}}
    days: list[str] = []
    parts: list[NDArray[np.float32]] = []
    with open_source(path, roles=roles) as source:
        _check_columns(path, source.schema, ids)
        for batch in source.batches():
            days += batch.column(date).cast(pa.string()).to_pylist()
            parts.append(np.stack([as_floats(batch.column(name)) for name in ids], axis=1))
            if len(days) * len(ids) > _MOST_VALUES:
                raise DataError(
                    f"{path} has more than the {_MOST_VALUES} values that are transposed in memory: split it by columns"
                )
    read = parse_date if date_format is None else DateFormat.of(date_format).read
    dates = [read((day or "").strip()) for day in days]
    if None in dates:
        row = dates.index(None)
        raise DataError(
            f"'{days[row]}' in row {row} of '{date}' is not a date: write YYYY-MM-DD, or use --date-format, e.g. "
            f"DD/MM/YYYY"
        )
    if not dates:
        raise DataError(f"{path} has no row, and so no dates: fetch it again")
    axis, order = sort_axis(np.array(dates, dtype="datetime64[D]"))
    matrix = np.concatenate(parts)
    return axis, ids, np.ascontiguousarray((matrix if order is None else matrix[order]).T)


def _check_columns(path: Path, schema: pa.Schema, ids: list[str]) -> None:
    for name in ids:
        if not is_numeric(schema.field(name).type):
            raise DataError(f"column '{name}' of {path} is of type {schema.field(name).type}, not a number: drop it")


def _attributes(
    points: Path | None, ids: list[str], declared: UserDeclarations
) -> tuple[list[pa.Field], list[pa.Array], int]:
    """Return fields and columns of the attributes in the order of the ids, and the number of points without a row."""
    keys = pa.array(ids, pa.string())
    if points is None:
        return [pa.field("pid", pa.string())], [keys], 0
    with open_source(points, roles=declared.roles) as source:
        schema = source.schema
        batches = list(source.batches())
    roles = find_roles(schema, schema.names, declared.columns)
    if roles["id"] is None:
        raise DataError(f"{points} has no column of ids among {', '.join(schema.names[:8])}: name it with --id-column")
    table = pa.Table.from_batches(batches, schema)
    known = table.column(roles["id"]).cast(pa.string()).combine_chunks()
    if len(pc.unique(known)) < len(known):
        raise DataError(f"ids occur twice in '{roles['id']}' of {points}: keep one row per point")
    place = pc.index_in(keys, known)
    if place.null_count == len(ids):
        raise DataError(
            f"none of the {len(ids)} points of the table is in '{roles['id']}' of {points}: name the right file"
        )
    arrays = [table.column(name).combine_chunks().take(place) for name in schema.names]
    # A point without a row keeps its id.
    arrays[schema.names.index(roles["id"])] = keys.cast(schema.field(roles["id"]).type)
    return list(schema), arrays, int(place.null_count)
