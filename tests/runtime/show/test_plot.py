"""``insar_runtime.plot``: the figure of one series, and the same picture as that of the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insar_runtime import Classifier, DataError, InsarRuntimeError, OutputExistsError, UsageError, plot
from tests.runtime.tables import series

pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra plot)")

MATRIX, DATES = series(4, 120)
JUMPING = np.where(np.arange(120) < 60, MATRIX[0], MATRIX[0] + 27.73)


def texts(figure: Any) -> str:
    return "\n".join(text.get_text() for axes in figure.axes for text in (axes.title, axes._left_title, *axes.texts))


def test_a_figure_has_class_trend_and_jumps(classifier: Classifier) -> None:
    result = classifier.classify(JUMPING, DATES)
    diagnosis = classifier.diagnose(JUMPING, DATES)
    assert result.class_name == ["PUE"]
    assert diagnosis.jump_date.tolist() == [DATES[60].astype(object)]
    figure = plot(JUMPING, DATES, classifier=classifier, title="bridge")
    left = figure.axes[0]
    assert f"bridge: PUE, confidence {result.confidence[0]:.3f}" in texts(figure)
    assert f"120 epochs, {classifier.model.name} {classifier.model.version}" in texts(figure)
    labels = left.get_legend_handles_labels()[1]
    assert any(label.startswith("jump") for label in labels)
    assert np.array_equal(np.asarray(left.lines[-1].get_xdata())[[0, -1]], DATES[[0, -1]])


def test_a_file_is_written_whole_or_not_at_all(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "series.png"
    figure = plot(MATRIX[1], DATES, path, classifier=classifier)
    assert type(figure).__module__ == "matplotlib.figure"
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(OutputExistsError):
        plot(MATRIX[1], DATES, path, classifier=classifier)
    plot(MATRIX[1], DATES, path, classifier=classifier, overwrite=True)
    assert path.read_bytes() == data
    assert [item.name for item in tmp_path.iterdir()] == ["series.png"]


def test_series_of_any_kind_are_drawn(classifier: Classifier) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed (group neighbours)")
    wanted = texts(plot(MATRIX[2], DATES, classifier=classifier))
    of_pandas = pandas.Series(MATRIX[2] / 10, index=pandas.DatetimeIndex(DATES))
    assert texts(plot(of_pandas, classifier=classifier, units="cm")) == wanted
    noise = classifier.diagnose(np.tile(MATRIX, (50, 1)), DATES).noise
    assert texts(plot(MATRIX[2], DATES, classifier=classifier, noise=noise, jumps="all")).startswith(wanted[:20])


def test_a_series_that_is_too_short_is_drawn_without_a_class(classifier: Classifier) -> None:
    figure = plot(MATRIX[1, :12], DATES[:12], classifier=classifier, title="short")
    assert "short" in texts(figure)
    assert "12 epochs are too few" in texts(figure)
    assert "no class" in texts(figure)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        ((MATRIX, DATES), {}, UsageError, "one series, and there are 4"),
        ((MATRIX[0],), {}, UsageError, "no dates of its own"),
        ((MATRIX[0], DATES), {"half_wavelength_mm": "sentinel"}, UsageError, "half_wavelength_mm is 'sentinel'"),
        ((MATRIX[0], DATES), {"half_wavelength_mm": -3}, UsageError, "-3"),
        ((MATRIX[0], DATES), {"jumps": "some"}, UsageError, "jumps is 'some'"),
        ((MATRIX[0], np.zeros(120)), {}, DataError, "decimal year"),
        ((MATRIX[0], DATES, "none/x.png"), {}, InsarRuntimeError, "none"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    classifier: Classifier, arguments: Any, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        plot(*arguments, classifier=classifier, **options)


def test_without_matplotlib_one_line_says_what_to_install(tmp_path: Path) -> None:
    """A module of that name that cannot be imported stands for one that is not there."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    code = (
        "import numpy as np, insar_runtime\n"
        "try: insar_runtime.plot(np.zeros(40), np.datetime64('2020-01-03') + 12 * np.arange(40))\n"
        "except insar_runtime.UnavailableError as error: print(error)"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
    assert "pip install 'insar-runtime[plot]'" in done.stdout
