"""Signals that end a process: they wait while outputs get their names, and are ignored once the last has its name."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Final

ENDING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a process to end: Ctrl-C, ``kill`` and batch systems, a terminal that was closed."""

Handler = Callable[[int, FrameType | None], object]

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
    before: dict[int, Handler | int] = {}
    done, defers = False, True

    def stand_in(number: int, frame: FrameType | None) -> None:
        handler = before[number]
        if defers:
            received.append(number)
        elif callable(handler):
            handler(number, frame)
        else:
            signal.signal(number, handler)
            signal.raise_signal(number)

    try:
        for number in ENDING:
            handler = signal.getsignal(number)
            # None is a handler that was not installed from Python, and cannot be put back.
            if handler is not None and handler is not signal.SIG_IGN:
                before[number] = handler
                signal.signal(number, stand_in)
        yield
        done = True
    finally:
        if done and publishes and _LAST.get():
            ignore_signals()
        else:
            # From here on any handler may raise, also while the others are put back: those that are not yet back act
            # as the old ones, and the loop is tried once more.
            defers = False
            try:
                _put_back(before, stand_in)
            except BaseException:
                _put_back(before, stand_in)
                raise
            finally:
                if received:
                    signal.raise_signal(received[0])


def _put_back(handlers: Mapping[int, Handler | int], stand_in: Handler) -> None:
    """Set the handlers of signals that still have the one that stood in for them."""
    for number, handler in handlers.items():
        if signal.getsignal(number) is stand_in:
            signal.signal(number, handler)


def ignore_signals() -> None:
    """Ignore all signals that ask a process to end, from now on."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
