"""Mixed time axes: the rows of one batch by the dates of each row, if a table unites files of different dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.dates.date_values import list_dates_to_days, sort_axis
from insar_runtime._input.row_axes import rows_by_axis
from insar_runtime._input.table import TableDescription
from insar_runtime.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class AxisRows:
    """Rows of a batch that share their dates.

    Attributes
    ----------
    rows : ndarray of intp, shape [N]
        Their numbers within the batch.
    series : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    """

    rows: NDArray[np.intp]
    series: NDArray[np.float32]
    dates: NDArray[np.datetime64]


def rows_on_axes(batch: pa.RecordBatch, first_row: int, description: TableDescription) -> Iterator[AxisRows]:
    """Divide a batch of a list table whose rows have dates of their own; rows without dates come last.

    Raises
    ------
    DataError
        If a row has not as many dates as values, or a time axis has a date twice.
    """
    name = str(description.layout.dates_column)
    column = batch.column(name)
    _check_lengths(batch, description.layout.columns[0], name, first_row)
    groups = rows_by_axis(column, name)
    for rows in groups:
        dates, order = sort_axis(list_dates_to_days(column[int(rows[0])].values, name))
        same = replace(description, layout=replace(description.layout, dates=dates, order=order))
        yield AxisRows(rows, same.matrix(batch.take(pa.array(rows))), dates)
    dateless = np.setdiff1d(np.arange(batch.num_rows), np.concatenate([*groups, np.empty(0, np.intp)]))
    if len(dateless) or not groups:
        nothing = np.empty((len(dateless), 0), dtype=np.float32)
        yield AxisRows(dateless, nothing, np.empty(0, dtype="datetime64[D]"))


def with_epochs(group: AxisRows, least: int) -> AxisRows:
    """Append epochs without values, one a day, to an axis that is shorter than a model needs.

    Its rows then have too few epochs, as they would have with gaps in a longer axis.
    """
    lacking = least - len(group.dates)
    if lacking <= 0:
        return group
    last = group.dates[-1] if len(group.dates) else np.datetime64("2000-01-01")
    return AxisRows(
        group.rows,
        np.pad(group.series, ((0, 0), (0, lacking)), constant_values=np.nan),
        np.concatenate([group.dates, last + np.arange(1, lacking + 1)]),
    )


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
