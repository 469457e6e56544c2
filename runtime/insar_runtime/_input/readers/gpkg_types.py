"""Types of the columns of a GeoPackage, and their values as Arrow has them."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime.errors import DataError

_TYPES: Final = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "MEDIUMINT": pa.int32(),
    "FLOAT": pa.float64(),
    "DOUBLE": pa.float64(),
    "REAL": pa.float64(),
    "NUMERIC": pa.float64(),
    "DECIMAL": pa.float64(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "DATETIME": pa.timestamp("ms", "UTC"),
    "TIMESTAMP": pa.timestamp("ms", "UTC"),
}
"""Types of the standard (table 1), and those of other writers."""
_WORD: Final = re.compile(r"[A-Z]+")
_MOST_SHOWN: Final = 40


def arrow_type(declared: str) -> pa.DataType:
    """Return the type of a column, from its declared type.

    Parameters
    ----------
    declared : str
        E.g. ``MEDIUMINT``, ``TEXT(20)`` or ``DOUBLE PRECISION``.
    """
    word = _WORD.match(declared.upper())
    if word is None:
        return pa.string()
    known = _TYPES.get(word[0])
    if known is not None:
        return known
    return pa.int64() if "INT" in word[0] else pa.string()


def as_array(cells: tuple[Any, ...], field: pa.Field, layer: str) -> pa.Array:
    """Return the values of a column.

    Parameters
    ----------
    cells : tuple
        As SQLite has them; None where there is none.
    field : pyarrow.Field
        Of the column.
    layer : str
        Its name, for messages.

    Raises
    ------
    DataError
        A value does not fit the type of the column.
    """
    try:
        return _convert(cells, field.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        wrong = next((cell for cell in cells if cell is not None and not _fits(cell, field.type)), None)
        shown = str(wrong)[:_MOST_SHOWN]
        raise DataError(
            f"layer '{layer}': column '{field.name}' holds {shown!r}, which is no {field.type}: correct the cell or "
            "leave it empty"
        ) from error


def _convert(cells: tuple[Any, ...], data_type: pa.DataType) -> pa.Array:
    t = pa.types
    if t.is_floating(data_type):
        # None becomes NaN, and NaN null. Read as double and then rounded, as in a CSV: the same bits from both.
        numbers = pa.array(_as_doubles(cells), from_pandas=True)
        return numbers if data_type == numbers.type else numbers.cast(data_type, safe=False)
    if t.is_integer(data_type):
        return pa.array(cells, pa.int64()).cast(data_type)
    if t.is_boolean(data_type):
        return pa.array([None if cell is None else bool(int(cell)) for cell in cells], pa.bool_())
    if t.is_date(data_type):
        return pa.array(cells, pa.string()).cast(data_type)
    if t.is_timestamp(data_type):
        return _times(pa.array(cells, pa.string()), data_type)
    if t.is_string(data_type):
        return pa.array([cell if cell is None or isinstance(cell, str) else _text(cell) for cell in cells], pa.string())
    return pa.array([cell.encode() if isinstance(cell, str) else cell for cell in cells], pa.binary())


def _as_doubles(cells: tuple[Any, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:  # an empty text in place of null
        return np.array([None if cell == "" else cell for cell in cells], dtype=np.float64)


def _times(texts: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Return times; those without a zone are of UTC, as the standard has it."""
    texts = pc.replace_substring_regex(texts, r"(?:Z|\+00:?00)$", "")
    return texts.cast(pa.timestamp("ms")).cast(wanted)


def _text(cell: Any) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def _fits(cell: Any, data_type: pa.DataType) -> bool:
    try:
        _convert((cell,), data_type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    return True
