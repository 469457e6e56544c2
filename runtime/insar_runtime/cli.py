"""Command line: ``insar-rt --help``.

Standard output carries data, or the one report that was asked for; progress and words about a run go to
standard error.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from insar_runtime._address_space import prepare_address_space
from insar_runtime._printable import one_line
from insar_runtime._signals import ENDING, ignore_signals
from insar_runtime.errors import InputOutputError, InsarRuntimeError, lacks_memory, no_more_memory

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS_TO_LEAVE = 0.01
"""Until a signal is sent once more that came where Python drops exceptions."""


class _WithoutPandas:
    """Hides pandas from this process.

    pyarrow imports it at its first conversion, where it is installed: up to a second for nothing.
    """

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Refuse pandas, and leave all else to others."""
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError("insar-rt needs no pandas", name=fullname)


def main() -> None:
    """Run the command line; errors become one line and an exit code."""
    received: list[int] = []
    for number in ENDING:
        # nohup asks that a hang-up be ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, partial(_leave, received))
    sys.unraisablehook = partial(_leave_again, received, sys.unraisablehook)
    sys.meta_path.insert(0, _WithoutPandas())
    if sys.stderr is None:  # closed, as under some daemons
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end of the process
    try:
        if sys.argv[1:] and not sys.argv[1].startswith("-") and not {"-h", "--help"} & set(sys.argv):
            prepare_address_space()
        from insar_runtime._commands.app import app  # noqa: PLC0415 - an interruption is possible from now on

        code = app(sys.argv[1:] or ["--help"], prog_name="insar-rt", standalone_mode=False)
        if sys.stdout is not None:
            _flush(code)
    except BaseException as error:
        # While Python takes itself down, it ends by a signal that comes then, or shows a traceback of it.
        ignore_signals()
        if received:
            # All is tidied up. Native code makes errors of its own of our leaving, as onnxruntime does while it is
            # imported, and its threads may abort the process while Python takes itself down.
            os._exit(128 + received[0])
        if not isinstance(error, Exception):
            raise
        _end(error)
    ignore_signals()
    sys.exit(code)


def _flush(code: object) -> None:
    """Flush standard output; a run that has failed has said so, and a second error line would say it again."""
    try:
        sys.stdout.flush()
    except OSError:
        if not code:
            raise
        from insar_runtime._commands.console import forget_output  # noqa: PLC0415 - as above

        forget_output()


def _end(error: Exception) -> NoReturn:
    """End with one line on what went wrong; a defect stays a traceback."""
    if isinstance(error, InsarRuntimeError):
        _fail(error)
    if lacks_memory(error):
        _fail(no_more_memory())
    if isinstance(error, OSError):
        reason = error.strerror or error
        if error.filename is not None:
            _fail(InputOutputError(f"{error.filename} cannot be used ({reason}); check its name and your permissions"))
        from insar_runtime._commands.console import forget_output  # noqa: PLC0415 - as above

        forget_output()
        _fail(InputOutputError(f"writing to standard output failed ({reason})"))
    raise error


def _fail(error: InsarRuntimeError) -> NoReturn:
    """Report an error on one line, as text or JSON, and exit with its code."""
    if any("json" in argument for argument in sys.argv[1:]):
        from insar_runtime._terminal.reporter import open_reporter, wants_json  # noqa: PLC0415 - as above

        if wants_json(sys.argv[1:]):
            open_reporter("json", quiet=False, stream=sys.stderr).failed(error)
            sys.exit(error.exit_code)
    from insar_runtime._commands.console import say  # noqa: PLC0415 - as above

    say(f"insar-rt: error: {one_line(str(error))}")
    sys.exit(error.exit_code)


def _leave(received: list[int], number: int, frame: FrameType | None) -> NoReturn:
    """End on a signal by way of every ``finally``, so that no partial output stays."""
    del frame
    received.append(number)
    # A second one must not cut the tidying short.
    ignore_signals()
    sys.exit(128 + number)


def _leave_again(
    received: list[int], usual: Callable[[sys.UnraisableHookArgs], object], dropped: sys.UnraisableHookArgs
) -> None:
    """Send a signal once more if Python dropped its exception, as in a destructor: nothing else would end the run.

    Of signals that arrive together, Python reports those that are ignored from the first one on as errors of its own.
    """
    if received and isinstance(dropped.exc_value, OSError) and "race condition" in str(dropped.exc_value):
        return
    if not (received and isinstance(dropped.exc_value, SystemExit) and hasattr(signal, "setitimer")):
        usual(dropped)
        return
    signal.signal(received[0], partial(_leave, received))
    signal.signal(signal.SIGALRM, partial(_send_again, received[0]))
    signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_LEAVE)


def _send_again(number: int, alarm: int, frame: FrameType | None) -> None:
    """Raise a signal, but later if its exception would be dropped again, as Python is not yet out of the hook."""
    while frame is not None:
        if frame.f_code is _leave_again.__code__:
            signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_LEAVE)
            return
        frame = frame.f_back
    del alarm
    signal.raise_signal(number)
