"""Flatten a table for formats without lists and structs: one plain column a value, one a date."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime._input.cells import python_values, text_of
from insar_runtime._input.column_types import is_list
from insar_runtime._input.dates.date_columns import find_date_columns
from insar_runtime._input.dates.date_values import dates_of_json
from insar_runtime._input.layout import DATES_KEY
from insar_runtime._output.block_shape import parse_block
from insar_runtime._output.geometry import Geometry, find_geometry
from insar_runtime._output.run_metadata import METADATA_KEY
from insar_runtime.errors import DataError

_SEPARATOR: Final = ";"
_DIGITS_OF_INT64: Final = 18
_PLOTTED: Final = re.compile(r"(D_?)?[0-9]{8}")
"""Names of date columns that InSAR Explorer 2.5 plots; it minds the case."""

Column = Callable[[pa.RecordBatch], pa.Array]


@dataclass(frozen=True, slots=True)
class FlatField:
    """One column to write.

    Attributes
    ----------
    name : str
    type : pyarrow.DataType
        Boolean, number, text, date, timestamp, time or binary.
    read : callable
        Returns the column of a batch.
    """

    name: str
    type: pa.DataType
    read: Column


@dataclass(frozen=True, slots=True)
class FlatTable:
    """How the batches of a table are laid out flat.

    Attributes
    ----------
    fields : list of FlatField
        All columns but the geometry and its covering.
    geometry : Geometry or None
    """

    fields: list[FlatField]
    geometry: Geometry | None


def flatten(schema: pa.Schema, *, plotted_names: bool) -> FlatTable:
    """Plan the flat form of a table.

    Kept series in lists become a column a date, named ``DYYYYMMDD``. Other lists become text, joined by ``;``, other
    structures JSON.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the output, with its metadata.
    plotted_names : bool
        Whether date columns that InSAR Explorer would not recognise (``d20200103``, ``2020-01-03``) are renamed.

    Raises
    ------
    DataError
        If two columns would get one name.
    """
    geometry = find_geometry(schema)
    hidden = {geometry.column, geometry.covering} if geometry else set()
    series, dates_column, dates = _kept_series(schema)
    renamed = _plotted(schema.names) if plotted_names else {}
    fields = []
    for index, field in enumerate(schema):
        if field.name in hidden or field.name == dates_column:
            continue
        if field.name == series:
            value_type = flat_type(field.type.value_type)
            fields += [
                FlatField(f"D{date.replace('-', '')}", value_type, _epoch(index, place, len(dates)))
                for place, date in enumerate(dates)
            ]
        else:
            name = renamed.get(field.name, field.name)
            fields.append(FlatField(name, flat_type(field.type), _whole(index)))
    twice = {field.name for field in fields}
    for field in fields:
        if field.name not in twice:
            raise DataError(f"two columns would be named '{field.name}' in the output; rename or drop one of them")
        twice.remove(field.name)
    return FlatTable(fields, geometry)


def flat_type(data_type: pa.DataType) -> pa.DataType:
    """Return the type that a column has in flat form."""
    t = pa.types
    if t.is_dictionary(data_type):
        return flat_type(data_type.value_type)
    if t.is_float16(data_type):
        return pa.float32()
    if t.is_decimal(data_type) and not data_type.scale:
        # Whole numbers may be identifiers, of which a double holds 15 digits.
        return pa.int64() if data_type.precision <= _DIGITS_OF_INT64 else pa.string()
    if t.is_decimal(data_type):
        return pa.float64()
    if t.is_duration(data_type):
        return pa.int64()
    if t.is_large_binary(data_type) or t.is_fixed_size_binary(data_type) or t.is_binary(data_type):
        return pa.binary()
    plain = (t.is_boolean, t.is_integer, t.is_floating, t.is_date, t.is_timestamp, t.is_time)
    return data_type if any(test(data_type) for test in plain) else pa.string()


def plain(column: pa.Array) -> pa.Array:
    """Bring a column to its plain type."""
    t = pa.types
    if t.is_dictionary(column.type):
        column = column.dictionary_decode()
    target = flat_type(column.type)
    if column.type == target:
        return column
    if is_list(column.type) and not pa.types.is_nested(column.type.value_type):
        # Arrow's text, as float32 has fewer digits than a float of Python.
        try:
            rows = column.cast(pa.list_(pa.string())).to_pylist()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # bytes that are not UTF-8, intervals
            rows = list(map(_cell_texts, python_values(column)))
        return pa.array([None if row is None else _joined(row) for row in rows], pa.string())
    if pa.types.is_nested(column.type):
        return pa.array([None if row is None else _json(row) for row in python_values(column)], pa.string())
    return column.cast(target, safe=False)


def _whole(index: int) -> Column:
    return lambda batch: plain(batch.column(index))


def _epoch(index: int, place: int, width: int) -> Column:
    """Return one date's values of the lists; null where the whole list is null or empty."""

    def read(batch: pa.RecordBatch) -> pa.Array:
        column = batch.column(index)
        if pa.types.is_fixed_size_list(column.type):
            starts = (column.offset + np.arange(len(column), dtype=np.int64)) * width
            full = np.ones(len(column), dtype=np.bool_)
        else:
            offsets = column.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
            starts, full = offsets[:-1], np.diff(offsets) == width
        full &= column.is_valid().to_numpy(zero_copy_only=False)
        return plain(column.values.take(pa.array(starts + place, mask=~full)))

    return read


def _kept_series(schema: pa.Schema) -> tuple[str | None, str | None, list[str]]:
    """Return the list column of the series, that of its dates, and the dates in the order of the lists."""
    metadata = schema.metadata or {}
    try:
        described = parse_block(metadata[METADATA_KEY.encode()])["input"]
        dates = [str(date) for date in dates_of_json(metadata[DATES_KEY.encode()], DATES_KEY)]
    except (KeyError, ValueError):
        return None, None, []
    return described.get("series"), described.get("dates_column"), dates


def _plotted(names: list[str]) -> dict[str, str]:
    """Return the new names of date columns that InSAR Explorer would not recognise."""
    try:
        found = find_date_columns(names)
    except DataError:
        return {}
    pairs = zip(found.names, found.dates, strict=True)
    return {name: "D" + str(date).replace("-", "") for name, date in pairs if not _PLOTTED.fullmatch(name)}


def _joined(row: list[str | None]) -> str:
    return _SEPARATOR.join("" if value is None else value for value in row)


def _cell_texts(row: list[Any] | None) -> list[str | None] | None:
    return None if row is None else [None if value is None else text_of(value) for value in row]


def _json(value: Any) -> str:
    return json.dumps(value, default=text_of, ensure_ascii=False)


def without_nan(column: pa.Array) -> pa.Array:
    """Make NaN null: in text it would turn a column of numbers into words."""
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
