"""Speed of whole files: reading, inference, both together; time and memory by size of the file."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks.speed.tables import CONTAINERS, Container, make_table
from insar_runtime import Classifier, classify_file
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._pipeline.prepare import open_described

ROOT: Final = Path(__file__).parents[2]
_COMMAND: Final = [sys.executable, "-m", "insar_runtime", "classify"]
_POLL_SECONDS: Final = 0.01


@dataclass(frozen=True)
class Pipeline:
    """Speed for one container and number of threads, in series per second.

    Attributes
    ----------
    read : float
        Reading only, to the matrix in mm, by each of the threads at once: what all of them read together.
    infer : float
        Inference only, from that matrix, by each of the threads at once.
    whole : float
        ``classify_file``.
    """

    container: Container
    threads: int
    epochs: int
    read: float
    infer: float
    whole: float


@dataclass(frozen=True)
class Command:
    """Time of a command from start to exit in seconds, and its peak memory in MB."""

    seconds: float
    peak_mb: float


def pipelines(folder: Path, *, rows: int, epochs: int, threads: Sequence[int], turns: int) -> list[Pipeline]:
    """Return the speed of reading, inference and both, measured in turns."""
    jobs: dict[tuple[str, int, str], Callable[[], object]] = {}
    for container in CONTAINERS:
        path = make_table(folder, container, rows, epochs)
        matrix, days = _matrix_of(path)
        for count in threads:
            classifier = Classifier(device="cpu", threads=count)
            out = folder / "out.parquet"
            jobs[container, count, "read"] = lambda path=path, count=count: _at_once(count, lambda: _read(path))  # type: ignore[misc]
            parts = np.array_split(matrix, count)
            alone = classifier.with_threads(1)
            jobs[container, count, "infer"] = lambda c=alone, p=parts, d=days: _at_once(  # type: ignore[misc]
                len(p), *(partial(c.classify_matrix, part, d) for part in p)
            )
            jobs[container, count, "whole"] = lambda c=classifier, p=path, o=out: classify_file(  # type: ignore[misc]
                p, o, classifier=c, units="mm", overwrite=True
            )
    taken: dict[tuple[str, int, str], list[float]] = {key: [] for key in jobs}
    for turn in range(turns + 1):
        for key, job in jobs.items():
            begin = time.perf_counter()
            job()
            if turn:  # the first turn is a warm-up
                taken[key].append(time.perf_counter() - begin)
    pace = {key: rows / median(times) for key, times in taken.items()}
    return [
        Pipeline(
            container,
            count,
            epochs,
            # Each of the threads reads the whole file.
            count * pace[container, count, "read"],
            pace[container, count, "infer"],
            pace[container, count, "whole"],
        )
        for container in CONTAINERS
        for count in threads
    ]


def _matrix_of(path: Path) -> tuple[Any, Any]:
    with open_described(path, UserDeclarations("mm")) as table:
        parts = [table.description.matrix(batch) for batch in table.batches]
        return np.concatenate(parts), table.description.layout.days


def _read(path: Path) -> None:
    with open_described(path, UserDeclarations("mm")) as table:
        for batch in table.batches:
            table.description.matrix(batch)


def _at_once(threads: int, *jobs: Callable[[], object]) -> None:
    """Run jobs in as many threads at once; a single job in each of the threads."""
    if threads == 1:
        jobs[0]()
        return
    with ThreadPoolExecutor(threads) as pool:
        # Going through the results raises what a job has raised.
        for _ in pool.map(lambda job: job(), jobs if len(jobs) == threads else jobs * threads):
            pass


def run_command(command: Sequence[str | Path], *, cores: int) -> Command:
    """Run a command on so many cores, and return its time and peak memory."""
    return run_commands([command], cores=cores)


def run_commands(commands: Sequence[Sequence[str | Path]], *, cores: int) -> Command:
    """Run commands at the same time on so many cores; return the time until the last ends, and the largest memory."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    environment = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "runtime"), str(ROOT)]),
    }
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as words:
        running = [
            subprocess.Popen(
                [str(part) for part in command],
                stdout=subprocess.DEVNULL,
                stderr=words,
                env=environment,
                preexec_fn=lambda: os.sched_setaffinity(0, allowed),  # noqa: PLW1509 - before the command starts
            )
            for command in commands
        ]
        peak = 0.0
        while any(process.poll() is None for process in running):
            peak = max(peak, *(_peak_mb(process.pid) for process in running))
            time.sleep(_POLL_SECONDS)
        seconds = time.perf_counter() - begin
        if any(process.returncode for process in running):
            words.seek(0)
            raise RuntimeError(f"{commands[0][0]} failed: {words.read().decode()[-500:]}")
    return Command(seconds, peak)


