"""The scene with known areas: equal for equal seeds, true to what it says of its points, classified in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

pytest.importorskip("scipy")
pytest.importorskip("pyproj")

from evaluation.places.scene import NO_JUMP, SHARED_JUMP, PlaceScene, make_scene
from evaluation.places.shapes import COURSES, SHAPES, MovingArea
from evaluation.places.store import classified_scene
from insar_runtime._spatial.neighbours import Neighbours
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import STABLE_RATE_MM_YR


@pytest.fixture(scope="module")
def scene() -> PlaceScene:
    return make_scene(5000, seed=3, areas=3)


def test_equal_seeds_give_equal_scenes(scene: PlaceScene) -> None:
    again = make_scene(5000, seed=3, areas=3)
    np.testing.assert_array_equal(again.displacement, scene.displacement)
    np.testing.assert_array_equal(again.truth.area, scene.truth.area)
    assert again.areas == scene.areas
    assert not np.array_equal(make_scene(5000, seed=4).displacement, scene.displacement)


def test_points_of_an_area_move_at_its_rate(scene: PlaceScene) -> None:
    years = (scene.dates - scene.dates[0]).astype(float) / 365.25
    rate = np.polyfit(years, scene.displacement.T, 1)[0]
    assert len(scene.areas) == 3
    for number, area in enumerate(scene.areas, start=1):
        inside = scene.truth.area == number
        assert inside.sum() >= 25
        assert (np.sign(scene.truth.rate_mm_yr[inside]) == np.sign(area.rate_mm_yr)).all()
        # Noise, ramp and step move the rate of a point by a few mm/yr, that of all points by less.
        assert np.median(rate[inside] - scene.truth.rate_mm_yr[inside]) == pytest.approx(0, abs=2)
    still = scene.truth.label == TrendClass.STABLE
    assert np.abs(scene.truth.rate_mm_yr[still]).max() < STABLE_RATE_MM_YR * 1.6


def test_most_points_are_still_and_errors_are_alone_or_shared(scene: PlaceScene) -> None:
    truth = scene.truth
    assert (truth.label == TrendClass.STABLE).mean() > 0.8
    np.testing.assert_array_equal(truth.jump != NO_JUMP, truth.label == TrendClass.PUE)
    shared = np.flatnonzero(truth.jump == SHARED_JUMP)
    change = (
        scene.displacement[shared, truth.jump_epoch[shared]] - scene.displacement[shared, truth.jump_epoch[shared] - 1]
    )
    assert np.median(np.abs(change)) > 9
    assert (truth.area[truth.jump != NO_JUMP] == 0).all()


def test_a_quiet_scene_has_lone_movers_only() -> None:
    quiet = make_scene(3000, seed=5, areas=0)
    assert quiet.areas == ()
    assert (quiet.truth.area == 0).all()
    assert 0 < np.isin(quiet.truth.label, (TrendClass.LINEAR, TrendClass.BILINEAR)).mean() < 0.02


def test_all_points_step_at_one_date(scene: PlaceScene) -> None:
    change = np.median(np.diff(scene.displacement, axis=1), axis=0)
    assert int(np.argmax(np.abs(change))) + 1 == scene.step_epoch
    assert change[scene.step_epoch - 1] == pytest.approx(3, abs=1)


def test_positions_are_denser_in_towns(scene: PlaceScene) -> None:
    spacing = Neighbours(scene.points_m).spacing()
    low, middle, high = np.quantile(spacing, (0.1, 0.5, 0.95))
    assert 5 < middle < 60
    assert high > 4 * low


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("course", COURSES)
def test_shapes_fade_out_and_courses_have_the_rate(shape: str, course: str) -> None:
    area = MovingArea((10.0, 20.0), 50.0, shape, 1.5, 0.3, course, -8.0, 0.4)  # type: ignore[arg-type]
    grid = np.stack(np.meshgrid(np.linspace(-90, 110, 201), np.linspace(-80, 120, 201)), axis=-1).reshape(-1, 2)
    weight = area.weight(grid)
    assert weight.max() == pytest.approx(1, abs=0.05)
    assert (weight[np.linalg.norm(grid - (10, 20), axis=1) > 51] == 0).all()
    assert 0.2 < ((weight > 0) & (weight < 1)).sum() / (weight > 0).sum() <= 1
    days = np.arange(0, 1200, 12.0)
    displacement = area.displacement(days)
    assert np.polyfit(days / 365.25, displacement, 1)[0] == pytest.approx(-8)
    assert displacement[0] == pytest.approx(0)


def test_a_classified_scene_is_kept(tmp_path: Path) -> None:
    made = classified_scene(600, seed=1, areas=1, diagnose=False, cache=tmp_path)
    written = made.classified.stat().st_mtime_ns
    table = pq.read_table(made.classified)
    assert table["pid"].to_pylist() == [f"p{row:07d}" for row in range(600)]
    assert str(made.scene.dates[0]).replace("-", "") in table.column_names
    again = classified_scene(600, seed=1, areas=1, diagnose=False, cache=tmp_path)
    assert again.classified.stat().st_mtime_ns == written
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([made.raw.name, made.classified.name])
