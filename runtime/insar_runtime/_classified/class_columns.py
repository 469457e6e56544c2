"""Columns of the classes of a table, whatever types other software has given them."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._input.column_types import is_numeric, is_text
from insar_runtime._input.matrix import as_floats
from insar_runtime.classes import CLASS_NAMES, NO_CLASS, STATUS_NAMES
from insar_runtime.errors import DataError
from insar_runtime.result import RESULT_SCHEMA

_MOST: Final = np.iinfo(np.int16).max
"""Of a count; the columns of counts are int16."""
MOST_SHARE: Final = 1.001
"""Largest probability: one that was written with few digits, and read as another type, may be a little above 1."""


def foreign_column(name: str, why: object) -> DataError:
    """Return the error of a column that holds something else than ``classify`` writes, or than a rate of the user."""
    if name in RESULT_SCHEMA.names or name in DIAGNOSIS_SCHEMA.names:
        return DataError(f"column '{name}' was not written by insar-runtime ({why}): classify the table again")
    return DataError(f"column '{name}' is no column of numbers ({why}): name another one, or drop it")


def read_class_ids(batch: pa.RecordBatch, name: str) -> NDArray[np.int64]:
    """Return a column of classes [N]; ``NO_CLASS`` for null.

    Raises
    ------
    DataError
        If the column is not of whole numbers, or a number is that of no class.
    """
    ids = _whole_numbers(batch, name, NO_CLASS)
    if ids.size and not NO_CLASS <= ids.min() <= ids.max() < len(CLASS_NAMES):
        strange = ids[(ids < NO_CLASS) | (ids >= len(CLASS_NAMES))][0]
        raise DataError(f"{name} {strange} is unknown; classify the table again")
    return ids


def read_counts(batch: pa.RecordBatch, name: str) -> NDArray[np.uint16]:
    """Return a column of epochs or days [N]; 0 for null.

    Raises
    ------
    DataError
        If the column is not of whole numbers from 0 to 32,767.
    """
    counts = _whole_numbers(batch, name, 0)
    if counts.size and not 0 <= counts.min() <= counts.max() <= _MOST:
        raise foreign_column(name, f"it has {counts.min()} to {counts.max()}")
    return counts.astype(np.uint16)


def read_numbers(batch: pa.RecordBatch, name: str) -> NDArray[np.float32]:
    """Return a column of numbers [N], NaN for null; they are text in a CSV whose first rows have none.

    Raises
    ------
    DataError
        If the column holds something else.
    """
    return as_floats(_numeric(batch, name))


def read_probabilities(batch: pa.RecordBatch, name: str) -> NDArray[np.float32]:
    """Return a column of probabilities [N], NaN for null.

    Raises
    ------
    DataError
        If the column holds something else.
    """
    shares = read_numbers(batch, name)
    # False for NaN as well.
    strange = shares[(shares < 0) | (shares > MOST_SHARE)]
    if strange.size:
        raise foreign_column(name, f"{strange[0]:g} is no probability")
    return shares


def read_statuses(batch: pa.RecordBatch, name: str) -> NDArray[np.int8]:
    """Return a column of states [N] as places in ``STATUS_NAMES``.

    Raises
    ------
    DataError
        If the column is not of text, or one is no state.
    """
    column = batch.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not is_text(column.type):
        raise foreign_column(name, f"it is of type {column.type}")
    places = pc.index_in(column, pa.array(STATUS_NAMES, column.type))
    if places.null_count:
        unknown = column.filter(places.is_null())[0]
        raise DataError(f"status {unknown} is unknown; classify the table again")
    return places.to_numpy().astype(np.int8)  # type: ignore[no-any-return]


def _numeric(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column as one of numbers; text is parsed, and empty text is null."""
    column = batch.column(name)
    # A column without any value may have any type.
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.float32())
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not is_text(column.type):
        if not is_numeric(column.type):
            raise foreign_column(name, f"it is of type {column.type}")
        return column
    texts = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise foreign_column(name, "it has text that is no number") from error


def _whole_numbers(batch: pa.RecordBatch, name: str, null: int) -> NDArray[np.int64]:
    column = _numeric(batch, name)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        # Refuses fractions and numbers beyond 64 bits.
        whole = column.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise foreign_column(name, "it has a number that is not whole") from error
    return pc.fill_null(whole, null).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
