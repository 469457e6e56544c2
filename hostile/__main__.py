"""Attack the command and record what comes out: ``python -m hostile --help``."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

# Before onnxruntime is imported, here and in all children; one thread for numbers, as a fork has one.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

from hostile.attacks import ATTACKS, run_attack
from hostile.record import write_record
from hostile.results import CaseResult, count_outcomes, write_results

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

CountOption = Annotated[int, typer.Option("--count", "-n", min=1, help="Cases to try.")]
SeedOption = Annotated[int, typer.Option(help="Seed; with the number of a case it makes the case again.")]
FirstOption = Annotated[int, typer.Option(min=0, help="Number of the first case.")]
OutOption = Annotated[
    Path | None, typer.Option(help="Folder for the table of the cases, ATTACK.csv.", show_default=False)
]
KeepOption = Annotated[
    Path | None, typer.Option(help="Folder for the files of the cases, which stay there.", show_default=False)
]
JobsOption = Annotated[int, typer.Option(min=1, help="Processes at once.")]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - people read stderr


def _attack(
    name: str, count: int, seed: int, first: int, out: Path | None, keep: Path | None, jobs: int
) -> list[CaseResult]:
    results = run_attack(name, range(first, first + count), seed, keep=keep, jobs=jobs)
    if out is not None:
        write_results(results, out / f"{name}.csv")
    counts = ", ".join(f"{outcome} {number}" for outcome, number in sorted(count_outcomes(results).items()))
    _say(f"{name}: {len(results)} cases with seed {seed}: {counts}")
    return results


def _end(results: list[CaseResult]) -> None:
    if any(result.is_bad for result in results):
        raise typer.Exit(1)


@app.command()
def files(
    count: CountOption = 100,
    seed: SeedOption = 1,
    first: FirstOption = 0,
    out: OutOption = None,
    keep: KeepOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Damaged and absurd files of every container, through every command that reads."""
    _end(_attack("files", count, seed, first, out, keep, jobs))


@app.command()
def kills(
    count: CountOption = 20,
    seed: SeedOption = 1,
    first: FirstOption = 0,
    out: OutOption = None,
    keep: KeepOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Real runs that are interrupted, terminated, hung up or killed at a random moment."""
    _end(_attack("kills", count, seed, first, out, keep, jobs))


@app.command("full-disk")
def full_disk(
    count: CountOption = 50,
    seed: SeedOption = 1,
    first: FirstOption = 0,
    out: OutOption = None,
    keep: KeepOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Disks and streams that take no more bytes."""
    _end(_attack("full-disk", count, seed, first, out, keep, jobs))


@app.command()
def pairs(
    count: CountOption = 50,
    seed: SeedOption = 1,
    first: FirstOption = 0,
    out: OutOption = None,
    keep: KeepOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Two runs that write the same outputs at once."""
    _end(_attack("pairs", count, seed, first, out, keep, jobs))


@app.command()
def limits(
    count: CountOption = 20,
    seed: SeedOption = 1,
    first: FirstOption = 0,
    out: OutOption = None,
    keep: KeepOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Little memory, few open files."""
    _end(_attack("limits", count, seed, first, out, keep, jobs))


@app.command()
def forged(
    count: CountOption = 100,
    seed: SeedOption = 1,
    first: FirstOption = 0,
    out: OutOption = None,
    keep: KeepOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Forged metadata of our own keys, into the commands that read them back."""
    _end(_attack("forged", count, seed, first, out, keep, jobs))


@app.command()
def models(
    count: CountOption = 50,
    seed: SeedOption = 1,
    first: FirstOption = 0,
    out: OutOption = None,
    keep: KeepOption = None,
    jobs: JobsOption = 1,
) -> None:
    """Model folders of strangers."""
    _end(_attack("models", count, seed, first, out, keep, jobs))


@app.command("all")
def run_all(
    out: Annotated[Path, typer.Option(help="Folder of the record: a table an attack, and a README.")],
    files_count: Annotated[int, typer.Option("--files", min=1, help="Damaged files.")] = 10_000,
    kills_count: Annotated[int, typer.Option("--kills", min=1, help="Killed runs.")] = 1000,
    others: Annotated[int, typer.Option(min=1, help="Cases of each other attack.")] = 500,
    seed: SeedOption = 2026,
    jobs: JobsOption = 1,
) -> None:
    """Try everything, and write the record; an hour or so on two cores with the usual counts."""
    counts = dict.fromkeys(ATTACKS, others) | {"files": files_count, "kills": kills_count}
    results, seconds = {}, {}
    for name, count in counts.items():
        begin = time.perf_counter()
        results[name] = _attack(name, count, seed, 0, out, None, jobs)
        seconds[name] = time.perf_counter() - begin
    write_record(results, seed, seconds, out)
    _say(f"record in {out}")
    _end([result for cases in results.values() for result in cases])


if __name__ == "__main__":
    app()
