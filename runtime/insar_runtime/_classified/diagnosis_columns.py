"""Diagnosis columns of a table, restored to their types if other software has written the table again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from insar_runtime._classified.class_columns import MOST_SHARE
from insar_runtime._classified.scalars import number
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA, LATER_COLUMNS
from insar_runtime._diagnosis.results import FIT_STATUS_NAMES
from insar_runtime._input.cells import python_values
from insar_runtime._input.column_types import is_list, is_text
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.errors import DataError

_SEPARATOR: Final = ";"
"""Separator of the items of a list stored as text."""
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "class_after_repair": CLASS_NAMES,
    "diagnosis_status": FIT_STATUS_NAMES,
}
_DATES: Final = (pa.scalar(date(1900, 1, 1)), pa.scalar(date(2101, 1, 1)))
"""Dates of other years are refused in an input."""
_PROBABILITIES: Final = frozenset({"recent_change_prob", "jump_prob"})
_SHARES: Final = (pa.scalar(0, pa.float32()), pa.scalar(MOST_SHARE, pa.float32()))
_FINITE: Final = (pa.scalar(np.finfo(np.float32).min), pa.scalar(np.finfo(np.float32).max))


def has_diagnosis(schema: pa.Schema) -> bool:
    """Return whether a table has the columns that ``classify --diagnose`` adds; earlier versions added fewer."""
    return set(DIAGNOSIS_SCHEMA.names) - LATER_COLUMNS <= set(schema.names)


def stored_half_wavelength_mm(block: Mapping[str, Any]) -> float | None:
    """Return the size of a cycle in the run metadata, mm; None if it is not known."""
    return number((block.get("diagnosis") or {}).get("half_wavelength_mm"))


def stored_recent_days(block: Mapping[str, Any]) -> int | None:
    """Return the length of the window of the recent change in the run metadata; None if it is not known."""
    days = number((block.get("diagnosis") or {}).get("recent_days"))
    return None if days is None else round(days)


def read_diagnosis(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the columns of ``DIAGNOSIS_SCHEMA`` of a batch in its types; dictionaries become text.

    Columns that the version lacked that wrote the table are null.

    Raises
    ------
    DataError
        If the columns hold other values than ``classify`` writes.
    """
    columns = {}
    for field in DIAGNOSIS_SCHEMA:
        if field.name in LATER_COLUMNS and field.name not in batch.schema.names:
            columns[field.name] = pa.nulls(batch.num_rows, field.type)
            continue
        columns[field.name] = _read(batch, field)
    for name, words in _WORDS.items():
        strange = columns[name].filter(pc.invert(pc.is_in(columns[name], pa.array([*words, None], pa.string()))))
        if len(strange):
            raise _foreign(name, repr(strange[0].as_py()))
    lists = [field.name for field in DIAGNOSIS_SCHEMA if is_list(field.type)]
    counts = pc.fill_null(columns["n_jumps"], 0)
    for name in lists:
        lengths = pc.fill_null(pc.list_value_length(columns[name]), 0)
        # As text, a list of one null is the same as no list.
        lost = pc.and_(pc.equal(counts, 1), pc.equal(lengths, 0))
        columns[name] = pc.if_else(lost, pa.scalar([None], columns[name].type), columns[name])
        if not pc.equal(pc.fill_null(pc.list_value_length(columns[name]), 0), counts).to_numpy(False).all():
            raise _foreign(name, "it has not n_jumps values")
    return pa.RecordBatch.from_pydict(columns)


def read_diagnosis_dates(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column of dates of the diagnosis, date32 [N].

    Raises
    ------
    DataError
        If it holds other values than ``classify`` writes.
    """
    return _read(batch, pa.field(name, pa.date32()))


def _read(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    """Return a column in its type, and refuse dates, probabilities and numbers that no diagnosis gives."""
    try:
        column = _as(batch.column(field.name), field.type)
    except pa.ArrowException as error:
        raise _foreign(field.name, error) from error
    values = column.flatten() if is_list(column.type) else column
    if pa.types.is_date32(values.type):
        low, high = _DATES
    elif not pa.types.is_float32(values.type):
        return column
    else:
        low, high = _SHARES if field.name in _PROBABILITIES else _FINITE
        values = pc.if_else(pc.is_nan(values), None, values)
    strange = values.filter(pc.or_(pc.less(values, low), pc.greater(values, high)))
    if len(strange):
        raise _foreign(field.name, f"it holds {python_values(strange[:1])[0]}")
    return column


def _foreign(name: str, why: object) -> DataError:
    return DataError(f"column '{name}' was not written by insar-runtime ({why}): drop the columns of the diagnosis")


def _as(column: pa.Array, target: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_dictionary(target):
        return _no_empty(column.cast(pa.string()))
    if not is_list(target):
        return (_no_empty(column) if is_text(column.type) else column).cast(target, safe=False)
    if is_list(column.type):
        return column.cast(target)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.date32())
    texts = pc.split_pattern(_no_empty(column.cast(pa.string())), _SEPARATOR)
    items = _no_empty(texts.values).cast(target.value_type)
    return pa.ListArray.from_arrays(texts.offsets, items, mask=texts.is_null())


def _no_empty(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
