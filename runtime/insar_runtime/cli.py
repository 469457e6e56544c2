"""Command line: ``insar-rt --help``.

Standard output carries data, or the one report that was asked for; progress and words about a run go to
standard error.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from insar_runtime._commands.about import bench, demo, doctor, models
from insar_runtime._commands.classify import classify
from insar_runtime._commands.console import forget_output, say
from insar_runtime._commands.convert import convert
from insar_runtime._commands.inspect import inspect
from insar_runtime._commands.report import report
from insar_runtime._commands.restore import restore
from insar_runtime._commands.show import show
from insar_runtime._version import __version__
from insar_runtime.errors import InputOutputError, InsarRuntimeError, UsageError

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Classify InSAR displacement time series: Stable, Linear, Quadratic, Bilinear or PUE.",
)
for command in (classify, restore, inspect, show, report, convert, demo, models, doctor, bench):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"insar-rt {__version__}")
        raise typer.Exit


class _WithoutPandas(MetaPathFinder):
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
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        # nohup asks that a hang-up be ignored.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, partial(_leave, received))
    sys.meta_path.insert(0, _WithoutPandas())
    if sys.stderr is None:  # closed, as under some daemons
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end of the process
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:
        if received:
            # All is tidied up. Native code makes errors of its own of our leaving, as onnxruntime does while it is
            # imported, and its threads may abort the process while Python takes itself down.
            os._exit(128 + received[0])
        if not isinstance(error, Exception):
            raise
        _end(error)
    sys.exit(code)


def _end(error: Exception) -> NoReturn:
    """End with one line on what went wrong; a defect stays a traceback."""
    if isinstance(error, InsarRuntimeError):
        _fail(error)
    if isinstance(error, OSError):
        reason = error.strerror or error
        if error.filename is not None:
            _fail(InputOutputError(f"{error.filename} cannot be used ({reason}); check its name, and that it is yours"))
        forget_output()
        _fail(InputOutputError(f"writing to standard output failed ({reason})"))
    # What typer raises for a wrong option has a message of its own.
    if hasattr(error, "format_message"):
        _fail(UsageError(f"{error.format_message()} See insar-rt --help."))
    raise error


def _fail(error: InsarRuntimeError) -> NoReturn:
    """Report an error on one line, as text or JSON, and exit with its code."""
    if any("json" in argument for argument in sys.argv[1:]):
        from insar_runtime._terminal.reporter import open_reporter, wants_json  # noqa: PLC0415 - needs numpy

        if wants_json(sys.argv[1:]):
            open_reporter("json", quiet=False, stream=sys.stderr).failed(error)
            sys.exit(error.exit_code)
    say("insar-rt: error: " + " ".join(str(error).split()))
    sys.exit(error.exit_code)


def _leave(received: list[int], number: int, frame: FrameType | None) -> NoReturn:
    """End on a signal by way of every ``finally``, so that no partial output stays."""
    del frame
    received.append(number)
    # A second one must not cut the tidying short.
    for name in _SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    sys.exit(128 + number)
