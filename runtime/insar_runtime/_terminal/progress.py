"""Progress of a run, for people who watch a terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from insar_runtime._terminal.terminal import can_show, is_redrawable, width_of

_SECONDS_BETWEEN: Final = 0.1
"""Between two drawings."""
_MEMORY_SECONDS: Final = 20.0
"""Time over which the pace is averaged: short enough to follow a change, long enough not to jump."""
_CERTAIN_SECONDS: Final = 1.0
"""Time before which a guess at the remaining time says nothing."""
_WIDEST_BAR: Final = 30
_NARROWEST_BAR: Final = 8
_BLOCKS: Final = "█░"
_PLAIN: Final = "#-"


class Pace:
    """Rows done, their number a second and the time that the rest takes, of one file that is read once or more often.

    The pace is a mean with weights that fade with time: over all the time at first, over the last 20 seconds or so
    later. It is measured from the first rows on: what came before them was opening and warming up. The callback of
    ``classify_file`` does not say which reading it is in; rows that do not grow begin the next.

    Parameters
    ----------
    readings : int
        Times that the file is read: two for priors that are estimated from it.
    clock : callable
        Gives seconds.

    Attributes
    ----------
    rows : int
        Done in this reading.
    total : int or None
        Rows of the file, if that is known.
    reading, readings : int
        Number of this reading, from 1, and of all of them.
    """

    def __init__(self, readings: int = 1, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin = clock()
        self._last: float | None = None
        self._rows = self._seconds = 0.0
        self.rows = 0
        self.total: int | None = None
        self.reading, self.readings = 1, readings

    def advance(self, rows: int, total: int | None) -> None:
        """Take the rows that are done in this reading, and the rows in all."""
        done = rows - self.rows
        if done <= 0 < rows and self.reading < self.readings:
            self.reading += 1
            done = rows
        now = self._clock()
        if self._last is not None:
            past = now - self._last
            fade = math.exp(-past / _MEMORY_SECONDS)
            self._rows, self._seconds = fade * self._rows + done, fade * self._seconds + past
        # A total that was estimated may prove too small.
        self.rows, self.total, self._last = rows, total if total is None else max(rows, total), now

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._begin

    @property
    def rows_per_second(self) -> float | None:
        """Rows a second lately; None before the second rows are done."""
        return self._rows / self._seconds if self._seconds > 0 else None

    @property
    def share(self) -> float | None:
        """Part of the work that is done, all readings taken together; None if the rows are not known."""
        if not self.total:
            return None
        return min((self.reading - 1 + self.rows / self.total) / self.readings, 1.0)

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest takes at this pace; None if that cannot be told (yet)."""
        pace = self.rows_per_second
        if not self.total or not pace or self.elapsed < _CERTAIN_SECONDS:
            return None
        rest = self.total - self.rows + (self.readings - self.reading) * self.total
        return max(rest, 0) / pace


class ProgressLine:
    """One line on a terminal that shows a pace and goes away; nothing where nobody watches.

    Parameters
    ----------
    stream : text stream
        Usually standard error.
    clock : callable
        Gives seconds.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._shown = is_redrawable(stream)
        self._signs = _BLOCKS if can_show(stream, _BLOCKS) else _PLAIN
        self._next = -math.inf
        self._drawn = 0

    def draw(self, name: str, pace: Pace) -> None:
        """Show how far the work is, unless that was shown just now."""
        if not self._shown or self._clock() < self._next:
            return
        self._next = self._clock() + _SECONDS_BETWEEN
        # The last column stays free: some terminals begin a new line there.
        line = progress_text(Path(name).name, pace, width_of(self._stream) - 1, self._signs)
        if not can_show(self._stream, line):
            line = line.encode("ascii", "replace").decode("ascii")
        self._write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)

    def clear(self) -> None:
        """Take the line away; the next one is drawn at once."""
        if self._drawn:
            self._write("\r" + " " * self._drawn + "\r")
        self._drawn, self._next = 0, -math.inf

    def _write(self, text: str) -> None:
        with suppress(OSError):  # nobody to tell
            self._stream.write(text)
            self._stream.flush()


def progress_text(name: str, pace: Pace, width: int, signs: str = _PLAIN) -> str:
    """Say in one line of at most so many characters how far the work is.

    Parameters
    ----------
    name : str
        Of the file.
    pace : Pace
    width : int
        What does not fit is left away, the least telling first.
    signs : str
        A sign for what is done and one for what is not.
    """
    share, total = pace.share, pace.total
    rows = f"{pace.rows:,} of {total:,} rows" if total else f"{pace.rows:,} rows"
    speed = f"{pace.rows_per_second:,.0f} rows/s" if pace.rows_per_second else ""
    time_text = ""
    if share is None:
        time_text = clock_text(pace.elapsed)
    elif pace.remaining is not None:
        time_text = f"{clock_text(pace.remaining)} left"
    reading = f"reading {pace.reading} of {pace.readings}" if pace.readings > 1 else ""
    percent = "" if share is None else f"{int(100 * share):3d} %"
    parts = [percent, rows, speed, time_text, reading]
    while len(line := "  ".join(part for part in parts if part)) > width and len(parts) > 1:
        parts.pop()
    room = width - len(line) - 2
    if share is not None and room >= _NARROWEST_BAR + 2:
        bar = _bar(share, min(room - 2, _WIDEST_BAR), signs)
        line = f"{bar}  {line}"
    room = width - len(line) - 2
    return f"{name}  {line}" if len(name) <= room else line[:width]


def clock_text(seconds: float) -> str:
    """Return a time as 0:07, 12:34 or 1:02:03."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _bar(share: float, width: int, signs: str) -> str:
    done = int(share * width)
    return f"[{signs[0] * done}{signs[1] * (width - done)}]"
