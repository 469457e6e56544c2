"""Read rows of real files: the table, the series, and scores on answers whose figures are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import REAL

pytest.importorskip("scipy", reason="the train group is not installed")

from evaluation.readings.intervals import auroc, auroc_interval, mean_recall_interval
from evaluation.readings.score import score
from insar_runtime.errors import DataError, InputNotFoundError
from tests.evaluation.readings.made_readings import made_readings
from training.labelled_rows.codes import CLASSES, NO_READING, OTHER, SPLIT
from training.labelled_rows.labels import READINGS_CSV, all_readings, load_read_files, read_labels
from training.labelled_rows.rates import least_squares_rates

needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")

STABLE, LINEAR, QUADRATIC, BILINEAR, PUE = range(5)


def _sure(*top: int, classes: int = 6, confidence: float = 0.9) -> NDArray[np.float64]:
    """Return probabilities with these most probable classes."""
    values = np.full((len(top), classes), (1 - confidence) / (classes - 1))
    values[np.arange(len(top)), top] = confidence
    return values


def test_table_of_readings() -> None:
    readings = read_labels()
    assert len(readings) == 2114
    assert set(readings.readers.tolist()) == {2, 3}
    np.testing.assert_allclose(readings.soft_labels.sum(axis=1), 1, rtol=1e-6)
    assert readings.one_mind.sum() == 1574
    assert (readings.one_mind & (readings.label == OTHER)).sum() == 121
    assert (readings.label == SPLIT).sum() == 119
    assert np.isin(readings.sure[readings.readings != NO_READING], (1, 2, 3)).all()
    assert (readings.sure[readings.readings == NO_READING] == 0).all()


def test_broken_tables_are_refused(tmp_path: Path) -> None:
    head, first, *_ = READINGS_CSV.read_text(encoding="utf-8").splitlines()
    table = tmp_path / "readings.csv"
    with pytest.raises(InputNotFoundError, match="is not there"):
        read_labels(table)
    table.write_text(f"{head}\n{first.replace('Stable', 'Steady')}\n", encoding="utf-8")
    with pytest.raises(DataError, match="Steady"):
        read_labels(table)
    table.write_text(f"{head}\n{first.replace('Stable', 'Linear', 1)}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_labels(table)


@needs_real_files
def test_series_of_the_read_rows() -> None:
    files = load_read_files(REAL)
    assert len(files) == 7
    readings = all_readings(files)
    assert len(readings) == 2114
    assert np.isfinite(readings.rate).all()
    for file in files:
        assert file.displacement.shape == (len(file.readings), len(file.days))
        assert (np.diff(file.days) > 0).all()
        assert np.isfinite(file.displacement).any(axis=1).all()
    assert any(np.isnan(file.displacement).any() for file in files)
    left = [file.name for file in load_read_files(REAL, leave_out=["Maoxian_PS", files[0].name])]
    assert left == [file.name for file in files[1:-1]]
    (one,) = load_read_files(REAL, files=["Maoxian_PS"])
    # Whoever counts the reference row of the StaMPS table reads other rows: its own velocity column tells.
    line = (REAL / one.name).read_text(encoding="utf-8").splitlines()[2 + int(one.readings.row[5])].split(",")
    assert float(line[3]) == pytest.approx(one.displacement[5, 0])
    with pytest.raises(DataError, match="no row of 'nowhere'"):
        load_read_files(REAL, files=["nowhere"])


@needs_real_files
def test_a_row_of_another_file_is_noticed() -> None:
    table = read_labels()
    rows = table.row.copy()
    rows[0] += 1
    with pytest.raises(DataError, match="row 1: id"):
        load_read_files(REAL, files=["102_100"], readings=replace(table, row=rows))


def test_rates_stand_beside_an_annual_cycle() -> None:
    days = np.arange(0, 900, 12).astype(np.float32)
    years = days / 365.25
    rows = np.array([[3.0], [-1.5]]) * years + 8 * np.sin(2 * np.pi * years + 1) + 40
    rows[1, 10:30] = np.nan
    np.testing.assert_allclose(least_squares_rates(rows.astype(np.float32), days), [3, -1.5], atol=1e-4)


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
