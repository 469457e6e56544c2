"""One pass over a classified table: counts of all rows, and a sample of rows for the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._classified.class_columns import (
    read_class_ids,
    read_counts,
    read_probabilities,
    read_statuses,
)
from insar_runtime._classified.diagnosis_columns import read_diagnosis
from insar_runtime._input.cells import as_texts
from insar_runtime._input.matrix import as_floats
from insar_runtime._input.random_rows import RandomRows
from insar_runtime._input.slopes import slopes
from insar_runtime._progress import Progress
from insar_runtime._report.classified_table import ClassifiedTable
from insar_runtime._report.counts import GROUPS, Counts
from insar_runtime._report.measures import measured
from insar_runtime._report.pack import per_mille, tenths
from insar_runtime._report.page_position import NOWHERE
from insar_runtime.classes import CLASS_NAMES, NO_CLASS

GROUP: Final = "group"
"""Column of the class of a point, or of the number after the last class if it has none."""
_SHARES: Final = tuple(f"p_{name.lower()}" for name in CLASS_NAMES)
_SERIES_BYTES: Final = 1.7
"""Most bytes of a value of a series in a page, in base64; real series take 1.1 to 1.5."""
_ATTRIBUTE_BYTES: Final = 5.4
_DIAGNOSIS_BYTES: Final = 60.0
_LEAST_EPOCHS: Final = 10
"""Least number of epochs for a velocity from the slope of a series."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Counts and rows for a page.

    Attributes
    ----------
    counts : dict
        Counts of all rows.
    points : pyarrow.Table or None
        Rows for the map: ``row``, ``x``, ``y``, ``group``, ``status``, ``velocity`` (mm/yr), ``shares`` (thousandths),
        ``n_epochs``, ``max_gap_days``, ``id``, ``measures`` (as ``measured`` codes them); of a diagnosed table also
        ``break_date``.
    details : pyarrow.Table or None
        Those of them that have ``series`` (tenths of mm, zigzag), ``attributes`` (float32) and, in a diagnosed table,
        the classes and the diagnosis columns; ``row`` is the same as in the points.
    """

    counts: dict[str, Any]
    points: pa.Table | None
    details: pa.Table | None


def gather(
    table: ClassifiedTable,
    *,
    most_points: int,
    detail_bytes: float,
    progress: Progress | None = None,
) -> Gathered:
    """Read a table once; the memory grows with the rows that are kept, not with the file.

    Parameters
    ----------
    table : ClassifiedTable
        Its batches must not have been read yet.
    most_points : int
        Most rows on the map.
    detail_bytes : float
        Bytes of the page for series and attributes.
    progress : callable, optional
        Called with the number of rows done, and of all if known.

    Raises
    ------
    InsarRuntimeError
        If a batch cannot be read.
    """
    rng = np.random.default_rng(0)
    counts = Counts()
    points: RandomRows[pa.RecordBatch] = RandomRows(most_points)
    epochs = len(table.series.layout.dates) if table.series else 0
    row_bytes = epochs * _SERIES_BYTES + len(table.attributes) * _ATTRIBUTE_BYTES + table.diagnosed * _DIAGNOSIS_BYTES
    room = int(detail_bytes / row_bytes) if row_bytes else 0
    details: RandomRows[pa.RecordBatch] | None = RandomRows(room, GROUPS) if room else None
    first_row = 0
    for batch in table.batches:
        rows = np.arange(first_row, first_row + batch.num_rows, dtype=np.int64)
        keys = rng.random(batch.num_rows)
        matrix = _displacement(table, batch, first_row)
        columns = _columns(table, batch, rows, matrix)
        group = columns[GROUP]
        counts.add(group, columns["status"], columns.pop("confidence"), columns["velocity"], columns["x"] != NOWHERE)
        diagnosis = _diagnosis(table, batch)
        # Of points without a class, the most probable class decides the trend.
        classes = {name: read_class_ids(batch, name) for name in ("class_id", "class_top")} if diagnosis else {}
        breaks = {"break_date": diagnosis["break_date"]} if diagnosis else {}
        numbers = {"measures": _lists(measured(table.measures, batch, diagnosis))}
        points.add(_batch({**columns, **numbers, **breaks}), keys)
        if details is not None:
            attributes = [as_floats(batch.column(name)) for name in table.attributes]
            wide = {
                "series": _lists(tenths(matrix)),
                "attributes": _lists(np.stack(attributes, axis=1) if attributes else np.empty((len(rows), 0), "f4")),
            }
            details.add(_batch({"row": rows, **wide, **classes, **diagnosis}), keys, group)
        first_row += batch.num_rows
        if progress:
            progress(first_row, table.rows)
    shown = points.parts()
    # Only points on the map can be chosen, so only they need their series.
    detailed = details.parts(below=points.key_limit) if details is not None else []
    return Gathered(counts.to_dict(), _table(shown), _table(detailed))


def _table(batches: list[pa.RecordBatch]) -> pa.Table | None:
    return pa.Table.from_batches(batches) if batches else None


def _diagnosis(table: ClassifiedTable, batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """Return the diagnosis columns by name; empty without a diagnosis."""
    if not table.diagnosed:
        return {}
    found = read_diagnosis(batch)
    return dict(zip(found.schema.names, found.columns, strict=True))


def _displacement(table: ClassifiedTable, batch: pa.RecordBatch, first_row: int) -> NDArray[np.float32]:
    """Return the series [N, T], mm, NaN for missing and infinite values; T is 0 without series."""
    if table.series is None:
        return np.empty((batch.num_rows, 0), dtype=np.float32)
    matrix = table.series.matrix(batch, first_row)
    return np.where(np.isfinite(matrix), matrix, np.float32(np.nan))


def _columns(
    table: ClassifiedTable, batch: pa.RecordBatch, rows: NDArray[np.int64], matrix: NDArray[np.float32]
) -> dict[str, Any]:
    """Return the columns of the points on the map, and the confidence, for a batch."""
    # Older tables of models of five classes have no column of the sixth.
    missing = np.full(len(rows), np.nan, dtype=np.float32)
    there = batch.schema.names
    shares = np.stack([read_probabilities(batch, name) if name in there else missing for name in _SHARES], axis=1)
    class_id = read_class_ids(batch, "class_id")
    xy = table.position.steps(batch) if table.position else np.full((len(rows), 2), NOWHERE, dtype=np.int32)
    name = table.roles.get("id")
    ids = pc.fill_null(as_texts(batch.column(name)), "") if name else pa.array(rows).cast(pa.string())
    return {
        "row": rows,
        "x": xy[:, 0],
        "y": xy[:, 1],
        GROUP: np.where(class_id == NO_CLASS, len(CLASS_NAMES), class_id).astype(np.int8),
        "status": read_statuses(batch, "status"),
        "confidence": read_probabilities(batch, "confidence"),
        "velocity": _velocity(table, batch, matrix),
        "shares": _lists(per_mille(shares)),
        "n_epochs": read_counts(batch, "n_epochs"),
        "max_gap_days": read_counts(batch, "max_gap_days"),
        "id": ids,
    }


def _velocity(table: ClassifiedTable, batch: pa.RecordBatch, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the velocity of the file, else the slope of the series, else NaN; mm/yr [N]."""
    name = table.roles.get("velocity")
    if name:
        velocity = as_floats(batch.column(name))
        return np.where(np.isfinite(velocity), velocity, np.float32(np.nan))
    if table.series is None:
        return np.full(batch.num_rows, np.nan, dtype=np.float32)
    return slopes(matrix, table.series.layout.days, least_epochs=_LEAST_EPOCHS).astype(np.float32)


def _lists(matrix: NDArray[Any]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(matrix).reshape(-1))
    width = matrix.shape[1]
    offsets = np.arange(len(matrix) + 1, dtype=np.int64) * width
    return pa.LargeListArray.from_arrays(pa.array(offsets), flat)


def _batch(columns: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)
