"""What pictures of a series are made of: layers that draw into matplotlib's axes one after the other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import numpy as np

from insar_runtime._diagnosis.trend.curves import Shape
from insar_runtime._output.palette import CLASS_COLOURS, NO_CLASS_COLOUR
from insar_runtime._show.diagnosis_text import number_text
from insar_runtime._show.point_diagnosis import FoundJump
from insar_runtime._show.point_plot import PointPlot
from insar_runtime.classes import CLASS_NAMES, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR

INK: Final = "#333333"
_PALE: Final = "#9a9a9a"
_BREAK: Final = "#009e73"
_JUMP: Final = "#56b4e9"
"""Two colours of Okabe and Ito's eight that no class has."""

_SMALL: Final = 6.0
_TEXT_HEIGHT: Final = 0.24
"""Part of the axes that the text of a jump takes, upright."""
_NEAR: Final = 0.035
"""Part of the dates within which two texts would lie on each other; one stands below the other then."""
_MOST_LEVELS: Final = 2
_WITHOUT_LINE: Final = {CLASS_NAMES[TrendClass.PUE], CLASS_NAMES[TrendClass.OTHER]}
"""Classes whose points no line lies on."""

Layer = Callable[[Any, PointPlot], None]
"""Draws something of a point into axes of dates and mm."""


def draw_break(axes: Any, sight: PointPlot) -> None:
    """Draw the date of the break as a line, and the interval that holds it with 90 % as a band."""
    change = sight.change
    if change is None:
        return
    axes.axvspan(change.earliest, change.latest, color=_BREAK, alpha=0.15, linewidth=0, zorder=0)
    axes.axvline(change.day, color=_BREAK, linewidth=1.2, zorder=1, label=f"break {change.day}, 90 % interval")


def draw_jumps(axes: Any, sight: PointPlot) -> None:
    """Draw a line between the last epoch before each jump and the first one after it; dashed if not repaired."""
    dates, there = sight.series.dates, np.isfinite(sight.series.displacement)
    seen = set[str]()
    for jump in sight.jumps:
        earlier = dates[there & (dates < jump.day)]
        middle = earlier[-1] + (jump.day - earlier[-1]) // 2 if len(earlier) else jump.day
        label = "jump, repaired" if jump.repaired else "jump, not repaired"
        style = {"linewidth": 1.1, "linestyle": "-" if jump.repaired else (0, (3, 2))}
        axes.axvline(middle, color=_JUMP, zorder=1, label=None if label in seen else label, **style)
        seen.add(label)


def draw_jump_texts(axes: Any, sight: PointPlot) -> None:
    """Write size, cycles and probability of every jump beside its line, upright, above the series."""
    if not sight.jumps:
        return
    dates = sight.series.dates
    near = (dates[-1] - dates[0]) * _NEAR
    levels = [0]
    for before, jump in pairwise(sight.jumps):
        levels.append(levels[-1] + 1 if jump.day - before.day < near else 0)
    rows = min(max(levels), _MOST_LEVELS - 1) + 1
    low, high = axes.get_ylim()
    axes.set_ylim(low, low + (high - low) / (1 - rows * _TEXT_HEIGHT))
    for jump, level in zip(sight.jumps, levels, strict=True):
        axes.annotate(
            _jump_text(jump),
            (jump.day, 1 - level % _MOST_LEVELS * _TEXT_HEIGHT),
            xycoords=axes.get_xaxis_transform(),
            xytext=(2, -2),
            textcoords="offset points",
            rotation=90,
            va="top",
            fontsize=_SMALL,
            color=INK,
            zorder=5,
        ).set_in_layout(False)


def _jump_text(jump: FoundJump) -> str:
    cycles = [] if jump.cycles is None else [f"{jump.cycles:+d} {'cycle' if abs(jump.cycles) == 1 else 'cycles'}"]
    sure = [] if jump.probability is None else [f"p {jump.probability:.2f}"]
    return f"{jump.mm.value:+.1f} mm\n{', '.join(cycles + sure)}"


def draw_original(axes: Any, sight: PointPlot) -> None:
    """Draw the epochs that a repair has moved where the file has them, pale."""
    if sight.corrected is None:
        return
    values = np.where(np.isfinite(sight.series.displacement), sight.series.displacement, np.nan)
    moved = np.where(sight.corrected != values, values, np.nan)
    axes.plot(sight.series.dates, moved, "o", color=_PALE, markersize=3.2, alpha=0.6, zorder=2, label="as in the file")


def draw_epochs(axes: Any, sight: PointPlot) -> None:
    """Draw a dot for every epoch with a value, and a thin line that is broken where one is missing."""
    values = np.where(np.isfinite(sight.shown), sight.shown, np.nan)
    colour = CLASS_COLOURS[sight.class_name] if sight.class_name else "white"
    edge = {"markeredgecolor": NO_CLASS_COLOUR, "markeredgewidth": 0.6, "markersize": 4.5}
    axes.plot(sight.series.dates, values, color=_PALE, linewidth=0.6, zorder=2)
    label = "epoch" if sight.corrected is None else "epoch, jumps repaired"
    axes.plot(sight.series.dates, values, "o", color=colour, zorder=3, label=label, **edge)


def draw_missing(axes: Any, sight: PointPlot) -> None:
    """Mark at the lower edge the epochs that have no value."""
    missing = sight.series.dates[np.isnan(sight.series.displacement)]
    if len(missing):
        bottom = np.full(len(missing), 0.015)
        where = axes.get_xaxis_transform()
        axes.plot(
            missing, bottom, "|", color=INK, markersize=7, transform=where, zorder=1, label=f"missing ({len(missing)})"
        )


def draw_trend(axes: Any, sight: PointPlot) -> None:
    """Draw the trend of the diagnosis; without a diagnosis, the least-squares line, but of no PUE or Other."""
    if not len(sight.trend):
        if sight.diagnosis is None and sight.class_name not in _WITHOUT_LINE:
            _draw_slope(axes, sight)
        return
    style = {"color": INK, "linewidth": 1.4, "zorder": 4}
    axes.plot(sight.trend_dates, sight.trend, label=_trend_text(sight), **style)


def _trend_text(sight: PointPlot) -> str:
    if sight.shape is Shape.BROKEN and sight.change is not None:
        return f"{number_text(sight.change.before)}, then {number_text(sight.change.after)} mm/yr"
    if sight.shape is Shape.PARABOLA and sight.acceleration is not None:
        return f"{number_text(sight.acceleration)} mm/yr²"
    between = " without jumps" if sight.jumps else ""
    return "trend" if sight.velocity is None else f"{number_text(sight.velocity)} mm/yr{between}"


def _draw_slope(axes: Any, sight: PointPlot) -> None:
    series = sight.series
    there, slope = np.isfinite(series.displacement), series.slope
    if slope is None:
        return
    days = series.dates.astype(np.float64)
    ends = np.array([days[there][0], days[there][-1]])
    middle, level = days[there].mean(), series.displacement[there].astype(np.float64).mean()
    line = level + slope / DAYS_PER_YEAR * (ends - middle)
    label = f"least squares, {slope:.2f} mm/yr"
    axes.plot(ends.astype("datetime64[D]"), line, color=INK, linewidth=1, linestyle="--", zorder=4, label=label)


LAYERS: Final[tuple[Layer, ...]] = (
    draw_break,
    draw_jumps,
    draw_original,
    draw_epochs,
    draw_missing,
    draw_trend,
    draw_jump_texts,
)
