"""The command on labelled rows: tables of its classes, readers, the report, and the README's numbers."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import REAL

pytest.importorskip("matplotlib", reason="the train group is not installed")

from evaluation.readings.answer_table import read_answers, write_answers
from evaluation.readings.readers import agreement, agreement_by_file
from evaluation.readings.report import readers_table, score_page
from evaluation.readings.run import run_readings
from evaluation.readings.score import score
from insar_runtime.errors import DataError, InputNotFoundError, UsageError
from tests.evaluation.readings.made_readings import made_readings
from training.labelled_rows.codes import CLASSES, OTHER, SPLIT
from training.labelled_rows.labels import all_readings, load_labelled_files, read_labels

needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")

STABLE, LINEAR, QUADRATIC, BILINEAR, PUE = range(5)
OLD_ANSWERS = "trend-net-1.2.0-int8.csv"


def test_answers_come_back_as_they_were_written(tmp_path: Path) -> None:
    readings = made_readings((STABLE, STABLE), (PUE, PUE), (OTHER, OTHER))
    six = np.array([[0.5, 0.1, 0.1, 0.1, 0.1, 0.1], [0, 0, 0, 0, 1, 0], [np.nan] * 6])
    write_answers(tmp_path / "six.csv", readings, six, np.array([-1, PUE, -1]))
    found = read_answers(tmp_path / "six.csv", readings)
    np.testing.assert_allclose(found.probabilities, six)
    assert found.class_id is not None
    assert found.class_id.tolist() == [-1, PUE, -1]
    write_answers(tmp_path / "five.csv", readings.take(np.array([1, 0])), six[[1, 0], :5] / np.array([[1], [0.9]]))
    found = read_answers(tmp_path / "five.csv", readings)
    assert found.class_id is None
    assert found.probabilities.shape == (3, 5)
    np.testing.assert_allclose(found.probabilities[:2], six[:2, :5] / [[0.9], [1]], rtol=1e-4)
    assert np.isnan(found.probabilities[2]).all()


def test_classes_alone_are_answers(tmp_path: Path) -> None:
    readings = made_readings((STABLE, STABLE), (PUE, PUE), (OTHER, OTHER))
    table = tmp_path / "answers.csv"
    table.write_text(
        "row,file,class_name\n0,one,Stable\n1,here/one.csv,None\n2,one,Other\n77,one,PUE\n", encoding="utf-8"
    )
    found = read_answers(table, readings)
    scores = score(readings, found.probabilities, class_id=found.class_id)
    assert (scores.six.right, scores.no_answer, scores.accepted.rows) == (2, 1, 2)
    assert np.isnan(scores.calibration["six"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,row\none,0\n", "needed are file, row"),
        ("row,class\n0,PUE\n", "needed are file, row"),
        ("file,row,class\none,0,Jump\n", "line 2: class 'Jump'"),
        ("file,row,class\none,0,PUE\nhere/one.csv,0,PUE\n", "line 3: row 0 of here/one.csv occurs twice"),
        ("file,row,class\nelsewhere,0,PUE\n", "has no labelled row"),
        ("file,row,p_stable,p_linear\none,0,0.5,0.5\n", "no column p_quadratic, p_bilinear, p_pue"),
        ("file,row,p_stable,p_linear,p_quadratic,p_bilinear,p_pue\none,0,1,1,0,0,0\n", "do not sum to 1"),
        ("file,row,p_stable,p_linear,p_quadratic,p_bilinear,p_pue\none,0,2,-1,0,0,0\n", "do not sum to 1"),
        ("file,row,p_stable,p_linear,p_quadratic,p_bilinear,p_pue\none,0,much,0,0,0,0\n", "are no probabilities"),
        ("", "has the columns none"),
    ],
)
def test_tables_that_are_no_answers_are_refused(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "answers.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_answers(table, made_readings((STABLE, STABLE)))
    with pytest.raises(InputNotFoundError):
        read_answers(tmp_path / "none.csv", made_readings((STABLE, STABLE)))


def test_readers_against_each_other() -> None:
    readings = made_readings(
        (STABLE, STABLE),
        (LINEAR, LINEAR, LINEAR),
        (STABLE, LINEAR, LINEAR),
        (PUE, PUE, OTHER),
        (PUE, OTHER, BILINEAR),
        rate=1.5,
    )
    found = agreement(readings)
    assert (found.rows, found.read_thrice, found.unanimous, found.split) == (5, 4, 2, 1)
    assert found.counts == (1, 2, 0, 0, 1, 0)
    assert found.unanimous_counts == (1, 1, 0, 0, 0, 0)
    # Second against first: 1, 1, 0, 1, 0.
    assert (found.first_two.count, found.first_two.right) == (5, 3)
    assert found.first_two.recall[PUE] == 0.5
    assert found.first_two.mean_recall_of_five == pytest.approx((0.5 + 1 + 0.5) / 3)
    # Shares of equal pairs: 1, 1, 1/3, 1/3, 0; of readings that are the label: 1, 1, 2/3, 2/3, 1/3.
    assert found.pairs == pytest.approx((1 + 1 + 1 / 3 + 1 / 3) / 5)
    assert found.most == pytest.approx((1 + 1 + 2 / 3 + 2 / 3 + 1 / 3) / 5)
    # Third readings where the first two agree: rows 1 and 3.
    assert (found.third.count, found.third.right) == (2, 1)
    # Two of row 0, three of row 1, the odd ones of rows 2 and 3.
    assert (found.left_out.count, found.left_out.right) == (7, 5)
    assert agreement(readings, either=True).first_two.right == 4
    assert agreement(readings.take(np.array([0]))).left_out.count == 2


def test_readme_states_what_the_table_of_readings_holds(artifacts: Path) -> None:
    readings = read_labels()
    text = (artifacts / "readings" / "README.md").read_text(encoding="utf-8")
    block = text.split("<!-- readers -->\n")[1].split("\n<!-- /readers -->")[0]
    assert block.splitlines() == readers_table(agreement_by_file(readings), agreement(readings))
    for number in (
        f"{len(readings):,} rows of seven public files",
        f"{readings.unanimous.sum():,}, of them {(readings.unanimous & (readings.label == OTHER)).sum()} Other",
        f"five classes ({(readings.unanimous & (readings.label != OTHER)).sum():,})",
        f"all six classes ({readings.unanimous.sum():,})",
        f"that all readers labelled Other ({(readings.unanimous & (readings.label == OTHER)).sum()})",
        f"or most ({(readings.label == OTHER).sum()})",
        f"rows with a label ({(readings.label != SPLIT).sum():,})",
    ):
        assert number in text, number
    assert all(path in text for path in set(readings.file.tolist()))


@needs_real_files
def test_readme_states_what_the_first_network_reached(artifacts: Path) -> None:
    readings = all_readings(load_labelled_files(REAL))
    answers = read_answers(artifacts / "readings" / OLD_ANSWERS, readings)
    found = score(readings, answers.probabilities, class_id=answers.class_id)
    text = " ".join((artifacts / "readings" / "README.md").read_text(encoding="utf-8").split())
    assert (
        f"accuracy {found.five.accuracy:.2f} (strict {found.five_strict.accuracy:.2f}) "
        f"and mean recall {found.five.mean_recall:.2f} on unanimous rows; "
        f"Other with a class {found.other_labelled.given_share:.2f} for the rows that most readers labelled Other; "
        f"AUROC {found.other.auroc:.2f}; "
        f"calibration error {found.calibration['labelled']:.2f} on all rows with a label"
    ) in text
    assert f"{found.other_labelled.auroc:.2f}" == f"{found.other.auroc:.2f}"
    recall = [round(value, 2) for value in found.five.recall]
    assert recall == [0.97, 0.92, 0.18, 0.27, 0.49]
    assert round(found.files["egms_l2_wroclaw_transposed/wroclaw_caly_filtered.csv"].accuracy, 2) == 0.52
    long, rate = readings.unanimous & ~np.char.startswith(readings.file, "stamps"), np.abs(readings.rate)
    assert not (long & (readings.label == LINEAR) & (rate < 1.25)).any()
    assert f"{(long & (readings.label == STABLE) & (rate > 1.75)).sum()} above 1.75 mm/yr are Stable" in text


@needs_real_files
def test_the_command_scores_models_baselines_and_answers(tmp_path: Path, artifacts: Path) -> None:
    lines: list[str] = []
    run = partial(
        run_readings,
        tmp_path / "out",
        real=REAL,
        models=[artifacts / "paper-cnn"],
        answers=[artifacts / "readings" / OLD_ANSWERS],
        save_answers=tmp_path / "answers",
        seed=1,
        announce=lines.append,
    )
    numbers = run()
    assert json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8")) == numbers
    names = list(numbers["contestants"])
    assert [name.split()[-1] for name in names[:2]] == ["int8", "fp32"]
    assert names[2:] == ["trend-net-1.2.0-int8", "ps-time", "EGMSpy rules"]
    for found in numbers["contestants"].values():
        assert found["five"]["rows"] == sum(part["rows"] for part in found["files"].values()) == 1453
        assert sum(map(sum, found["confusion"])) == 1574
    assert numbers["contestants"]["EGMSpy rules"]["reliability"] == []
    page = (tmp_path / "out" / "scores.md").read_text(encoding="utf-8").splitlines()
    assert page == score_page(numbers)
    for name in ("confusion", "reliability", "files"):
        assert (tmp_path / "out" / f"{name}.png").stat().st_size > 10_000
    # Saved results have the scores of the command.
    saved = sorted((tmp_path / "answers").iterdir())
    assert len(saved) == len(names)
    readings = all_readings(load_labelled_files(REAL))
    given = read_answers(tmp_path / "answers" / "EGMSpy-rules.csv", readings)
    assert score(readings, given.probabilities).five.to_dict() == numbers["contestants"]["EGMSpy rules"]["five"]
    with pytest.raises(UsageError, match="two classifiers"):
        run(answers=[artifacts / "readings" / OLD_ANSWERS, artifacts / "readings" / OLD_ANSWERS])


def test_committed_scores_are_those_of_the_page(artifacts: Path) -> None:
    folder = artifacts / "readings"
    if not (folder / "scores.json").is_file():
        pytest.skip("no scores are committed yet: python -m evaluation readings")
    numbers: dict[str, Any] = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert (folder / "scores.md").read_text(encoding="utf-8").splitlines() == score_page(numbers)
    assert numbers["readers"]["strict"] == agreement(read_labels()).to_dict()
    for found in numbers["contestants"].values():
        rows = np.array(found["confusion"])
        assert rows.sum() == numbers["readers"]["strict"]["unanimous"]
        assert rows.sum(axis=1).tolist() == [
            numbers["readers"]["strict"]["labels, unanimous"][name] for name in CLASSES
        ]
