"""PNG of the series and the class of one point, by matplotlib.

The picture consists of layers, which draw into the axes of the series one after the other.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from insar_runtime._output.atomic import write_file
from insar_runtime._output.output_checks import check_output
from insar_runtime._output.palette import CLASS_COLOURS, NO_CLASS_COLOUR
from insar_runtime._show.png_layers import INK, LAYERS, PngLayer
from insar_runtime._show.point import Point
from insar_runtime._show.point_plot import PointPlot
from insar_runtime._show.point_result import PointResult
from insar_runtime.errors import UnavailableError, UsageError

_SIZE_INCHES: Final = (10.0, 4.5)
_DOTS_PER_INCH: Final = 150


def check_png(path: Path, *, overwrite: bool = False) -> None:
    """Check for reasons to refuse the PNG, before a large file is read: see ``write_png``."""
    check_output(path, overwrite=overwrite)
    _matplotlib("figure")


def write_png(point: Point, path: Path, *, overwrite: bool = False, layers: Sequence[PngLayer] | None = None) -> None:
    """Write the series and the class of a point to a PNG file, which appears whole or not at all.

    Parameters
    ----------
    point : Point
        Must have a series.
    path : Path
        File to write.
    overwrite : bool
        Whether an existing file may be replaced.
    layers : sequence of PngLayer, optional
        Layers of the series; ``LAYERS`` by default.

    Raises
    ------
    UnavailableError
        If matplotlib is not installed.
    UsageError
        If the point has no series.
    OutputExistsError, InputOutputError
        If the file exists and must not be replaced, or cannot be written.
    """
    check_png(path, overwrite=overwrite)
    if point.series is None:
        raise UsageError(f"row {point.row} of {point.file} has no series, so there is nothing to draw")
    plot = PointPlot.of(point.series, point.answer, point.diagnosis)
    title, subtitle = title_of(point.id or f"row {point.row}", point.answer), _subtitle(point)
    figure = draw_figure(plot, point.answer, title=title, subtitle=subtitle, layers=layers)
    write_file(path, [as_png(figure)], overwrite=overwrite)


def draw_figure(
    plot: PointPlot,
    answer: PointResult | None,
    *,
    title: str,
    subtitle: str,
    layers: Sequence[PngLayer] | None = None,
) -> Any:
    """Draw a series with its class, trend and jumps.

    Parameters
    ----------
    plot : PointPlot
        The series, and what is drawn into it.
    answer : PointResult or None
        Its class.
    title, subtitle : str
        Two lines above it.
    layers : sequence of PngLayer, optional
        Layers of the series; ``LAYERS`` by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UnavailableError
        If matplotlib is not installed.
    """
    figure_module, dates_module = _matplotlib("figure"), _matplotlib("dates")
    # Without pyplot: no window, no global state.
    figure = figure_module.Figure(figsize=_SIZE_INCHES, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(4, 1))
    for layer in LAYERS if layers is None else layers:
        layer(left, plot)
    left.set_ylabel("Displacement (mm)")
    left.set_xlabel("Date")
    locator = dates_module.AutoDateLocator()
    left.xaxis.set_major_locator(locator)
    left.xaxis.set_major_formatter(dates_module.ConciseDateFormatter(locator))
    left.grid(color="#e6e6e6", linewidth=0.6)
    left.legend(loc="best", fontsize=8, frameon=True, framealpha=0.8, edgecolor="none")
    _draw_probabilities(right, answer)
    for axes in (left, right):
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_title(_literal(title), loc="left", fontsize=12, fontweight="bold", color=INK, pad=20)
    line = left.text(0, 1.02, _literal(subtitle), transform=left.transAxes, fontsize=8, color=INK)
    # It may extend beyond the axes, which must not shrink for it.
    line.set_in_layout(False)
    return figure


def as_png(figure: Any) -> bytes:
    """Return a figure as the bytes of a PNG."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": "insar-runtime"})
    return picture.getvalue()


def _matplotlib(module: str) -> Any:
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError:
        raise UnavailableError(
            "a PNG needs matplotlib, which is not installed: pip install 'insar-runtime[plot]'"
        ) from None


def _draw_probabilities(axes: Any, answer: PointResult | None) -> None:
    """Draw the probabilities as bars, or the status if there are none."""
    if answer is None or answer.probabilities is None:
        axes.set_axis_off()
        axes.text(0, 0.5, f"no class\n({answer.status if answer else 'not asked'})", color=INK, va="center")
        return
    names, shares = list(answer.probabilities), list(answer.probabilities.values())
    colours = [CLASS_COLOURS[name] for name in names]
    axes.barh(names, shares, color=colours, edgecolor=NO_CLASS_COLOUR, linewidth=0.6)
    for place, share in enumerate(shares):
        axes.text(share + 0.03, place, f"{share:.3f}", va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 1.3)
    axes.set_xticks([0, 0.5, 1])
    axes.set_xlabel("Probability")
    axes.invert_yaxis()


def title_of(name: str, answer: PointResult | None) -> str:
    """Return the name of a point and its class in one line."""
    if answer is None:
        return name
    if answer.class_top is None or answer.confidence is None:
        return f"{name}: no class ({answer.status})"
    if answer.class_name is None:
        return f"{name}: no class ({answer.status}; most probable {answer.class_top}, {answer.confidence:.3f})"
    return f"{name}: {answer.class_name}, confidence {answer.confidence:.3f}"


def _subtitle(point: Point) -> str:
    parts = [Path(point.file).name, f"row {point.row}"]
    parts += [f"{role} {value:.8g}" for role, value in list(point.position.items())[:2]]
    if point.answer and point.answer.model:
        parts.append(point.answer.model)
    return ", ".join(parts)


def _literal(text: str) -> str:
    """Return text in which dollar signs do not begin a formula of matplotlib."""
    return text.replace("$", r"\$")
