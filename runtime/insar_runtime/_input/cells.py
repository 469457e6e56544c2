"""Cells of a column as text, and as values of Python, whatever its type is and whatever is in them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from insar_runtime._input.column_types import is_text
from insar_runtime.errors import DataError


def as_texts(column: pa.Array, wanted: pa.DataType | None = None) -> pa.Array:
    """Return cells as text, such as identifiers: bytes that are not UTF-8 escaped, lists and structures as JSON.

    Parameters
    ----------
    column : pyarrow.Array
        Of any type [N].
    wanted : pyarrow.DataType, optional
        Type of the text, string by default.

    Returns
    -------
    pyarrow.Array
        Text [N]; null where there is nothing.
    """
    wanted = pa.string() if wanted is None else wanted
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        return column if column.type == wanted else column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        cells = python_values(column)
        return pa.array([None if cell is None else text_of(cell) for cell in cells], wanted)


def text_of(cell: Any) -> str:
    """Return a value of Python as text: bytes that are not UTF-8 escaped, lists and structures as JSON."""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "backslashreplace")
    if isinstance(cell, (list, tuple, dict)):
        return json.dumps(cell, default=text_of, ensure_ascii=False)
    return str(cell)


def python_values(column: pa.Array) -> list[Any]:
    """Return cells as values of Python; times that Python's own types cannot hold as text, and all others beside them.

    These are times before the year 1 or after 9999, and those with nanoseconds.

    Raises
    ------
    DataError
        A time stands in a column whose cells have several types, and cannot be held.
    """
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except (OverflowError, ValueError) as error:
        try:
            return column.cast(_with_texts(column.type)).to_pylist()  # type: ignore[no-any-return]
        except (pa.ArrowException, OverflowError, ValueError):
            raise DataError(f"a column of type {column.type} holds a time that is not read: leave it out") from error


def _with_texts(data_type: pa.DataType) -> pa.DataType:
    """Return a type with text in place of times."""
    t = pa.types
    if t.is_temporal(data_type):
        return pa.string()
    if t.is_struct(data_type):
        return pa.struct([_field_with_texts(field) for field in data_type])
    if t.is_map(data_type):
        return pa.map_(_field_with_texts(data_type.key_field), _field_with_texts(data_type.item_field))
    if t.is_fixed_size_list(data_type):
        return pa.list_(_field_with_texts(data_type.value_field), data_type.list_size)
    if t.is_large_list(data_type):
        return pa.large_list(_field_with_texts(data_type.value_field))
    if t.is_list(data_type):
        return pa.list_(_field_with_texts(data_type.value_field))
    return data_type


def _field_with_texts(field: pa.Field) -> pa.Field:
    return field if is_text(field.type) else field.with_type(_with_texts(field.type))
