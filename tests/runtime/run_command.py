"""Run the command as a user or a chain does: a real process, its streams and its exit code."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

COMMAND = [sys.executable, "-m", "insar_runtime"]


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
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
