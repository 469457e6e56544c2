"""Command line of the benchmark of the diagnosis; it takes some minutes and needs an otherwise idle machine."""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import typer

from benchmarks.diagnosis import report
from benchmarks.diagnosis.series import EPOCHS, FLAGGED_SHARE, make_file
from benchmarks.speed.files import ROOT, ours, run_command
from insar_runtime._engine.hardware import describe_hardware

_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "diagnosis",
    work: Annotated[Path | None, typer.Option(help="Folder of the test file (some 200 MB).")] = None,
    quick: Annotated[bool, typer.Option(help="Run for about a minute, to test the command.")] = False,
) -> None:
    """Measure the speed of the diagnosis, and write ``speed.json`` and ``speed.md``."""
    series, turns, rows, file_turns = (1024, 1, 5000, 1) if quick else (8192, 7, 200_000, 5)
    with tempfile.TemporaryDirectory() as scratch:
        folder = work or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        typer.echo("fits", err=True)
        fits = _fits(series, turns)
        typer.echo("files", err=True)
        facts = {
            "date": str(dt.datetime.now(tz=dt.UTC).date()),
            "hardware": describe_hardware(),
            "epochs": EPOCHS,
            "fits": fits,
            "file": _files(folder, rows, file_turns),
        }
    report.write(facts, out)
    typer.echo(f"tables in {out}", err=True)


def _fits(series: int, turns: int) -> dict[str, Any]:
    """Return the times of the fits, from a process in which all libraries have one thread (set before their import)."""
    command = [sys.executable, "-m", "benchmarks.diagnosis.fits", str(series), str(turns)]
    environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _files(folder: Path, rows: int, turns: int) -> dict[str, Any]:
    """Return the times of ``classify`` with and without ``--diagnose``, measured in turns on one core and on all."""
    source, output, corrected = make_file(folder, rows), folder / "out.parquet", folder / "corrected.parquet"
    kinds: dict[str, tuple[str, ...]] = {
        "classify": (),
        "classify --diagnose": ("--diagnose",),
        "classify --diagnose --corrected-out": ("--diagnose", "--corrected-out", str(corrected)),
    }
    found: dict[str, Any] = {"rows": rows, "flagged": FLAGGED_SHARE, "runs": {}}
    for cores in sorted({1, len(os.sched_getaffinity(0))}):
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
        for turn in range(turns + 1):
            for name, options in kinds.items():
                command = ours(source, output, "--sensor", "sentinel-1", "--threads", str(cores), *options)
                before = _cpu_seconds()
                run = run_command(command, cores=cores)
                if turn:  # the first turn is a warm-up
                    spent = {"cpu_seconds": _cpu_seconds() - before, **asdict(run)}
                    taken[name].append(spent)
        found["runs"][str(cores)] = {
            name: {key: median(run[key] for run in runs) for key in runs[0]} for name, runs in taken.items()
        }
    return found


def _cpu_seconds() -> float:
    """Return the CPU time of all terminated child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    typer.run(main)
