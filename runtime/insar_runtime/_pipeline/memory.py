"""Memory of a run: batches and threads that fit a limit, and an error before the operating system kills the process."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from insar_runtime._input.source import BATCH_ROWS
from insar_runtime.errors import MemoryLimitError, UsageError

_MIB: Final = 1 << 20
_UNITS: Final = {"": 1, "k": 1 << 10, "m": _MIB, "g": 1 << 30}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", re.IGNORECASE)

_LEAST_ROWS: Final = 512
_BATCH_BYTES: Final = 8 * _MIB
"""Size that batches are cut to: below, reading takes longer; above, nothing gains."""

_WAITING: Final = 2
"""Batches beyond one a thread that are alive: one done, one that is written."""
_PER_THREAD: Final = 24 * _MIB
"""What a thread takes to check a part of a batch and to ask the model about it."""
_FIXED: Final = 32 * _MIB
"""Rows of the output that wait to be written, without series, what all readers hold, the hash of the input, and the
pages of libraries that the first calls touch."""

_DIAGNOSING: Final = 64 * _MIB
_PER_EPOCH_PAIR: Final = 560
"""What estimating the noise takes, and the matrices of all kinds of noise; how many epochs there are is guessed by the
size of a row."""
_MOST_EPOCHS: Final = 512
_DIAGNOSING_PER_THREAD: Final = 32 * _MIB
"""What a thread takes to fit rows, beyond a copy of its batch."""


@dataclass(frozen=True, slots=True)
class Load:
    """What there is to carry, in bytes.

    Attributes
    ----------
    row : float
        A row of a batch.
    read : int
        What the reader holds, whatever the batches are.
    written : int
        Rows that wait to be written, beyond those of an output without series.
    diagnosed : bool
        Whether rows are diagnosed, too.
    """

    row: float
    read: int = 0
    written: int = 0
    diagnosed: bool = False


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """In what batches a file is read, and by how many threads.

    Attributes
    ----------
    threads : int
        Batches that are classified at once.
    batch_rows : int
        Rows of a batch.
    """

    threads: int
    batch_rows: int

    def need(self, load: Load) -> int:
        """Estimate the memory that a run takes beyond what the process has before it, in bytes."""
        batch = int(self.batch_rows * load.row)
        # The first rows are gathered before the work begins, and copied into one batch.
        head = int(2 * BATCH_ROWS * load.row)
        alive = (self.threads + _WAITING) * batch
        # Each thread makes a matrix of its batch, from columns that it gathers.
        working = alive + self.threads * (_PER_THREAD + 2 * batch)
        return load.read + max(head, working) + self._diagnosing(load, batch) + load.written + _FIXED

    def _diagnosing(self, load: Load, batch: int) -> int:
        if not load.diagnosed:
            return 0
        epochs = min(load.row / 4, _MOST_EPOCHS)
        return round(_DIAGNOSING + _PER_EPOCH_PAIR * epochs**2) + self.threads * (_DIAGNOSING_PER_THREAD + batch)


def plan_batches(load: Load, threads: int, *, large: bool = False, room: int | None = None) -> BatchPlan:
    """Choose batches and threads.

    Parameters
    ----------
    load : Load
        What there is to carry.
    threads : int
        Most threads.
    large : bool
        Whether batches are as large as they may be, for a device that wants many rows at a time.
    room : int, optional
        Bytes that the run may take; as many as suit it if not given.

    Raises
    ------
    MemoryLimitError
        If there is not room enough for one thread and the smallest batches.
    """
    rows = BATCH_ROWS
    while not large and rows > _LEAST_ROWS and rows * load.row > _BATCH_BYTES:
        rows //= 2
    plan = BatchPlan(threads, rows)
    while room is not None and plan.need(load) > room:
        if plan.batch_rows > _LEAST_ROWS:
            plan = BatchPlan(plan.threads, plan.batch_rows // 2)
        elif plan.threads > 1:
            plan = BatchPlan(plan.threads - 1, rows)
        else:
            more = plan.need(load) - room
            raise MemoryLimitError(
                f"the memory limit leaves {max(room, 0) // _MIB} MB for the run, it needs {(room + more) // _MIB} MB; "
                f"raise the limit by {-(-more // _MIB)} MB"
            )
    return plan


def parse_size(text: str) -> int:
    """Read a size such as ``400M`` or ``1.5G``, in bytes.

    Raises
    ------
    UsageError
        If it is none.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{text!r} is no size; give one such as 400M or 1.5G")
    return int(float(match[1]) * _UNITS[match[2].lower()])


class MemoryGuard:
    """Raise an error if a run takes more memory than it may.

    Parameters
    ----------
    limit : int or None
        Bytes that the process may hold; None: no limit.

    Raises
    ------
    UsageError
        If the system does not report how much memory a process holds.
    """

    def __init__(self, limit: int | None) -> None:
        if limit is not None and resident_bytes() is None:
            raise UsageError("a memory limit needs /proc, which this system does not have; leave it away")
        self._limit = limit

    @property
    def room(self) -> int | None:
        """Bytes that are left."""
        return None if self._limit is None else self._limit - (resident_bytes() or 0)

    def check(self) -> None:
        """Check the memory that the process holds.

        Raises
        ------
        MemoryLimitError
            If it is beyond the limit.
        """
        room = self.room
        if self._limit is not None and room is not None and room < 0:
            raise MemoryLimitError(
                f"the run holds {(self._limit - room) // _MIB} MB, the memory limit is {self._limit // _MIB} MB; "
                "raise it, or use fewer threads"
            )


def resident_bytes() -> int | None:
    """Return the memory that the process holds now; None if the system does not report it."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def peak_memory_mb() -> float | None:
    """Return the most memory that the process has held, in MiB; None if the system does not report it."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage says includes the process that started this one, up to the moment of the start.
        peak = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), None)
        if peak is not None:
            return round(int(peak.split()[1]) / 2**10, 1)
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10), 1)
