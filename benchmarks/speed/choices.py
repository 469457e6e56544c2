"""Speed of alternatives for reading files and for calling a session."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from benchmarks.speed.tables import Container, make_table
from benchmarks.speed.timing import Job, in_turns, timed
from insar_runtime._engine.onnx_runtime import cpu_session_options, import_onnxruntime
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.source import BATCH_ROWS
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.models import load_model

_ROWS: Final = 464
_EPOCHS: Final = 139
_SERIES: Final = 16_384


def reading(folder: Path, *, rows: int, epochs: int, turns: int) -> dict[str, dict[str, float]]:
    """Return the speed of ways of reading Parquet to a matrix, in rows per second of CPU time."""
    found: dict[str, dict[str, float]] = {}
    containers: tuple[Container, ...] = ("wide Parquet", "list Parquet")
    for container in containers:
        path = make_table(folder, container, rows, epochs)
        jobs: dict[str, Callable[[int], object]] = {"as it is": lambda _, p=path: _as_it_is(p)}  # type: ignore[misc]
        for size in (512, 2048, 8192):
            jobs[f"in batches of {size} rows"] = lambda _, p=path, s=size: _in_batches(p, s)  # type: ignore[misc]
        jobs["in batches, two threads"] = lambda _, p=path: _in_batches(p, BATCH_ROWS, use_threads=True)  # type: ignore[misc]
        jobs["in batches, buffered before"] = lambda _, p=path: _in_batches(p, BATCH_ROWS, pre_buffer=True)  # type: ignore[misc]
        jobs["in batches, mapped"] = lambda _, p=path: _in_batches(p, BATCH_ROWS, memory_map=True)  # type: ignore[misc]
        paces = in_turns({name: timed(job) for name, job in jobs.items()}, dict.fromkeys(jobs, rows), turns=turns)
        # Each turn reads the whole file, whatever its number of series.
        found[container] = {name: pace.per_core_second * rows / pace.series for name, pace in paces.items()}
    return found


def _as_it_is(path: Path) -> None:
    with open_described(path, UserDeclarations("mm")) as table:
        for batch in table.batches:
            table.description.matrix(batch)


def _in_batches(
    path: Path, rows: int, *, use_threads: bool = False, pre_buffer: bool = False, memory_map: bool = False
) -> None:
    """Read with pyarrow to float32 rows."""
    file = pq.ParquetFile(path, pre_buffer=pre_buffer, buffer_size=0 if pre_buffer else 1 << 16, memory_map=memory_map)
    with file:
        for batch in file.iter_batches(rows, use_threads=use_threads):
            series = batch.columns[3:]
            if len(series) == 1:
                np.asarray(series[0].flatten()).reshape(batch.num_rows, -1)
            else:
                np.ascontiguousarray(np.stack([np.asarray(c, dtype=np.float32) for c in series]).T)


def calling(threads: int, *, turns: int) -> dict[str, float]:
    """Return the speed of ways of calling the default network in int8, in series per second of wall time."""
    onnxruntime = import_onnxruntime()
    data = load_model().read("int8")
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 3, (_SERIES, _EPOCHS)).astype(np.float32)
    days = np.arange(_EPOCHS, dtype=np.float32)[None] * 6

    def session(**settings: Any) -> Any:
        options = cpu_session_options(onnxruntime)
        spinning = settings.pop("spinning", False)
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
        for name, value in settings.items():
            setattr(options, name, value)
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    shared = session()
    jobs: dict[str, Job] = {
        "one thread": _job([shared], 1, rows, days),
        f"one session, {threads} callers": _job([shared], threads, rows, days),
        f"{threads} sessions, one caller each": _job([session() for _ in range(threads)], threads, rows, days),
        f"one caller, {threads} threads inside": _job([session(intra_op_num_threads=threads)], 1, rows, days),
        f"one caller, {threads} threads inside, spinning": _job(
            [session(intra_op_num_threads=threads, spinning=True)], 1, rows, days
        ),
        "one thread, without the arena": _job([session(enable_cpu_mem_arena=False)], 1, rows, days),
        f"one session, {threads} callers, without the arena": _job(
            [session(enable_cpu_mem_arena=False)], threads, rows, days
        ),
    }
    paces = in_turns({name: timed(job) for name, job in jobs.items()}, dict.fromkeys(jobs, _SERIES), turns=turns)
    return {name: pace.per_second for name, pace in paces.items()}


def _job(sessions: list[Any], callers: int, rows: Any, days: Any) -> Job:
    def job(count: int) -> None:
        def call(start: int) -> None:
            session = sessions[start // _ROWS % len(sessions)]
            session.run(None, {"displacement": rows[start : min(start + _ROWS, count)], "days": days})

        with ThreadPoolExecutor(callers) as pool:
            for _ in pool.map(call, range(0, count, _ROWS)):
                pass

    return job
