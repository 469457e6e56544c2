"""The proof of joins on a few simulated points: what it compares, and that it would notice a wrong join."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.releases import joins
from evaluation.releases.joins import JoinedFile, join_table, prove_joins, step_table
from insar_runtime import Classifier, Joined, join_files


def test_the_proof_runs_on_simulated_points(tmp_path: Path) -> None:
    numbers = prove_joins(tmp_path, real=None, count=200, seed=3, announce=lambda _: None)
    assert json.loads((tmp_path / "join.json").read_text()) == json.loads(json.dumps(numbers))
    (found,) = numbers["files"].values()
    assert found["statuses"] == {"joined": 180, "only_old": 10, "only_new": 10}
    assert found["largest difference, mm"] <= joins.WITHIN_MM
    assert found["same class, %"] >= 97
    step = found["common step"]
    assert step["PUE, join known, %"] < step["PUE, join unknown, %"] - 20
    text = (tmp_path / "join.md").read_text()
    assert text == join_table(numbers) + "\n" + step_table(numbers)


def test_a_wrong_offset_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    dates = np.datetime64("2020-01-03") + 12 * np.arange(80)
    file = JoinedFile("noise", rng.normal(0, 2, (60, 80)).round(1).astype(np.float32), dates)

    def wrong(old: Path, new: Path, output: Path, **options: Any) -> Joined:
        return join_files(new, old, output, **options)  # to the level of the other release

    monkeypatch.setattr(joins, "join_files", wrong)
    found = joins._joined(file, Classifier(device="cpu"), seed=0)
    assert found["largest difference, mm"] > 5
    assert found["rows within the goal, %"] < 10
