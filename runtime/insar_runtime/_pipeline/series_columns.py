"""Columns of series of any numeric type: converted to floats and back, with new values in some of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SMALL_INTEGERS: Final = (pa.int8(), pa.uint8(), pa.int16(), pa.uint16())
_EXACT_IN_DOUBLE: Final = (*_SMALL_INTEGERS, pa.int32(), pa.uint32())


def float_type(data_type: pa.DataType) -> pa.DataType:
    """Return the type that a column of numbers has when millimetres of any part are taken off."""
    if pa.types.is_floating(data_type) or pa.types.is_null(data_type):
        return data_type
    return pa.float32() if data_type in _SMALL_INTEGERS else pa.float64()


def common_type(types: Sequence[pa.DataType]) -> pa.DataType:
    """Return a type that holds values of all of these; those that a double rounds are refused when they are met."""
    known = {data_type for data_type in types if not pa.types.is_null(data_type)}
    if len(known) == 1:
        return known.pop()
    return pa.float64()


def inexact_rows(column: pa.Array) -> NDArray[np.intp]:
    """Return the rows whose number changes on the way to ``float_type`` and back."""
    nothing = np.empty(0, dtype=np.intp)
    if float_type(column.type) == column.type or column.type in _EXACT_IN_DOUBLE:
        return nothing
    back = column.cast(pa.float64(), safe=False).cast(column.type, safe=False)
    same = pc.fill_null(pc.equal(back, column), True)
    return np.flatnonzero(~same.to_numpy(zero_copy_only=False))


def with_items(list_type: pa.DataType, item: pa.DataType) -> pa.DataType:
    """Return a type of lists with items of another type."""
    field = list_type.value_field.with_type(item)
    if pa.types.is_fixed_size_list(list_type):
        return pa.list_(field, list_type.list_size)
    return pa.large_list(field) if pa.types.is_large_list(list_type) else pa.list_(field)


def with_rows(column: pa.Array, rows: NDArray[np.intp], values: pa.Array) -> pa.Array:
    """Return a column with other values in some of its rows; all else keeps its bits.

    Parameters
    ----------
    column : pyarrow.Array
        Numbers, or lists of them; may be a slice.
    rows : ndarray of intp, shape [n]
        In rising order; none is a null list.
    values : pyarrow.Array
        One a row, or for lists as many as those of the rows hold, one row after the other.
    """
    if not len(rows):
        return column
    if not isinstance(column, (pa.ListArray, pa.LargeListArray, pa.FixedSizeListArray)):
        return pc.replace_with_mask(column, pa.array(_mask(len(column), rows)), values)
    missing = column.is_null() if column.null_count else None
    if isinstance(column, pa.FixedSizeListArray):
        width = column.type.list_size
        items = column.values.slice(column.offset * width, len(column) * width)
        mask = np.repeat(_mask(len(column), rows), width)
        items = pc.replace_with_mask(items, pa.array(mask), values)
        return pa.FixedSizeListArray.from_arrays(items, type=column.type, mask=missing)
    offsets = column.offsets.to_numpy(zero_copy_only=False)
    items = column.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    mask = np.repeat(_mask(len(column), rows), np.diff(offsets))
    items = pc.replace_with_mask(items, pa.array(mask), values)
    moved = pa.array(offsets - offsets[0])
    return type(column).from_arrays(moved, items, type=column.type, mask=missing)


def _mask(count: int, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    mask = np.zeros(count, dtype=np.bool_)
    mask[rows] = True
    return mask
