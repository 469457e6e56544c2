"""Shares of the classes that the models find in real files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REAL

pytest.importorskip("matplotlib", reason="the train group is not installed")

from evaluation.class_shares import _draw_sheets, look_at_real_files
from insar_runtime import Classifier
from insar_runtime.classes import CLASS_NAMES
from training.real_files import REAL_FILES, RealFile


@pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")
def test_shares_of_every_file_and_model(tmp_path: Path, artifacts: Path) -> None:
    models = [artifacts / "trend-net", artifacts / "paper-cnn"]
    look_at_real_files(REAL, models, tmp_path, announce=print)
    found = json.loads((tmp_path / "real.json").read_text(encoding="utf-8"))
    assert list(found) == [file.name for file in REAL_FILES]
    for file in found.values():
        assert len(file["models"]) == 2
        for said in file["models"].values():
            total = sum(said["shares"].values()) + said["abstained"] + said["not classified"]
            assert total == pytest.approx(1, abs=1e-4)
            assert sum(said["estimated mix"].values()) == pytest.approx(1, abs=1e-4)
    quiet = found["EGMS_L2b_022_0845_IW2_VV_2020_2024_1"]
    trend_net = next(said for name, said in quiet["models"].items() if name.startswith("trend-net"))
    # People read unwrapping errors on this island, and next to nothing that bends.
    assert trend_net["shares"]["Quadratic"] + trend_net["shares"]["Bilinear"] <= 0.015
    for file in found.values():
        for name, said in file["models"].items():
            # The seed's network has learned no real noise.
            assert said["noise trained on"] <= name.startswith("trend-net")
    text = (tmp_path / "real.md").read_text(encoding="utf-8")
    assert text.count("\n| ") == 1 + 2 * len(REAL_FILES)
    assert "Copernicus" in text


def test_sheets_of_what_is_called_each_class(tmp_path: Path, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.class_shares._SIDE", 2)  # drawing takes long
    rng = np.random.default_rng(4)
    days = np.arange(120, dtype=np.float32) * 12
    rows = rng.normal(0, 1.5, (40, 120)).astype(np.float32)
    rows[30:] += 0.05 * days
    result = Classifier(artifacts / "trend-net", device="cpu").classify_matrix(rows, days)
    _draw_sheets(RealFile("here/quiet.csv"), rows, days, result, tmp_path)
    called = {CLASS_NAMES[i].lower() for i in set(result.class_id.tolist()) if i >= 0}
    assert {"stable", "linear"} <= called
    assert {path.name for path in tmp_path.iterdir()} == {
        f"quiet-{name}-{kind}.png" for name in called for kind in ("most", "least")
    }
