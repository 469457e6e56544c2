"""Text files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from insar_runtime.errors import InputOutputError


def replace_text(path: Path, text: str) -> None:
    """Write a text under a hidden name beside ``path``, then give it its name.

    Raises
    ------
    InputOutputError
        If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise InputOutputError(f"{path} cannot be written ({error.strerror or error}); check the disk") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
