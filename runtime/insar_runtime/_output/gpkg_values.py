"""Columns of Arrow as SQLite takes them: type and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def sql_type(data_type: pa.DataType) -> str:
    """Return the type of a column in a GeoPackage."""
    t = pa.types
    tests: list[tuple[Callable[[pa.DataType], bool], str]] = [
        (t.is_boolean, "BOOLEAN"),
        (t.is_int8, "TINYINT"),
        (lambda x: t.is_int16(x) or t.is_uint8(x), "SMALLINT"),
        (lambda x: t.is_int32(x) or t.is_uint16(x), "MEDIUMINT"),
        # SQLite's integers are signed.
        (t.is_uint64, "TEXT"),
        (t.is_integer, "INTEGER"),
        (t.is_float32, "FLOAT"),
        (t.is_floating, "DOUBLE"),
        (t.is_date, "DATE"),
        (t.is_timestamp, "DATETIME"),
        (t.is_binary, "BLOB"),
    ]
    return next((name for test, name in tests if test(data_type)), "TEXT")


def sqlite_values(column: pa.Array) -> list[Any]:
    """Return a column as SQLite takes it; NaN is NULL to it."""
    t = pa.types
    if t.is_floating(column.type):
        numbers = column.to_numpy(zero_copy_only=False)
        floats: list[Any] = (_shortest(numbers) if numbers.dtype == np.float32 else numbers).tolist()
        return floats
    if t.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms"), safe=False)
        texts: list[Any] = np.datetime_as_string(column.to_numpy(zero_copy_only=False), unit="ms").tolist()
        return [None if text == "NaT" else f"{text}Z" for text in texts]
    if t.is_date(column.type) or t.is_time(column.type) or t.is_uint64(column.type):
        column = column.cast(pa.string())
    values: list[Any] = column.to_pylist()
    return values


def _shortest(numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    """Widen numbers so that they look the same: 0.1 stays 0.1 and does not become 0.10000000149011612."""
    wide = numbers.astype(np.float64)
    # Most displacements have one decimal.
    tenths = np.rint(wide * 10) / 10
    if ((tenths.astype(np.float32) == numbers) | np.isnan(numbers)).all():
        return tenths
    texts = pa.array(numbers).cast(pa.string())
    result: NDArray[np.float64] = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return result
