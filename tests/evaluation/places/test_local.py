"""Local priors and kinds of jumps: the command measures them, and the record holds what the pages say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.places.local_measure import ClassifiedPoints, kinds_of_jumps
from evaluation.places.local_run import Sizes, run_local
from evaluation.places.real_points import real_points
from evaluation.places.scene import POINT_JUMP, make_scene
from insar_runtime import Classifier
from insar_runtime.classes import TrendClass
from tests.conftest import REAL, ROOT
from training.real_files import REAL_FILES, STAMPS_FILE, read_real

RECORD = ROOT / "artifacts" / "places" / "local.json"


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return dict(json.loads(RECORD.read_text(encoding="utf-8")))


def test_false_moving_points_fall_by_half_at_no_cost_of_areas_and_clear_movers(record: dict[str, Any]) -> None:
    scenes = {name: scene for name, scene in record["scenes"].items() if "step" not in name}
    assert sum(scene["points"] for scene in scenes.values()) > 500_000
    for name, scene in scenes.items():
        before, after = scene["file"], scene["local"]
        if "simulated" in name:
            assert after["false moving"] <= 0.5 * before["false moving"], name
        if before["areas"]:
            assert after["points of areas found"] >= before["points of areas found"], name
            assert after["areas with half of their points"] == before["areas"], name
        key = "clear lone movers with their class"
        assert after[key] > before[key] - 0.02, name
        assert after["PUE with its class"] > before["PUE with its class"] - 0.015, name
    real = [scene for name, scene in scenes.items() if name.startswith("noise of")]
    before, after = (sum(scene[mix]["false moving"] for scene in real) for mix in ("file", "local"))
    assert after < 0.5 * before


def test_the_page_has_the_numbers_of_the_record(record: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "neighbours.md").read_text(encoding="utf-8")
    read = record["read rows"]
    for mix in ("file", "local"):
        for key in ("has a class, and it is right", "most probable class right"):
            assert f"{100 * read[mix][key]:.1f}" in page
    full = record["scenes"]["simulated, all points"]
    for mix, words in (("file", "before"), ("local", "after")):
        assert f"{100 * full[mix]['lone movers with their class']:.0f} % {words}" in page
    for name, scene in record["scenes"].items():
        if "step" in name:
            assert 0.25 < 1 - scene["local"]["false moving"] / scene["file"]["false moving"] < 0.42


def test_kinds_of_jumps_are_right_where_there_are_neighbours(record: dict[str, Any]) -> None:
    usual = record["jumps"]["step of 3 mm"]["by truth"]
    point, shared = usual["point"], usual["shared"]
    assert point["shared"] + point["file"] <= 0.01 * point["point"]
    assert shared["shared"] >= 0.9 * (shared["shared"] + shared["point"] + shared["file"])
    stepped = record["jumps"]["step of 15 mm"]["by truth"]["none"]
    assert stepped["file"] >= 0.95 * sum(stepped.values())


def test_the_command_measures_small_scenes(tmp_path: Path) -> None:
    said: list[str] = []
    sizes, parts = Sizes(1500, 1500, 1000, 1500, (1,)), ("scenes", "choices", "jumps")
    numbers = run_local(tmp_path, real=None, answers=tmp_path, sizes=sizes, only=parts, announce=said.append)
    assert json.loads((tmp_path / "local.json").read_text(encoding="utf-8")) == numbers
    text = (tmp_path / "local.md").read_text(encoding="utf-8")
    assert "| simulated, no area | 1,500 |" in text
    assert set(numbers["jumps"]) == {"step of 3 mm", "step of 15 mm"}
    assert any("false moving points" in line for line in said)


def test_errors_are_counted_by_the_truth() -> None:
    scene = make_scene(1500, seed=6, step_mm=0.0)
    points = ClassifiedPoints.of(scene, Classifier(device="cpu"))
    result = points.under_file_mix()
    perfect = points.errors(type(result)(**{**_columns(result), "class_id": scene.truth.label}))
    assert (perfect["false moving"], perfect["right"], perfect["points of areas found"]) == (0, 1, 1)
    moving = points.errors(type(result)(**{**_columns(result), "class_id": np.full(1500, TrendClass.LINEAR, np.int8)}))
    assert moving["false moving"] == moving["still points"]
    jumping = (scene.truth.jump == POINT_JUMP).astype(float)
    told = kinds_of_jumps(scene, ["point"] * 1500, jumping)
    assert told["point"] == {"point": int(jumping.sum()), "shared": 0, "file": 0, "unknown": 0}
    assert not any(told["none"].values())


def _columns(result: Any) -> dict[str, Any]:
    names = ("class_id", "class_top", "confidence", "probabilities", "status", "n_epochs", "max_gap_days")
    return {name: getattr(result, name) for name in names}


@pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")
def test_real_files_have_a_position_for_each_row() -> None:
    for file in (*REAL_FILES, STAMPS_FILE):
        points = real_points(REAL, file)
        assert points.shape == (len(read_real(REAL, file)[0]), 2)
        assert np.isfinite(points).all()
        assert np.ptp(points, axis=0).max() < 100_000
