"""Plots of series in a terminal: one dot an epoch, in Braille characters or in ASCII.

A plot is a frame, which converts dates and values to dots of a canvas, and layers that draw into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._terminal.ticks import Tick, date_ticks, number_ticks

BRAILLE: Final = "".join(map(chr, range(0x2801, 0x2900)))
"""All characters for dots."""
LINES: Final = "┤│└┴─×"
"""Tick and axis of the values, corner, tick and axis of the dates, missing value; not in ASCII."""
_PLAIN_LINES: Final = "+|++-x"
_BRAILLE_BITS: Final = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Bits of the dots of a character, in four rows of two (Unicode 16, "Braille Patterns")."""
_PLAIN_DOTS: Final = " '.:"
_UNIT: Final = "mm"
_LEAST_COLUMNS: Final = 4
_ROWS_A_TICK: Final = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """Conversion of dates and values to dots of a grid; the extremes lie at the edges.

    Attributes
    ----------
    left, right : float
        First and last date, days since 1970.
    low, high : float
        Lowest and highest value, mm.
    columns, rows : int
        Number of dots of the grid.
    """

    left: float
    right: float
    low: float
    high: float
    columns: int
    rows: int

    def column(self, days: float) -> int:
        """Return the column of dots of a date."""
        return _place(days, self.left, self.right, self.columns)

    def row(self, value: float) -> int:
        """Return the row of dots of a value, from the top."""
        return self.rows - 1 - _place(value, self.low, self.high, self.rows)


class Ink(IntEnum):
    """Part of the plot that a dot belongs to; a character with dots of several parts has the colour of the highest."""

    BEHIND = 0
    SERIES = 1
    LINE = 2


Paint = Callable[[str, Ink], str]
"""Returns characters with a colour."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A character below the dates, from one day to another."""

    first: np.datetime64
    last: np.datetime64
    sign: str


