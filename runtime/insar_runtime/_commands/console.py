"""Console output of the commands: data and reports on standard output, messages on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import typer

from insar_runtime._printable import printable, printable_lines
from insar_runtime._progress import Progress


def print_report(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Write the facts as JSON, or the same as text, to standard output."""
    with quiet_when_unread():
        typer.echo(json.dumps(facts) if as_json else text)
        if sys.stdout is not None:
            sys.stdout.flush()


@contextmanager
def quiet_when_unread() -> Iterator[None]:
    """End without an error if the reader of the output closes it. Must be inside a command: typer reports a failure."""
    try:
        yield
    except BrokenPipeError:
        forget_output()
        raise typer.Exit from None


@contextmanager
def watched(name: str, *, hidden: bool = False, phase: str | None = None) -> Iterator[Progress]:
    """Yield a callback for the rows done, which a terminal shows on one line.

    Parameters
    ----------
    name : str
        Name of the file.
    hidden : bool
        Whether to show nothing.
    phase : str, optional
        What is done before the first rows; by default they are read.
    """
    from insar_runtime._terminal.progress import OPENING, Pace, ProgressLine

    line, pace = ProgressLine(sys.stderr), Pace()

    def progress(rows: int, total: int | None) -> None:
        pace.advance(rows, total)
        if not hidden:
            line.draw(printable(name), pace, phase or OPENING)

    if not hidden:
        line.draw(printable(name), pace, phase or OPENING)
        line.keep_alive()
    try:
        yield progress
    finally:
        line.end()


def loading(name: str, *, hidden: bool = False) -> AbstractContextManager[Progress]:
    """Show in a terminal that libraries or the model are being loaded, which may take seconds."""
    return watched(name, hidden=hidden, phase="starting")


def forget_output() -> None:
    """Keep Python from complaining once more when it flushes standard output at the end."""
    if sys.stdout is None:  # closed, as under some daemons
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def say(text: str) -> None:
    """Write a message to standard error; control characters but the ends of its lines are escaped."""
    with suppress(OSError):  # standard error is closed
        typer.echo(printable_lines(text), err=True)
