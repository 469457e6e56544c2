"""Layers of the PNG of a series, which draw into matplotlib axes one after the other."""

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
"""Two of the eight colours of Okabe and Ito that no class has."""

_SMALL: Final = 6.0
_TEXT_HEIGHT: Final = 0.24
"""Part of the height of the axes for the rotated text of a jump."""
_NEAR: Final = 0.035
"""Part of the width of the axes within which the texts of two jumps would overlap; the second is placed lower."""
_MOST_LEVELS: Final = 2
_WITHOUT_LINE: Final = {CLASS_NAMES[TrendClass.PUE], CLASS_NAMES[TrendClass.OTHER]}
"""Classes for which no least-squares line is drawn."""

PngLayer = Callable[[Any, PointPlot], None]
"""Draws part of the plot of a point into axes of dates and mm."""


def draw_break(axes: Any, plot: PointPlot) -> None:
    """Draw the date of the break as a line, and its 90 % interval as a band."""
    change = plot.change
    if change is None:
        return
    axes.axvspan(change.earliest, change.latest, color=_BREAK, alpha=0.15, linewidth=0, zorder=0)
    axes.axvline(change.day, color=_BREAK, linewidth=1.2, zorder=1, label=f"break {change.day}, 90 % interval")


def draw_jumps(axes: Any, plot: PointPlot) -> None:
    """Draw a vertical line between the epochs before and after each jump; dashed if it is not repaired."""
    dates, there = plot.series.dates, np.isfinite(plot.series.displacement)
    seen = set[str]()
    for jump in plot.jumps:
        earlier = dates[there & (dates < jump.day)]
        middle = earlier[-1] + (jump.day - earlier[-1]) // 2 if len(earlier) else jump.day
        label = "jump, repaired" if jump.repaired else "jump, not repaired"
        style = {"linewidth": 1.1, "linestyle": "-" if jump.repaired else (0, (3, 2))}
        axes.axvline(middle, color=_JUMP, zorder=1, label=None if label in seen else label, **style)
        seen.add(label)


def draw_jump_texts(axes: Any, plot: PointPlot) -> None:
    """Write size, cycles and probability of each jump beside its line, rotated, above the series."""
    if not plot.jumps:
        return
    dates = plot.series.dates
    near = (dates[-1] - dates[0]) * _NEAR
    levels = [0]
    for before, jump in pairwise(plot.jumps):
        levels.append(levels[-1] + 1 if jump.day - before.day < near else 0)
    rows = min(max(levels), _MOST_LEVELS - 1) + 1
    low, high = axes.get_ylim()
    axes.set_ylim(low, low + (high - low) / (1 - rows * _TEXT_HEIGHT))
    for jump, level in zip(plot.jumps, levels, strict=True):
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


def draw_original(axes: Any, plot: PointPlot) -> None:
    """Draw the repaired epochs at their values in the file, pale."""
    if plot.corrected is None:
        return
    values = np.where(np.isfinite(plot.series.displacement), plot.series.displacement, np.nan)
    moved = np.where(plot.corrected != values, values, np.nan)
    axes.plot(plot.series.dates, moved, "o", color=_PALE, markersize=3.2, alpha=0.6, zorder=2, label="as in the file")


def draw_epochs(axes: Any, plot: PointPlot) -> None:
    """Draw a dot for each epoch, and a thin line that is interrupted at missing values."""
    values = np.where(np.isfinite(plot.shown), plot.shown, np.nan)
    colour = CLASS_COLOURS[plot.class_name] if plot.class_name else "white"
    edge = {"markeredgecolor": NO_CLASS_COLOUR, "markeredgewidth": 0.6, "markersize": 4.5}
    axes.plot(plot.series.dates, values, color=_PALE, linewidth=0.6, zorder=2)
    label = "epoch" if plot.corrected is None else "epoch, jumps repaired"
    axes.plot(plot.series.dates, values, "o", color=colour, zorder=3, label=label, **edge)


def draw_missing(axes: Any, plot: PointPlot) -> None:
    """Mark missing values at the lower edge."""
    missing = plot.series.dates[np.isnan(plot.series.displacement)]
    if len(missing):
        bottom = np.full(len(missing), 0.015)
        where = axes.get_xaxis_transform()
        axes.plot(
            missing, bottom, "|", color=INK, markersize=7, transform=where, zorder=1, label=f"missing ({len(missing)})"
        )


def draw_trend(axes: Any, plot: PointPlot) -> None:
    """Draw the trend of the diagnosis; without a diagnosis the least-squares line, unless the class is PUE or Other."""
    if not len(plot.trend):
        if plot.diagnosis is None and plot.class_name not in _WITHOUT_LINE:
            _draw_slope(axes, plot)
        return
    style = {"color": INK, "linewidth": 1.4, "zorder": 4}
    axes.plot(plot.trend_dates, plot.trend, label=_trend_text(plot), **style)


def _trend_text(plot: PointPlot) -> str:
    if plot.shape is Shape.BROKEN and plot.change is not None:
        return f"{number_text(plot.change.before)}, then {number_text(plot.change.after)} mm/yr"
    if plot.shape is Shape.PARABOLA and plot.acceleration is not None:
        return f"{number_text(plot.acceleration)} mm/yr²"
    between = " without jumps" if plot.jumps else ""
    return "trend" if plot.velocity is None else f"{number_text(plot.velocity)} mm/yr{between}"


def _draw_slope(axes: Any, plot: PointPlot) -> None:
    series = plot.series
    there, slope = np.isfinite(series.displacement), series.slope
    if slope is None:
        return
    days = series.dates.astype(np.float64)
    ends = np.array([days[there][0], days[there][-1]])
    middle, level = days[there].mean(), series.displacement[there].astype(np.float64).mean()
    line = level + slope / DAYS_PER_YEAR * (ends - middle)
    label = f"least squares, {slope:.2f} mm/yr"
    axes.plot(ends.astype("datetime64[D]"), line, color=INK, linewidth=1, linestyle="--", zorder=4, label=label)


LAYERS: Final[tuple[PngLayer, ...]] = (
    draw_break,
    draw_jumps,
    draw_original,
    draw_epochs,
    draw_missing,
    draw_trend,
    draw_jump_texts,
)
