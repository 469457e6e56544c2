"""How a process ended, and what it left in its folder."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that is over.

    Attributes
    ----------
    code : int
        Exit code; negative for the signal that ended it.
    stdout, stderr : bytes
    hung : bool
        Whether the harness ended it because it took too long.
    peak_mb : int
        Most memory that it held; 0 if that is not known.
    """

    code: int
    stdout: bytes
    stderr: bytes
    hung: bool = False
    peak_mb: int = 0

    @property
    def error_text(self) -> str:
        """What it wrote to standard error."""
        return self.stderr.decode("utf-8", "replace")

    def describe_code(self) -> str:
        """Return the exit code, or the name of the signal."""
        if self.code >= 0:
            return f"exit code {self.code}"
        return signal.Signals(-self.code).name


def snapshot(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, by its name there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def new_names(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the names that were not there before."""
    return sorted(after.keys() - before.keys())
