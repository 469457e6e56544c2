"""What commands say: data and reports on standard output, words on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer

from insar_runtime._progress import Progress


def print_report(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Put the facts, or the same in words, on standard output."""
    with quiet_when_unread():
        typer.echo(json.dumps(facts) if as_json else text)
        if sys.stdout is not None:
            sys.stdout.flush()


@contextmanager
def quiet_when_unread() -> Iterator[None]:
    """End well when whoever reads our output has enough. Must be inside a command: typer takes it for a failure."""
    try:
        yield
    except BrokenPipeError:
        forget_output()
        raise typer.Exit from None


@contextmanager
def watched(name: str, *, hidden: bool = False) -> Iterator[Progress]:
    """Return a callback of the rows done, which a terminal shows on one line."""
    from insar_runtime._views.progress import Pace, ProgressLine

    line, pace = ProgressLine(sys.stderr), Pace()

    def progress(rows: int, total: int | None) -> None:
        pace.advance(rows, total)
        if not hidden:
            line.draw(name, pace)

    try:
        yield progress
    finally:
        line.clear()


def forget_output() -> None:
    """Keep Python from complaining once more when it flushes standard output at the end."""
    if sys.stdout is None:  # closed, as under some daemons
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def say(text: str) -> None:
    """Tell a person, on standard error."""
    with suppress(OSError):  # nobody to tell
        typer.echo(text, err=True)
