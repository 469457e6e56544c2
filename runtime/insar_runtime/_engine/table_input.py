"""Series of a table in memory: a data frame of pandas, or any table that offers itself as an Arrow stream.

Columns, dates and units are found by the same rules as those of a file.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from insar_runtime._engine.given_series import GivenSeries, is_frame
from insar_runtime._engine.row_labels import RowLabels
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import read_head
from insar_runtime._input.numbered_rows import numbered_series_of
from insar_runtime._input.units.series_units import Unit
from insar_runtime.errors import DataError


def table_series(table: Any, *, units: Unit | None, half_wavelength_mm: float) -> GivenSeries:
    """Return the series of a table with one series a row.

    Parameters
    ----------
    table : pandas.DataFrame, pyarrow.Table, or object with ``__arrow_c_stream__``
        Dates in the names of columns, or lists of dates and displacements.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the series; by default the one that the table proves, else mm.
    half_wavelength_mm : float
        Half the wavelength of the radar, which fixes what a radian is.

    Raises
    ------
    DataError
        If the table cannot be read as series.
    """
    if is_frame(table):
        labels = RowLabels(index=table.index)
        batches = [_columns_of_frame(table)]
        schema = batches[0].schema
    else:
        labels = RowLabels()
        arrow = _as_arrow(table)
        batches, schema = arrow.to_batches(), arrow.schema
    declared = UserDeclarations(units, half_wavelength_mm=half_wavelength_mm)
    head = read_head(iter(batches), schema)
    head.sample = partial(numbered_series_of, pa.Table.from_batches(batches, schema))
    try:
        description = head.describe(declared)
    except DataError as error:
        if is_frame(table) and getattr(table.index, "dtype", np.dtype("O")).kind == "M":
            raise DataError("the dates of the data frame are in its index: give it transposed, frame.T") from error
        raise
    parts, first_row = [], 0
    for batch in head.batches:
        parts.append(description.matrix(batch, first_row))
        first_row += batch.num_rows
    dates = description.layout.dates
    matrix = np.concatenate(parts) if parts else np.empty((0, len(dates)), dtype=np.float32)
    return GivenSeries.whole(matrix, dates, labels, description)


def _as_arrow(table: Any) -> pa.Table:
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    try:
        return table if isinstance(table, pa.Table) else pa.table(table)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"the Arrow stream is not a table ({error}); give one with a column for each date") from error


def _columns_of_frame(frame: Any) -> pa.RecordBatch:
    """Return the columns of a data frame; one of objects that Arrow has no type for becomes text without values.

    Such a column is ignored as an attribute, and refused by its name as a date.
    """
    names, columns = [], []
    for place, label in enumerate(frame.columns):
        names.append(str(label))
        try:
            column = pa.array(frame.iloc[:, place], from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError):
            column = pa.nulls(len(frame), pa.string())
        columns.append(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
    return pa.RecordBatch.from_arrays(columns, names=names)
