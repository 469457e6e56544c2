"""Run the command and read what it says: in this process, or as a process of its own."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import IO, Any, TextIO

import pyarrow as pa

from insar_runtime import cli

COMMAND = [sys.executable, "-m", "insar_runtime"]


def run(*arguments: object, cwd: Path | None = None, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:  # noqa: A002 - as in subprocess
    """Run the command in this process, which saves its start: for what does not depend on a process."""
    command = ["insar-rt", *map(str, arguments)]
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        files[0].write(input)
        files[0].seek(0)
        stdin, stdout, stderr = (io.TextIOWrapper(file, encoding="utf-8") for file in files)
        if cwd is not None:
            stack.enter_context(chdir(cwd))
        stack.enter_context(_as_process(command, stdin, stdout, stderr))
        code = _exit_code()
        output = []
        for stream in (stdout, stderr):
            stream.flush()
            stream.buffer.seek(0)
            output.append(stream.buffer.read())
    return subprocess.CompletedProcess(command, code, *output)


def run_process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a user or a chain does, in a process of its own."""
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, timeout=120, check=False, **options)


def refused(done: subprocess.CompletedProcess[bytes], code: int, *words: str) -> None:
    """One line on stderr that says what and how to mend it; nothing on stdout."""
    text = done.stderr.decode()
    assert done.returncode == code, text
    assert done.stdout == b""
    assert text.startswith("insar-rt: error: ")
    assert len(text.strip().splitlines()) == 1, text
    for word in words:
        assert word in text


def _exit_code() -> int:
    try:
        cli.main()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0
    raise AssertionError("main returned without an exit code")


@contextmanager
def _as_process(command: list[str], stdin: IO[str], stdout: IO[str], stderr: IO[str]) -> Iterator[None]:
    """Lend ``main`` arguments and streams, and undo what it changes for good."""
    # pyarrow looks for pandas once. If that were while ``main`` hides it, other tests could not use it.
    pa.array([1])
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    handlers = [signal.getsignal(number) for number in numbers]
    kept = {name: getattr(sys, name) for name in ("argv", "stdin", "stdout", "stderr", "excepthook", "unraisablehook")}
    kept["meta_path"] = list(sys.meta_path)
    sys.argv, sys.stdin, sys.stdout, sys.stderr = command, stdin, stdout, stderr
    try:
        with warnings.catch_warnings():
            # Warnings reach standard error, as in a process, instead of the report of pytest.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            warnings.showwarning = _warn
            yield
    finally:
        for name, value in kept.items():
            setattr(sys, name, value)
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))
