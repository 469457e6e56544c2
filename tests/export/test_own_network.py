"""A network is trained on noise of a user's file, exported, and classifies that file."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.keras
pytest.importorskip("keras", reason="the train group is not installed")

from insar_runtime import CLASS_NAMES, Classifier, classify_file
from insar_runtime.definitions import STABLE_RATE_MM_YR
from tests.conftest import ROOT
from training.__main__ import main
from training.stream import StreamConfig


def _quiet_file(path: Path) -> Path:
    rng = np.random.default_rng(1)
    dates = np.arange("2019-01-01", "2023-01-01", 12, dtype="datetime64[D]")
    lines = ["pid," + ",".join(str(day).replace("-", "") for day in dates)]
    for i in range(60):
        values = np.round(rng.normal(0, 2.5, len(dates)), 1)
        lines.append(f"p{i}," + ",".join(str(value) for value in values))
    path.write_text("\n".join(lines) + "\n")
    return path


def _export(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an export in a process of its own, as its sets need a fixed order."""
    return subprocess.run(
        [sys.executable, "-m", "export", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def _train(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run ``python -m training`` in this process, which has TensorFlow already."""
    monkeypatch.setattr(sys, "argv", ["training", *map(str, arguments)])
    main()


def test_from_a_users_noise_to_classes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    few_calibration_series: None,
) -> None:
    monkeypatch.setattr("training.trend_run._TEST_SERIES", 4096)
    monkeypatch.setattr("training.trend_run.StreamConfig", partial(StreamConfig, chunk=4096))
    source = _quiet_file(tmp_path / "mine.csv")
    with pytest.raises(SystemExit) as left:
        _train(
            monkeypatch, "fit", "--name", "mine", "--out", tmp_path, "--noise-from", source, "--units", "mm",
            "--chunks", 1, "--version", "3.2.1",
        )  # fmt: skip
    assert not left.value.code
    assert "mine: noise of" in capsys.readouterr().err
    # One chunk teaches too little for eight bits to agree.
    done = _export("package", str(tmp_path / "mine"), "--no-int8")
    assert done.returncode == 0, done.stderr[-2000:]
    card = json.loads((tmp_path / "mine" / "model.json").read_text())
    assert card["training"]["noise files"] == ["mine"]
    assert set(card["files"]) == {"fp32"}
    assert card["version"] == "3.2.1"
    assert card["classes"] == list(CLASS_NAMES)
    assert card["output"]["probabilities"]["shape"] == ["batch", len(CLASS_NAMES)]
    assert len(card["training_priors"]) == len(CLASS_NAMES)
    assert card["stable_rate_mm_yr"] == card["definitions"]["stable_rate_mm_yr"] == STABLE_RATE_MM_YR
    text = (tmp_path / "mine" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert all(f"| {name} | " in text for name in CLASS_NAMES)
    assert "quantization" not in card
    classifier = Classifier(tmp_path / "mine", device="cpu")
    assert classifier.precision == "fp32"
    assert classifier.model.classes == CLASS_NAMES
    assert classifier.stable_rate == STABLE_RATE_MM_YR
    summary = classify_file(source, tmp_path / "out.parquet", classifier=classifier, units="mm")
    assert summary.rows == 60


def test_both_kinds_of_noise_at_once_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        _train(monkeypatch, "fit", "--noise-from", tmp_path / "a.csv", "--real", tmp_path)
    assert left.value.code == 2
    assert "give one of them" in capsys.readouterr().err.splitlines()[-1]


def test_a_file_without_quiet_rows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "wild.csv"
    rng = np.random.default_rng(2)
    dates = np.arange("2019-01-01", "2021-01-01", 12, dtype="datetime64[D]")
    rows = np.cumsum(rng.normal(0, 9, (5, len(dates))), axis=1)
    text = ["pid," + ",".join(str(day).replace("-", "") for day in dates)]
    text += [f"p{i}," + ",".join(f"{value:.1f}" for value in row) for i, row in enumerate(rows)]
    source.write_text("\n".join(text) + "\n")
    with pytest.raises(SystemExit) as left:
        _train(monkeypatch, "fit", "--noise-from", source, "--units", "mm", "--out", tmp_path)
    assert left.value.code == 65
    assert "no complete and quiet row" in capsys.readouterr().err.splitlines()[-1]
