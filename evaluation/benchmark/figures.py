"""Figures of the benchmark: accuracy against noise and length, reliability, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from evaluation.benchmark.results import Found, Results
from evaluation.benchmark.sets import REALISTIC, Cell
from training.metrics import Metrics

_DPI: Final = 80
_TESTED: Final = "tested files"
_TESTED_IN_WORDS: Final = "real noise of files on which no baseline was trained"
_LEAST_OF_BIN: Final = 0.02
"""Bins of confidence with a smaller number of series, relative to the largest bin, are not drawn."""
_CONFUSED: Final = 4
"""Number of contestants whose confusion is drawn: the default network and the most accurate others."""


def write_figures(results: Results, folder: Path) -> None:
    """Draw ``noise.png``, ``length.png``, ``reliability.png`` and ``confusion.png`` into a folder."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only figures need it

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    _draw_noise(results, folder / "noise.png")
    _draw_length(results, folder / "length.png")
    _draw_reliability(results, folder / "reliability.png")
    _draw_confusion(results, folder / "confusion.png")


def _draw_noise(results: Results, path: Path) -> None:
    """Draw one panel for each length and colour of noise."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    grid = _grid(results)
    lengths = _lengths(grid)
    size = (3.4 * len(lengths) + 2.4, 6.4)
    figure, axes = plt.subplots(
        2, len(lengths), figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for (row, coloured), (column, epochs) in product(enumerate((False, True)), enumerate(lengths)):
        axis = axes[row, column]
        cells = [cell for cell in grid if cell.epochs == epochs and cell.coloured == coloured]
        for name, found in results.found.items():
            points = [(cell.noise_mm, found.cells[cell.name]) for cell in cells if cell.name in found.cells]
            if points:
                accuracy = [100 * metrics.accuracy for _, metrics in points]
                axis.plot([noise for noise, _ in points], accuracy, **_style(results, name))
        axis.set_title(f"{epochs} epochs, {'coloured' if coloured else 'white'} noise", fontsize=9)
        axis.set_xlabel("noise, mm RMS")
        axis.set_ylabel("accuracy, %")
        axis.label_outer()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", fontsize=7)
    _save(figure, path)


def _draw_length(results: Results, path: Path) -> None:
    """Draw accuracy over all noises of the grid against the number of epochs."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    grid = _grid(results)
    figure, axis = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, found in results.found.items():
        shares = []
        for epochs in _lengths(grid):
            names = [cell.name for cell in grid if cell.epochs == epochs and cell.name in found.cells]
            confusion = np.sum([found.cells[cell].confusion for cell in names], axis=0)
            if names:
                shares.append((epochs, 100 * np.trace(confusion) / confusion.sum()))
        if shares:
            axis.plot(*zip(*shares, strict=True), **_style(results, name))
    axis.set_xlabel("epochs")
    axis.set_ylabel("accuracy over all noises of the grid, %")
    figure.legend(loc="outside right upper", fontsize=7)
    _save(figure, path)


def _draw_reliability(results: Results, path: Path) -> None:
    """Draw accuracy against confidence, on simulated and, if there are any, on semi-real series."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    titles = {REALISTIC: "simulated", _TESTED: _TESTED_IN_WORDS}
    kinds = [kind for kind in titles if any(kind in found.curves for found in results.found.values())]
    figure, axes = plt.subplots(
        1, len(kinds), figsize=(4.6 * len(kinds) + 2.4, 4.6), squeeze=False, layout="constrained"
    )
    for axis, kind in zip(axes[0], kinds, strict=True):
        axis.plot([0.2, 1], [0.2, 1], color="grey", lw=1, ls=":")
        for name, found in results.found.items():
            if kind in found.curves:
                most = max(entry["series"] for entry in found.curves[kind])
                points = [
                    (entry["confidence"], entry["accuracy"])
                    for entry in found.curves[kind]
                    if entry["series"] >= _LEAST_OF_BIN * most
                ]
                axis.plot(*zip(*points, strict=True), **_style(results, name))
        axis.set_title(titles[kind], fontsize=9)
        axis.set_xlabel("confidence")
        axis.set_ylabel("accuracy")
        axis.label_outer()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", fontsize=7)
    _save(figure, path)


def _draw_confusion(results: Results, path: Path) -> None:
    """Draw the confusion of the default network and of the most accurate others, on real noise if there is any."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    # Real noise if there is any, otherwise simulated noise.
    tested = any(_TESTED in found.groups for found in results.found.values())
    title = _TESTED_IN_WORDS if tested else "simulated series, all calendars"

    def metrics_of(found: Found) -> Metrics | None:
        return found.groups.get(_TESTED) if tested else found.cells.get(REALISTIC)

    reference = results.found[results.reference]
    others = [found for found in results.found.values() if found.role == "baseline" and metrics_of(found)]
    others.sort(key=lambda found: -_accuracy(metrics_of(found)))
    chosen = [reference, *others[: _CONFUSED - 1]]
    figure, axes = plt.subplots(1, len(chosen), figsize=(4 * len(chosen), 4.8), squeeze=False, layout="constrained")
    for axis, found in zip(axes[0], chosen, strict=True):
        metrics = metrics_of(found)
        if metrics is None:
            continue
        share = metrics.confusion / np.maximum(metrics.confusion.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(*share.shape):
            colour = "white" if share[i, j] > 0.5 else "black"
            axis.text(j, i, str(metrics.confusion[i, j]), ha="center", va="center", color=colour, fontsize=8)
        axis.set_title(f"{found.name}\n{100 * metrics.accuracy:.2f} %", fontsize=9)
        axis.set_xticks(range(len(share)), metrics.names, fontsize=7)
        axis.set_yticks(range(len(share)), metrics.names, fontsize=7)
        axis.set_xlabel("assigned")
    axes[0, 0].set_ylabel("true")
    figure.suptitle(title, fontsize=10)
    _save(figure, path)


def _grid(results: Results) -> list[Cell]:
    return [cell for cell in results.cells if cell.group == "grid"]


def _lengths(cells: Sequence[Cell]) -> list[int]:
    return sorted({cell.epochs for cell in cells if cell.epochs is not None})


def _accuracy(metrics: Metrics | None) -> float:
    return 0.0 if metrics is None else metrics.accuracy


def _style(results: Results, name: str) -> dict[str, Any]:
    """Return the line style of a contestant, the same in all figures; that of the default network is emphasised."""
    place = list(results.found).index(name)
    dashes = "--" if results.found[name].role == "baseline" else "-"
    if name == results.reference:
        return {"color": "black", "lw": 2.2, "marker": "o", "ms": 3, "label": name}
    return {
        "color": f"C{place % 10}" if place < 10 else ("navy", "darkgreen", "maroon", "indigo")[place % 4],
        "lw": 1.1,
        "ls": dashes,
        "marker": ".",
        "ms": 4,
        "label": name,
    }


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
