"""Plot of one point in the terminal: its series, trend, break and jumps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from insar_runtime._show.point_diagnosis import FoundBreak, FoundJump
from insar_runtime._show.point_plot import PointPlot
from insar_runtime._terminal.plot import Ink, Mark, Paint, PlotLayer, curve, plot_series, points, vertical_line

MARKS: Final = "├─┤┼↑↓"
"""Marks below the dates: begin, inside and end of the interval of a break, the break; a jump up, a jump down."""
PLAIN_MARKS: Final = "[-]|^v"


def plot_point(plot: PointPlot, *, width: int, plain: bool = False, paint: Paint | None = None) -> list[str]:
    """Return the plot of a point, line by line.

    Parameters
    ----------
    plot : PointPlot
    width : int
        Characters of the longest line.
    plain : bool
        Whether to draw in ASCII.
    paint : callable, optional
        Colours the characters of the grid.

    Returns
    -------
    list of str
        Lines of ``plot_series``, with a line of marks for the break and one for the jumps.
    """
    signs = PLAIN_MARKS if plain else MARKS
    return plot_series(
        plot.series.dates,
        plot.shown,
        width=width,
        plain=plain,
        layers=list(_layers(plot)),
        reach=None if plot.corrected is None else plot.series.displacement,
        marks=[marks for marks in (_break_marks(plot.change, signs), _jump_marks(plot.jumps, signs)) if marks],
        paint=paint,
    )


def _layers(plot: PointPlot) -> Iterator[PlotLayer]:
    series = plot.series
    if plot.corrected is not None:
        moved = np.abs(plot.corrected - series.displacement) > 0
        yield points(series.dates[moved], series.displacement[moved], Ink.BEHIND)
    yield curve(plot.trend_dates, plot.trend)
    if plot.change is not None:
        yield vertical_line(plot.change.day)


def _break_marks(change: FoundBreak | None, signs: str) -> list[Mark]:
    if change is None:
        return []
    begin, inside, end, middle = tuple(signs[:4])
    places = ((change.earliest, begin), (change.latest, end), (change.day, middle))
    return [Mark(change.earliest, change.latest, inside), *(Mark(day, day, sign) for day, sign in places)]


def _jump_marks(jumps: tuple[FoundJump, ...], signs: str) -> list[Mark]:
    up, down = tuple(signs[4:])
    return [Mark(jump.day, jump.day, up if jump.mm.value > 0 else down) for jump in jumps]
