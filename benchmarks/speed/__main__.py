"""Command line of the benchmark of speed and memory; some twenty minutes on two otherwise idle cores."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from insar_runtime.definitions import DAYS_PER_YEAR

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import typer

from benchmarks.speed import choices, files, report, start
from benchmarks.speed.engine_process import EngineProcess
from benchmarks.speed.timing import Job, in_turns, timed, use_cores
from insar_runtime import Classifier
from insar_runtime._engine.hardware import describe_hardware

ROOT: Final = Path(__file__).parents[2]
_EPOCHS: Final = 139
_START_ROWS: Final = 1000
_COMPARED: Final = 512
"""Number of series on which engines are compared with Keras."""
_PROFILED_ROWS: Final = 464
"""Number of rows of a call at 139 epochs in the classifier."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of the measurements."""

    series: int = 16_384
    turns: int = 9
    call_rows: tuple[int, ...] = (1, 16, 64, 256, 512, 1024, 4096)
    call_epochs: tuple[int, ...] = (60, 139, 300)
    growing_epochs: tuple[int, ...] = (60, 100, 139, 200, 243, 300, 400)
    pipeline_rows: int = 200_000
    pipeline_epochs: int = 243
    file_turns: int = 3
    today_rows: int = 50_000
    rows: tuple[int, ...] = (1000, 10_000, 200_000, 2_000_000)
    start_turns: int = 9


QUICK: Final = Sizes(2048, 3, (1, 256, 1024), (139,), (60, 139), 10_000, 139, 1, 10_000, (1000, 10_000), 2)


