"""The benchmark's record: tables in CSV, the rest in JSON."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.keras
pytest.importorskip("tensorflow", reason="the train group is not installed")
pytest.importorskip("sklearn", reason="the train group is not installed")

from evaluation.benchmark.record import ALL_CELLS, write_record
from evaluation.benchmark.summary import readme_table
from training.metrics import Metrics


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _contestant(metrics: Metrics) -> dict[str, Any]:
    return {
        "role": "baseline",
        "groups": {"grid": metrics.to_dict()},
        "cells": {"60 epochs, white 1 mm": {**metrics.to_dict(), "errors_over_default": 1.5}},
        "reliability": {"grid": [{"confidence": 0.75, "accuracy": 0.5, "series": 4}]},
    }


def test_a_row_holds_the_scores_of_a_contestant_on_a_cell(tmp_path: Path) -> None:
    five = np.diag([3, 2, 1, 0, 4])
    six = np.pad(five, (0, 1))
    six[0, 5] = 1
    contestants = {name: _contestant(Metrics(confusion, 0.125)) for name, confusion in (("five", five), ("six", six))}
    cell = {"group": "grid", "series": 10, "epochs": 60, "noise_mm": 1.0, "coloured": False}
    write_record({"cells": {"60 epochs, white 1 mm": cell}, "contestants": contestants}, tmp_path)
    rows = _rows(tmp_path / "benchmark.csv")
    assert [(row["contestant"], row["group"], row["cell"]) for row in rows] == [
        (name, "grid", place) for name in ("five", "six") for place in ("60 epochs, white 1 mm", ALL_CELLS)
    ]
    first, pooled, other, _ = rows
    assert (first["epochs"], first["noise_mm"], first["errors_over_default"]) == ("60", "1.0", "1.5")
    assert (pooled["epochs"], pooled["noise_mm"], pooled["errors_over_default"]) == ("", "", "")
    # A class without series has no recall; of the sixth class a classifier of five has nothing at all.
    assert (first["recall_bilinear"], first["recall_other"], first["recall_pue"]) == ("", "", "1.0")
    assert (other["series"], other["precision_other"], other["recall_stable"]) == ("11", "0.0", "0.75")
    confusion = [[int(count) for count in row.split()] for row in other["confusion"].split("/")]
    assert np.array_equal(confusion, six)
    assert _rows(tmp_path / "calibration.csv")[0] == {
        "contestant": "five", "series_of": "grid", "confidence": "0.75", "accuracy": "0.5", "series": "4",
    }  # fmt: skip
    rest = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))
    assert rest["contestants"] == {"five": {"role": "baseline"}, "six": {"role": "baseline"}}


def test_the_committed_summary_is_made_from_the_committed_scores(artifacts: Path) -> None:
    record = artifacts / "benchmark"
    numbers = json.loads((record / "benchmark.json").read_text(encoding="utf-8"))
    rows = _rows(record / "benchmark.csv")
    for name, contestant in numbers["contestants"].items():
        pooled = (row for row in rows if row["contestant"] == name and row["cell"] == ALL_CELLS)
        contestant["groups"] = {row["group"]: {"accuracy": float(row["accuracy"])} for row in pooled}
    assert readme_table(numbers) + "\n" == (record / "summary.md").read_text(encoding="utf-8")
