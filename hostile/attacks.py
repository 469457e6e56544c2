"""The attacks by name, and how a number of cases is tried by several processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Protocol

from hostile.files.fuzz import fuzz_files
from hostile.forged import forge_metadata
from hostile.full_disk import fill_disks
from hostile.kills import kill_runs
from hostile.limits import limit_runs
from hostile.model_folders import offer_models
from hostile.pairs import write_at_once
from hostile.results import CaseResult, one_line
from hostile.workplace import workplace


class Attack(Protocol):
    """Tries cases of one kind, and yields their results in the order of the numbers."""

    def __call__(self, numbers: Sequence[int], seed: int, work: Path, *, keep: bool = False) -> Iterator[CaseResult]:
        """Try cases, and yield their results.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of the cases.
        seed : int
            With the number of a case it makes the case again.
        work : Path
            Folder for the files.
        keep : bool
            Whether the files of the cases stay.
        """


ATTACKS: Final[dict[str, Attack]] = {
    "files": fuzz_files,
    "kills": kill_runs,
    "full-disk": fill_disks,
    "pairs": write_at_once,
    "limits": limit_runs,
    "forged": forge_metadata,
    "models": offer_models,
}
_TOLD_EACH: Final = 200


def run_attack(
    name: str, numbers: Sequence[int], seed: int, *, keep: Path | None = None, jobs: int = 1
) -> list[CaseResult]:
    """Try cases of one attack.

    Parameters
    ----------
    name : str
        A key of ``ATTACKS``.
    numbers : sequence of int
        Of the cases.
    seed : int
    keep : Path, optional
        Folder for the files; it stays, with what the cases leave in it.
    jobs : int
        Processes at once.

    Returns
    -------
    list of CaseResult
        In the order of the numbers, whatever process was the first.
    """
    parts = [list(numbers[job::jobs]) for job in range(jobs)]
    if jobs == 1:
        results = _part(name, parts[0], seed, keep)
    else:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            folders = [keep and keep / f"job-{job}" for job in range(jobs)]
            done = pool.map(_part, [name] * jobs, parts, [seed] * jobs, folders)
            results = [result for part in done for result in part]
    return sorted(results, key=lambda result: result.number)


def _part(name: str, numbers: Sequence[int], seed: int, keep: Path | None) -> list[CaseResult]:
    results = []
    with workplace(keep) as folder:
        for result in ATTACKS[name](numbers, seed, folder, keep=keep is not None):
            results.append(result)
            if result.is_bad:
                _say(
                    f"{name} {result.number}: {result.outcome} ({result.code}); {result.kind}; "
                    f"{one_line(result.tried)}; insar-rt {result.call}; {result.detail}"
                )
            if len(results) % _TOLD_EACH == 0:
                _say(f"{name}: {len(results)} of {len(numbers)} cases")
    return results


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - people read stderr
