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

_COMMANDS = {
    "files": (100, "Damaged and absurd files of every container, through every command that reads."),
    "kills": (20, "Real runs that are interrupted, terminated, hung up or killed at a random moment."),
    "full-disk": (50, "Disks and streams that take no more bytes."),
    "pairs": (50, "Two runs that write the same outputs at once."),
    "limits": (20, "Little memory, few open files."),
    "forged": (100, "Forged metadata and columns of our own, into the commands that read them back."),
    "models": (50, "Model folders of strangers."),
}
"""Usual number of cases of each attack, and what it tries."""

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


def _add_command(name: str, usual: int, tries: str) -> None:
    """Add the command of an attack."""

    def command(
        count: CountOption = usual,
        seed: SeedOption = 1,
        first: FirstOption = 0,
        out: OutOption = None,
        keep: KeepOption = None,
        jobs: JobsOption = 1,
    ) -> None:
        _end(_attack(name, count, seed, first, out, keep, jobs))

    app.command(name, help=tries)(command)


for _name, (_usual, _tries) in _COMMANDS.items():
    _add_command(_name, _usual, _tries)


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
