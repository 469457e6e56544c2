"""Columns of the classes of a table, whatever types other software has given them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.matrix import as_floats
from insar_runtime.classes import CLASS_NAMES, NO_CLASS
from insar_runtime.errors import DataError


def read_class_ids(batch: pa.RecordBatch, name: str) -> NDArray[np.int64]:
    """Return a column of classes [N]; ``NO_CLASS`` for null.

    Raises
    ------
    DataError
        If a number is that of no class.
    """
    # A column without any value may have any type.
    filled = pc.fill_null(batch.column(name).cast(pa.int64(), safe=False), NO_CLASS)
    ids: NDArray[np.int64] = filled.to_numpy(zero_copy_only=False)
    if ids.size and not NO_CLASS <= ids.min() <= ids.max() < len(CLASS_NAMES):
        raise DataError(f"{name} {ids.max()} is unknown; classify the table again")
    return ids


def read_numbers(column: pa.Array) -> NDArray[np.float32]:
    """Return numbers [N], NaN for null; they are text in a CSV whose first rows have none."""
    return as_floats(pc.if_else(pc.equal(column, ""), None, column) if pa.types.is_string(column.type) else column)
