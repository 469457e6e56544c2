"""The noise of a table, from rows all over it where that is cheap, and from its first rows otherwise."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._input.axes import rows_by_axis
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.sources import Source
from insar_runtime._input.understanding import Understanding
from insar_runtime._pipeline.blas import one_thread_a_product
from insar_runtime._survey.columns import spread_batches

_MOST_ROWS: Final = 4096
"""More rows do not change the estimate by what matters."""


@one_thread_a_product()
def noise_of(understanding: Understanding, head: pa.RecordBatch | None, source: Source | None = None) -> FileNoise:
    """Estimate the noise of a table.

    What it depends on is the table, and not how the table is cut into batches or who reads them.

    Parameters
    ----------
    understanding : Understanding
        Of the table.
    head : pyarrow.RecordBatch or None
        Its first rows, as they were understood; None if it has none.
    source : Source, optional
        The table, if it is a file: rows are then taken from places all over it.
    """
    layout = understanding.layout
    series = np.empty((0, len(layout.dates)), dtype=np.float32)
    if head is not None:
        series = _spread(understanding, source, head.num_rows)
        if not len(series):
            head = _of_one_axis(understanding, head)
            rows = np.linspace(0, head.num_rows - 1, min(head.num_rows, _MOST_ROWS)).astype(np.intp)
            series = to_matrix(head.take(pa.array(np.unique(rows))), layout)
    return estimate_noise(series * np.float32(understanding.units.factor_to_mm), layout.dates)


def _of_one_axis(understanding: Understanding, head: pa.RecordBatch) -> pa.RecordBatch:
    """Give the rows that have the dates of the first one, where rows have dates of their own."""
    if not understanding.any_axis:
        return head
    name = str(understanding.layout.dates_column)
    groups = rows_by_axis(head.column(name), name)
    return head.take(pa.array(groups[0])) if groups else head.slice(0, 0)


def _spread(understanding: Understanding, source: Source | None, head_rows: int) -> NDArray[np.float32]:
    layout = understanding.layout
    columns = [*layout.columns, *filter(None, [layout.dates_column])]
    # A name with a dot may be that of a part of another column.
    if source is None or source.rows == head_rows or any("." in name for name in columns):
        parts: list[NDArray[np.float32]] = []
    else:
        parts = [to_matrix(part, layout) for part in spread_batches(source, columns, _MOST_ROWS)]
    return np.concatenate([np.empty((0, len(layout.dates)), dtype=np.float32), *parts])
