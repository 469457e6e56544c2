"""Memory of a run: batches and threads that fit a limit, and an error before the operating system kills the process."""

from __future__ import annotations

import gc
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from insar_runtime._address_space import call_glibc, keep_one_arena
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
_FIXED: Final = 30 * _MIB
"""Rows of the output that wait to be written, without series, what all readers hold, the hash of the input, and the
pages of libraries that the first calls touch."""

_LEAST_ADDRESSES: Final = 16 * _MIB
"""Address space that must be left to go on."""
_MATRICES: Final = 2
"""Matrices of the first rows that are there at a time while the table is described."""
_DIAGNOSING: Final = 32 * _MIB
_PER_EPOCH_PAIR: Final = 560
"""What estimating the noise takes, and the matrices of all kinds of noise."""
_MOST_EPOCHS: Final = 512
_DIAGNOSING_PER_THREAD: Final = 32 * _MIB
"""What a thread takes to fit rows, beyond a copy of its batch."""
_GATHERED_ROWS: Final = 6 * BATCH_ROWS
"""Rows of a thread that wait until those of them that are flagged are diagnosed together."""
_GATHERED_SERIES: Final = BATCH_ROWS
"""Flagged rows among them, whose series are held."""
HELD_ROWS: Final = 4 * BATCH_ROWS
"""Rows of a thread whose series are held at most until the noise of the file is known: two threads then classify until
it is estimated."""
_COPIES: Final = 2
_PER_RESULT: Final = 200
"""Bytes of the classes and rates of a row, and copies of them and of the flagged series at a time."""


class NoPlanFitsError(MemoryLimitError):
    """No batches and no number of threads fit the room that there is."""


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
    head : float or None
        A row of those by which the table is described, where it is smaller than what a row takes while it is read.
    columns : int
        Date columns; 0 if the dates are not in the names of the columns, and their number is guessed by `row`.
    """

    row: float
    read: int = 0
    written: int = 0
    diagnosed: bool = False
    head: float | None = None
    columns: int = 0

    @property
    def epochs(self) -> float:
        """Values of a series; if their number is unknown, those that a row has room for, at most 512."""
        return self.columns or min(self.row / 4, _MOST_EPOCHS)


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """In what batches a file is read, and by how many threads.

    Attributes
    ----------
    threads : int
        Batches that are classified at once.
    batch_rows : int
        Rows of a batch.
    waiting : int
        Batches of a thread that are classified before their flagged rows are diagnosed together.
    """

    threads: int
    batch_rows: int
    waiting: int = 1

    def need(self, load: Load) -> int:
        """Estimate the memory that a run takes beyond what the process has before it, in bytes."""
        batch = int(self.batch_rows * load.row)
        # The first rows are gathered, and some are still there when the work begins; to describe the table, they are
        # copied into one batch, and that to a matrix, by way of another one.
        first = int(BATCH_ROWS * (load.row if load.head is None else load.head))
        head = first + int(BATCH_ROWS * _MATRICES * load.epochs * 4)
        alive = (self.threads + _WAITING) * batch
        # Each thread makes a matrix of its batch, from columns that it gathers.
        working = alive + self.threads * (_PER_THREAD + 2 * batch)
        return load.read + first + max(head, working) + self._diagnosing(load, batch) + load.written + _FIXED

    def _diagnosing(self, load: Load, batch: int) -> int:
        if not load.diagnosed:
            return 0
        each = _DIAGNOSING_PER_THREAD + batch
        if self.waiting > 1:
            values = 4 * load.epochs
            waiting = self.waiting * self.batch_rows * (max(load.row - values, 0) + _PER_RESULT)
            each += round(_COPIES * (waiting + _GATHERED_SERIES * values) + HELD_ROWS * values)
        return round(_DIAGNOSING + _PER_EPOCH_PAIR * load.epochs**2) + self.threads * each


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
    NoPlanFitsError
        If there is not room enough for one thread and the smallest batches.
    """
    rows = BATCH_ROWS
    while not large and rows > _LEAST_ROWS and rows * load.row > _BATCH_BYTES:
        rows //= 2
    # Batches with their series are too large to wait.
    plan = BatchPlan(threads, rows, max(1, _GATHERED_ROWS // rows) if load.diagnosed and not load.written else 1)
    while room is not None and plan.need(load) > room:
        if plan.waiting > 1:
            plan = BatchPlan(plan.threads, plan.batch_rows)
        elif plan.batch_rows > _LEAST_ROWS:
            plan = BatchPlan(plan.threads, plan.batch_rows // 2)
        elif plan.threads > 1:
            plan = BatchPlan(plan.threads - 1, rows)
        else:
            more = plan.need(load) - room
            raise NoPlanFitsError(
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
        raise UsageError(f"{text!r} is not a size; give one such as 400M or 1.5G")
    return int(float(match[1]) * _UNITS[match[2].lower()])


class MemoryGuard:
    """Raise an error if a run takes more memory than it may, by the user's limit or by that of the address space.

    Native libraries abort the process where the system gives them no memory (``ulimit -v``), so that limit counts, too.

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
            raise UsageError("a memory limit needs /proc, which this system does not have; leave it out")
        self._limit = limit
        if address_room() is not None:
            keep_one_arena()

    @property
    def room(self) -> int | None:
        """Bytes that are left."""
        rooms = [address_room()]
        if self._limit is not None:
            rooms.append(self._limit - (resident_bytes() or 0))
        return min((room for room in rooms if room is not None), default=None)

    def check(self) -> None:
        """Check the memory that the process holds.

        Raises
        ------
        MemoryLimitError
            If it is beyond the limit.
        """
        held = resident_bytes()
        if self._limit is not None and held is not None and held > self._limit:
            raise MemoryLimitError(
                f"the run holds {held // _MIB} MB, the memory limit is {self._limit // _MIB} MB; "
                "raise it, or use fewer threads"
            )
        room = address_room()
        if room is not None and room < _LEAST_ADDRESSES:
            raise MemoryLimitError(
                f"the system leaves {max(room, 0) // _MIB} MB of address space (ulimit -v), too little to go on; raise "
                f"that limit, or use fewer threads"
            )


def address_room() -> int | None:
    """Return the bytes of address space that are left to the process; None if they are not limited."""
    try:
        import resource  # noqa: PLC0415 - not on Windows

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return None
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except (ImportError, OSError):
        return None
    return limit - int(pages) * os.sysconf("SC_PAGE_SIZE")


def release_memory() -> None:
    """Return memory that is free to the system, so that a second attempt has it."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    call_glibc("malloc_trim", 0)


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
