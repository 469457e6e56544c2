"""Estimate of the duration of ``classify``, from the time that some rows take."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from insar_runtime._input.position import read_points
from insar_runtime._input.table import TableDescription
from insar_runtime._output.geoparquet import GEOMETRY_FIELDS, point_columns
from insar_runtime._pipeline.batch import BatchClassifier
from insar_runtime._pipeline.plan import TablePlan
from insar_runtime.classifier import Classifier
from insar_runtime.errors import DataError

_MOST_ROWS: Final = 2048
_WARM_UP_ROWS: Final = 64
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class RowTime:
    """Time of one row, in seconds.

    Attributes
    ----------
    rows : int
        Rows that each thread classified for the measurement.
    threads : int
        Threads that worked at the same time.
    work : float
        Time to classify a row, with all threads at work.
    write : float
        Time to write its columns, with one thread.
    """

    rows: int
    threads: int
    work: float
    write: float

    def seconds(self, rows: int, read: float) -> float:
        """Return the duration of a file with a number of rows, if reading a row takes ``read`` seconds.

        Each thread reads its own batches, one thread at a time, and classifies them; one thread writes.
        """
        return rows * max(read, self.write, self.work + (read + self.write) / self.threads)


def measure_row(classifier: Classifier, description: TableDescription, batch: pa.RecordBatch, threads: int) -> RowTime:
    """Measure the time of a row: classify some rows in each thread, and write the output to memory.

    Parameters
    ----------
    classifier : Classifier
    description : TableDescription
        Of the table.
    batch : pyarrow.RecordBatch
        Rows of the table, of which at most 2048 are used.
    threads : int
        Number of batches that are classified at the same time.
    """
    alone = classifier.with_threads(1)
    rows = batch.slice(0, _MOST_ROWS)
    batches = BatchClassifier(TablePlan(description))

    def work(part: pa.RecordBatch) -> pa.Table:
        out = batches.output(alone, part)
        columns, schema = out.columns, out.schema
        if description.position:
            columns = [*columns, *point_columns(read_points(part, description.position))]
            schema = pa.schema([*schema, *GEOMETRY_FIELDS])
        return pa.Table.from_arrays(columns, schema=schema)

    # The first call of a session takes longer, and on accelerators each new shape does.
    work(rows if classifier.device != "cpu" else rows.slice(0, _WARM_UP_ROWS))
    with ThreadPoolExecutor(threads) as pool:
        # All threads at once, so that the time includes their competition for memory and cores.
        worked, tables = _timed(lambda: list(pool.map(work, [rows] * threads)))
    try:
        written, _ = _timed(lambda: pq.write_table(tables[0], pa.BufferOutputStream()))
    except pa.ArrowException as error:
        raise DataError(f"a column of the input cannot be written ({error}); drop it") from error
    return RowTime(rows.num_rows, threads, worked / (threads * rows.num_rows), written / rows.num_rows)


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median time of some rounds, and the result of the last one."""
    spent, result = [], None
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        result = run()
        spent.append(time.perf_counter() - begin)
    return median(spent), result
