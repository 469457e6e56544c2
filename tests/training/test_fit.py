"""A small training and export from beginning to end, on simulated and on a user's own series."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

pytestmark = pytest.mark.keras
pytest.importorskip("tensorflow", reason="the train group is not installed")

from export.config import ExportConfig
from export.package import package
from export.prove import Gates, ProofError
from insar_runtime import CLASS_NAMES, Classifier, DataError, TrendClass
from insar_runtime.classes import SEED_CLASS_NAMES
from training import dataset
from training.__main__ import app
from training.fit import FitConfig, fit_temperature
from training.paper_run import RunConfig, run

SMALL = RunConfig(name="small", samples=1500, seed=1, fit=FitConfig(epochs=2), paper_copy=False)
# A network that has hardly learned is unsure everywhere, so int8 flips more labels.
LENIENT = ExportConfig(
    calibration_series=128, proof_series=512, gates=Gates(agreement=0.8, confident_agreement=0.0, accuracy_loss=0.2)
)


def _quiet(line: str) -> None:
    assert line


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts") / "small"
    run(SMALL, folder, announce=_quiet)
    return folder


def test_run_writes_the_record(record: Path) -> None:
    assert {path.name for path in record.iterdir()} >= {"small.keras", "report.json", "report.md", "confusion.png"}
    report = json.loads((record / "report.json").read_text())
    assert report["series"] == {"train": 1050, "validation": 150, "test": 300}
    assert report["test"]["accuracy"] > 0.3
    assert np.sum(report["test"]["confusion"]) == 300
    text = (record / "report.md").read_text()
    assert all(name in text for name in SEED_CLASS_NAMES)
    assert "92.30 %" in text


def test_same_seed_gives_the_same_network(record: Path, tmp_path: Path) -> None:
    run(SMALL, tmp_path, announce=_quiet)
    one, two = (json.loads((folder / "report.json").read_text()) for folder in (record, tmp_path))
    assert one["history"] == two["history"]
    assert one["test"] == two["test"]


def test_exported_model_classifies(record: Path) -> None:
    card = package(record, config=LENIENT, announce=_quiet)
    assert card["classes"] == list(SEED_CLASS_NAMES)
    assert "stable_rate_mm_yr" not in card
    assert sum(card["training_priors"]) == pytest.approx(1, abs=1e-5)
    assert card["metrics"]["against_keras"]["fp32"]["max_difference"] <= 1e-5
    for precision in ("fp32", "int8"):
        classifier = Classifier(record, precision=precision)
        series = dataset.simulated(300, seed=5, calendar="egms_l3")
        result = classifier.classify_matrix(series.displacement, series.days[0])
        assert np.isfinite(result.probabilities[:, :5]).all()
        assert np.isnan(result.probabilities[:, 5]).all()


def test_missed_gate_ships_nothing(record: Path, tmp_path: Path) -> None:
    impossible = ExportConfig(calibration_series=128, proof_series=256, gates=Gates(agreement=1.01))
    with pytest.raises(ProofError, match="agreement"):
        package(record, config=impossible, ship_to=tmp_path, announce=_quiet)
    assert list(tmp_path.iterdir()) == []


def _labelled(path: Path, column: str, values: Any) -> Path:
    series = dataset.simulated(500, seed=9, calendar="egms_2020_2024")
    dates = np.datetime64("2020-01-03") + np.rint(series.days[0]).astype(int)
    columns = {str(d).replace("-", ""): series.displacement[:, i] for i, d in enumerate(dates)}
    names = [CLASS_NAMES[i] for i in series.label]
    labels = values(names) if callable(values) else values
    pq.write_table(pa.table({"pid": [str(i) for i in range(500)], column: labels, **columns}), path)
    return path


def test_own_labelled_file_takes_the_simulators_place(tmp_path: Path) -> None:
    path = _labelled(tmp_path / "labelled.parquet", "trend", lambda names: names)
    options = ["--data", path, "--label-column", "trend", "--name", "mine", "--out", tmp_path / "out", "--epochs", 1]
    done = CliRunner().invoke(app, ["fit-paper-cnn", *map(str, options)])
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "out" / "mine" / "report.json").read_text())
    assert sum(report["series"].values()) == 500
    assert (tmp_path / "out" / "mine" / "mine.keras").exists()


@pytest.mark.parametrize("values", [lambda names: names, lambda names: [CLASS_NAMES.index(n) for n in names]])
def test_labels_are_names_or_ids(tmp_path: Path, values: Any) -> None:
    series = dataset.read_labelled(_labelled(tmp_path / "a.parquet", "label", values))
    assert np.bincount(series.label).tolist() == [100] * 5
    assert series.displacement.shape == series.days.shape


def test_rows_that_would_poison_training_are_left_out(tmp_path: Path) -> None:
    path = _labelled(tmp_path / "a.parquet", "label", lambda names: names)
    table = pq.read_table(path)
    column = table.schema.names[5]
    values = table[column].to_pylist()
    values[3] = float("inf")
    place = table.schema.names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values, pa.float32())), path)
    series = dataset.read_labelled(path)
    assert (len(series), series.dropped) == (499, 1)
    assert not np.isinf(series.displacement).any()


def test_file_of_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 usable rows of class Linear"):
        dataset.read_labelled(_labelled(tmp_path / "a.parquet", "label", ["Stable"] * 500))


def test_unknown_labels_are_refused(tmp_path: Path) -> None:
    path = _labelled(tmp_path / "a.parquet", "label", ["Cubic"] * 500)
    with pytest.raises(DataError, match="'Cubic'"):
        dataset.read_labelled(path)
    with pytest.raises(DataError, match="--label-column"):
        dataset.read_labelled(path, label_column="truth")


def test_a_file_may_hold_other_which_the_papers_network_refuses(tmp_path: Path) -> None:
    path = _labelled(tmp_path / "a.parquet", "label", lambda names: names[:450] + ["Other"] * 50)
    series = dataset.read_labelled(path)
    assert np.count_nonzero(series.label == TrendClass.OTHER) == 50
    with pytest.raises(DataError, match="50 series are labelled Other"):
        run(SMALL, tmp_path / "out", data=series, announce=_quiet)
    assert not (tmp_path / "out").exists()


def test_simulated_classes_are_as_many_as_asked_for() -> None:
    assert np.bincount(dataset.simulated(60, seed=1).label).tolist() == [12] * 5
    six = dataset.simulated(60, seed=1, classes=6)
    assert np.bincount(six.label).tolist() == [10] * 6
    assert np.array_equal(six.label, dataset.simulated(60, seed=1, classes=6).label)


def test_split_is_stratified_and_complete() -> None:
    series = dataset.simulated(1000, seed=2)
    parts = dataset.split(series, seed=3)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [700, 100, 200]
    for part, count in ((parts.train, 140), (parts.validation, 20), (parts.test, 40)):
        assert np.bincount(part.label).tolist() == [count] * 5
    rows = np.concatenate([p.displacement[:, 0] for p in (parts.train, parts.validation, parts.test)])
    assert np.array_equal(np.sort(rows), np.sort(series.displacement[:, 0]), equal_nan=True)


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_temperature_is_found(truth: float) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (20_000, 5))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    label = (probabilities.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1).astype(np.int8)
    assert fit_temperature((scores * truth).astype(np.float32), label) == pytest.approx(truth, rel=0.05)
