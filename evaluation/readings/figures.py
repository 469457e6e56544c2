"""Figures of the scores on labelled rows: confusion, reliability, accuracy by file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.labelled_rows.codes import CLASSES

_DPI: Final = 80
_CONFUSED: Final = 4
"""Number of classifiers whose confusion is drawn."""
_COLUMNS: Final = 2
_GROUP: Final = 0.85
"""Horizontal extent of the points of one file."""
_LEAST_OF_BIN: Final = 10
"""Smallest number of rows of a bin of confidence that is drawn."""


def write_figures(numbers: Mapping[str, Any], folder: Path) -> None:
    """Draw ``confusion.png``, ``reliability.png`` and ``files.png`` into a folder, from the data of ``scores.json``."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only figures need it

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    # The curves of both precisions of a network coincide, so only one is drawn.
    contestants = {
        name: found
        for name, found in numbers["contestants"].items()
        if not (name.endswith(" fp32") and name.removesuffix("fp32") + "int8" in numbers["contestants"])
    }
    _draw_confusion(contestants, folder / "confusion.png")
    _draw_reliability(contestants, folder / "reliability.png")
    _draw_files(contestants, folder / "files.png")


def _draw_confusion(contestants: Mapping[str, Any], path: Path) -> None:
    """Draw the confusion matrices, as shares and as numbers of rows, of the most accurate classifiers."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    best = sorted(contestants, key=lambda name: -contestants[name]["six"]["accuracy"])[:_CONFUSED]
    rows = -(-len(best) // _COLUMNS)
    size = (6.2 * _COLUMNS, 5.2 * rows)
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[len(best) :]:
        axis.set_axis_off()
    for axis, name in zip(axes.flat, best, strict=False):
        counts = np.array(contestants[name]["confusion"])
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (i, j), count in np.ndenumerate(counts):
            axis.text(j, i, str(count), ha="center", va="center", color="white" if share[i, j] > 0.5 else "black")
        axis.set_xticks(range(counts.shape[1]), [*CLASSES, "no class"], rotation=30, fontsize=8)
        axis.set_yticks(range(len(CLASSES)), CLASSES, fontsize=8)
        axis.set_xlabel("most probable class")
        axis.set_ylabel("label (unanimous)")
        axis.set_title(name, fontsize=10)
    _save(figure, path)


def _draw_reliability(contestants: Mapping[str, Any], path: Path) -> None:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axis = plt.subplots(figsize=(9, 5.5), layout="constrained")
    axis.plot([0, 1], [0, 1], color="black", lw=0.6)
    for place, (name, found) in enumerate(contestants.items()):
        curve = [point for point in found["reliability"] if point["rows"] >= _LEAST_OF_BIN]
        if curve:
            label = f"{name} (ECE {found['calibration error']['six']:.3f})"
            confidence, right = ([point[key] for point in curve] for key in ("confidence", "right"))
            axis.plot(confidence, right, ".-", lw=_width(place), label=label, **_style(place))
    axis.set_xlabel("confidence")
    axis.set_ylabel("accuracy, unanimous rows with Other")
    axis.set_xlim(0.2, 1)
    axis.set_ylim(0, 1)
    figure.legend(loc="outside right upper", fontsize=7)
    _save(figure, path)


def _draw_files(contestants: Mapping[str, Any], path: Path) -> None:
    """Draw accuracy with its interval, with a group of points for each file."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axis = plt.subplots(figsize=(12, 5.5), layout="constrained")
    files: list[str] = []
    for place, (name, found) in enumerate(contestants.items()):
        parts = [part for part in found["files"].values() if part["rows"]]
        files = [f"{file} ({part['rows']})" for file, part in found["files"].items() if part["rows"]]
        height = np.array([100 * part["accuracy"] for part in parts])
        low, high = 100 * np.array([part["accuracy_95"] for part in parts]).T
        at = np.arange(len(files)) + (place + 0.5) / len(contestants) * _GROUP - _GROUP / 2
        error = np.maximum([height - low, high - height], 0)
        axis.errorbar(at, height, error, fmt="o", ms=5, lw=_width(place), label=name, **_style(place))
    for border in range(1, len(files)):
        axis.axvline(border - 0.5, color="0.85", lw=0.8)
    axis.set_xticks(range(len(files)), files, rotation=15, ha="right", fontsize=8)
    axis.set_ylabel("accuracy on unanimous rows, %")
    axis.set_ylim(0, 101)
    figure.legend(loc="outside right upper", fontsize=7)
    _save(figure, path)


def _style(place: int) -> dict[str, Any]:
    """Return a unique colour; there are at most 20 classifiers."""
    from matplotlib import colormaps  # noqa: PLC0415

    return {"color": colormaps["tab20"](place % 20)}


def _width(place: int) -> float:
    """Return the width of a line; the first classifier is emphasised."""
    return 1.0 if place else 2.2


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    # Without the version of matplotlib in the metadata, so that equal numbers give equal files.
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
