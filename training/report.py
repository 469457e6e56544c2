"""Report of a trained network (JSON, Markdown, PNG), with the results of the seed paper for comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import SEED_CLASS_NAMES
from training.dataset import LabelledSeries
from training.metrics import Metrics, measure, rounded

PAPER_CONFUSION: Final = np.array(
    [[198, 6, 0, 2, 0], [1, 219, 1, 0, 0], [0, 15, 191, 0, 5], [1, 1, 2, 204, 2], [4, 5, 23, 11, 135]]
)
"""Mirmazloumi et al. 2022, Figure 3; rows are true classes. 947 of 1026 are correct: 92.30 %."""

PAPER_TABLE: Final = {
    "Stable": (0.97, 0.96, 0.97),
    "Linear": (0.89, 0.99, 0.94),
    "Quadratic": (0.86, 0.91, 0.88),
    "Bilinear": (0.96, 0.97, 0.96),
    "PUE": (0.95, 0.76, 0.84),
}
"""Mirmazloumi et al. 2022, Table 2: precision, recall, F1. Its Figure 3 gives 0.88 and 0.94 as the
precision of Quadratic and Bilinear."""

NOISE_EDGES_MM: Final = (0.0, 1.5, 3.0, 4.5, np.inf)


@dataclass(frozen=True)
class Report:
    """Results of a training.

    Attributes
    ----------
    name, version : str
        Name and version of the model.
    test : Metrics
        Accuracy on the test series.
    cells : dict of str to Metrics
        Accuracy by calendar and by noise.
    facts : dict of str to Any
        Data, seeds, sizes and choices, for reproduction.
    others : dict of str to Metrics
        Accuracy of other networks, such as a copy that was trained as in the paper.
    """

    name: str
    version: str
    test: Metrics
    cells: Mapping[str, Metrics]
    facts: Mapping[str, Any]
    others: Mapping[str, Metrics] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "name": self.name,
            "version": self.version,
            **self.facts,
            "test": self.test.to_dict(),
            "cells": {name: _short(metrics) for name, metrics in self.cells.items()},
            "others": {name: metrics.to_dict() for name, metrics in self.others.items()},
        }


def break_down(series: LabelledSeries, probabilities: NDArray[np.floating[Any]]) -> dict[str, Metrics]:
    """Return the accuracy by calendar and by noise, if these are known."""
    cells = {}
    if "calendar" in series.facts:
        calendar = series.facts["calendar"].astype(str)
        for name in np.unique(calendar):
            rows = calendar == name
            cells[f"calendar {name}"] = measure(series.label[rows], probabilities[rows])
    if "noise_sigma" in series.facts:
        sigma = series.facts["noise_sigma"]
        for low, high in pairwise(NOISE_EDGES_MM):
            rows = (sigma >= low) & (sigma < high)
            if rows.any():
                name = f"noise {low}-{high} mm" if np.isfinite(high) else f"noise above {low} mm"
                cells[name] = measure(series.label[rows], probabilities[rows])
    return cells


def write_report(report: Report, folder: Path) -> None:
    """Write ``report.json``, ``report.md`` and ``confusion.png`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.md").write_text(_markdown(report), encoding="utf-8")
    _draw_confusion(report, folder / "confusion.png")


def _short(metrics: Metrics) -> dict[str, Any]:
    low, high = metrics.accuracy_interval
    return {
        "series": metrics.count,
        "accuracy": round(metrics.accuracy, 5),
        "accuracy_95": [round(low, 5), round(high, 5)],
        "recall": [rounded(value) for value in metrics.recall],
    }


def _percent(metrics: Metrics) -> str:
    low, high = metrics.accuracy_interval
    return f"{100 * metrics.accuracy:.2f} % ({100 * low:.2f}-{100 * high:.2f})"


def _markdown(report: Report) -> str:
    paper = Metrics(PAPER_CONFUSION, float("nan"))
    lines = [
        f"# {report.name} {report.version}",
        "",
        "Written by `python -m training fit`. The results of the paper are from other series (Granada, labelled by",
        "hand); they are shown for orientation and do not compare the classifiers.",
        "",
        f"Overall accuracy on {report.test.count} test series: **{_percent(report.test)}** (95 % interval); "
        f"the paper: {_percent(paper)} on {paper.count}.",
        f"Expected calibration error: {report.test.expected_calibration_error:.4f}.",
        "",
        "| class | precision | recall | F1 | paper: precision | recall | F1 |",
        "|---|---|---|---|---|---|---|",
    ]
    names = report.test.names
    for i, name in enumerate(names):
        ours = f"{report.test.precision[i]:.3f} | {report.test.recall[i]:.3f} | {report.test.f1[i]:.3f}"
        theirs = [f"{v:.2f}" for v in PAPER_TABLE[name]] if name in PAPER_TABLE else ["-"] * 3
        lines.append(f"| {name} | {ours} | {' | '.join(theirs)} |")
    lines += ["", "Confusion matrix (rows: true class), this network and the paper:", ""]
    heading = (*names, *SEED_CLASS_NAMES)
    lines += ["| | " + " | ".join(heading) + " |", "|---" * (1 + len(heading)) + "|"]
    for i, name in enumerate(names):
        theirs = [str(v) for v in PAPER_CONFUSION[i]] if i < len(PAPER_CONFUSION) else ["-"] * len(SEED_CLASS_NAMES)
        lines.append(f"| {name} | {' | '.join([*(str(v) for v in report.test.confusion[i]), *theirs])} |")
    if report.others:
        lines += ["", "| other networks | test series | overall accuracy (95 % interval) |", "|---|---|---|"]
        lines += [f"| {name} | {m.count} | {_percent(m)} |" for name, m in report.others.items()]
    if report.cells:
        lines += ["", "| part of the test series | series | overall accuracy (95 % interval) | "]
        lines[-1] += " | ".join(f"recall {name}" for name in names) + " |"
        lines.append("|---" * (3 + len(names)) + "|")
        for name, metrics in report.cells.items():
            recall = " | ".join(f"{v:.3f}" for v in metrics.recall)
            lines.append(f"| {name} | {metrics.count} | {_percent(metrics)} | {recall} |")
    lines += ["", "Data and settings:", ""]
    for name, value in report.facts.items():
        if isinstance(value, Mapping):
            lines += [f"- {name}:"] + [f"  - {key}: {text}" for key, text in value.items()]
        elif not isinstance(value, list):
            lines.append(f"- {name}: {value}")
    return "\n".join(lines) + "\n"


def _draw_confusion(report: Report, path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only figures need it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.8), layout="constrained")
    panels = (
        (axes[0], report.test, f"{report.name}: simulated series"),
        (axes[1], Metrics(PAPER_CONFUSION, float("nan")), "the paper, Figure 3: Granada"),
    )
    for axis, metrics, title in panels:
        confusion = metrics.confusion
        share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(*confusion.shape):
            colour = "white" if share[i, j] > 0.5 else "black"
            axis.text(j, i, str(confusion[i, j]), ha="center", va="center", color=colour)
        axis.set_title(f"{title}\noverall accuracy {100 * metrics.accuracy:.2f} %", fontsize=10)
        axis.set_xticks(range(len(confusion)), metrics.names, fontsize=8)
        axis.set_yticks(range(len(confusion)), metrics.names, fontsize=8)
        axis.set_xlabel("assigned")
        axis.set_ylabel("true")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
