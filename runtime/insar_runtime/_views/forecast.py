"""What a run of ``classify`` will take: measured on some rows, and told for all of them."""

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
    """Seconds that a row takes.

    Attributes
    ----------
    rows : int
        Rows that each thread has classified to measure it.
    threads : int
        Threads that did so at once.
    work : float
        To classify a row, with all threads at work.
    write : float
        To write its columns, with one.
    """

    rows: int
    threads: int
    work: float
    write: float

    def seconds(self, rows: int, read: float) -> float:
        """Tell how long a file of so many rows takes, if reading one takes ``read`` seconds.

        Each thread reads its own batches, one thread at a time, and classifies them; one writes.
        """
        return rows * max(read, self.write, self.work + (read + self.write) / self.threads)


def measure_row(classifier: Classifier, description: TableDescription, batch: pa.RecordBatch, threads: int) -> RowTime:
    """Classify some rows in each thread, and write what comes of them to memory.

    Parameters
    ----------
    classifier : Classifier
    description : TableDescription
        Of the table.
    batch : pyarrow.RecordBatch
        Rows of the table; some 2000 of them are used.
    threads : int
        Batches that are classified at once.
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

    # The first call of a session takes longer; on accelerators far longer for a new shape.
    work(rows if classifier.device != "cpu" else rows.slice(0, _WARM_UP_ROWS))
    with ThreadPoolExecutor(threads) as pool:
        # All threads at once: what they take from each other, and what others take from them, is in the time.
        worked, tables = _timed(lambda: list(pool.map(work, [rows] * threads)))
    try:
        written, _ = _timed(lambda: pq.write_table(tables[0], pa.BufferOutputStream()))
    except pa.ArrowException as error:
        raise DataError(f"a column of the input cannot be written ({error}); drop it") from error
    return RowTime(rows.num_rows, threads, worked / (threads * rows.num_rows), written / rows.num_rows)


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median time of some rounds, and what the last one has returned."""
    spent, result = [], None
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        result = run()
        spent.append(time.perf_counter() - begin)
    return median(spent), result
