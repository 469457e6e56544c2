"""From record batches to record batches: resolve once, then matrix, classes, columns, for every batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._geo import read_points
from insar_runtime._layout import Layout, Role, resolve_layout
from insar_runtime._matrix import to_matrix
from insar_runtime._units import Unit, Units, prove_units
from insar_runtime.errors import DataError
from insar_runtime.result import RESULT_SCHEMA, Result

if TYPE_CHECKING:
    from insar_runtime.classifier import Classifier

_HEAD_ROWS: Final = 8192
"""Rows that are gathered before a table is understood, so that what is understood does not depend on how the rows are
cut into batches."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was understood of a table, resolved once: ``classify`` and ``inspect`` share it."""

    schema: pa.Schema
    layout: Layout
    units: Units
    position: tuple[str, str] | None
    """Columns of longitude and latitude, if they hold degrees."""

    def matrix(self, batch: pa.RecordBatch, first_row: int = 0) -> NDArray[np.float32]:
        """Give the displacements of a batch [N, T] in mm, NaN = missing."""
        matrix = to_matrix(batch, self.layout, first_row=first_row)
        if self.units.factor_to_mm != 1:
            matrix = matrix * np.float32(self.units.factor_to_mm)
        return matrix

    def kept(self, *, keep_series: bool) -> list[str]:
        """Give the names of the input columns that the output keeps, in the input's order."""
        return list(self.schema.names) if keep_series else list(self.layout.attributes)

    def output_schema(self, *, keep_series: bool) -> pa.Schema:
        """Give the schema of the output: kept columns, then those of the result.

        Raises
        ------
        DataError
            If the input has a column of the same name as one that would be added.
        """
        kept = self.kept(keep_series=keep_series)
        clash = [name for name in kept if name in RESULT_SCHEMA.names]
        if clash:
            raise DataError(f"the input has a column {clash[0]} already (was it classified before?); drop or rename it")
        return pa.schema([*(self.schema.field(name) for name in kept), *RESULT_SCHEMA])

    def attach(self, batch: pa.RecordBatch, result: Result, *, keep_series: bool) -> pa.RecordBatch:
        """Put the columns of the result beside the kept columns of the batch."""
        kept = [batch.column(name) for name in self.kept(keep_series=keep_series)]
        schema = self.output_schema(keep_series=keep_series)
        return pa.RecordBatch.from_arrays([*kept, *result.to_arrow().columns], schema=schema)


def understand(
    schema: pa.Schema,
    head: pa.RecordBatch | None,
    *,
    units: Unit | None = None,
    overrides: Mapping[Role, str] | None = None,
    half_wavelength_mm: float,
) -> Understanding:
    """Resolve layout, dates and units of a table from its schema and its first rows.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table.
    head : pyarrow.RecordBatch, optional
        The first rows, as many as are at hand; None if the table has none.
    units : {"mm", "cm", "m", "rad"}, optional
        Declared unit.
    overrides : mapping, optional
        Columns to take for the roles of ``resolve_layout``.
    half_wavelength_mm : float
        Of the radar, for phases in radian.

    Raises
    ------
    DataError
        If the table cannot be read as series.
    """
    layout = resolve_layout(schema, head, overrides=overrides)
    if head is None:
        sample = np.empty((0, len(layout.dates)), dtype=np.float32)
        velocity = None
    else:
        sample, velocity = to_matrix(head, layout), _velocity(head, layout)
    proven = prove_units(sample, layout, velocity, declared=units, half_wavelength_mm=half_wavelength_mm)
    return Understanding(schema, layout, proven, _position(head, layout))


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
    understanding = understand(
        waiting[0].schema, head, units=units, half_wavelength_mm=classifier.model.half_wavelength_mm
    )
    done = 0
    for batch in chain(waiting, stream):
        yield classify_batch(classifier, understanding, batch, keep_series=keep_series, first_row=done)
        done += batch.num_rows


def take_head(stream: Iterator[pa.RecordBatch]) -> tuple[pa.RecordBatch | None, list[pa.RecordBatch]]:
    """Take batches from a stream until there are rows enough to understand it.

    Returns
    -------
    head : pyarrow.RecordBatch or None
        The first rows, no more than needed; None if there are none.
    taken : list of pyarrow.RecordBatch
        All batches that were taken.
    """
    taken: list[pa.RecordBatch] = []
    rows = 0
    while rows < _HEAD_ROWS and (batch := next(stream, None)) is not None:
        taken.append(batch)
        rows += batch.num_rows
    if not rows:
        return None, taken
    return pa.concat_batches([_as_first(batch, taken[0].schema) for batch in taken]).slice(0, _HEAD_ROWS), taken


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
    batch = _as_first(batch, understanding.schema)
    result = classify_rows(classifier, batch, first_row, understanding=understanding) if batch.num_rows else nothing()
    return understanding.attach(batch, result, keep_series=keep_series)


def classify_rows(
    classifier: Classifier, batch: pa.RecordBatch, first_row: int, *, understanding: Understanding
) -> Result:
    """Classify the series of a batch that has rows, and leave its other columns alone.

    Raises
    ------
    DataError
        If its series do not fit the table's dates.
    """
    return classifier.classify_matrix(understanding.matrix(batch, first_row), understanding.layout.days)


def nothing() -> Result:
    """Give the result of no rows at all."""
    ids, counts = np.empty(0, dtype=np.int8), np.empty(0, dtype=np.int16)
    floats = np.empty(0, dtype=np.float32)
    return Result(ids, ids, floats, np.empty((0, 5), dtype=np.float32), ids, counts, counts)


def _as_first(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch the schema of the first one; only names and types of columns must be the same."""
    if batch.schema.names != schema.names or batch.schema.types != schema.types:
        raise DataError(
            "the batches of one stream differ in their columns; classify each file by itself, on its own dates"
        )
    return pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _position(head: pa.RecordBatch | None, layout: Layout) -> tuple[str, str] | None:
    if not layout.longitude or not layout.latitude:
        return None
    columns = layout.longitude, layout.latitude
    if head is None:
        return columns
    # Metres under these names, as against a filler here and there: most places are off the globe.
    known = ~(head.column(columns[0]).is_null().to_numpy(zero_copy_only=False))
    placed = np.isfinite(read_points(head, *columns)[known]).all(axis=1)
    return columns if not known.any() or placed.mean() > 0.5 else None


def _velocity(head: pa.RecordBatch, layout: Layout) -> NDArray[np.float64] | None:
    if layout.velocity is None:
        return None
    try:
        values: Any = head.column(layout.velocity).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        # A velocity that is no number proves nothing; it stays an attribute.
        return None
    return np.asarray(values, dtype=np.float64)
