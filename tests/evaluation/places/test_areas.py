"""Scores of areas against the truth, and the record of the evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("shapely")
pytest.importorskip("pyproj")

from evaluation.places.area_score import score_areas
from evaluation.places.areas import Sizes, areas_table, run_areas
from evaluation.places.scene import PlaceScene, make_scene


@pytest.fixture(scope="module")
def scene() -> PlaceScene:
    return make_scene(5000, seed=3, areas=3)


def test_the_truth_has_a_perfect_score(scene: PlaceScene) -> None:
    score = score_areas(scene, scene.truth.area, scene.truth.area > 0).to_dict()
    assert score == {
        "areas": 3, "found": 3, "recall": 1, "precision": 1, "within_a_true_area": 1, "median_overlap": 1,
    }  # fmt: skip


def test_missing_split_and_false_areas_cost_recall_and_precision(scene: PlaceScene) -> None:
    true = scene.truth.area
    found = np.where(true == 1, 0, true)
    # A third of the second area is one of its own, and so are some points that do not move.
    part = np.flatnonzero(true == 2)
    found[part[: len(part) // 3]] = 4
    still = np.flatnonzero(true == 0)[:50]
    found[still] = 5
    moving = true > 0
    moving[still] = True
    score = score_areas(scene, found, moving)
    assert score.to_dict()["recall"] == pytest.approx(2 / 3)
    np.testing.assert_allclose(score.overlap, [0, 2 / 3, 1], atol=0.02)
    np.testing.assert_allclose(score.match, [0, 2 / 3, 1, 1 / 3, 0], atol=0.02)
    np.testing.assert_array_equal(score.inside, [0, 1, 1, 1, 0])


def test_nothing_found_in_a_quiet_scene_has_no_score(scene: PlaceScene) -> None:
    none = np.zeros(len(scene), dtype=np.int32)
    score = score_areas(scene, none, none > 0).to_dict()
    assert (score["found"], score["recall"], score["precision"]) == (0, 0, None)


def test_the_evaluation_writes_its_record_and_its_table(tmp_path: Path) -> None:
    sizes = Sizes(5000, (1,), 1500, (2,), 1500)
    numbers = run_areas(tmp_path / "out", sizes=sizes, announce=lambda _: None, cache=tmp_path / "cache")
    assert json.loads((tmp_path / "out" / "areas.json").read_text()) == numbers
    assert numbers["scenes"][0]["recall"] == 1
    assert numbers["quiet"][0]["found"] <= 1
    assert 0 < numbers["many"]["memory_gb"] < 1.5
    table = (tmp_path / "out" / "areas.md").read_text()
    assert table == areas_table(numbers)
    assert "| quiet, seed 2 | 1,500 | 0 |" in table
    assert "1,500 points with series and diagnosis" in table
