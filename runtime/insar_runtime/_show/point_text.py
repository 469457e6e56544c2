"""Text of one point for a terminal: the plot of its series, its class, its diagnosis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TextIO

import numpy as np

from insar_runtime._findings.wording import noun
from insar_runtime._output.palette import CLASS_COLOURS
from insar_runtime._show.diagnosis_text import SIGNS, as_ascii, describe_diagnosis, number_text
from insar_runtime._show.point import Point
from insar_runtime._show.point_plot import PointPlot
from insar_runtime._show.point_result import PointResult
from insar_runtime._show.series import Series
from insar_runtime._show.terminal_plot import MARKS, plot_point
from insar_runtime._terminal.plot import BRAILLE, LINES, Ink
from insar_runtime._terminal.terminal import can_show, shows_colours, width_of, wrapped
from insar_runtime._terminal.texts import describe_evidence

_WIDEST: Final = 160
"""Most columns of a plot."""
_BAR: Final = 30
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_MARGIN: Final = 13
_DIM: Final = 240
"""A dark grey."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a terminal can show.

    Attributes
    ----------
    width : int
        Characters of a line.
    plain : bool
        ASCII only.
    coloured : bool
        Whether to use colours.
    wrapped : bool
        Whether to break lines of text between words, where the width ends.
    """

    width: int
    plain: bool
    coloured: bool
    wrapped: bool = False

    @classmethod
    def of(cls, stream: TextIO, *, plain: bool = False) -> Look:
        """Return what a text stream can show; ASCII only if ``plain``."""
        plain = plain or not can_show(stream, BRAILLE + LINES + MARKS + _BLOCKS + SIGNS)
        return cls(min(width_of(stream), _WIDEST), plain, shows_colours(stream), stream.isatty())


def describe_point(point: Point, look: Look) -> str:
    """Return the plot of a point, followed by all that is known about it."""
    lines = [f"{point.file}, row {point.row}" if point.id is None else f"{point.id}  {point.file}, row {point.row}"]
    plot = PointPlot.of(point.series, point.answer, point.diagnosis) if point.series else None
    if plot is not None:
        paint = partial(_painted, name=plot.class_name) if look.coloured else None
        lines += ["", *plot_point(plot, width=look.width, plain=look.plain, paint=paint)]
    lines += ["", *_answer_lines(point, look)]
    diagnosis = (
        describe_diagnosis(point.diagnosis, marked=plot is not None, plain=look.plain) if point.diagnosis else ()
    )
    facts = [*_facts(point, plot, look), *diagnosis, *(("note", note) for note in point.notes)]
    fact_lines = [f"{name:<{_MARGIN}}{text}" for name, text in facts]
    lines += [wrapped(line, look.width, " " * _MARGIN) for line in fact_lines] if look.wrapped else fact_lines
    text = "\n".join(lines)
    # Ids and names may contain characters that the stream cannot show.
    return text.encode("ascii", "backslashreplace").decode("ascii") if look.plain else text


def _answer_lines(point: Point, look: Look) -> Iterator[str]:
    answer = point.answer
    if answer is None:
        yield f"{'class':<{_MARGIN}}none"
        return
    yield f"{'class':<{_MARGIN}}{_class_text(answer, look)}"
    if point.stored is not None:
        yield f"{'in the file':<{_MARGIN}}{_class_text(point.stored, look)}"
    origin = "read from the file" if answer.from_file else "classified now"
    yield f"{'by':<{_MARGIN}}{answer.model or 'unknown model'}, {origin}"
    for name, probability in (answer.probabilities or {}).items():
        bar = _bar(probability, min(_BAR, look.width - _MARGIN - 10), plain=look.plain)
        yield f"  {name:<{_MARGIN - 2}}{probability:6.3f}  {_coloured(bar, name, look)}".rstrip()


def _class_text(answer: PointResult, look: Look) -> str:
    if answer.class_top is None or answer.confidence is None:
        return f"none ({answer.status})"
    sure = f"confidence {answer.confidence:.3f}, status {answer.status}"
    if answer.class_name is None:
        return f"none; most probable {_coloured(answer.class_top, answer.class_top, look)}, {sure}"
    return f"{_coloured(answer.class_name, answer.class_name, look)}, {sure}"


def _facts(point: Point, plot: PointPlot | None, look: Look) -> Iterator[tuple[str, str]]:
    series = point.series
    if series is not None:
        yield from _series_lines(series, look)
    elif "n_epochs" in point.attributes:
        yield "epochs", f"{point.attributes['n_epochs']}, longest gap {point.attributes.get('max_gap_days')} days"
    rates = []
    if point.diagnosis is not None and point.diagnosis.velocity is not None:
        rates.append(as_ascii(f"{number_text(point.diagnosis.velocity)} mm/yr beside a yearly cycle", plain=look.plain))
    if point.velocity is not None:
        rates.append(f"{point.velocity:.2f} mm/yr in column '{point.velocity_column}'")
    if series is not None and series.slope is not None:
        rates.append(f"{series.slope:.2f} mm/yr by least squares")
    if plot is not None and plot.jumps and plot.velocity is not None:
        rates.append(as_ascii(f"{number_text(plot.velocity)} mm/yr without its jumps", plain=look.plain))
    if rates:
        yield "velocity", ", ".join(rates)
    if point.unit is not None:
        yield "unit", f"{point.unit} in the file, {describe_evidence(point.unit_evidence, point.velocity_column)}"
    if point.position:
        yield "position", ", ".join(f"{role} {value:.10g}" for role, value in point.position.items())
    if point.same_id > 1:
        rows = ", ".join(map(str, point.same_rows)) + (", ..." if point.same_id > len(point.same_rows) else "")
        yield "same id", f"{point.same_id} rows have it ({rows}); this is the first"


def _series_lines(series: Series, look: Look) -> Iterator[tuple[str, str]]:
    dates, gap = series.valid_dates, series.longest_gap
    missing = len(series.dates) - len(dates)
    if not len(dates):
        yield "epochs", f"none of {len(series.dates)} has a value"
        return
    days = int((dates[-1] - dates[0]).astype(int))
    yield "epochs", f"{len(dates)} of {len(series.dates)}, {dates[0]} to {dates[-1]} ({days} days)"
    if missing:
        mark = "x" if look.plain else LINES[-1]
        yield "missing", f"{missing} {noun(missing, 'epoch')}, marked {mark} below the dates"
    if gap:
        yield "longest gap", f"{int((gap[1] - gap[0]).astype(int))} days, {gap[0]} to {gap[1]}"
    finite = series.displacement[np.isfinite(series.displacement)]
    if len(finite):
        yield "range", f"{finite.min():.4g} to {finite.max():.4g} mm"
    if infinite := len(dates) - len(finite):
        yield "infinite", f"{infinite} {noun(infinite, 'value')}, which {'is' if infinite == 1 else 'are'} not drawn"


def _bar(share: float, width: int, *, plain: bool) -> str:
    if plain:
        return "#" * round(share * width)
    full, eighths = divmod(round(share * width * 8), 8)
    return _BLOCKS[8] * full + (_BLOCKS[eighths] if eighths else "")


def _coloured(text: str, name: str, look: Look) -> str:
    """Return text in the colour of its class."""
    return _in_colour(text, _of_class(name)) if look.coloured and text else text


def _painted(text: str, ink: Ink, name: str | None) -> str:
    """Colour part of a plot: epochs in the colour of the class, lines in that of text, repaired epochs dim."""
    if ink is Ink.LINE or (ink is Ink.SERIES and name is None):
        return text
    return _in_colour(text, _DIM if ink is Ink.BEHIND or name is None else _of_class(name))


def _of_class(name: str) -> int:
    red, green, blue = (round(int(CLASS_COLOURS[name][i : i + 2], 16) / 255 * 5) for i in (1, 3, 5))
    return 16 + 36 * red + 6 * green + blue


def _in_colour(text: str, colour: int) -> str:
    """Return text in one of the 256 colours of nearly all terminals."""
    return f"\033[38;5;{colour}m{text}\033[0m"
