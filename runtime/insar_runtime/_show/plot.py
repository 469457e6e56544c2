"""``insar_runtime.plot``: one series of a caller in Python, drawn as ``insar-rt show --png`` draws it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.options import Diagnose, JumpRows
from insar_runtime._input.units.series_units import Unit
from insar_runtime._input.units.wavelength import find_wavelength
from insar_runtime._output.atomic import write_file
from insar_runtime._pipeline.diagnosis_setup import on_axis
from insar_runtime._pipeline.given_input import take_series
from insar_runtime._show.diagnose_point import diagnose_point
from insar_runtime._show.png import as_png, check_png, draw_figure, title_of
from insar_runtime._show.point_plot import PointPlot
from insar_runtime._show.point_result import PointResult, classify_point
from insar_runtime._show.series import Series
from insar_runtime.classifier import Classifier
from insar_runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(
    displacement: Any,
    dates: ArrayLike | Sequence[Any] | None = None,
    path: str | Path | None = None,
    *,
    classifier: Classifier | None = None,
    units: Unit | None = None,
    half_wavelength_mm: float | Literal["auto"] | None = "auto",
    noise: FileNoise | None = None,
    jumps: JumpRows = "flagged",
    title: str = "series",
    overwrite: bool = False,
) -> Figure:
    """Draw one series with its class, its trend, and its break or jumps.

    Parameters
    ----------
    displacement, dates, units
        As for ``Classifier.classify``, of one series: an array [T] or [1, T], a ``pandas.Series`` with dates as its
        index, or a DataArray of one place.
    path : str or Path, optional
        PNG file to write.
    classifier : Classifier, optional
        Made with its defaults if not given, which takes longer than drawing.
    half_wavelength_mm : float, None or "auto"
        As for ``Classifier.diagnose``.
    noise : FileNoise, optional
        Of the file that the series is from, such as ``Diagnosis.noise``; typical noise if not given.
    jumps : {"flagged", "all"}
        Whether the series is searched for jumps if it may be a PUE, or in any case.
    title : str
        Name of the series, before its class.
    overwrite : bool
        Whether a file that exists may be replaced.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot, so it need not be closed.

    Raises
    ------
    UnavailableError
        If matplotlib is not installed.
    UsageError
        If it is not one series, or an argument is out of range.
    DataError
        If the dates cannot be read.
    OutputExistsError, InputOutputError
        If the file exists and must not be replaced, or cannot be written.

    Examples
    --------
    >>> insar_runtime.plot(displacement[7], dates, "series.png", classifier=classifier)
    """
    if path is not None:
        check_png(Path(path), overwrite=overwrite)
    classifier = classifier or Classifier(threads=1)
    given = take_series(classifier, displacement, dates, units)
    if given.count != 1:
        raise UsageError(f"a plot is of one series, and there are {given.count}; give one, such as displacement[0]")
    series = Series(given.dates, given.matrix()[0])
    if isinstance(half_wavelength_mm, str):
        if half_wavelength_mm != "auto":
            raise UsageError(f"half_wavelength_mm is {half_wavelength_mm!r}; give millimetres, None or 'auto'")
        half_wavelength_mm = find_wavelength(given.dates, given.made_by).half_mm
    elif half_wavelength_mm is not None:
        half_wavelength_mm = find_wavelength(given.dates, given.made_by, half_wavelength_mm).half_mm
    answer: PointResult | None = None
    try:
        answer = classify_point(classifier, series)
    except DataError as error:
        # The series is drawn without a class.
        subtitle = str(error)
    else:
        subtitle = ", ".join(filter(None, (f"{series.valid_dates.size} epochs", answer.model)))
    days = given.days.astype(np.float64)
    diagnosis = diagnose_point(
        series,
        answer,
        Diagnose(jumps),
        half_wavelength_mm=half_wavelength_mm,
        estimate_noise=lambda: FileNoise.typical(days) if noise is None else on_axis(noise, given.dates),
        open_classifier=lambda: classifier,
    )
    drawn = PointPlot.of(series, answer, diagnosis)
    figure: Figure = draw_figure(drawn, answer, title=title_of(title, answer), subtitle=subtitle)
    if path is not None:
        write_file(Path(path), [as_png(figure)], overwrite=overwrite)
    return figure
