"""Classify the rows of one batch on the dates of each row, where a table unites files of different dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.axes import rows_by_axis
from insar_runtime._input.dates import list_dates_to_days, sort_axis
from insar_runtime._input.understanding import Understanding
from insar_runtime.errors import DataError
from insar_runtime.result import Result

if TYPE_CHECKING:
    from insar_runtime.classifier import Classifier


def classify_axes(
    classifier: Classifier, batch: pa.RecordBatch, first_row: int, understanding: Understanding
) -> Result:
    """Classify a batch of a list table whose rows have dates of their own; one call of the model for each time axis.

    A row whose axis is shorter than the model needs has too few epochs, as it would have with gaps in a longer one.

    Raises
    ------
    DataError
        If a row has not as many dates as values, or a time axis is too long or has a date twice.
    """
    name = str(understanding.layout.dates_column)
    column = batch.column(name)
    _check_lengths(batch, understanding.layout.columns[0], name, first_row)
    groups = rows_by_axis(column, name)
    parts = []
    for rows in groups:
        dates, order = sort_axis(list_dates_to_days(column[int(rows[0])].values, name))
        same = replace(understanding, layout=replace(understanding.layout, dates=dates, order=order))
        parts.append(_classify(classifier, same.matrix(batch.take(pa.array(rows))), same.layout.days))
    dateless = np.setdiff1d(np.arange(batch.num_rows), np.concatenate([*groups, np.empty(0, np.intp)]))
    nothing = np.empty((len(dateless), 0), dtype=np.float32)
    parts.append(_classify(classifier, nothing, np.empty(0, dtype=np.float32)))
    return _in_place(parts, [*groups, dateless])


def _check_lengths(batch: pa.RecordBatch, series: str, dates: str, first_row: int) -> None:
    """Name the row that has not as many dates as values, before rows are taken out of their order."""
    values, days = (
        pc.fill_null(pc.list_value_length(batch.column(name)), 0).to_numpy(zero_copy_only=False)
        for name in (series, dates)
    )
    if pa.types.is_fixed_size_list(batch.schema.field(series).type):
        values = np.where(batch.column(series).is_valid().to_numpy(zero_copy_only=False), values, 0)
    wrong = (values > 0) & (values != days)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"row {first_row + row} has {values[row]} values in '{series}' but {days[row]} dates in '{dates}': "
            "give each value its date, null where it is missing"
        )


def _classify(classifier: Classifier, matrix: NDArray[np.float32], days: NDArray[np.float32]) -> Result:
    lacking = classifier.model.limits.min_epochs - len(days)
    if lacking > 0:
        # Epochs without values, one a day, after the last one.
        days = np.concatenate([days, days[-1:].max(initial=0) + np.arange(1, lacking + 1, dtype=np.float32)])
        matrix = np.pad(matrix, ((0, 0), (0, lacking)), constant_values=np.nan)
    return classifier.classify_matrix(matrix, days)


def _in_place(parts: Sequence[Result], rows: Sequence[NDArray[np.intp]]) -> Result:
    """Put the results of groups of rows into the order of the rows."""
    back = np.argsort(np.concatenate(rows))
    columns: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])[back] for field in fields(Result)
    }
    return Result(**columns)
