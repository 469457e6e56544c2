"""Prepare a table: open it, describe it by its first rows, and choose batches and threads that suit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import read_head
from insar_runtime._input.opening import open_source, path_or_stream
from insar_runtime._input.source import Source, guess_row_bytes
from insar_runtime._input.table import TableDescription
from insar_runtime._output.parquet_writer import WAITING_SERIES_BYTES
from insar_runtime._pipeline.memory import BatchPlan, Load, plan_batches

if TYPE_CHECKING:
    from insar_runtime._diagnosis.noise.noise_model import FileNoise


@dataclass(frozen=True, slots=True)
class PreparedTable:
    """An open table that is described.

    Attributes
    ----------
    source : Source
    description : TableDescription
        Layout, dates and units.
    batches : iterator of pyarrow.RecordBatch
        All rows.
    batch_plan : BatchPlan
        Threads and batches that suit it.
    estimate_noise : callable
        Returns the noise of its series, from some rows that are read for it; called once, while the batches may
        already be read.
    """

    source: Source
    description: TableDescription
    batches: Iterator[pa.RecordBatch]
    batch_plan: BatchPlan
    estimate_noise: Callable[[], FileNoise]


def load_of(source: Source, *, written_series: int = 0, diagnosed: bool = False) -> Load:
    """Return what there is to carry of an open table.

    Parameters
    ----------
    source : Source
        The table.
    written_series : int
        Outputs that hold the series.
    diagnosed : bool
        Whether its rows are diagnosed.
    """
    return Load(
        source.row_bytes,
        source.held_bytes,
        written_series * WAITING_SERIES_BYTES,
        diagnosed=diagnosed,
        head=min(source.row_bytes, guess_row_bytes(source.schema)),
        columns=len(source.search.names) if source.search else 0,
    )


@contextmanager
def open_described(
    source: str | Path | BinaryIO,
    declared: UserDeclarations | None = None,
    *,
    exact: bool = False,
    threads: int = 1,
    large_batches: bool = False,
    room: int | None = None,
    diagnosed: bool = False,
    written_series: int = 0,
) -> Iterator[PreparedTable]:
    """Open a source and describe its table; ``classify``, ``inspect`` and ``convert`` share it.

    Parameters
    ----------
    source
        As for ``classify_file``.
    declared : UserDeclarations, optional
        What the user says of the table.
    exact : bool
        Whether series keep their type, because they are written again.
    threads : int
        Most threads that are to work on it.
    large_batches : bool
        Whether the device wants many rows at a time.
    room : int, optional
        Bytes that the work may take.
    diagnosed : bool
        Whether the rows are diagnosed, which takes memory.
    written_series : int
        Outputs that hold the series.

    Yields
    ------
    PreparedTable
        Open until the context ends.

    Raises
    ------
    InsarRuntimeError
        For the same reasons as ``classify_file``.
    """
    declared = declared or UserDeclarations()
    where = path_or_stream(source)
    with open_source(where, roles=declared.roles, exact=exact, date_format=declared.date_format) as opened:
        load = load_of(opened, written_series=written_series, diagnosed=diagnosed)
        plan = plan_batches(load, threads, large=large_batches, room=room)
        head = read_head(opened.batches(plan.batch_rows, plan.threads), opened.schema, opened.origin, opened.search)
        description = head.describe(declared)
        batches = head.batches
        # The first rows are held only as long as the noise may be estimated from them.
        rows = [head.rows] if diagnosed else []
        del head

        def estimate() -> FileNoise:
            from insar_runtime._pipeline.noise_sample import noise_of  # noqa: PLC0415 - most runs take none of it

            return noise_of(description, rows.pop(), opened)

        yield PreparedTable(opened, description, batches, plan, estimate)
