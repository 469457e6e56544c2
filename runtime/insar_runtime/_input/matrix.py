"""The matrix of displacements of a record batch, made without a loop over the rows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime._input.column_types import is_list, schema_index
from insar_runtime._input.dates.date_values import list_dates_to_days
from insar_runtime._input.layout import Layout
from insar_runtime.errors import DataError

_BLOCK_BYTES: Final = 1 << 18
"""Part of the transposition done at a time: about what the second-level cache holds."""


def to_matrix(batch: pa.RecordBatch, layout: Layout, *, first_row: int = 0) -> npt.NDArray[np.float32]:
    """Displacements of a batch as one row per point, columns in date order.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Rows of the table that `layout` was resolved for; may be a slice.
    layout : Layout
        Meaning of its columns.
    first_row : int
        Number of the first row within the file, for messages.

    Returns
    -------
    ndarray of float32, shape (N, T), C-contiguous
        In the file's unit, NaN where a value or a whole list is null. May be a read-only view of the batch.

    Raises
    ------
    DataError
        A list has another length than the time axis, the dates of a row are not those of the file, or a
        column is missing or no longer numeric.
    """
    if layout.kind == "wide":
        return _wide(batch, layout)
    name, width = layout.columns[0], len(layout.dates)
    column = _column(batch, name)
    if not is_list(column.type):
        raise DataError(f"column '{name}' is of type {column.type}, not a list: all batches need one schema")
    values, row_of = _equal_rows(column, width, name, first_row)
    if layout.dates_column is not None:
        _check_axis(batch, layout, column, first_row)
    matrix = as_floats(values).reshape(-1, width) if width else np.empty((len(column), 0), np.float32)
    if row_of is not None and width:
        filled = np.full((len(column), width), np.nan, dtype=np.float32)
        filled[row_of] = matrix
        matrix = filled
    if layout.order is not None:
        matrix = np.take(matrix, layout.order, axis=1)
    return matrix


def _wide(batch: pa.RecordBatch, layout: Layout) -> npt.NDArray[np.float32]:
    rows, width = batch.num_rows, len(layout.columns)
    by_date = np.empty((width, rows), dtype=np.float32)
    for target, name in zip(by_date, layout.columns, strict=True):
        target[:] = as_floats(_column(batch, name))
    matrix = np.empty((rows, width), dtype=np.float32)
    # A transposition in one go misses the cache on every element.
    step = max(16, _BLOCK_BYTES // (8 * max(width, 1)))
    for start in range(0, rows, step):
        matrix[start : start + step] = by_date[:, start : start + step].T
    return matrix


def _column(batch: pa.RecordBatch, name: str) -> Any:
    return batch.column(schema_index(batch.schema, name))


def as_floats(array: pa.Array) -> npt.NDArray[np.float32]:
    """Numbers as float32, null as NaN; no copy if they are float32 without nulls."""
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan, dtype=np.float32)
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())  # pyarrow's cast to float32 misses the nearest number
    if not pa.types.is_float32(array.type):
        # Unsafe means: integers beyond 2**24 are rounded like any other number.
        array = array.cast(pa.float32(), safe=False)
    if array.null_count:
        array = pc.fill_null(array, pa.scalar(np.nan, pa.float32()))
    result: npt.NDArray[np.float32] = array.to_numpy(zero_copy_only=False)
    return result


def _equal_rows(
    column: pa.Array, width: int, name: str, first_row: int
) -> tuple[pa.Array, npt.NDArray[np.intp] | None]:
    """Flat values of the rows that are not null, and the numbers of those rows (None: all rows).

    ``flatten()`` drops null rows and ``values`` knows nothing of slices, so the place of each row in the
    child array is taken from offset and size (fixed-size lists) or from the offsets (others).
    """
    count = len(column)
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        starts = (column.offset + np.arange(count, dtype=np.int64)) * size
        lengths = np.full(count, size, dtype=np.int64)
    else:
        offsets = column.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
        starts, lengths = offsets[:-1], np.diff(offsets)
    valid = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
    if width and (empty := lengths == 0).any():
        # An empty list says as much as a null one.
        valid = ~empty if valid is None else valid & ~empty
    wrong = lengths != width if valid is None else (lengths != width) & valid
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"row {first_row + row} of '{name}' has {lengths[row]} values but the time axis has {width} "
            f"dates: one time axis per file"
        )
    if valid is None:
        return column.values.slice(starts[0] if count else 0, count * width), None
    rows = np.flatnonzero(valid)
    places = (starts[rows][:, None] + np.arange(width, dtype=np.int64)).ravel()
    return column.values.take(pa.array(places)), rows


def _check_axis(batch: pa.RecordBatch, layout: Layout, series: pa.Array, first_row: int) -> None:
    """Compare the dates of each row with the file's; rows without a series need none."""
    name = str(layout.dates_column)
    column = _column(batch, name)
    missing = pc.and_(column.is_null(), series.is_valid())
    rows = np.flatnonzero(missing.to_numpy(zero_copy_only=False))
    if len(rows):
        raise DataError(f"row {first_row + rows[0]} has values but no dates in '{name}': one time axis per file")
    values, row_of = _equal_rows(column, len(layout.dates), name, first_row)
    axis = layout.file_dates
    if not len(values):
        return
    differs = (list_dates_to_days(values, name, layout.date_format).reshape(-1, len(axis)) != axis).any(axis=1)
    if differs.any():
        row = int(np.argmax(differs))
        row = row if row_of is None else int(row_of[row])
        raise DataError(
            f"the dates in row {first_row + row} of '{name}' are not those of the first row: one time axis "
            f"per file; split it by time axis"
        )
