"""Progress of a run, for people who watch a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from insar_runtime.files import Progress


class ProgressBar:
    """Progress on a terminal: rows done and rows a second, on one line that goes away."""

    def __init__(self, *, hidden: bool) -> None:
        self._shown = sys.stderr.isatty() and not hidden
        self._begin = self._last = time.monotonic()

    def __enter__(self) -> Progress:
        return self._update

    def __exit__(self, *exception: object) -> None:
        if self._shown:
            typer.echo("\r\033[K", nl=False, err=True)

    def _update(self, rows: int, total: int | None) -> None:
        now = time.monotonic()
        if not self._shown or now - self._last < 0.2:
            return
        self._last = now
        of = f" of {total} ({100 * rows / total:.0f} %)" if total else ""
        typer.echo(f"\r\033[K{rows}{of} points, {rows / (now - self._begin):.0f}/s", nl=False, err=True)
