"""Prepare a table: open it, describe it by its first rows, and choose batches and threads that suit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import head_of
from insar_runtime._input.opening import open_source, path_or_stream
from insar_runtime._input.sampling import estimate_rows
from insar_runtime._input.source import Source, guess_row_bytes
from insar_runtime._input.table import TableDescription
from insar_runtime._log import logger
from insar_runtime._output.parquet_writer import WAITING_SERIES_BYTES
from insar_runtime._output.stated_joins import with_stated_joins
from insar_runtime._pipeline.memory import BatchPlan, Load, plan_batches
from insar_runtime._printable import printable

if TYPE_CHECKING:
    from insar_runtime._diagnosis.noise.noise_model import FileNoise
    from insar_runtime._engine.class_priors import ClassPriors
    from insar_runtime._engine.runner import ModelRunner


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
        Returns the noise of its series, from some rows that are read for it, for a window of recent days; called once,
        while the batches may already be read.
    mix : ClassPriors or None
        Of its classes, where that was asked for.
    """

    source: Source
    description: TableDescription
    batches: Iterator[pa.RecordBatch]
    batch_plan: BatchPlan
    estimate_noise: Callable[[int], FileNoise]
    mix: ClassPriors | None = None


def load_of(source: Source, *, written_series: int = 0, diagnosed: bool = False, kept_row_bytes: int = 0) -> Load:
    """Return what there is to carry of an open table.

    Parameters
    ----------
    source : Source
        The table.
    written_series : int
        Outputs that hold the series.
    diagnosed : bool
        Whether its rows are diagnosed.
    kept_row_bytes : int
        Bytes that are kept of each row until all are read.
    """
    kept = (estimate_rows(source) or 0) * kept_row_bytes if kept_row_bytes else 0
    return Load(
        source.row_bytes,
        source.held_bytes + kept,
        written_series * WAITING_SERIES_BYTES,
        diagnosed=diagnosed,
        head=min(source.row_bytes, guess_row_bytes(source.schema)),
        columns=len(source.search.names) if source.search else 0,
    )


def _log_plan(name: str, plan: BatchPlan, need: int, room: int | None) -> None:
    limit = "no limit" if room is None else f"{room // 2**20} MB there"
    sizes = (plan.threads, plan.batch_rows, need // 2**20, limit)
    logger().info("%s: threads: %d, rows of a batch: %d, about %d MB of memory (%s)", printable(name), *sizes)


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
    mix_by: ModelRunner | None = None,
    written_series: int = 0,
    kept_row_bytes: int = 0,
    reads_json: bool = False,
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
    mix_by : ModelRunner, optional
        Classifies some of the first rows, from which the mix of classes is estimated. Without it, none is.
    written_series : int
        Outputs that hold the series.
    kept_row_bytes : int
        Bytes that are kept of each row until all are read.
    reads_json : bool
        Whether GeoJSON and JSON lines are read.

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
    with open_source(
        where,
        roles=declared.roles,
        exact=exact,
        date_format=declared.date_format,
        reads_json=reads_json,
        as_table=declared.as_table,
    ) as container:
        opened = with_stated_joins(container)
        load = load_of(opened, written_series=written_series, diagnosed=diagnosed, kept_row_bytes=kept_row_bytes)
        plan = plan_batches(load, threads, large=large_batches, room=room)
        _log_plan(opened.name, plan, plan.need(load), room)
        head = head_of(opened, plan.batch_rows, plan.threads)
        description = head.describe(declared)
        mix = None
        if mix_by is not None:
            from insar_runtime._pipeline.class_mix import mix_of  # noqa: PLC0415 - inspect and convert take none of it

            mix = mix_of(description, head.rows, mix_by)
        batches = head.batches
        # The first rows are held only as long as the noise may be estimated from them.
        rows = [head.rows] if diagnosed else []
        del head

        def estimate(recent_days: int) -> FileNoise:
            from insar_runtime._pipeline.noise_sample import noise_of  # noqa: PLC0415 - most runs take none of it

            return noise_of(description, rows.pop(), recent_days, opened)

        yield PreparedTable(opened, description, batches, plan, estimate, mix)
