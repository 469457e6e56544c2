"""Two runs that write the same outputs at the same time: one wins, and its files are whole."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from hostile.chance import case_generator, happens, pick
from hostile.ended import Ended, snapshot
from hostile.fork_server import ForkServer
from hostile.judge import Verdict, judge_process
from hostile.results import CaseResult, one_line
from hostile.sample_tables import count_rows, write_sample

_ROWS: Final = (133, 140)
"""Of the two inputs: every file says whose it is, and both runs take the same time. Each seventh row is quarantined."""
_CALLS: Final = (
    ("classify", "-o", "out.parquet"),
    ("classify", "-o", "out.csv"),
    ("classify", "-o", "out.gpkg"),
    ("classify", "-o", "out.arrow"),
    ("classify", "-o", "out.parquet", "--quarantine", "bad.parquet"),
    ("classify", "-o", "out.parquet", "--gpkg", "map.gpkg", "--quarantine", "bad.parquet"),
    ("convert", "-o", "out.parquet"),
    ("report", "-o", "out.html"),
)
_SHARES: Final = {"bad.parquet": 7}
"""Files that hold each so many-th row only."""


def write_at_once(numbers: Sequence[int], seed: int, work: Path, *, keep: bool = False) -> Iterator[CaseResult]:
    """Try cases, and yield their results in order.

    For the parameters see ``hostile.attacks.Attack``.
    """
    sources = [write_sample(work / f"in-{rows}.parquet", rows) for rows in _ROWS]
    with ForkServer() as first, ForkServer() as second, ThreadPoolExecutor(2) as threads:
        for number in numbers:
            rng = case_generator(seed, "pairs", number)
            call, overwrite = pick(rng, _CALLS), happens(rng, 0.4)
            delays = [0.0, float(rng.exponential(0.003))]
            rng.shuffle(delays)
            folder = work / f"case-{number}"
            folder.mkdir()
            tasks = [
                threads.submit(_run, server, (call[0], str(source), *call[1:]), folder, delay, overwrite=overwrite)
                for server, source, delay in zip((first, second), sources, delays, strict=True)
            ]
            ended = [task.result() for task in tasks]
            outcome, detail = _judge(ended, folder, overwrite=overwrite)
            tried = f"{'--overwrite, ' if overwrite else ''}{1000 * abs(delays[0] - delays[1]):.0f} ms apart"
            code = max(one.code for one in ended)
            yield CaseResult("pairs", number, call[0], tried, " ".join(call), outcome, code, detail)
            if not keep:
                shutil.rmtree(folder)


def _run(server: ForkServer, call: Sequence[str], folder: Path, delay: float, *, overwrite: bool) -> Ended:
    time.sleep(delay)
    return server.run([*call, "--overwrite"] if overwrite else call, folder)


def _judge(ended: Sequence[Ended], folder: Path, *, overwrite: bool) -> Verdict:
    for one in ended:
        outcome, detail = judge_process(one, {0} if overwrite else {0, 73})
        if outcome not in {"ok", "refused"}:
            return outcome, detail
    winners = [rows for rows, one in zip(_ROWS, ended, strict=True) if one.code == 0]
    if not overwrite and len(winners) != 1:
        return "wrong code", f"{len(winners)} of two runs end with 0; {one_line(ended[0].error_text)}"
    names = sorted(snapshot(folder))
    if hidden := [name for name in names if name.startswith(".")]:
        return "partial output", f"{', '.join(hidden)} left behind"
    found = {name: rows for name in names if (rows := _rows(folder / name)) is not None}
    strange = {name: rows for name, rows in found.items() if rows not in winners}
    if strange:
        return "partial output", f"rows of {strange}, the winners have {winners}"
    # With --overwrite the last one wins, file by file.
    return (
        ("ok", "") if overwrite or len(set(found.values())) <= 1 else ("partial output", f"files of two runs: {found}")
    )


def _rows(path: Path) -> int | None:
    """Return the rows of the input that a file was made from; None for what has no rows, -1 if it is broken."""
    if path.suffix in {".json", ".html", ".qml"}:
        return None
    try:
        return count_rows(path) * _SHARES.get(path.name, 1)
    except Exception:  # readers refuse in many ways
        return -1
