"""Record of the benchmark: tables of scores and of calibration as CSV, all other numbers as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evaluation.benchmark.goals import goals_of
from evaluation.benchmark.measure import WANTED_RECALL
from evaluation.benchmark.results import Found, Results
from insar_runtime.classes import CLASS_NAMES
from training.metrics import rounded

SCORES_CSV: Final = "benchmark.csv"
CALIBRATION_CSV: Final = "calibration.csv"
REST_JSON: Final = "benchmark.json"
ALL_CELLS: Final = "all cells"
"""Name in place of a cell for all series of a group together."""

_OF_CLASSES: Final = ("precision", "recall", "f1")
_SCORE_COLUMNS: Final = (
    "contestant", "group", "cell", "epochs", "noise_mm", "coloured", "series", "accuracy", "accuracy_95_low",
    "accuracy_95_high", "expected_calibration_error", "errors_over_default",
    *(f"{figure}_{name.lower()}" for name in CLASS_NAMES for figure in _OF_CLASSES),
    "confusion",
)  # fmt: skip
_CALIBRATION_COLUMNS: Final = ("contestant", "series_of", "confidence", "accuracy", "series")
_LINE: Final = 118


def to_dict(results: Results) -> dict[str, Any]:
    """Return all numbers as plain values in a fixed order."""
    return {
        "default network": results.reference,
        **results.facts,
        "cells": {
            cell.name: {
                "group": cell.group,
                "series": len(cell.series),
                "epochs": cell.epochs,
                "noise_mm": cell.noise_mm,
                "coloured": cell.coloured,
            }
            for cell in results.cells
        },
        "default network not best": results.not_best(),
        "goals": [goal.to_dict() for goal in goals_of(results)],
        "contestants": {name: _contestant(results, found) for name, found in results.found.items()},
        "leave one calendar out": results.left_out,
    }


def error_ratio(errors: int, others: int) -> float | None:
    """Return the ratio of errors to those of another contestant; None if the other made none."""
    return round(errors / others, 3) if others else None


def write_record(numbers: Mapping[str, Any], folder: Path) -> None:
    """Write ``benchmark.csv``, ``calibration.csv`` and ``benchmark.json`` into a folder.

    Parameters
    ----------
    numbers : mapping
        What ``to_dict`` returns.
    folder : Path
        An existing folder. ``benchmark.csv`` has one row per contestant and cell, and one per contestant and group of
        cells (cell ``all cells``); an empty field is undefined, such as the precision of a class that was never
        assigned. ``confusion`` is the confusion matrix: rows (true classes) separated by ``/``, columns (assigned
        classes) separated by blanks. ``calibration.csv`` has one row per contestant, cell or group, and non-empty bin
        of confidence. ``benchmark.json`` holds all other numbers.
    """
    _write_csv(folder / SCORES_CSV, _SCORE_COLUMNS, _score_rows(numbers))
    _write_csv(folder / CALIBRATION_CSV, _CALIBRATION_COLUMNS, _calibration_rows(numbers))
    tables = ("groups", "cells", "reliability")
    contestants = {
        name: {key: value for key, value in contestant.items() if key not in tables}
        for name, contestant in numbers["contestants"].items()
    }
    text = _short_lines({**numbers, "contestants": contestants})
    (folder / REST_JSON).write_text(text + "\n", encoding="utf-8")


def _contestant(results: Results, found: Found) -> dict[str, Any]:
    own, reference = found.errors(), results.found[results.reference].errors()
    speed = results.speed.get(found.name)
    return {
        "role": found.role,
        "trained on": found.trained_on,
        "trained on noise of": sorted(found.noise_files),
        "series_per_second_and_core": None if speed is None else round(speed.series_per_second, 1),
        "series_timed": None if speed is None else speed.series,
        "points_below_limit": rounded(100 * results.limit_gap(found.name)),
        "at 95 % stable": None
        if found.usual is None or found.at_recall is None
        else {
            "stable_recall": rounded(found.stable_recall),
            "most probable class": found.usual.to_dict(),
            f"at recall {WANTED_RECALL}": found.at_recall.to_dict(),
        },
        "groups": {name: metrics.to_dict() for name, metrics in found.groups.items()},
        "cells": {
            name: {**metrics.to_dict(), "errors_over_default": error_ratio(own[name], reference[name])}
            for name, metrics in found.cells.items()
        },
        "recall of PUE by length": found.jumps,
        "series of none of the five classes": found.odd,
        "reliability": found.curves,
    }


def _score_rows(numbers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, contestant in numbers["contestants"].items():
        for cell, metrics in contestant["cells"].items():
            facts = {key: value for key, value in numbers["cells"][cell].items() if key != "series"}
            yield {"contestant": name, "cell": cell, **facts, **_scores(metrics)}
        for group, metrics in contestant["groups"].items():
            yield {"contestant": name, "cell": ALL_CELLS, "group": group, **_scores(metrics)}


def _scores(metrics: Mapping[str, Any]) -> dict[str, Any]:
    low, high = metrics["accuracy_95"]
    by_class = {
        f"{figure}_{name.lower()}": value
        for name, figures in metrics["classes"].items()
        for figure, value in figures.items()
    }
    return {
        "series": metrics["series"],
        "accuracy": metrics["accuracy"],
        "accuracy_95_low": low,
        "accuracy_95_high": high,
        "expected_calibration_error": metrics["expected_calibration_error"],
        "errors_over_default": metrics.get("errors_over_default"),
        **by_class,
        "confusion": "/".join(" ".join(map(str, row)) for row in metrics["confusion"]),
    }


def _calibration_rows(numbers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, contestant in numbers["contestants"].items():
        for series_of, curve in contestant["reliability"].items():
            yield from ({"contestant": name, "series_of": series_of, **bin_} for bin_ in curve)


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _short_lines(value: Any, indent: int = 0) -> str:
    """Return JSON text; a value that fits into one line is not broken."""
    line = json.dumps(value, allow_nan=False)
    if not value or not isinstance(value, (dict, list)) or indent + len(line) <= _LINE:
        return line
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key)}: {_short_lines(one, indent + 1)}" for key, one in value.items()]
        opening, closing = "{", "}"
    else:
        parts = [inner + _short_lines(one, indent + 1) for one in value]
        opening, closing = "[", "]"
    return "\n".join([opening, ",\n".join(parts), " " * indent + closing])
