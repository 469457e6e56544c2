"""Work on the batches of an open table in their order: of a file by all threads at once, of a stream one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from insar_runtime._pipeline.batch_work import NumberedBatch
from insar_runtime._pipeline.memory import MemoryGuard
from insar_runtime._pipeline.parallel import Work, in_order, one_by_one
from insar_runtime._pipeline.prepare import PreparedTable

if TYPE_CHECKING:
    from insar_runtime._engine.runner import ModelRunner

Begun = TypeVar("Begun")
Done = TypeVar("Done")


def runner_of_each_thread(runner: ModelRunner, table: PreparedTable, *, is_file: bool) -> ModelRunner:
    """Return the runner that each thread of a run calls; the threads of a stream share one batch."""
    return runner.with_threads(1 if is_file else table.batch_plan.threads)


@contextmanager
def results_of(
    table: PreparedTable, work: Work[NumberedBatch, Begun, Done], guard: MemoryGuard, *, is_file: bool
) -> Iterator[Iterator[Done]]:
    """Work on the batches of a table in their order; on a file's by all threads at once, each of which reads its own.

    A batch a thread scales better than the calls of one batch on several threads: checks, columns and geometry are
    work too. A stream is read when its rows are wanted, and its threads share one batch, so that Ctrl-C never blocks
    on the input stream.
    """
    batches, threads = _numbered(table.batches, guard), table.batch_plan.threads
    if threads == 1 or not is_file:
        yield one_by_one(batches, work)
        return
    with in_order(batches, work, threads) as results:
        yield results


def _numbered(batches: Iterator[pa.RecordBatch], guard: MemoryGuard) -> Iterator[NumberedBatch]:
    """Return each batch with the number of its first row, after a check of the memory that reading it has taken."""
    first_row = 0
    for batch in batches:
        guard.check()
        yield batch, first_row
        first_row += batch.num_rows
