"""Scores on labelled rows, against scores that are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import REAL

pytest.importorskip("scipy", reason="the train group is not installed")

from evaluation.readings.intervals import auroc, auroc_interval, mean_recall_interval
from evaluation.readings.score import score
from insar_runtime.errors import DataError
from tests.evaluation.readings.made_readings import made_readings
from training.labelled_rows.codes import CLASSES, OTHER

needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")

STABLE, LINEAR, QUADRATIC, BILINEAR, PUE = range(5)


def _sure(*top: int, classes: int = 6, confidence: float = 0.9) -> NDArray[np.float64]:
    """Return probabilities with these most probable classes."""
    values = np.full((len(top), classes), (1 - confidence) / (classes - 1))
    values[np.arange(len(top)), top] = confidence
    return values


def test_only_rows_of_one_mind_count() -> None:
    readings = made_readings(
        (STABLE, STABLE), (LINEAR, LINEAR), (PUE, PUE, STABLE), (PUE, OTHER, STABLE), (OTHER, OTHER)
    )
    found = score(readings, _sure(STABLE, PUE, PUE, PUE, OTHER))
    assert (found.five.rows, found.five.right) == (2, 1)
    assert found.five.counts == (1, 1, 0, 0, 0)
    assert found.five.mean_recall == 0.5
    assert (found.six.rows, found.six.right) == (3, 2)
    assert found.six.mean_recall == pytest.approx(2 / 3)
    assert found.confusion.sum() == 3
    assert found.confusion[LINEAR, PUE] == found.confusion[OTHER, OTHER] == 1
    # One of one, none of one, two of three, one of three, one of one.
    assert found.as_reader == pytest.approx((1 + 0 + 2 / 3 + 1 / 3 + 1) / 5)


@pytest.mark.parametrize(("rate", "right"), [(1.2, 1), (1.25, 3), (-2.0, 3), (2.25, 3), (2.3, 1)])
def test_either_counts_where_readers_differ(rate: float, right: int) -> None:
    readings = made_readings((STABLE, STABLE), (LINEAR, LINEAR), (STABLE, STABLE), (PUE, PUE), rate=rate)
    found = score(readings, _sure(LINEAR, STABLE, STABLE, STABLE))
    assert found.five.right == right
    assert found.five_strict.right == 1


def test_curved_classes_taken_together() -> None:
    readings = made_readings(
        (QUADRATIC, QUADRATIC), (BILINEAR, BILINEAR), (PUE, PUE), (STABLE, STABLE), (LINEAR, LINEAR)
    )
    found = score(readings, _sure(BILINEAR, QUADRATIC, PUE, BILINEAR, OTHER)).coarse
    assert found.counts == (1, 1, 2, 1)
    assert found.recall == (0, 0, 1, 1)


def test_most_probable_of_the_five_classes() -> None:
    """Where Other is excluded, the next class counts; a classifier of five classes is scored as before."""
    readings = made_readings((PUE, PUE), (STABLE, STABLE), (OTHER, OTHER))
    six = np.array([[0.1, 0, 0, 0, 0.3, 0.6], [0.1, 0, 0, 0, 0.2, 0.7], [0, 0, 0, 0, 0, 1.0]])
    found = score(readings, six)
    assert (found.five.right, found.five_without_other.right, found.five_without_other.rows) == (0, 1, 2)
    five = _sure(PUE, PUE, PUE, classes=5)
    assert score(readings, five).five_without_other.right == score(readings, five).five.right == 1


def test_what_becomes_of_other() -> None:
    readings = made_readings(*[(OTHER, OTHER)] * 4, (OTHER, OTHER, PUE), *[(STABLE, STABLE)] * 2)
    five = np.concatenate([_sure(PUE, STABLE, PUE, PUE, PUE, classes=5, confidence=0.7), _sure(0, 0, classes=5)])
    five[3] = _sure(PUE, classes=5, confidence=0.59)
    found = score(readings, five)
    assert (found.other.rows, found.other.given, found.other.given_as) == (4, 3, (1, 0, 0, 0, 2))
    assert (found.other_labelled.rows, found.other_labelled.given) == (5, 4)
    assert found.other.auroc == 1
    assert np.isnan(found.other.auroc_of_p_other)
    assert found.accepted.rows == 5
    assert found.accepted.accuracy == pytest.approx(2 / 5)
    six = score(readings, _sure(OTHER, OTHER, PUE, OTHER, OTHER, 0, 0))
    assert (six.other.given, six.accepted.rows) == (1, 6)
    assert six.other.auroc_of_p_other == pytest.approx(7 / 8)
    decided = score(readings, five, class_id=np.full(7, -1))
    assert (decided.other.given, decided.accepted.rows) == (0, 0)
    assert decided.five.right == 2


def test_a_sixth_column_without_values_is_none() -> None:
    readings = made_readings((STABLE, STABLE), (PUE, PUE), (OTHER, OTHER))
    five = _sure(STABLE, STABLE, PUE, classes=5)
    six = np.concatenate([five, np.full((3, 1), np.nan)], axis=1)
    assert score(readings, six).to_dict() == score(readings, five).to_dict()


def test_rows_without_an_answer_are_wrong_and_counted() -> None:
    readings = made_readings((STABLE, STABLE), (PUE, PUE), (OTHER, OTHER), (PUE, STABLE, LINEAR))
    probabilities = _sure(STABLE, PUE, OTHER, PUE)
    probabilities[1:] = np.nan
    found = score(readings, probabilities)
    assert (found.five.right, found.six.right) == (1, 1)
    assert (found.no_answer, found.no_answer_five) == (3, 1)
    assert found.confusion[PUE, len(CLASSES)] == found.confusion[OTHER, len(CLASSES)] == 1
    assert found.other.given == 0
    assert found.calibration["five"] == pytest.approx(0.1)


def test_calibration_of_answers_that_are_right_as_often_as_they_say() -> None:
    readings = made_readings(*[(PUE, PUE)] * 100)
    found = score(readings, _sure(*[PUE] * 90, *[STABLE] * 10))
    assert found.calibration["five"] == pytest.approx(0, abs=1e-9)
    assert found.curve == [{"confidence": 0.9, "right": 0.9, "rows": 100}]
    overconfident = score(readings, _sure(*[PUE] * 50, *[STABLE] * 50))
    assert overconfident.calibration["six"] == pytest.approx(0.4)
    sure = score(readings, np.eye(6)[[PUE] * 100])
    assert np.isnan(sure.calibration["five"])
    assert sure.curve == []


def test_intervals_hold_the_figure_and_are_the_same_each_time() -> None:
    recall, counts = np.array([0.9, np.nan, 0.5]), np.array([100, 0, 10])
    low, high = mean_recall_interval(recall, counts)
    assert low < 0.7 < high
    assert (low, high) == mean_recall_interval(recall, counts)
    # Two independent proportions: standard deviation of their mean.
    std = np.sqrt(0.9 * 0.1 / 100 + 0.5 * 0.5 / 10) / 2
    assert high - low == pytest.approx(2 * 1.96 * std, rel=0.1)
    clear, other = np.arange(50) / 50 + 0.2, np.arange(30) / 30
    low, high = auroc_interval(clear, other)
    assert low < auroc(clear, other) < high


def test_auroc_counts_ties_half() -> None:
    assert auroc(np.array([1.0, 2.0]), np.array([0.0])) == 1
    assert auroc(np.array([1.0, 1.0]), np.array([1.0])) == 0.5
    assert auroc(np.array([2.0, 0.0]), np.array([1.0])) == 0.5
    assert np.isnan(auroc(np.array([]), np.array([1.0])))


def test_what_cannot_be_scored_is_refused() -> None:
    readings = made_readings((STABLE, STABLE), (PUE, PUE))
    with pytest.raises(DataError, match="shape"):
        score(readings, np.zeros((2, 4)))
    with pytest.raises(DataError, match="no rates"):
        score(made_readings((PUE, PUE), rate=np.nan), _sure(PUE))
