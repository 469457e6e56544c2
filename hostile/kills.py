"""Kill real runs at random moments: the old output or the new one is there, whole, and nothing else."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hostile.chance import case_generator, happens, pick
from hostile.ended import Ended, snapshot
from hostile.fork_server import ForkServer
from hostile.judge import Verdict, judge_process
from hostile.real_process import RealProcess, run_process
from hostile.results import CaseResult, one_line
from hostile.sample_tables import count_rows, write_sample

_POINTS: Final = 2000
_CATCHABLE: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_SIGNALS: Final = (*_CATCHABLE, "SIGKILL")
_WAYS: Final = (
    ("-o", "out.parquet"),
    ("-o", "out.csv"),
    ("-o", "out.gpkg"),
    ("-o", "out.arrow"),
    ("-o", "out.parquet", "--quarantine", "bad.parquet", "--gpkg", "map.gpkg"),
    ("-o", "out.parquet", "--qml", "--diagnose"),
)
"""Outputs of a run."""


def kill_runs(numbers: Sequence[int], seed: int, work: Path, *, keep: bool = False) -> Iterator[CaseResult]:
    """Try cases, and yield their results in order.

    The moment of a kill is a random share of the time of a whole run, so that what is hit differs from run to run even
    with one seed.

    For the parameters see ``hostile.attacks.Attack``.
    """
    source = write_sample(work / "in.parquet", _POINTS)
    old = {way: _finished(way, source, work / f"old-{k}") for k, way in enumerate(_WAYS)}
    with ForkServer() as server:
        for number in numbers:
            rng = case_generator(seed, "kills", number)
            folder = work / f"case-{number}"
            yield _kill(rng, number, folder, source, old, server)
            if not keep:
                shutil.rmtree(folder)


def _finished(way: tuple[str, ...], source: Path, folder: Path) -> tuple[Path, float]:
    """Return a folder with the outputs of a whole run, and the time that it took in seconds."""
    folder.mkdir()
    begin = time.perf_counter()
    done = run_process(_call(source, way), folder)
    if done.code != 0:
        raise RuntimeError(f"a run that was not killed ends with {done.describe_code()}: {done.error_text}")
    return folder, time.perf_counter() - begin


def _call(source: Path, way: tuple[str, ...]) -> list[str]:
    return ["classify", str(source), "--threads", "1", "--overwrite", *way]


def _kill(
    rng: np.random.Generator,
    number: int,
    folder: Path,
    source: Path,
    old: dict[tuple[str, ...], tuple[Path, float]],
    server: ForkServer,
) -> CaseResult:
    way, name = pick(rng, _WAYS), pick(rng, _SIGNALS)
    before_folder, whole_s = old[way]
    had_old = happens(rng, 0.6)
    if had_old:
        shutil.copytree(before_folder, folder)
    else:
        folder.mkdir()
    # Most of the moments in which something is at stake lie near the end.
    share = float(rng.uniform(0, 1.15) if happens(rng, 0.6) else rng.uniform(0.6, 1.1))
    twice = happens(rng, 0.15)
    # As systemd sends SIGTERM and SIGHUP.
    also = _CATCHABLE if happens(rng, 0.15) and name != "SIGKILL" else ()
    before = snapshot(folder)
    signal_number = getattr(signal, name)
    with RealProcess(_call(source, way), folder) as process:
        time.sleep(share * whole_s)
        handled = process.catches(signal.SIGTERM)
        process.send(signal_number)
        for further in [signal_number] * twice + [getattr(signal, other) for other in also]:
            process.send(further)
        ended = process.wait()
    sent = f"{name}{' twice' if twice else ''}{' with others' if also else ''}"
    tried = f"{sent} after {share:.2f} of a run, {'old outputs' if had_old else 'no outputs'}"
    numbers = {signal_number, *(getattr(signal, other) for other in also)}
    outcome, detail = _judge(ended, numbers, folder, before, set(snapshot(before_folder)), handled=handled)
    if outcome in {"ok", "killed"}:
        outcome, detail = _judge_next(folder, source, way, set(snapshot(before_folder)), server) or (outcome, detail)
    return CaseResult("kills", number, name, tried, f"classify {' '.join(way)}", outcome, ended.code, detail)


def _judge(
    ended: Ended, numbers: set[int], folder: Path, before: dict[str, str], names: set[str], *, handled: bool
) -> Verdict:
    """Judge a killed run; ``handled`` says whether it had its signal handlers when the signals were sent."""
    hard = signal.SIGKILL in numbers
    raw, caught = {-number for number in numbers}, {128 + number for number in numbers}
    allowed = {0} | (raw if hard or not handled else caught)
    if not handled:
        allowed |= caught | {1}  # Python itself has ended, in a way of its own
    if ended.hung or ended.code not in allowed:
        return ("hang" if ended.hung else "wrong code"), f"{ended.describe_code()}; {one_line(ended.error_text)}"
    if handled and not hard and ended.code != 0 and (text := ended.error_text).strip() and "rror" in text:
        return "wrong message", one_line(text)
    after = snapshot(folder)
    hidden = [name for name in after if name not in names]
    if hidden and not hard:
        return "partial output", f"{', '.join(hidden)} left behind with {ended.describe_code()}"
    new = {name for name in names if name in after and after[name] != before.get(name)}
    if gone := [name for name in before if name not in after]:
        return "old output lost", f"{', '.join(gone)} gone"
    if broken := [f"{name}: {why}" for name in sorted(new) if (why := _trouble(folder / name))]:
        return "partial output", "; ".join(broken)
    if ended.code == 0:
        # The bits of a file may be the same as before.
        missing = names - after.keys()
        return ("partial output", f"exit code 0 without {', '.join(sorted(missing))}") if missing else ("ok", "")
    if not hard and new and names <= after.keys():
        return "wrong code", f"{ended.describe_code()}, and all outputs are there"
    if not hard and new:
        return "partial output", f"{ended.describe_code()}, and {', '.join(sorted(new))} new"
    return "killed", ""


def _trouble(path: Path) -> str:
    """Return what is wrong with a new file; empty if it is whole."""
    if path.suffix in {".json", ".qml"}:
        return "" if path.stat().st_size else "empty"
    try:
        rows = count_rows(path)
    except Exception as error:  # readers refuse in many ways
        return f"{type(error).__name__} {one_line(str(error), 100)}"
    expected = {"bad.parquet": -(-_POINTS // 7)}.get(path.name, _POINTS)
    return "" if rows == expected else f"{rows} of {expected} rows"


def _judge_next(
    folder: Path, source: Path, way: tuple[str, ...], names: set[str], server: ForkServer
) -> Verdict | None:
    """Run once more in the same folder: it must succeed, and leave the outputs alone."""
    ended = server.run(_call(source, way), folder)
    verdict = judge_process(ended, {0})
    if verdict[0] != "ok":
        return verdict[0], f"the run after it: {verdict[1]}"
    left = sorted(snapshot(folder).keys() - names)
    return ("partial output", f"the run after it leaves {', '.join(left)}") if left else None
