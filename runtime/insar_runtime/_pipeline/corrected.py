"""The corrected table: the input with repaired jumps taken out of its series, and what restores them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.column_types import is_list, is_numeric
from insar_runtime._input.table import TableDescription
from insar_runtime._output.run_metadata import CORRECTED_KEY
from insar_runtime._pipeline.series_columns import common_type, float_type, inexact_rows, with_items, with_rows
from insar_runtime.classes import CLASS_NAMES, NO_CLASS
from insar_runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    from insar_runtime._diagnosis.diagnosis import DiagnosedRows

ORIGINAL: Final = "corrected_original"
CORRECTED_FIELDS: Final = (
    pa.field("corrected_dates", pa.list_(pa.date32())),
    pa.field("corrected_mm", pa.list_(pa.float32())),
    pa.field("corrected_cycles", pa.list_(pa.int8())),
    pa.field("corrected_class", pa.dictionary(pa.int8(), pa.string())),
)
"""Columns of the jumps that were taken out, and of the class of the rest; ``ORIGINAL`` follows them."""


class CorrectedTable:
    """Makes the corrected table batch by batch; may be shared between threads.

    Parameters
    ----------
    description : TableDescription
        Of the input, whose series have the types of the file.

    Raises
    ------
    DataError
        If the input was corrected before.
    """

    def __init__(self, description: TableDescription) -> None:
        self._description = description
        self._input = description.schema
        self._series = set(description.layout.columns)
        added = {ORIGINAL, *(field.name for field in CORRECTED_FIELDS)}
        clash = next((name for name in self._input.names if name in added), None)
        if clash is not None:
            raise DataError(f"the input has a column {clash} already: restore it first (insar-rt restore), or drop it")
        fields = [self._corrected(field) if field.name in self._series else field for field in self._input]
        types = [_items(self._input.field(name).type) for name in description.layout.columns]
        self._original = pa.field(ORIGINAL, pa.list_(common_type(types)))
        self.schema = pa.schema([*fields, *CORRECTED_FIELDS, self._original], self._input.metadata)

    @property
    def schema_of_input(self) -> pa.Schema:
        """What the columns were before."""
        return self._input

    def described(self) -> dict[str, Any]:
        """Return what ``restore`` needs to know, as plain values."""
        schema = base64.b64encode(self._input.serialize()).decode("ascii")
        return {CORRECTED_KEY: {"schema": schema, "series": list(self._description.layout.columns)}}

    def make(self, batch: pa.RecordBatch, diagnosis: DiagnosedRows) -> pa.RecordBatch:
        """Correct a batch of the input that was diagnosed."""
        layout = self._description.layout
        taken_out = diagnosis.offsets / self._description.units.factor_to_mm
        make = self._make_wide if layout.kind == "wide" else self._make_lists
        series, original = make(batch, diagnosis.repaired_rows, taken_out)
        columns = [
            series[name] if name in series else batch.column(place) for place, name in enumerate(self._input.names)
        ]
        return pa.RecordBatch.from_arrays([*columns, *_jump_columns(diagnosis), original], schema=self.schema)

    def _corrected(self, field: pa.Field) -> pa.Field:
        if is_list(field.type):
            return field.with_type(with_items(field.type, float_type(field.type.value_type)))
        return field.with_type(float_type(field.type))

    def _make_wide(
        self, batch: pa.RecordBatch, rows: NDArray[np.intp], taken_out: NDArray[np.float64]
    ) -> tuple[dict[str, pa.Array], pa.Array]:
        names = self._description.layout.columns
        columns = [batch.column(batch.schema.get_field_index(name)) for name in names]
        kept = np.unique(np.concatenate([rows, *map(inexact_rows, columns)])).astype(np.intp)
        series = {}
        for place, (name, column) in enumerate(zip(names, columns, strict=True)):
            target = self.schema.field(name).type
            after = column if column.type == target else column.cast(target, safe=False)
            if len(rows) and not pa.types.is_null(target):
                fresh = pc.subtract(after.take(pa.array(rows)).cast(pa.float64()), pa.array(taken_out[:, place]))
                after = with_rows(after, rows, fresh.cast(target, safe=False))
            series[name] = after
        flat = [
            self._as_original(name, column.take(pa.array(kept))) for name, column in zip(names, columns, strict=True)
        ]
        # From date after date to row after row.
        order = (np.arange(len(names))[None, :] * len(kept) + np.arange(len(kept))[:, None]).ravel()
        values = pa.concat_arrays(flat).take(pa.array(order)) if len(kept) else _none(self._original)
        return series, _in_rows(values, kept, batch.num_rows, len(names))

    def _as_original(self, name: str, column: pa.Array) -> pa.Array:
        try:
            return column.cast(self._original.type.value_type)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"column '{name}' holds numbers that a double rounds, others hold fractions: give all dates one type"
            ) from error

    def _make_lists(
        self, batch: pa.RecordBatch, rows: NDArray[np.intp], taken_out: NDArray[np.float64]
    ) -> tuple[dict[str, pa.Array], pa.Array]:
        layout = self._description.layout
        (name,) = layout.columns
        column = batch.column(batch.schema.get_field_index(name))
        width = len(layout.dates)
        if layout.order is not None:
            in_file = np.empty_like(taken_out)
            in_file[:, layout.order] = taken_out
            taken_out = in_file
        kept = np.unique(np.concatenate([rows, _inexact_lists(column)])).astype(np.intp)
        target = self.schema.field(name).type
        after = column if column.type == target else column.cast(target, safe=False)
        if len(rows):
            old = after.take(pa.array(rows)).flatten()
            fresh = pc.subtract(old.cast(pa.float64()), pa.array(taken_out.ravel())).cast(old.type, safe=False)
            after = with_rows(after, rows, fresh)
        values = column.take(pa.array(kept)).flatten() if len(kept) else _none(self._original)
        return {name: after}, _in_rows(values, kept, batch.num_rows, width)


def check_csv(schema: pa.Schema) -> None:
    """Refuse a corrected table in text whose original could not be restored from it.

    Raises
    ------
    UsageError
        If a column is one that text does not give back as it was.
    """
    t = pa.types
    exact = (
        t.is_boolean,
        t.is_integer,
        t.is_float32,
        t.is_float64,
        t.is_string,
        t.is_large_string,
        t.is_date,
        t.is_null,
    )
    for field in schema:
        plain = field.type.value_type if t.is_dictionary(field.type) else field.type
        if not any(test(plain) for test in exact):
            raise UsageError(
                f"a CSV does not hold column '{field.name}' of type {field.type} such that it could be restored; "
                "name a .parquet or .arrow file for the corrected series"
            )


def read_schema(block: Mapping[str, Any]) -> tuple[pa.Schema, list[str]]:
    """Return the schema of the table that was corrected, and the names of its series, from our block.

    Raises
    ------
    KeyError, ValueError, pyarrow.ArrowException
        If the metadata state no correction.
    """
    stated = block[CORRECTED_KEY]
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(stated["schema"])))
    except OSError as error:  # so pyarrow says of a damaged schema
        raise ValueError("the schema is damaged") from error
    series = list(stated["series"])
    if not series or any(schema.names.count(name) != 1 for name in series) or len(set(series)) != len(series):
        raise ValueError("the series are not among the columns")
    types = [schema.field(name).type for name in series]
    if not all(map(is_numeric, map(_items, types))) or (len(series) > 1 and any(map(is_list, types))):
        raise ValueError("the series are neither columns of numbers nor one of lists")
    return schema, series


def _jump_columns(diagnosis: DiagnosedRows) -> list[pa.Array]:
    """Return the columns of the jumps that were taken out; null in rows that are unchanged."""
    rows, jumps, taken = len(diagnosis), diagnosis.jumps, diagnosis.jump_repaired
    counts = np.zeros(rows, dtype=np.int32)
    counts[diagnosis.jump_rows] = np.bincount(jumps.rows[taken], minlength=len(diagnosis.jump_rows))
    offsets = pa.array(np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)]))
    untouched = pa.array(counts == 0)
    dates = np.ascontiguousarray(diagnosis.jump_date[taken], dtype="datetime64[D]")
    cycles = jumps.cycles[taken]
    classes = np.full(rows, NO_CLASS, dtype=np.int8)
    classes[diagnosis.repaired_rows] = diagnosis.class_after_repair
    columns = [pa.array(dates, pa.date32()), pa.array(diagnosis.taken_out_mm), pa.array(cycles, mask=cycles == 0)]
    return [
        *(pa.ListArray.from_arrays(offsets, values, mask=untouched) for values in columns),
        pa.DictionaryArray.from_arrays(pa.array(classes, mask=classes == NO_CLASS), pa.array(CLASS_NAMES, pa.string())),
    ]


def _items(data_type: pa.DataType) -> pa.DataType:
    return data_type.value_type if is_list(data_type) else data_type


def _none(field: pa.Field) -> pa.Array:
    return pa.array([], field.type.value_type)


def _in_rows(values: pa.Array, kept: NDArray[np.intp], rows: int, width: int) -> pa.Array:
    """Put as many values into each of some rows; null into the others."""
    there = np.zeros(rows, dtype=np.bool_)
    there[kept] = True
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(there * width, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~there))


def _inexact_lists(column: pa.Array) -> NDArray[np.intp]:
    """Return the rows of a column of lists that a float does not hold."""
    items = inexact_rows(column.flatten())
    if not len(items):
        return items
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    lengths = np.where(column.is_valid().to_numpy(zero_copy_only=False), lengths, 0)
    return np.repeat(np.arange(len(column)), lengths)[items]
