"""Types of columns, and the position of a column in a schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from insar_runtime.errors import DataError

MOST_COLUMNS: Final = 25_000
"""Most columns of a table: more than any product has, and than a table with one row per date may have points."""


def refuse_too_many(columns: int, name: str) -> None:
    """Refuse a table before its columns are looked at one by one.

    Parameters
    ----------
    columns : int
        How many there are.
    name : str
        Of the input.

    Raises
    ------
    DataError
        More than ``MOST_COLUMNS``.
    """
    if columns > MOST_COLUMNS:
        raise DataError(
            f"{name} has {columns} columns, more than the {MOST_COLUMNS} that are read: if it has one row per date and "
            f"one column per point, split it by columns, and bring each part to one row per point with insar-rt convert"
        )


def refuse_double(names: Sequence[str]) -> None:
    """Refuse a table of which two columns have one name.

    Parameters
    ----------
    names : sequence of str
        Of all columns.

    Raises
    ------
    DataError
        With the first name that occurs again.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"column '{name}' occurs twice: rename or drop one of them")
        seen.add(name)


def is_text(data_type: pa.DataType) -> bool:
    """Whether a type holds text."""
    t = pa.types
    return bool(t.is_string(data_type) or t.is_large_string(data_type) or t.is_string_view(data_type))


def is_numeric(data_type: pa.DataType) -> bool:
    """Whether a type holds numbers (integers, floats, decimals) or nothing but nulls."""
    t = pa.types
    return bool(t.is_integer(data_type) or t.is_floating(data_type) or t.is_decimal(data_type) or t.is_null(data_type))


def is_list(data_type: pa.DataType) -> bool:
    """Whether a type is a list, large list or fixed-size list."""
    t = pa.types
    return bool(t.is_list(data_type) or t.is_large_list(data_type) or t.is_fixed_size_list(data_type))


def schema_index(schema: pa.Schema, name: str) -> int:
    """Position of a column that must be there; DataError if a later batch lacks it."""
    index = int(schema.get_field_index(name))
    if index < 0:
        raise DataError(f"column '{name}' is missing or occurs twice in a batch: all batches need one schema")
    return index
