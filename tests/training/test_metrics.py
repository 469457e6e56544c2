"""Figures of merit against numbers that can be checked by hand, and against the paper's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics import Metrics, expected_calibration_error, measure, wilson_interval
from training.report import PAPER_CONFUSION, PAPER_TABLE


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


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_interval_holds_the_share(a: int, b: int) -> None:
    low, high = wilson_interval(min(a, b), max(a, b))
    assert 0 <= low <= high <= 1
    if max(a, b):
        assert low <= min(a, b) / max(a, b) + 1e-12
        assert high >= min(a, b) / max(a, b) - 1e-12


def test_calibration_error() -> None:
    confidence = np.array([0.9] * 10 + [0.6] * 10)
    right = np.array([True] * 9 + [False] + [True] * 6 + [False] * 4)
    assert expected_calibration_error(right, confidence) == pytest.approx(0)
    assert expected_calibration_error(np.zeros(20, dtype=bool), confidence) == pytest.approx(0.75)
