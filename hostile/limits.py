"""Limits of the system and of the command: address space, open files, ``--memory-limit``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hostile.chance import case_generator, pick
from hostile.ended import Ended, snapshot
from hostile.judge import Verdict, judge_files, judge_process
from hostile.real_process import run_process
from hostile.results import CaseResult
from hostile.sample_tables import write_sample

_MIB: Final = 1 << 20
_POINTS: Final = 20_000
_CALLS: Final = (
    ("classify", "in.parquet", "-o", "out.parquet"),
    ("classify", "in.parquet", "-o", "out.csv"),
    ("classify", "in.parquet", "-o", "out.gpkg"),
    ("classify", "in.parquet", "-o", "out.parquet", "--diagnose"),
    ("classify", "in.csv", "-o", "out.parquet"),
    ("inspect", "in.parquet"),
    ("convert", "in.csv", "-o", "out.parquet"),
)
_OVERSHOOT: Final = 1.05
"""What a run may hold of its ``--memory-limit``."""


def limit_runs(numbers: Sequence[int], seed: int, work: Path, *, keep: bool = False) -> Iterator[CaseResult]:
    """Try cases, and yield their results in order.

    For the parameters see ``hostile.attacks.Attack``.
    """
    sources = [write_sample(work / "in.parquet", _POINTS), write_sample(work / "in.csv", _POINTS // 4)]
    for number in numbers:
        rng = case_generator(seed, "limits", number)
        folder = work / f"case-{number}"
        folder.mkdir()
        for source in sources:
            (folder / source.name).symlink_to(source)
        yield pick(rng, (_address_space, _open_files, _memory_limit))(rng, number, folder)
        if not keep:
            shutil.rmtree(folder)


def _address_space(rng: np.random.Generator, number: int, folder: Path) -> CaseResult:
    """As after ``ulimit -v``: memory runs out somewhere."""
    mib = int(np.exp(rng.uniform(np.log(60), np.log(2500))))
    limits = {"RLIMIT_AS": mib * _MIB}
    return _limited(pick(rng, _CALLS), number, folder, "address space", f"{mib} MB", limits, {0, 71})


def _open_files(rng: np.random.Generator, number: int, folder: Path) -> CaseResult:
    """As after ``ulimit -n``: files cannot be opened somewhere."""
    count = int(rng.integers(4, 30))
    limits = {"RLIMIT_NOFILE": count}
    return _limited(pick(rng, _CALLS), number, folder, "open files", str(count), limits, {0, 74})


def _limited(
    call: tuple[str, ...],
    number: int,
    folder: Path,
    kind: str,
    tried: str,
    limits: Mapping[str, int],
    allowed: set[int],
) -> CaseResult:
    before = snapshot(folder)
    ended = run_process([*call, "--threads", "1"] if call[0] == "classify" else call, folder, limits=limits)
    verdict = _judge(ended, before, folder, call, allowed)
    if verdict[0] not in {"ok", "refused"} and (_ended_by_library(ended) or _nothing_starts(folder, limits)):
        verdict = judge_files(ended, before, snapshot(folder), set()) or ("refused", "")
    return CaseResult("limits", number, kind, tried, " ".join(call), verdict[0], ended.code, verdict[1])


def _ended_by_library(ended: Ended) -> bool:
    """Whether OpenBLAS has ended the process itself, as it does where it gets no memory: one line, exit code 1."""
    text = ended.error_text.strip()
    return ended.code == 1 and text.startswith("OpenBLAS error: Memory allocation") and "\n" not in text


def _nothing_starts(folder: Path, limits: Mapping[str, int]) -> bool:
    """Whether not even Python starts under these limits."""
    return run_process(["--version"], folder, limits=limits).code != 0


def _memory_limit(rng: np.random.Generator, number: int, folder: Path) -> CaseResult:
    call = pick(rng, [call for call in _CALLS if call[0] == "classify"])
    mib, threads = int(np.exp(rng.uniform(np.log(10), np.log(800)))), int(rng.integers(1, 5))
    before = snapshot(folder)
    ended = run_process([*call, "--memory-limit", f"{mib}M", "--threads", str(threads)], folder)
    verdict = _judge(ended, before, folder, call, {0, 71})
    if verdict[0] == "ok" and ended.peak_mb > _OVERSHOOT * mib:
        verdict = "memory", f"{ended.peak_mb} MB held, {mib} MB allowed"
    tried = f"{mib} MB, {threads} threads"
    return CaseResult("limits", number, "--memory-limit", tried, " ".join(call), verdict[0], ended.code, verdict[1])


def _judge(ended: Ended, before: dict[str, str], folder: Path, call: tuple[str, ...], allowed: set[int]) -> Verdict:
    verdict = judge_process(ended, allowed)
    if verdict[0] not in {"ok", "refused"}:
        return verdict
    outputs = {call[call.index("-o") + 1]} if "-o" in call else set()
    outputs |= {f"{name}.json" for name in outputs if name.endswith((".csv", ".arrow"))}
    return judge_files(ended, before, snapshot(folder), outputs) or verdict
