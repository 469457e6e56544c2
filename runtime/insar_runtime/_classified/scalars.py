"""Values of one row as plain Python values, for any column type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa

from insar_runtime._input.cells import python_values


def plain_row(record: pa.RecordBatch) -> dict[str, Any]:
    """Return the values of a table of one row as values for JSON, without bytes, lists and structures."""
    columns = zip(record.schema.names, record.columns, strict=True)
    return {name: _plain(column) for name, column in columns if not _is_left_out(column.type)}


def short(value: Any) -> float | None:
    """Return a number with no more digits than its type has; None for NaN and infinities."""
    return float(str(value)) if math.isfinite(value) else None


def number(value: Any) -> float | None:
    """Return a value as a finite number; None if it is not one."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def text(value: Any) -> str | None:
    """Return a value as text; None if it is missing or empty."""
    return None if value is None or value == "" else str(value)


def _is_left_out(data_type: pa.DataType) -> bool:
    t = pa.types
    is_bytes = t.is_binary(data_type) or t.is_large_binary(data_type) or t.is_fixed_size_binary(data_type)
    return bool(is_bytes or t.is_nested(data_type))


def _plain(column: pa.Array) -> Any:
    value = python_values(column)[0]
    if isinstance(value, float):
        return short(np.float32(value) if pa.types.is_float32(column.type) else value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
