"""Signals that end a process: they wait while outputs get their names, and are ignored once the last has its name."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Final

ENDING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a process to end: Ctrl-C, ``kill`` and batch systems, a terminal that was closed."""

_LAST: ContextVar[bool] = ContextVar("insar_runtime_last_outputs", default=False)


@contextmanager
def last_outputs(last: bool = True) -> Iterator[None]:
    """State whether the process ends with the outputs that are published in this block.

    Signals are then ignored from their publishing on: the work is done, so the exit code is 0. For the command line;
    who calls the library keeps the signals.
    """
    token = _LAST.set(last)
    try:
        yield
    finally:
        _LAST.reset(token)


@contextmanager
def deferred_signals(*, publishes: bool = False) -> Iterator[None]:
    """Keep signals from interrupting a block that must not stop half-way.

    What arrives takes effect at the end of the block as it would have before it: an exception, or the end of the
    process. Nothing is deferred in other threads than the main one, where Python runs no handlers.

    Parameters
    ----------
    publishes : bool
        Whether the block publishes outputs; see ``last_outputs``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    before: dict[int, Callable[[int, FrameType | None], object] | int] = {}
    done = False
    try:
        for number in ENDING:
            handler = signal.getsignal(number)
            # None is a handler that was not installed from Python, and cannot be put back.
            if handler is not None and handler is not signal.SIG_IGN:
                before[number] = handler
                signal.signal(number, lambda number, _: received.append(number))
        yield
        done = True
    finally:
        if done and publishes and _LAST.get():
            ignore_signals()
        else:
            for number, handler in before.items():
                signal.signal(number, handler)
            if received:
                signal.raise_signal(received[0])


def ignore_signals() -> None:
    """Ignore all signals that ask a process to end, from now on."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
