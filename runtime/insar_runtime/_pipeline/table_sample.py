"""A sample of the rows of an open table for ``inspect``, and the time that reading them took."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.sampling import spread_series
from insar_runtime._input.source import Source
from insar_runtime._input.table import as_first
from insar_runtime._pipeline.prepare import PreparedTable

_MOST_ROWS: Final = 20_000
_MOST_BYTES: Final = 96 << 20
"""Most bytes of the rows in memory, so fewer rows of wide tables."""
_MOST_SECONDS: Final = 2.0
"""Most time for the measurement of reading."""


@dataclass(frozen=True, slots=True)
class SampledRows:
    """A sample of the rows of a table.

    Attributes
    ----------
    series : ndarray of float32, shape [N, T]
        In the unit of the file; NaN = missing.
    batch : pyarrow.RecordBatch or None
        First rows with all columns, at most a batch; None without rows.
    where : {"all", "spread", "first"}
        All rows, rows from all over the file, or its first ones.
    rows_read : int
        Number of rows read from the beginning of the file.
    seconds : float
        Time of reading them.
    """

    series: NDArray[np.float32]
    batch: pa.RecordBatch | None
    where: Literal["all", "spread", "first"]
    rows_read: int
    seconds: float


def sample_rows(table: PreparedTable, opened_in: float) -> SampledRows:
    """Sample the rows of a table that was just opened.

    Parameters
    ----------
    table : PreparedTable
        Part of its batches is read.
    opened_in : float
        Seconds that opening took, in which the first rows were read.

    Raises
    ------
    DataError
        If the rows do not fit the description of the first ones.
    """
    layout, schema = table.description.layout, table.description.schema
    most = max(min(_MOST_ROWS, int(_MOST_BYTES / max(table.source.row_bytes, 1))), 1)
    taken: list[NDArray[np.float32]] = []
    first: pa.RecordBatch | None = None
    kept = read = 0
    spent, least = opened_in, _rows_at_a_time(table.source)
    ended = False
    while kept < most or (read < least and spent < _MOST_SECONDS):
        begin = time.perf_counter()
        batch = next(table.batches, None)
        spent += time.perf_counter() - begin
        if batch is None:
            ended = True
            break
        if kept < most and batch.num_rows:
            part = as_first(batch.slice(0, most - kept), schema)
            first = part if first is None else first
            taken.append(to_matrix(part, layout, first_row=read))
            kept += part.num_rows
        read += batch.num_rows
        del batch
    series = np.concatenate(taken) if taken else np.empty((0, len(layout.dates)), dtype=np.float32)
    if ended and kept == read:
        return SampledRows(series, first, "all", read, spent)
    spread = spread_series(table.source, layout, most)
    if not len(spread):
        return SampledRows(series, first, "first", read, spent)
    return SampledRows(spread, first, "spread", read, spent)


def _rows_at_a_time(source: Source) -> int:
    """Return the number of rows that a reader may decode before it returns the first one: a row group of Parquet."""
    path = Path(source.name)
    if source.kind != "parquet" or not path.is_file():
        return 0
    metadata = pq.read_metadata(path)
    return int(metadata.row_group(0).num_rows) if metadata.num_row_groups else 0
