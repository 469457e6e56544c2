"""Partial files: hidden files beside an output until it is complete, and the removal of those of killed runs.

The rule of the removal: a partial file is removed by a later run on the same output if no process can still write it.

- Its name says which process made it: number and start time, and a hash of the boot of the system and of the namespace
  of its processes. If all is that of the later run, and there is no such process any more, it is removed.
- Otherwise, as after a restart or from another container, it is removed if it lies on a file system of this machine
  alone (``_LOCAL``), and no process holds the lock that each run holds on its partial files.
- All others stay: those of other machines on a network file system, and all on systems without ``/proc``.

What a run replaces keeps a hidden name while the new files get theirs. It is not locked, as it is not the file of this
run, so the second rule does not apply to it: of a run that was killed just then, it stays for other containers.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from insar_runtime._input.store_path import StorePath

try:
    import fcntl
except ImportError:  # Windows, which removes no file that is open
    fcntl = None  # type: ignore[assignment]

_PROC: Final = Path("/proc")
_UNKNOWN: Final = "0"
_LONGEST_NAME: Final = 255
_OWNER: Final = re.compile(r"(\d+)-(\d+)-([0-9a-f]+)-[0-9a-f]{8}(-kept)?")
_MARK: Final = ".partial-"
_COARSEST_TIME: Final = 3_000_000_000
"""Nanoseconds within which a folder may change twice and show one time: FAT counts in steps of two seconds."""
_LOCAL: Final = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"})
"""File systems that one machine alone mounts, where the lock of a file is that of all its processes."""


@dataclass(frozen=True, slots=True)
class PartialFile:
    """A hidden file that this process makes.

    Attributes
    ----------
    path : Path
    handle : int or None
        Open file whose lock says that the maker lives; None where there are no such locks.
    """

    path: Path
    handle: int | None

    @classmethod
    def beside(cls, target: Path) -> Self:
        """Make an empty one in the folder of an output; OSError if that does not do."""
        while True:
            path = hidden_beside(target)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            if fcntl is None or not _is_local(path.parent):
                os.close(handle)
                return cls(path, None)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # who looks for files of killed runs has it, and removes the file
            except OSError:  # there are no locks
                os.close(handle)
                return cls(path, None)
            else:
                if os.fstat(handle).st_nlink:
                    return cls(path, handle)
            os.close(handle)

    def release(self) -> None:
        """Remove the file, if it still has this name."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        if self.handle is not None:
            with contextlib.suppress(OSError):
                os.close(self.handle)


def hidden_beside(target: Path, *, kept: bool = False) -> Path:
    """Return a name beside an output that no other run takes, be it in another thread, container or machine.

    Parameters
    ----------
    target : Path
        The output.
    kept : bool
        Whether the name is for what the run replaces, to which the rule of the lock does not apply.
    """
    owner = f"{os.getpid()}-{_start_of(os.getpid())}-{_here()}-{os.urandom(4).hex()}"
    return target.with_name(_prefix(target) + owner + ("-kept" if kept else ""))


def staged_name(target: StorePath) -> Path:
    """Return the name in the folder for temporary files, beside which the file for an object of a store is made."""
    digest = hashlib.sha256(str(target).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"insar-rt-{digest}{target.suffix}"


def remove_abandoned(target: Path) -> None:
    """Remove partial files of an output whose makers are gone; see the module for the rule."""
    if isinstance(target, StorePath):
        target = staged_name(target)
    prefix = _prefix(target)
    try:
        names = _hidden_names(target.parent)
    except OSError:
        return
    for name in names:
        owner = _OWNER.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if owner:
            with contextlib.suppress(OSError):
                _remove_if_abandoned(target.with_name(name), int(owner[1]), owner[2], owner[3], kept=bool(owner[4]))


def _hidden_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the partial files of a folder; OSError if it cannot be listed.

    A folder that has not changed for a while is listed once, as many outputs of one call may lie there.
    """
    changed = folder.stat().st_mtime_ns
    list_folder = _list_hidden if changed < time.time_ns() - _COARSEST_TIME else _list_hidden.__wrapped__
    return list_folder(folder, changed)


@lru_cache(maxsize=8)
def _list_hidden(folder: Path, changed: int) -> tuple[str, ...]:  # noqa: ARG001 - part of the key
    with os.scandir(folder) as entries:
        return tuple(entry.name for entry in entries if entry.name.startswith(".") and _MARK in entry.name)


def _prefix(target: Path) -> str:
    name = target.name
    if len(os.fsencode(name)) > _LONGEST_NAME - 64:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f".{name}{_MARK}"


def _remove_if_abandoned(path: Path, process: int, start: str, place: str, *, kept: bool) -> None:
    if place == _here() and place != _UNKNOWN:
        if not _lives(process, start):
            path.unlink()
    elif not kept and fcntl is not None and place != _UNKNOWN and _is_local(path.parent):
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            # An OSError if another one has it.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(handle)


def _lives(process: int, start: str) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # of another user
    # What cannot be known of it, such as that of another user, counts as alive.
    return _start_of(process) in {start, _UNKNOWN}


def _start_of(process: int) -> str:
    """Return when a process started, in ticks since the boot."""
    try:
        text = (_PROC / str(process) / "stat").read_bytes()
    except OSError:
        return _UNKNOWN
    # The name of the program may hold anything, a bracket too.
    return text.rpartition(b")")[2].split()[19].decode("ascii")


def _here() -> str:
    """Return a hash of the boot of this system and of the namespaces that number and time its processes."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii")
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return _UNKNOWN
    times = ""
    with contextlib.suppress(OSError):  # systems before Linux 5.6 have none
        times = str((_PROC / "self/ns/time").readlink())
    return hashlib.sha256(f"{boot} {namespace} {times}".encode()).hexdigest()[:12]


def _is_local(folder: Path) -> bool:
    """Whether a folder lies on a file system of this machine alone."""
    path, longest, kind = os.path.realpath(folder), -1, ""
    with contextlib.suppress(OSError):
        for mount, found in _mounts():
            inside = path == mount or path.startswith(mount.rstrip("/") + "/")
            if inside and len(mount) >= longest:  # of two at one place, the later one lies above
                longest, kind = len(mount), found
    return kind in _LOCAL


def _mounts() -> Iterator[tuple[str, str]]:
    """Yield where file systems are mounted, and their kinds: see proc(5), mountinfo."""
    for line in os.fsdecode((_PROC / "self/mountinfo").read_bytes()).splitlines():
        place, _, kind = line.partition(" - ")
        spelled = place.split(" ")[4]
        yield re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), spelled), kind.partition(" ")[0]
