"""Noise of a table, estimated from rows of a file if they are read again at little cost, else from its first rows."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.recent.recent_spread import with_recent_spread
from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime._input.head import HEAD_ROWS
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.numbered_rows import numbered_series
from insar_runtime._input.row_axes import rows_by_axis
from insar_runtime._input.source import Source
from insar_runtime._input.table import TableDescription
from insar_runtime._pipeline.blas import one_thread_a_product

NOISE_ROWS: Final = 4096
"""More rows do not change the estimate by what matters."""


@one_thread_a_product()
def noise_of(
    description: TableDescription, head: pa.RecordBatch | None, recent_days: int, source: Source | None = None
) -> FileNoise:
    """Estimate the noise of a table.

    The estimate depends on the table alone: not on how it is cut into batches, nor, of a file whose rows are picked by
    their numbers (``numbered_series``), on its container.

    Parameters
    ----------
    description : TableDescription
        Of the table.
    head : pyarrow.RecordBatch or None
        Its first rows, by which it was described; None if it has none.
    recent_days : int
        Length of the window of the recent change, whose spread is measured.
    source : Source, optional
        The table, if it is a file, whose rows may be read again.
    """
    layout = description.layout
    series = np.empty((0, len(layout.dates)), dtype=np.float32)
    if head is not None:
        # Shorter ones are the whole table.
        if source is not None and head.num_rows == HEAD_ROWS:
            series = numbered_series(source, layout, NOISE_ROWS)
        if not len(series):
            head = _of_one_axis(description, head)
            series = to_matrix(head.take(pa.array(evenly_spaced(head.num_rows, NOISE_ROWS))), layout)
    millimetres = description.without_join_steps(series * np.float32(description.units.factor_to_mm))
    noise = estimate_noise(millimetres, layout.dates, [join.date for join in description.joins])
    return with_recent_spread(noise, millimetres, recent_days)


def _of_one_axis(description: TableDescription, head: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows that have the dates of the first one, if rows have dates of their own."""
    if not description.any_axis:
        return head
    name = str(description.layout.dates_column)
    groups = rows_by_axis(head.column(name), name)
    return head.take(pa.array(groups[0])) if groups else head.slice(0, 0)
