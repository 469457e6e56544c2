"""Disks that are full: files may grow to some bytes only, or streams take nothing at all."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from hostile.chance import case_generator, happens, pick
from hostile.ended import snapshot
from hostile.fork_server import ForkServer
from hostile.judge import judge_files, judge_process
from hostile.results import CaseResult
from hostile.sample_tables import write_sample

_POINTS: Final = 300
_CALLS: Final = (
    ("classify", "in.parquet", "-o", "out.parquet"),
    ("classify", "in.parquet", "-o", "out.csv"),
    ("classify", "in.parquet", "-o", "out.gpkg"),
    ("classify", "in.parquet", "-o", "out.arrow"),
    ("classify", "in.parquet", "-o", "out.parquet", "--gpkg", "map.gpkg", "--quarantine", "bad.parquet"),
    ("classify", "in.parquet", "-o", "out.parquet", "--keep-series", "--qml"),
    ("classify", "in.parquet", "-o", "out.parquet", "--corrected-out", "corrected.csv"),
    ("convert", "in.parquet", "-o", "out.parquet"),
    ("report", "in.parquet", "-o", "out.html"),
)
_STREAMS: Final = (
    ("classify", "in.parquet", "-o", "-"),
    ("classify", "in.parquet", "-o", "out.parquet", "--json"),
    ("inspect", "in.parquet"),
    ("inspect", "in.parquet", "--json"),
    ("show", "in.parquet", "--row", "3"),
    ("models",),
)
"""What writes to standard output."""
_LEAST_BYTES: Final = 4096
"""Room for the error line, which is written to a file with the same limit."""


def fill_disks(numbers: Sequence[int], seed: int, work: Path, *, keep: bool = False) -> Iterator[CaseResult]:
    """Try cases, and yield their results in order.

    For the parameters see ``hostile.attacks.Attack``.
    """
    source = write_sample(work / "in.parquet", _POINTS)
    with ForkServer() as server:
        finished = {call: _finished(server, call, source, work / f"old-{k}") for k, call in enumerate(_CALLS)}
        for number in numbers:
            rng = case_generator(seed, "full-disk", number)
            way = pick(rng, (_limited, _limited, _limited, _small_file_system, _stream))
            folder = work / f"case-{number}"
            folder.mkdir()
            yield way(rng, number, folder, source, finished, server)
            if not keep:
                shutil.rmtree(folder)


def _finished(server: ForkServer, call: tuple[str, ...], source: Path, folder: Path) -> Path:
    """Return a folder with the outputs of a run on a disk with room."""
    folder.mkdir()
    shutil.copy(source, folder)
    done = server.run(call, folder)
    if done.code != 0:
        raise RuntimeError(f"a run with room ends with {done.describe_code()}: {done.error_text}")
    return folder


def _limited(
    rng: np.random.Generator,
    number: int,
    folder: Path,
    source: Path,
    finished: dict[tuple[str, ...], Path],
    server: ForkServer,
) -> CaseResult:
    """Let no file grow beyond a number of bytes."""
    call = pick(rng, _CALLS)
    largest = max(path.stat().st_size for path in finished[call].iterdir() if path.name != source.name)
    most = int(rng.integers(_LEAST_BYTES, max(int(1.1 * largest), _LEAST_BYTES + 1)))
    return _judged(
        rng, number, folder, source, call, finished, server, {"RLIMIT_FSIZE": most}, f"files of {most} bytes"
    )


def _small_file_system(
    rng: np.random.Generator,
    number: int,
    folder: Path,
    source: Path,
    finished: dict[tuple[str, ...], Path],
    server: ForkServer,
) -> CaseResult:
    """Write to a file system of a few pages, where the system lets the harness mount one; else as ``_limited``."""
    call = pick(rng, _CALLS)
    needed = sum(path.stat().st_size for path in finished[call].iterdir())
    kib = int(rng.integers(4, max(int(1.2 * needed) >> 10, 5))) + (source.stat().st_size >> 10) + 4
    with _mounted(folder, kib) as is_mounted:
        if not is_mounted:
            return _limited(rng, number, folder, source, finished, server)
        return _judged(rng, number, folder, source, call, finished, server, {}, f"a disk of {kib} KiB")


@contextmanager
def _mounted(folder: Path, kib: int) -> Iterator[bool]:
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={kib}k", "hostile", str(folder)]
    done = mount is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", str(folder)], capture_output=True, check=False)


def _judged(
    rng: np.random.Generator,
    number: int,
    folder: Path,
    source: Path,
    call: tuple[str, ...],
    finished: dict[tuple[str, ...], Path],
    server: ForkServer,
    limits: dict[str, int],
    tried: str,
) -> CaseResult:
    """Run on a disk without room; it ends with 0 or 74, and the outputs are whole or as before."""
    shutil.copy(source, folder)
    outputs = {path.name for path in finished[call].iterdir()} - {source.name}
    if happens(rng, 0.5):
        with contextlib.suppress(OSError):  # no room for old outputs
            for name in sorted(outputs):
                shutil.copy(finished[call] / name, folder)
        tried += ", old outputs"
    before = snapshot(folder)
    ended = server.run([*call, "--overwrite"], folder, limits=limits)
    outcome, detail = judge_process(ended, {0, 74})
    if outcome in {"ok", "refused"}:
        outcome, detail = judge_files(ended, before, snapshot(folder), outputs) or (outcome, detail)
    kind = "file size" if limits else "small disk"
    return CaseResult("full-disk", number, kind, tried, " ".join(call), outcome, ended.code, detail)


def _stream(
    rng: np.random.Generator,
    number: int,
    folder: Path,
    source: Path,
    finished: dict[tuple[str, ...], Path],
    server: ForkServer,
) -> CaseResult:
    """Write to ``/dev/full``, which takes nothing."""
    del finished
    call = pick(rng, _STREAMS)
    shutil.copy(source, folder)
    before = snapshot(folder)
    ended = server.run(call, folder, stdout=Path("/dev/full"))
    outcome, detail = judge_process(ended, {74})
    # The file was there before its summary could not be printed.
    outputs = {"out.parquet"} if "out.parquet" in call else set()
    new = snapshot(folder).keys() - before.keys() - outputs
    if outcome == "refused" and new:
        outcome, detail = "partial output", f"{', '.join(sorted(new))} left behind"
    return CaseResult("full-disk", number, "/dev/full", "standard output", " ".join(call), outcome, ended.code, detail)
