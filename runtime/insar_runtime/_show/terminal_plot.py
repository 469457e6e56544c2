"""A point in the terminal: its series, the trend, the break and the jumps that a diagnosis tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from insar_runtime._show.point_diagnosis import FoundBreak, FoundJump
from insar_runtime._show.point_plot import PointPlot
from insar_runtime._terminal.plot import Ink, Layer, Mark, Paint, curve, plot_series, points, upright

MARKS: Final = "├─┤┼↑↓"
"""Below the dates: begin, inside and end of the interval of a break, the break; a jump up, a jump down."""
PLAIN_MARKS: Final = "[-]|^v"


def plot_point(sight: PointPlot, *, width: int, plain: bool = False, paint: Paint | None = None) -> list[str]:
    """Draw a point.

    Parameters
    ----------
    sight : PointPlot
    width : int
        Characters of the longest line.
    plain : bool
        Whether to draw in ASCII.
    paint : callable, optional
        Colours the characters of the grid.

    Returns
    -------
    list of str
        As ``plot_series`` gives them, with a line of marks for the break and one for the jumps.
    """
    signs = PLAIN_MARKS if plain else MARKS
    return plot_series(
        sight.series.dates,
        sight.shown,
        width=width,
        plain=plain,
        layers=list(_layers(sight)),
        reach=None if sight.corrected is None else sight.series.displacement,
        marks=[marks for marks in (_break_marks(sight.change, signs), _jump_marks(sight.jumps, signs)) if marks],
        paint=paint,
    )


def _layers(sight: PointPlot) -> Iterator[Layer]:
    series = sight.series
    if sight.corrected is not None:
        moved = np.abs(sight.corrected - series.displacement) > 0
        yield points(series.dates[moved], series.displacement[moved], Ink.BEHIND)
    yield curve(sight.trend_dates, sight.trend)
    if sight.change is not None:
        yield upright(sight.change.day)


def _break_marks(change: FoundBreak | None, signs: str) -> list[Mark]:
    if change is None:
        return []
    begin, inside, end, middle = tuple(signs[:4])
    places = ((change.earliest, begin), (change.latest, end), (change.day, middle))
    return [Mark(change.earliest, change.latest, inside), *(Mark(day, day, sign) for day, sign in places)]


def _jump_marks(jumps: tuple[FoundJump, ...], signs: str) -> list[Mark]:
    up, down = tuple(signs[4:])
    return [Mark(jump.day, jump.day, up if jump.mm.value > 0 else down) for jump in jumps]
