"""Reports of ``classify`` while it runs: text with a progress line for people, or JSON lines for programs."""

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

from insar_runtime._printable import one_line, printable, printable_lines
from insar_runtime._terminal.progress import OPENING, Pace, ProgressLine
from insar_runtime._terminal.terminal import width_of, wrapped
from insar_runtime._terminal.texts import describe_summary

if TYPE_CHECKING:
    from insar_runtime.errors import InsarRuntimeError
    from insar_runtime.summary import Summary

LogFormat = Literal["text", "json"]
Clock = Callable[[], float]

SECONDS_BETWEEN: Final = 5.0
"""Time between two progress events."""


class Reporter(Protocol):
    """Receives the events of a run, one file after the other, and reports them.

    As a context manager it removes an unfinished progress line however the run ends.
    """

    def started(self, file: str) -> None:
        """Report that work on a file begins."""

    def progress(self, rows: int, total: int | None) -> None:
        """Report the number of rows done, and of all (None if unknown); the callback of ``classify_file``."""

    def note(self, text: str) -> None:
        """Report a remark about the file."""

    def finished(self, summary: Summary) -> None:
        """Report the summary of the file."""

    def failed(self, error: InsarRuntimeError) -> None:
        """Report the error that ended the work on the file."""

    def skipped(self, file: str, reason: str) -> None:
        """Report a file that is skipped, and why."""

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
    seconds_between: float = SECONDS_BETWEEN,
) -> Reporter:
    """Return the reporter of a run.

    Parameters
    ----------
    log_format : {"text", "json"}
        For people or for programs.
    quiet : bool
        Whether to report errors only.
    stream : text stream
        Stream of the reports, usually standard error.
    memory : callable
        Returns the resident memory of the process in bytes; None if unknown.
    seconds_between : float
        Time between two progress events of JSON.
    """
    if log_format == "json":
        return JsonReporter(stream, quiet=quiet, memory=memory, seconds_between=seconds_between)
    return TextReporter(stream, quiet=quiet)


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON lines, even if it is otherwise invalid."""
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
    """Reports as text, with a progress line."""

    def __init__(self, stream: TextIO, *, quiet: bool = False, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._quiet = quiet
        self._clock = clock
        self._line = ProgressLine(stream, clock=clock)
        self._pace = Pace(clock=clock)
        self._file = ""

    def started(self, file: str) -> None:
        self._file, self._pace = printable(file), Pace(clock=self._clock)
        if not self._quiet:
            self._line.keep_alive()
            self._line.draw(self._file, self._pace, OPENING)

    def progress(self, rows: int, total: int | None) -> None:
        self._pace.advance(rows, total)
        if not self._quiet:
            self._line.draw(self._file, self._pace, OPENING)

    def note(self, text: str) -> None:
        self._write(self._wrapped(f"note: {printable(text)}"))

    def finished(self, summary: Summary) -> None:
        self._write(self._wrapped(describe_summary(printable(summary))))

    def failed(self, error: InsarRuntimeError) -> None:
        self._write(f"insar-rt: error: {one_line(str(error))}", always=True)

    def skipped(self, file: str, reason: str) -> None:
        self._write(printable(f"{file}: skipped, {reason}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.end()

    def _wrapped(self, text: str) -> str:
        return wrapped(text, width_of(self._stream)) if self._stream.isatty() else text

    def _write(self, text: str, *, always: bool = False) -> None:
        if always or not self._quiet:
            self._line.clear()
            _write_line(self._stream, text)


class JsonReporter:
    """Reports as JSON lines, flushed at once; progress every few seconds.

    Every object has ``event`` (start, progress, note, done, skipped, error), ``time`` (UTC, ISO 8601), ``file``,
    ``rows_done``, ``rows_total``, ``rows_per_s`` and ``rss_mb`` (MiB that the process holds), null where unknown. An
    event of progress also has ``share``, the part of the whole work that is done, null where unknown.

    Parameters
    ----------
    parts : sequence of float
        Parts of the whole work that the readings of a file take, with the sum 1.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        quiet: bool = False,
        memory: Callable[[], int | None] = lambda: None,
        clock: Clock = time.monotonic,
        seconds_between: float = SECONDS_BETWEEN,
        parts: Sequence[float] = (1.0,),
    ) -> None:
        self._stream = stream
        self._quiet = quiet
        self._memory = memory
        self._clock = clock
        self._seconds_between = seconds_between
        self._parts = parts
        self._next = clock()
        self._file: str | None = None
        self._pace = Pace(clock=clock)

    def started(self, file: str) -> None:
        self._file, self._pace = file, Pace(clock=self._clock)
        self._next = self._clock() + self._seconds_between
        self._emit("start")

    def progress(self, rows: int, total: int | None) -> None:
        self._pace.advance(rows, total)
        if self._clock() >= self._next:
            self._next = self._clock() + self._seconds_between
            remaining = self._pace.remaining
            share = self._share()
            self._emit(
                "progress",
                remaining_s=None if remaining is None else round(remaining, 1),
                share=None if share is None else round(share, 4),
            )

    def note(self, text: str) -> None:
        self._emit("note", text=text)

    def finished(self, summary: Summary) -> None:
        rate = round(summary.rows / summary.seconds, 1) if summary.seconds else None
        self._emit(
            "done",
            # Known by now, whatever container they came from.
            rows_done=summary.rows,
            rows_total=summary.rows,
            rows_per_s=rate,
            summary=summary.to_dict(),
        )
        self._forget()

    def ended(self, facts: dict[str, Any]) -> None:
        """Report the end of work that has no summary of a run."""
        self._emit("done", summary=facts)
        self._forget()

    def failed(self, error: InsarRuntimeError) -> None:
        self._fail(one_line(str(error)), error.exit_code)
        self._forget()

    def skipped(self, file: str, reason: str) -> None:
        self._forget()
        self._file = file
        self._emit("skipped", reason=reason)
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
        self._emit("error", always=True, message=message, exit_code=exit_code)

    def _share(self) -> float | None:
        """Return the part of the whole work that is done; None if unknown."""
        if self._pace.share is None:
            return None
        before = self._parts[: self._pace.reading - 1]
        return sum(before) + self._pace.share * sum(self._parts[len(before) : len(before) + 1])

    def _forget(self) -> None:
        self._file, self._pace = None, Pace(clock=self._clock)

    def _emit(self, event: str, *, always: bool = False, **more: Any) -> None:
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
        if pace.reading > 1:
            facts["reading"] = pace.reading
        _write_line(self._stream, json.dumps(facts | more))


def _write_line(stream: TextIO, text: str) -> None:
    """Write a line and flush it; characters that the encoding lacks are escaped."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = printable_lines(text).encode(encoding, "backslashreplace").decode(encoding)
    with suppress(OSError):  # the stream is closed
        stream.write(text + "\n")
        stream.flush()