def _peak_mb(process: int) -> float:
    """Return the peak memory of a process; 0 if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


def ours(source: Path, output: Path, *options: str) -> list[str | Path]:
    """Return the arguments of ``insar-rt classify`` for a file."""
    return [*_COMMAND, source, "-o", output, "--overwrite", "-q", "--units", "mm", *options]


def against_today(folder: Path, *, rows: int, epochs: int, turns: int) -> dict[str, dict[str, Command]]:
    """Run ``insar-rt`` and the pandas script on the same files, in turns, on all cores."""
    cores = len(os.sched_getaffinity(0))
    model = ROOT / "artifacts" / "paper-cnn" / "paper-cnn.keras"
    found: dict[str, dict[str, Command]] = {}
    compared: tuple[Container, ...] = ("wide Parquet", "CSV")
    for container in compared:
        source = make_table(folder, container, rows, epochs)
        output = folder / "out.parquet"
        script: list[str | Path] = [sys.executable, "-m", "benchmarks.speed.pandas_script", source, output, model]
        both: dict[str, list[Command]] = {"insar-rt": [], "pandas and Keras": []}
        for _ in range(turns):
            both["insar-rt"].append(run_command(ours(source, output), cores=cores))
            both["pandas and Keras"].append(run_command(script, cores=cores))
        found[container] = {name: _median(runs) for name, runs in both.items()}
    return found


def growth(folder: Path, *, rows: Sequence[int], epochs: int, turns: int) -> dict[str, dict[int, Command]]:
    """Run ``insar-rt`` on files with increasing numbers of series, on all cores."""
    cores = len(os.sched_getaffinity(0))
    found: dict[str, dict[int, Command]] = {}
    containers: tuple[Container, ...] = (*CONTAINERS, "zip")
    for container in containers:
        found[container] = {}
        for count in rows:
            source = make_table(folder, container, count, epochs)
            repeats = turns if count < 100_000 else 1
            runs = [run_command(ours(source, folder / "out.parquet"), cores=cores) for _ in range(repeats)]
            found[container][count] = _median(runs)
            if count > 500_000 and container != "CSV":  # the zip is written from it
                source.unlink()
    return found


def processes(folder: Path, *, rows: int, epochs: int, turns: int) -> dict[str, float]:
    """Return series per second of one process with one or two threads, and of two processes with one thread each."""
    sources = [make_table(folder, "wide Parquet", rows + extra, epochs) for extra in (0, 1)]
    outputs = [folder / f"out-{i}.parquet" for i in (0, 1)]
    taken: dict[str, list[float]] = {"1 process, 1 thread": [], "1 process, 2 threads": [], "2 processes, 1 thread": []}
    for _ in range(turns):
        taken["1 process, 1 thread"].append(
            run_command(ours(sources[0], outputs[0], "--threads", "1"), cores=1).seconds
        )
        taken["1 process, 2 threads"].append(
            run_command(ours(sources[0], outputs[0], "--threads", "2"), cores=2).seconds
        )
        both = [ours(source, out, "--threads", "1") for source, out in zip(sources, outputs, strict=True)]
        taken["2 processes, 1 thread"].append(run_commands(both, cores=2).seconds / 2)
    return {name: rows / median(times) for name, times in taken.items()}


def _median(runs: Sequence[Command]) -> Command:
    return Command(median(run.seconds for run in runs), median(run.peak_mb for run in runs))
