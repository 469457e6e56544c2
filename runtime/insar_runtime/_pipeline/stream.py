"""From record batches to record batches: matrix, classes, columns, for every batch of a table that is understood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from insar_runtime._input.batches import in_turn
from insar_runtime._input.declared import Declared
from insar_runtime._input.understanding import Understanding, as_first, take_head, understand
from insar_runtime._input.units import Unit
from insar_runtime._pipeline.axes import classify_axes
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.errors import DataError
from insar_runtime.result import RESULT_SCHEMA, Result

if TYPE_CHECKING:
    from insar_runtime.classifier import Classifier


def classify_stream(
    classifier: Classifier,
    batches: Iterable[pa.RecordBatch],
    *,
    units: Unit | None,
    keep_series: bool,
) -> Iterator[pa.RecordBatch]:
    """Classify batches; see ``Classifier.classify_batches``."""
    if isinstance(batches, pa.Table):
        batches = batches.to_batches()
    stream = iter([batches] if isinstance(batches, pa.RecordBatch) else batches)
    head, waiting = take_head(stream)
    if not waiting:
        return
    declared = Declared(units, half_wavelength_mm=classifier.model.half_wavelength_mm)
    understanding = understand(waiting[0].schema, head, declared)
    done = 0
    for batch in in_turn(waiting, stream):
        yield classify_batch(classifier, understanding, batch, keep_series=keep_series, first_row=done)
        done += batch.num_rows


def output_schema(understanding: Understanding, *, keep_series: bool) -> pa.Schema:
    """Give the schema of the output: kept columns, then those of the result.

    Raises
    ------
    DataError
        If the input has a column of the same name as one that would be added.
    """
    kept = understanding.kept(keep_series=keep_series)
    clash = [name for name in kept if name in RESULT_SCHEMA.names]
    if clash:
        raise DataError(f"the input has a column {clash[0]} already (was it classified before?); drop or rename it")
    return pa.schema([*(understanding.schema.field(name) for name in kept), *RESULT_SCHEMA])


def classify_batch(
    classifier: Classifier,
    understanding: Understanding,
    batch: pa.RecordBatch,
    *,
    keep_series: bool,
    first_row: int = 0,
) -> pa.RecordBatch:
    """Classify one batch of a table that was understood before.

    Raises
    ------
    DataError
        If the batch has other columns than the first one, or its series do not fit the table's dates.
    """
    batch = as_first(batch, understanding.schema)
    result = classify_rows(classifier, batch, first_row, understanding=understanding) if batch.num_rows else _nothing()
    kept = [batch.column(name) for name in understanding.kept(keep_series=keep_series)]
    schema = output_schema(understanding, keep_series=keep_series)
    return pa.RecordBatch.from_arrays([*kept, *result.to_arrow().columns], schema=schema)


def classify_rows(
    classifier: Classifier, batch: pa.RecordBatch, first_row: int, *, understanding: Understanding
) -> Result:
    """Classify the series of a batch that has rows, and leave its other columns alone.

    Raises
    ------
    DataError
        If its series do not fit the table's dates.
    """
    if understanding.any_axis:
        return classify_axes(classifier, batch, first_row, understanding)
    return classifier.classify_matrix(understanding.matrix(batch, first_row), understanding.layout.days)


def _nothing() -> Result:
    """Give the result of no rows at all."""
    ids, counts = np.empty(0, dtype=np.int8), np.empty(0, dtype=np.int16)
    floats = np.empty(0, dtype=np.float32)
    return Result(ids, ids, floats, np.empty((0, len(CLASS_NAMES)), dtype=np.float32), ids, counts, counts)
