"""Folders that cases work in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_IN_MEMORY: Final = Path("/dev/shm")


@contextmanager
def workplace(keep: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder, in memory where the system has such: thousands of files need no disk.

    Parameters
    ----------
    keep : Path, optional
        A folder to take instead, which stays.
    """
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    where = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="hostile-", dir=where) as folder:
        yield Path(folder)
