"""Figures of merit equal numbers computed by hand and numbers of the seed paper."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime import CLASS_NAMES
from training.metrics import Metrics, expected_calibration_error, measure, wilson_interval
from training.report import PAPER_CONFUSION, PAPER_TABLE, Report, write_report


def test_the_papers_matrix_gives_the_papers_accuracy() -> None:
    paper = Metrics(PAPER_CONFUSION, float("nan"))
    assert paper.count == 1026
    assert round(100 * paper.accuracy, 2) == 92.30
    low, high = paper.accuracy_interval
    assert (round(low, 3), round(high, 3)) == (0.905, 0.938)
    for i, (_, recall, _) in enumerate(PAPER_TABLE.values()):
        assert paper.recall[i] == pytest.approx(recall, abs=0.006)


def test_confusion_counts_rows_by_truth() -> None:
    label = np.array([0, 0, 1, 4, 4])
    probabilities = np.eye(5)[[0, 1, 1, 4, 2]]
    found = measure(label, probabilities)
    assert found.confusion[0, 1] == found.confusion[4, 2] == 1
    assert found.accuracy == pytest.approx(0.6)
    assert found.recall[4] == pytest.approx(0.5)
    assert found.precision[1] == pytest.approx(0.5)
    assert np.isnan(found.recall[3])
    assert found.f1[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("outputs", "classes"), [(5, 5), (6, 6)])
def test_a_classifier_is_measured_by_the_classes_that_it_knows(outputs: int, classes: int) -> None:
    label = np.array([0, 1, 2, 3, 4, 4])
    probabilities = np.eye(outputs)[[0, 1, 2, 3, 4, outputs - 1]]
    found = measure(label, probabilities)
    assert found.names == CLASS_NAMES[:classes]
    assert set(found.to_dict()["classes"]) == set(found.names)
    assert found.recall[4] == pytest.approx(1.0 if outputs == 5 else 0.5)


def test_other_is_never_found_by_five_outputs() -> None:
    found = measure(np.array([0, 5, 5]), np.eye(5)[[0, 1, 4]])
    assert found.confusion.shape == (6, 6)
    assert found.confusion[5].tolist() == [0, 1, 0, 0, 1, 0]
    assert found.recall[5] == 0
    assert found.to_dict()["classes"]["Other"]["precision"] is None


@pytest.mark.parametrize("classes", [5, 6])
def test_a_report_has_a_row_for_every_class_that_the_network_knows(tmp_path: Path, classes: int) -> None:
    rng = np.random.default_rng(classes)
    found = measure(np.arange(60) % classes, rng.dirichlet(np.ones(classes), 60))
    write_report(Report("made", "1", found, {"part": found}, {"seed": 1}), tmp_path)
    lines = (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()
    tables = [line for line in lines if line.startswith("|")]
    # Precision and the confusion: each has one row of each class, and as many columns as its heading.
    for name in CLASS_NAMES[:classes]:
        assert sum(line.startswith(f"| {name} |") for line in tables) == 2
    assert not any(line.startswith("| Other |") for line in tables) or classes == 6
    for heading, rule in pairwise(tables):
        if rule.startswith("|---"):
            assert heading.count("|") == rule.count("|")
    assert json.loads((tmp_path / "report.json").read_text())["test"]["confusion"] == found.confusion.tolist()
    assert (tmp_path / "confusion.png").stat().st_size > 5000


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_interval_holds_the_share(a: int, b: int) -> None:
    low, high = wilson_interval(min(a, b), max(a, b))
    assert 0 <= low <= high <= 1
    if max(a, b):
        assert low <= min(a, b) / max(a, b) + 1e-12
        assert high >= min(a, b) / max(a, b) - 1e-12


def test_the_calibration_error_is_that_computed_by_hand() -> None:
    confidence = np.array([0.9] * 10 + [0.6] * 10)
    right = np.array([True] * 9 + [False] + [True] * 6 + [False] * 4)
    assert expected_calibration_error(right, confidence) == pytest.approx(0)
    assert expected_calibration_error(np.zeros(20, dtype=bool), confidence) == pytest.approx(0.75)
