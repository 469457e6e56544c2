"""Run the command as a user does: a process of its own, from the start of Python to its end."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from hostile.ended import Ended
from hostile.fork_server import environment

COMMAND: Final = (sys.executable, "-m", "insar_runtime")
_LAUNCH: Final = Path(__file__).with_name("launch.py")
LONGEST_S: Final = 300
"""After which a process counts as hanging; long, as machines may be busy."""
_BETWEEN_READINGS_S: Final = 0.02


class RealProcess:
    """A started ``insar-rt``; a context that leaves no process behind.

    Parameters
    ----------
    arguments : sequence of str
    folder : Path
        Where it works.
    limits : mapping of str to int, optional
        Of the process, by their names in the module resource.
    """

    def __init__(self, arguments: Sequence[str], folder: Path, *, limits: Mapping[str, int] | None = None) -> None:
        self._ended: Ended | None = None
        self._hung = False
        self._closing = ExitStack()
        self._stdout = self._closing.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed on exit
        self._stderr = self._closing.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-S", str(_LAUNCH), json.dumps(limits or {}), *COMMAND, *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ended is None:
            self._process.kill()
            self.wait()
        self._closing.close()

    def send(self, number: int) -> None:
        """Send a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def catches(self, number: int) -> bool:
        """Whether the process has a handler of its own for a signal; it has not while Python starts."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        except OSError:
            return False
        caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
        return bool(int(caught, 16) >> (number - 1) & 1)

    def wait(self) -> Ended:
        """Wait for its end; it is killed after ``LONGEST_S``."""
        if self._ended is None:
            watch = threading.Timer(LONGEST_S, self._end_it)
            watch.start()
            with _PeakMemory(self._process.pid) as peak:
                _, status, usage = os.wait4(self._process.pid, 0)
            watch.cancel()
            code = self._process.returncode = os.waitstatus_to_exitcode(status)
            self._stdout.seek(0)
            self._stderr.seek(0)
            self._ended = Ended(
                code, self._stdout.read(), self._stderr.read(), self._hung, peak.of(usage.ru_maxrss) // 1024
            )
        return self._ended

    def _end_it(self) -> None:
        self._hung = True
        self.send(signal.SIGKILL)


class _PeakMemory:
    """Reads the peak memory of a process while it runs.

    What the system says at its end is at least the memory of the process that started it: until it executes its own
    program, a new process has that memory.
    """

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._starter = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._read_kib = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def of(self, maxrss_kib: int) -> int:
        """Return the peak in KiB, from that of the system and what was read."""
        return maxrss_kib if maxrss_kib > self._starter else self._read_kib

    def _read(self) -> None:
        while not self._ended.wait(_BETWEEN_READINGS_S):
            with contextlib.suppress(OSError, ValueError):
                lines = self._status.read_text("ascii").splitlines()
                held = next((line.split()[1] for line in lines if line.startswith("VmHWM")), "0")
                self._read_kib = max(self._read_kib, int(held))


def run_process(arguments: Sequence[str], folder: Path, *, limits: Mapping[str, int] | None = None) -> Ended:
    """Run ``insar-rt`` in a folder, to its end."""
    with RealProcess(arguments, folder, limits=limits) as process:
        return process.wait()
