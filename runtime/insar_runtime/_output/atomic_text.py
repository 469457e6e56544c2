"""Atomic text files: small files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from insar_runtime._output.atomic import disk_errors, flush_folder, hidden_beside, write_parts


def replace_text(path: Path, text: str) -> None:
    """Write a text as UTF-8; see ``replace_parts``."""
    replace_parts(path, [text.encode()])


def replace_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Write bytes part by part under a hidden name beside ``path``, then give them its name; a link stays one.

    Raises
    ------
    InputOutputError
        If they cannot be written.
    """
    target = Path(os.path.realpath(path))
    partial = hidden_beside(target)
    try:
        with disk_errors(path):
            write_parts(partial, parts)
            partial.replace(target)
            flush_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