class Canvas:
    """A grid of dots that becomes text: 2 by 4 dots a character in Braille, 1 by 2 in ASCII."""

    def __init__(self, width: int, height: int, *, plain: bool) -> None:
        self._plain = plain
        self.dots_wide, self.dots_high = (1, 2) if plain else (2, 4)
        self.dots = np.zeros((height * self.dots_high, width * self.dots_wide), dtype=bool)
        self._inks = np.zeros((height, width), dtype=np.int8)

    def set(self, column: int, row: int, ink: Ink = Ink.SERIES) -> None:
        """Draw a dot; dots outside of the grid are ignored."""
        rows, columns = self.dots.shape
        if 0 <= row < rows and 0 <= column < columns:
            self.dots[row, column] = True
            cell = row // self.dots_high, column // self.dots_wide
            self._inks[cell] = max(ink, self._inks[cell])

    def lines(self, paint: Paint | None = None) -> list[str]:
        """Return the text, line by line, without trailing spaces."""
        lines = [line.rstrip() for line in self._texts()]
        if paint is None:
            return lines
        rows = zip(lines, self._inks.tolist(), strict=True)
        return [
            "".join(run if ink is None else paint(run, ink) for ink, run in _runs(line, inks)) for line, inks in rows
        ]

    def _texts(self) -> list[str]:
        rows, columns = self.dots.shape
        cells = self.dots.reshape(rows // self.dots_high, self.dots_high, columns // self.dots_wide, self.dots_wide)
        bits = np.array([[1], [2]]) if self._plain else _BRAILLE_BITS
        codes = (cells * bits[None, :, None, :]).sum(axis=(1, 3)).tolist()
        if self._plain:
            return ["".join(_PLAIN_DOTS[code] for code in line) for line in codes]
        return ["".join(chr(0x2800 + code) if code else " " for code in line) for line in codes]


PlotLayer = Callable[[Canvas, Frame], None]
"""Draws part of a plot."""


def points(dates: NDArray[np.datetime64], values: NDArray[np.floating], ink: Ink = Ink.SERIES) -> PlotLayer:
    """Return a layer with a dot for each finite value."""

    def draw(canvas: Canvas, frame: Frame) -> None:
        there = np.isfinite(values)
        for day, value in zip(_days(dates[there]).tolist(), values[there].tolist(), strict=True):
            canvas.set(frame.column(day), frame.row(value), ink)

    return draw


def curve(dates: NDArray[np.datetime64], values: NDArray[np.floating]) -> PlotLayer:
    """Return a layer with a continuous line through dates and values."""

    def draw(canvas: Canvas, frame: Frame) -> None:
        if not len(dates):
            return
        days = _days(dates)
        columns = np.arange(frame.column(days[0]), frame.column(days[-1]) + 1)
        width = (frame.right - frame.left) / max(frame.columns - 1, 1)
        rows = [frame.row(value) for value in np.interp(frame.left + width * columns, days, values).tolist()]
        for column, before, row in zip(columns.tolist(), rows[:1] + rows, rows, strict=False):
            step = 1 if row > before else -1
            for between in (*range(before + step, row, step), row):
                canvas.set(column, between, Ink.LINE)

    return draw


def vertical_line(date: np.datetime64) -> PlotLayer:
    """Return a layer with a dotted vertical line at a date."""

    def draw(canvas: Canvas, frame: Frame) -> None:
        for row in range(0, frame.rows, 2):
            canvas.set(frame.column(_days(np.array([date]))[0]), row, Ink.LINE)

    return draw


def plot_series(
    dates: NDArray[np.datetime64],
    values: NDArray[np.floating],
    *,
    width: int,
    height: int = 16,
    plain: bool = False,
    layers: Sequence[PlotLayer] = (),
    reach: NDArray[np.floating] | None = None,
    marks: Sequence[Sequence[Mark]] = (),
    paint: Paint | None = None,
) -> list[str]:
    """Return the plot of a series as lines of text.

    Parameters
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    values : ndarray of float, shape [T]
        mm, NaN = missing.
    width, height : int
        Most characters of a line, and number of lines of the grid.
    plain : bool
        Whether to draw in ASCII.
    layers : sequence of PlotLayer
        Layers to draw after the series.
    reach : ndarray of float, optional
        Further values, mm, that must fit into the grid.
    marks : sequence of sequences of Mark
        Further lines of marks below the dates; a mark hides earlier ones at the same place.
    paint : callable, optional
        Colours the characters of the grid.

    Returns
    -------
    list of str
        The unit, the grid with the axis of values, the axis of dates, a line of marks for missing values if there are
        any, and the further lines of marks.
    """
    if not len(dates):
        return ["no epochs"]
    low, high = _range_of(values if reach is None else np.concatenate([values, reach]))
    ticks = number_ticks(low, high, max(height // _ROWS_A_TICK, 2))
    gutter = max(len(_UNIT), *(len(tick.label) for tick in ticks)) + 1
    columns = max(width - gutter - 1, _LEAST_COLUMNS)
    canvas = Canvas(columns, height, plain=plain)
    grid_rows, grid_columns = canvas.dots.shape
    days = _days(dates)
    frame = Frame(days[0], days[-1], low, high, grid_columns, grid_rows)
    for layer in (points(dates, values), *layers):
        layer(canvas, frame)

    value_tick, value_axis, corner, date_tick, date_axis, missing = _PLAIN_LINES if plain else LINES
    labels = {frame.row(tick.place) // canvas.dots_high: tick.label for tick in ticks}
    lines = [_UNIT.rjust(gutter - 1)]
    for number, line in enumerate(canvas.lines(paint)):
        label = labels.get(number)
        lines.append(f"{label or '':>{gutter - 1}} {value_axis if label is None else value_tick}{line}".rstrip())

    def cell(day: float) -> int:
        return frame.column(day) // canvas.dots_wide

    axis, below = [date_axis] * columns, [" "] * columns
    for tick in date_ticks(dates[0], dates[-1], lambda some: _fit(some, cell, columns)):
        axis[cell(tick.place)] = date_tick
        start = _label_start(tick, cell, columns)
        below[start : start + len(tick.label)] = tick.label
    margin = " " * gutter
    lines += [margin + corner + "".join(axis), f"{margin} {''.join(below)}".rstrip()]
    absent = [Mark(date, date, missing) for date in dates[np.isnan(values)]]
    for line_of_marks in (absent, *marks):
        signs = [" "] * columns
        for mark in line_of_marks:
            first, last = (min(max(cell(day), 0), columns - 1) for day in _days(np.array([mark.first, mark.last])))
            signs[first : last + 1] = mark.sign * (last + 1 - first)
        if line_of_marks:
            lines.append(f"{margin} {''.join(signs)}".rstrip())
    return lines


def _runs(line: str, inks: Sequence[int]) -> Iterator[tuple[Ink | None, str]]:
    """Return the parts of a line with one ink each; None for spaces."""
    pairs = ((None if sign == " " else Ink(ink), sign) for sign, ink in zip(line, inks, strict=False))
    for kind, run in groupby(pairs, key=itemgetter(0)):
        yield kind, "".join(sign for _, sign in run)


def _days(dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
    return dates.astype("datetime64[D]").astype(np.float64)


def _range_of(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the lowest and the highest value; 1 mm around a single value."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _place(value: float, low: float, high: float, count: int) -> int:
    return (count - 1) // 2 if not high > low else round((value - low) / (high - low) * (count - 1))


def _label_start(tick: Tick, cell: Callable[[float], int], columns: int) -> int:
    """Return the column at which a label begins: centred below its tick, or moved inside at the edges."""
    return max(min(cell(tick.place) - len(tick.label) // 2, columns - len(tick.label)), 0)


def _fit(ticks: Sequence[Tick], cell: Callable[[float], int], columns: int) -> bool:
    free = 0
    for tick in ticks:
        start = _label_start(tick, cell, columns)
        if start < free or start + len(tick.label) > columns:
            return False
        free = start + len(tick.label) + 2
    return True
