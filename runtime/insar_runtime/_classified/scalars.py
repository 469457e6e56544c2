"""The cells of one row as plain values, whatever types their columns have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa


def plain_row(record: pa.RecordBatch) -> dict[str, Any]:
    """Return the values of a table of one row as JSON can have them; bytes, lists and structures are left out."""
    cells = {name: _plain(column) for name, column in zip(record.schema.names, record.columns, strict=True)}
    return {name: value for name, value in cells.items() if not isinstance(value, (bytes, list, dict))}


def short(value: Any) -> float | None:
    """Return a number with no more digits than its type has; None if it is not finite."""
    return float(str(value)) if math.isfinite(value) else None


def number(value: Any) -> float | None:
    """Return a cell as a finite number; None if it is none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def text(value: Any) -> str | None:
    """Return a cell as text; None if there is none."""
    return None if value is None or value == "" else str(value)


def _plain(column: pa.Array) -> Any:
    value = column[0].as_py()
    if isinstance(value, float):
        return short(np.float32(value) if pa.types.is_float32(column.type) else value)
    return value if value is None or isinstance(value, (bool, int, str, bytes, list, dict)) else str(value)