def main(
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "speed",
    work: Annotated[Path | None, typer.Option(help="Folder of the test files (some 6 GB).")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Measure only this part again, and keep the others of the tables; repeatable."),
    ] = None,
    quick: Annotated[bool, typer.Option(help="Run for a few minutes, to test the command.")] = False,
) -> None:
    """Measure speed and memory, and write the tables."""
    sizes = QUICK if quick else Sizes()
    unknown = set(only or ()) - set(PARTS)
    if unknown:
        raise typer.BadParameter(f"{unknown.pop()} is no part; the parts are {', '.join(PARTS)}")
    facts: dict[str, Any] = json.loads((out / "speed.json").read_text(encoding="utf-8")) if only else {}
    facts |= {
        "date": str(dt.datetime.now(tz=dt.UTC).date()),
        "hardware": describe_hardware(),
        "profiled_rows": _PROFILED_ROWS,
        "pipeline_rows": sizes.pipeline_rows,
        "pipeline_epochs": sizes.pipeline_epochs,
        "today_rows": sizes.today_rows,
        "growth_epochs": _EPOCHS,
        "rows": list(sizes.rows),
        "start_rows": _START_ROWS,
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = work or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name, measure in PARTS.items():
            if not only or name in only:
                typer.echo(name, err=True)
                facts |= measure(sizes, folder)
    report.write(facts, out)
    typer.echo(f"tables in {out}", err=True)


def _files(sizes: Sizes, folder: Path) -> dict[str, Any]:
    rows, epochs, turns = sizes.pipeline_rows, sizes.pipeline_epochs, sizes.file_turns
    found = files.pipelines(folder, rows=rows, epochs=epochs, threads=_threads(), turns=turns)
    return {
        "pipelines": [asdict(pipeline) for pipeline in found],
        "processes": files.processes(folder, rows=rows, epochs=epochs, turns=turns),
    }


def _start(sizes: Sizes, folder: Path) -> dict[str, Any]:
    of_run = {"rows": _START_ROWS, "epochs": _EPOCHS, "turns": sizes.start_turns}
    return {"start": start.cold_start(folder, **of_run), "imports": start.import_shares(folder, **of_run)}


def _today(sizes: Sizes, folder: Path) -> dict[str, Any]:
    turns = min(sizes.file_turns, 2)
    today = files.against_today(folder, rows=sizes.today_rows, epochs=sizes.pipeline_epochs, turns=turns)
    return {"today": {name: {who: asdict(run) for who, run in runs.items()} for name, runs in today.items()}}


def _growth(sizes: Sizes, folder: Path) -> dict[str, Any]:
    growth = files.growth(folder, rows=sizes.rows, epochs=_EPOCHS, turns=3)
    return {"growth": {name: {str(count): asdict(run) for count, run in runs.items()} for name, runs in growth.items()}}


def _choices(sizes: Sizes, folder: Path) -> dict[str, Any]:
    rows, epochs = sizes.pipeline_rows, sizes.pipeline_epochs
    return {
        "reading": choices.reading(folder, rows=rows, epochs=epochs, turns=sizes.file_turns),
        "calling": choices.calling(max(_threads()), turns=sizes.turns),
    }


def _threads() -> list[int]:
    return sorted({1, len(os.sched_getaffinity(0))})


def _on_one_core(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """Return all measurements on one core, to which this process is restricted from then on."""
    del folder
    from benchmarks.speed.engines import GROUPS, versions
    from training.networks.trend_net import TrendNetConfig, convolution_multiply_adds, multiply_adds
    from training.simulator import simulate

    with ExitStack() as open_groups:
        groups = [open_groups.enter_context(EngineProcess(group, sizes.series, ROOT / "artifacts")) for group in GROUPS]
        missing = {group: process.trouble for group, process in zip(GROUPS, groups, strict=True) if process.trouble}
        home = {name: process for process in groups for name in process.engines}
        differences = _differences(home)
        paces = in_turns(
            {name: process.job(name) for name, process in home.items()},
            {name: process.engines[name][1] for name, process in home.items()},
            turns=sizes.turns,
        )
    use_cores(1)
    from benchmarks.speed import graph

    series = simulate(_PROFILED_ROWS, seed=5, calendar="paper")
    files_of = {p: ROOT / "artifacts" / "trend-net" / f"trend-net.{p}.onnx" for p in ("int8", "fp32")}
    rows = np.ascontiguousarray(series.displacement)
    axis = np.ascontiguousarray(series.days[:1], dtype=np.float32)
    steps = {precision: graph.profile(path, rows, axis) for precision, path in files_of.items()}
    in_convolutions = convolution_multiply_adds(TrendNetConfig(), _EPOCHS)
    return {
        "engines": {name: {**asdict(pace), "difference": differences.get(name)} for name, pace in paces.items()},
        "missing": missing,
        "versions": versions(),
        "multiply_adds": multiply_adds(TrendNetConfig(), _EPOCHS),
        "peaks": graph.peaks(),
        "graph": {p: {name: asdict(step) for name, step in found.items()} for p, found in steps.items()},
        "convolution_rate": {
            p: 1e6 * in_convolutions / found["convolutions"].microseconds for p, found in steps.items()
        },
        "epochs": _by_epochs(sizes),
    }


def _differences(home: dict[str, EngineProcess]) -> dict[str, float]:
    """Return the largest difference of a probability from Keras, for engines that return probabilities."""
    found = {name: process.answer(name, _COMPARED) for name, process in home.items()}
    reference = {name: found[f"{name}, Keras predict"] for name in ("trend-net", "paper-cnn")}
    return {
        # The classifier has a column for the class that a model of five lacks.
        name: float(np.abs(answer[:, : truth.shape[1]] - truth).max())
        for name, answer in found.items()
        if answer is not None
        for truth in (reference[home[name].engines[name][0]],)
    }


def _series(count: int, epochs: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(epochs)
    days = np.arange(epochs, dtype=np.float32) * 6
    rows = rng.normal(0, 3, (count, 1)) * days / DAYS_PER_YEAR + rng.normal(0, 2.5, (count, epochs))
    return rows.astype(np.float32), days


def _by_epochs(sizes: Sizes) -> dict[str, dict[str, float]]:
    jobs: dict[str, Job] = {}
    for epochs in sizes.growing_epochs:
        rows, days = _series(8192, epochs)
        for precision in ("int8", "fp32"):
            classifier = Classifier(device="cpu", precision=precision, threads=1)
            jobs[f"{epochs} {precision}"] = lambda n, c=classifier, r=rows, d=days: c.classify_matrix(r[:n], d)  # type: ignore[misc]
    paces = in_turns({name: timed(job) for name, job in jobs.items()}, dict.fromkeys(jobs, 8192), turns=sizes.turns)
    return {
        str(epochs): {p: paces[f"{epochs} {p}"].per_second for p in ("int8", "fp32")} for epochs in sizes.growing_epochs
    }


def _calls(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """Return the speed of the session alone, by rows of a call, number of calling threads, epochs and precision."""
    del folder
    threads = _threads()
    jobs: dict[str, Job] = {}
    for epochs in sizes.call_epochs:
        rows, days = _series(8192, epochs)
        for precision in ("int8", "fp32"):
            session = Classifier(device="cpu", precision=precision)._opened.session
            for count in threads:
                for size in sizes.call_rows:
                    jobs[f"{precision} {count} {epochs} {size}"] = _caller(session, rows, days[None], count, size)
    # Calls of one row are slow, so a thousand are timed; a turn of all rows has two calls of the largest size.
    most = {name: 1024 if name.endswith(" 1") else 8192 for name in jobs}
    timed_jobs = {name: timed(job) for name, job in jobs.items()}
    paces = in_turns(timed_jobs, most, turns=max(sizes.turns // 2, 3))
    calls = [
        {
            "precision": precision,
            "threads": count,
            "epochs": epochs,
            "by_rows": {str(n): paces[f"{precision} {count} {epochs} {n}"].per_second for n in sizes.call_rows},
        }
        for precision in ("int8", "fp32")
        for epochs in sizes.call_epochs
        for count in threads
    ]
    return {"calls": calls}


def _caller(session: Any, rows: Any, axis: Any, threads: int, size: int) -> Job:
    def job(count: int) -> None:
        def call(start: int) -> None:
            session.run(None, {"displacement": rows[start : min(start + size, count)], "days": axis})

        starts = range(0, count, size)
        if threads == 1:
            for begin in starts:
                call(begin)
            return
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(call, starts):
                pass

    return job


PARTS: Final[dict[str, Callable[[Sizes, Path], dict[str, Any]]]] = {
    # Whole files first, before engines such as TensorFlow use memory and threads.
    "files": _files,
    "start": _start,
    "today": _today,
    "growth": _growth,
    "choices": _choices,
    "calls": _calls,
    # Last, because it restricts this process to one core.
    "engines": _on_one_core,
}

if __name__ == "__main__":
    typer.run(main)
