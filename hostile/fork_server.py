"""Run cases in children of one process that has imported the command once."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from hostile.ended import Ended

ROOT: Final = Path(__file__).resolve().parent.parent
CPU_S: Final = 40
"""Processor time after which a case counts as hanging; files of a case take some tenths of a second."""
WALL_S: Final = 300
"""The same in time that passes, for what waits; long, as machines may be busy."""
ADDRESS_BYTES: Final = 6 << 30
"""Address space of a case, so that a hostile size ends the case and not the machine."""


def environment() -> dict[str, str]:
    """Return the environment of processes that run the command of this checkout, each with one thread for numbers."""
    # Unbuffered streams, as some containers ask for, hide what a buffer does on a full disk.
    known = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    path = os.pathsep.join([str(ROOT), str(ROOT / "runtime")])
    return {**known, "PYTHONPATH": path, "ORT_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}


class ForkServer:
    """Starts the host, and again if it has died; a context."""

    def __init__(self) -> None:
        self._streams = tempfile.TemporaryDirectory(prefix="hostile-")
        self._host: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._streams.cleanup()

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        stdin: Path | None = None,
        stdout: Path | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> Ended:
        """Run ``insar-rt`` with these arguments in a folder.

        Parameters
        ----------
        arguments : sequence of str
        folder : Path
        stdin, stdout : Path, optional
            Standard input, nothing if not given; and standard output, kept if not given.
        limits : mapping of str to int, optional
            Further limits of the process, by their names in the module resource.
        """
        task = {"what": "command", "arguments": list(arguments)}
        return self._do(task, folder, stdin=stdin, stdout=stdout, limits=limits)

    def read(self, path: Path, *, by_arrow: bool = False) -> Any:
        """Read a table by an independent reader (``hostile.files.independent``); None if that reader refuses it.

        Parameters
        ----------
        path : Path
        by_arrow : bool
            Whether pyarrow reads a Parquet file at once, in place of DuckDB.
        """
        result = Path(self._streams.name) / "table.pickle"
        result.unlink(missing_ok=True)
        done = self._do({"what": "read", "path": str(path), "result": str(result), "by_arrow": by_arrow}, path.parent)
        if done.code != 0 or not result.is_file():
            return None
        # Written by our own child, a moment ago.
        return pickle.loads(result.read_bytes())

    def _do(
        self,
        task: dict[str, Any],
        folder: Path,
        *,
        stdin: Path | None = None,
        stdout: Path | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> Ended:
        kept, stderr = (Path(self._streams.name) / name for name in ("stdout", "stderr"))
        kept.write_bytes(b"")
        task |= {
            "folder": str(folder),
            "stdin": str(stdin or os.devnull),
            "stdout": str(stdout or kept),
            "stderr": str(stderr),
            "limits": {"RLIMIT_AS": ADDRESS_BYTES, **(limits or {})},
            "cpu_s": CPU_S,
            "wall_s": WALL_S,
        }
        answer = json.loads(self._ask(json.dumps(task)))
        return Ended(answer["code"], kept.read_bytes(), stderr.read_bytes(), answer["hung"], answer["peak_mb"])

    def _ask(self, line: str) -> str:
        if self._host is None:
            self._host = subprocess.Popen(
                [sys.executable, "-m", "hostile.fork_host"],
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        if self._host.stdin is None or self._host.stdout is None:
            raise RuntimeError("the host of the cases has no pipes")
        self._host.stdin.write(line + "\n")
        self._host.stdin.flush()
        answer = self._host.stdout.readline()
        if not answer:
            self._stop()
            raise RuntimeError(f"the host of the cases has died at {line}")
        return answer

    def _stop(self) -> None:
        host, self._host = self._host, None
        if host is not None and host.stdin is not None and host.stdout is not None:
            host.stdin.close()
            host.wait()
            host.stdout.close()
