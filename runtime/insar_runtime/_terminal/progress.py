"""Progress line of a run in a terminal: what is done before the first rows, then rows done, speed, remaining time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from insar_runtime._terminal.terminal import can_show, is_redrawable, width_of

_SECONDS_BETWEEN: Final = 0.1
"""Time between two updates of the line."""
_SECONDS_ALIVE: Final = 0.5
"""Time between two updates if nothing is reported, by which the time runs on."""
_AVERAGE_SECONDS: Final = 20.0
"""Time constant of the mean speed: short enough to follow changes, long enough to be steady."""
_LEAST_SECONDS: Final = 1.0
"""Time before which no remaining time is estimated."""
OPENING: Final = "reading the first rows"
"""What a command does before it counts rows."""
_WIDEST_BAR: Final = 30
_NARROWEST_BAR: Final = 8
_BLOCKS: Final = "█░"
_PLAIN: Final = "#-"


class Pace:
    """Rows done, speed and remaining time of one reading of a file, which may be read several times.

    The speed is an exponentially weighted mean with a time constant of 20 seconds, measured from the first rows on, so
    without opening and warming up. The callback of ``classify_file`` does not state the number of the reading, as
    it is unknown beforehand whether the mix of classes takes one of its own; a row count that falls begins the next.

    Parameters
    ----------
    clock : callable
        Returns seconds.

    Attributes
    ----------
    rows : int
        Rows done in this reading.
    total : int or None
        Rows of the file, if known.
    reading : int
        Number of this reading, from 1.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin = clock()
        self._last: float | None = None
        self._rows = self._seconds = 0.0
        self.rows = 0
        self.total: int | None = None
        self.reading = 1

    def advance(self, rows: int, total: int | None) -> None:
        """Update with the number of rows done in this reading, and of all."""
        done = rows - self.rows
        now = self._clock()
        if done < 0:
            # Another reading has another speed.
            self.reading += 1
            done, self._rows, self._seconds, self._last = rows, 0.0, 0.0, None
        if self._last is not None:
            past = now - self._last
            fade = math.exp(-past / _AVERAGE_SECONDS)
            self._rows, self._seconds = fade * self._rows + done, fade * self._seconds + past
        # An estimated total may be too small.
        self.rows, self.total, self._last = rows, total if total is None else max(rows, total), now

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._begin

    @property
    def rows_per_second(self) -> float | None:
        """Mean number of rows a second; None before the second update."""
        return self._rows / self._seconds if self._seconds > 0 else None

    @property
    def share(self) -> float | None:
        """Share of the rows done in this reading; None if their number is not known."""
        return min(self.rows / self.total, 1.0) if self.total else None

    @property
    def remaining(self) -> float | None:
        """Estimated remaining seconds of this reading; None if not known, or not yet."""
        pace = self.rows_per_second
        if not self.total or not pace or self.elapsed < _LEAST_SECONDS:
            return None
        return max(self.total - self.rows, 0) / pace


class ProgressLine:
    """Progress line on a terminal, removed at the end; nothing if the stream is no terminal.

    Its methods may be called by any thread.

    Parameters
    ----------
    stream : text stream
        Usually standard error.
    clock : callable
        Returns seconds.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._shown = is_redrawable(stream)
        self._signs = _BLOCKS if can_show(stream, _BLOCKS) else _PLAIN
        self._next = -math.inf
        self._drawn = 0
        self._lock = threading.RLock()
        self._current: tuple[str, Pace, str] | None = None
        self._ended: threading.Event | None = None

    def draw(self, name: str, pace: Pace, phase: str = "") -> None:
        """Draw the line, unless it was drawn a moment ago.

        Parameters
        ----------
        name : str
            Name of the file.
        pace : Pace
        phase : str
            What is done before the first rows.
        """
        if not self._shown:
            return
        with self._lock:
            self._current = name, pace, phase
            if self._clock() >= self._next:
                self._next = self._clock() + _SECONDS_BETWEEN
                self._redraw()

    def keep_alive(self) -> None:
        """Redraw the line twice a second in a thread, until `end`: a file may take seconds to open."""
        if not self._shown or self._ended is not None:
            return
        self._ended = threading.Event()
        threading.Thread(target=self._redraw_until, args=[self._ended], daemon=True).start()

    def clear(self) -> None:
        """Remove the line; the next one is drawn at once."""
        with self._lock:
            if self._drawn:
                self._write("\r" + " " * self._drawn + "\r")
            self._drawn, self._next, self._current = 0, -math.inf, None

    def end(self) -> None:
        """Remove the line, and end its thread."""
        self.clear()
        if self._ended is not None:
            self._ended.set()
            self._ended = None

    def _redraw_until(self, ended: threading.Event) -> None:
        while not ended.wait(_SECONDS_ALIVE):
            with self._lock:
                self._redraw()

    def _redraw(self) -> None:
        if self._current is None:
            return
        name, pace, phase = self._current
        # The last column stays empty, because some terminals begin a new line after it.
        line = progress_text(Path(name).name, pace, width_of(self._stream) - 1, self._signs, phase)
        if not can_show(self._stream, line):
            line = line.encode("ascii", "replace").decode("ascii")
        self._write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the stream is closed
            self._stream.write(text)
            self._stream.flush()


def progress_text(name: str, pace: Pace, width: int, signs: str = _PLAIN, phase: str = "") -> str:
    """Return the progress as one line of at most ``width`` characters.

    Parameters
    ----------
    name : str
        Name of the file.
    pace : Pace
    width : int
        Parts that do not fit are omitted, the least important first.
    signs : str
        Characters for the parts of the bar that are done and not done.
    phase : str
        What is done before the first rows.
    """
    if phase and not pace.rows:
        return _after(name, f"{phase}  {clock_text(math.floor(pace.elapsed))}", width)
    share, total = pace.share, pace.total
    rows = f"{pace.rows:,} of {total:,} rows" if total else f"{pace.rows:,} rows"
    speed = f"{pace.rows_per_second:,.0f} rows/s" if pace.rows_per_second else ""
    time_text = ""
    if share is None:
        time_text = clock_text(pace.elapsed)
    elif pace.remaining is not None:
        time_text = f"{clock_text(pace.remaining)} left"
    reading = f"reading {pace.reading}" if pace.reading > 1 else ""
    percent = "" if share is None else f"{int(100 * share):3d} %"
    parts = [percent, rows, speed, time_text, reading]
    while len(line := "  ".join(part for part in parts if part)) > width and len(parts) > 1:
        parts.pop()
    room = width - len(line) - 2
    if share is not None and room >= _NARROWEST_BAR + 2:
        bar = _bar(share, min(room - 2, _WIDEST_BAR), signs)
        line = f"{bar}  {line}"
    return _after(name, line, width)


def clock_text(seconds: float) -> str:
    """Return a duration as 0:07, 12:34 or 1:02:03."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _after(name: str, line: str, width: int) -> str:
    """Return a line after the name of the file, if both fit the width."""
    return f"{name}  {line}" if len(name) <= width - len(line) - 2 else line[:width]


def _bar(share: float, width: int, signs: str) -> str:
    done = int(share * width)
    return f"[{signs[0] * done}{signs[1] * (width - done)}]"
