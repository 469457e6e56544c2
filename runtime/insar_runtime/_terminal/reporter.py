"""What ``classify`` tells while it runs: words and a bar for people, or one JSON object a line for chains."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self, TextIO

from insar_runtime._terminal.progress import Pace, ProgressLine
from insar_runtime._terminal.texts import describe_summary

if TYPE_CHECKING:
    from insar_runtime.errors import InsarRuntimeError
    from insar_runtime.summary import Summary

LogFormat = Literal["text", "json"]
Clock = Callable[[], float]

_SECONDS_BETWEEN: Final = 5.0
"""Between two events of progress."""


class Reporter(Protocol):
    """Is told what a run does, and tells those who want to know; one at a time, file after file.

    A context: whatever ends the run, no half-drawn line stays.
    """

    def started(self, file: str, *, readings: int = 1) -> None:
        """Take the name of the file that is worked on now, and how many times it is read."""

    def progress(self, rows: int, total: int | None) -> None:
        """Take the rows done and the rows in all (None if that is not known): the callback of ``classify_file``."""

    def note(self, text: str) -> None:
        """Take a remark about the file."""

    def finished(self, summary: Summary) -> None:
        """Take what was done with the file."""

    def failed(self, error: InsarRuntimeError) -> None:
        """Take what ended the work on the file."""

    def skipped(self, file: str, reason: str) -> None:
        """Take a file that needs no work, and why."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_reporter(
    log_format: LogFormat,
    *,
    quiet: bool,
    stream: TextIO,
    memory: Callable[[], int | None] = lambda: None,
) -> Reporter:
    """Choose who tells what a run does.

    Parameters
    ----------
    log_format : {"text", "json"}
        For people or for programs.
    quiet : bool
        Whether to tell nothing but errors.
    stream : text stream
        Where to tell it, usually standard error.
    memory : callable
        Gives the bytes that the process holds, None where the system does not tell.
    """
    if log_format == "json":
        return JsonReporter(stream, quiet=quiet, memory=memory)
    return TextReporter(stream, quiet=quiet)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, also one that cannot be read as a whole: then its error is JSON too."""
    asked = ""
    for argument, following in pairwise([*arguments, ""]):
        if argument == "--":
            break
        if argument == "--log-format":
            asked = following
        elif argument.startswith("--log-format="):
            asked = argument.partition("=")[2]
    return asked == "json"


class TextReporter:
    """Words and a bar."""

    def __init__(self, stream: TextIO, *, quiet: bool = False, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._quiet = quiet
        self._clock = clock
        self._line = ProgressLine(stream, clock=clock)
        self._pace = Pace(clock=clock)
        self._file = ""

    def started(self, file: str, *, readings: int = 1) -> None:
        self._file, self._pace = file, Pace(readings, clock=self._clock)

    def progress(self, rows: int, total: int | None) -> None:
        self._pace.advance(rows, total)
        if not self._quiet:
            self._line.draw(self._file, self._pace)

    def note(self, text: str) -> None:
        self._say(f"note: {text}")

    def finished(self, summary: Summary) -> None:
        self._say(describe_summary(summary))

    def failed(self, error: InsarRuntimeError) -> None:
        self._say(f"insar-rt: error: {_one_line(error)}", always=True)

    def skipped(self, file: str, reason: str) -> None:
        self._say(f"{file}: skipped, {reason}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.clear()

    def _say(self, text: str, *, always: bool = False) -> None:
        if always or not self._quiet:
            self._line.clear()
            _write_line(self._stream, text)


class JsonReporter:
    """One JSON object a line, written through at once; progress every few seconds, whoever reads it.

    Every object has ``event`` (start, progress, note, done, skipped, error), ``time`` (UTC, ISO 8601), ``file``,
    ``rows_done``, ``rows_total``, ``rows_per_s`` and ``rss_mb`` (MiB that the process holds), null where unknown.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        quiet: bool = False,
        memory: Callable[[], int | None] = lambda: None,
        clock: Clock = time.monotonic,
        seconds_between: float = _SECONDS_BETWEEN,
    ) -> None:
        self._stream = stream
        self._quiet = quiet
        self._memory = memory
        self._clock = clock
        self._seconds_between = seconds_between
        self._next = clock()
        self._file: str | None = None
        self._pace = Pace(clock=clock)

    def started(self, file: str, *, readings: int = 1) -> None:
        self._file, self._pace = file, Pace(readings, clock=self._clock)
        self._next = self._clock() + self._seconds_between
        self._tell("start")

    def progress(self, rows: int, total: int | None) -> None:
        self._pace.advance(rows, total)
        if self._clock() >= self._next:
            self._next = self._clock() + self._seconds_between
            remaining = self._pace.remaining
            self._tell("progress", remaining_s=None if remaining is None else round(remaining, 1))

    def note(self, text: str) -> None:
        self._tell("note", text=text)

    def finished(self, summary: Summary) -> None:
        rate = round(summary.rows / summary.seconds, 1) if summary.seconds else None
        self._tell(
            "done",
            # Known by now, whatever container they came from.
            rows_done=summary.rows,
            rows_total=summary.rows,
            rows_per_s=rate,
            summary=summary.to_dict(),
        )
        self._forget()

    def failed(self, error: InsarRuntimeError) -> None:
        self._fail(_one_line(error), error.exit_code)
        self._forget()

    def skipped(self, file: str, reason: str) -> None:
        self._forget()
        self._file = file
        self._tell("skipped", reason=reason)
        self._forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > 128:
            number = error.code - 128
            names = {int(item): item.name for item in signal.Signals}
            self._fail(f"ended by signal {names.get(number, number)}", error.code)

    def _fail(self, message: str, exit_code: int) -> None:
        self._tell("error", always=True, message=message, exit_code=exit_code)

    def _forget(self) -> None:
        self._file, self._pace = None, Pace(clock=self._clock)

    def _tell(self, event: str, *, always: bool = False, **more: Any) -> None:
        if self._quiet and not always:
            return
        pace, held = self._pace, self._memory()
        speed = pace.rows_per_second if pace.rows else None
        facts: dict[str, Any] = {
            "event": event,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "file": self._file,
            "rows_done": pace.rows,
            "rows_total": pace.total,
            "rows_per_s": None if speed is None else round(speed, 1),
            "rss_mb": None if held is None else round(held / 2**20, 1),
        }
        if pace.readings > 1:
            facts |= {"reading": pace.reading, "readings": pace.readings}
        _write_line(self._stream, json.dumps(facts | more))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _write_line(stream: TextIO, text: str) -> None:
    """Write a line through to whoever reads it; what the encoding lacks is spelled out rather than lost."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    with suppress(OSError):  # nobody to tell
        stream.write(text + "\n")
        stream.flush()
