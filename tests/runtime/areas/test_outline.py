"""Outlines of clusters: concave, around all points, with holes only where points do not move."""

from __future__ import annotations

import numpy as np
import pytest

shapely = pytest.importorskip("shapely")
pytest.importorskip("scipy")

from insar_runtime._areas.outline import cut_at_antimeridian, inside, outline, without_false_holes
from insar_runtime.errors import DataError

NONE = np.empty((0, 2))


def grid(step: float = 10.0) -> np.ndarray:
    line = np.arange(0, 400, step) + 0.0
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return points + np.random.default_rng(0).normal(0, 1, points.shape)


def test_a_horseshoe_is_outlined_as_one() -> None:
    points = grid()
    shoe = points[(points[:, 0] < 100) | (points[:, 0] > 300) | (points[:, 1] < 100)]
    area = outline(shoe, 23.0, 10.0)
    assert inside(area, shoe).all()
    assert not shapely.contains_xy(area, 200, 250)
    assert area.area == pytest.approx(len(shoe) * 100, rel=0.15)
    assert area.is_valid


def test_a_hole_is_real_where_points_do_not_move() -> None:
    points = grid()
    far = np.hypot(*(points - 200).T)
    ring, middle = points[far > 90], points[far < 75]
    area = outline(ring, 23.0, 10.0)
    assert len(shapely.get_rings(area)) == 2
    kept = without_false_holes(area, middle, ring)
    assert len(shapely.get_rings(kept)) == 2
    assert inside(kept, middle).mean() < 0.1
    for still, moving in ((NONE, ring), (middle[:3], ring), (middle, np.concatenate([ring, middle]))):
        closed = without_false_holes(area, still, moving)
        assert len(shapely.get_rings(closed)) == 1
        assert inside(closed, middle).all()


@pytest.mark.parametrize(
    "points",
    [
        [[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [30.0, 0.0], [40.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
        [[0.0, 0.0], [10.0, 10.0], [0.0, 0.0], [10.0, 10.0], [0.0, 0.0]],
        [[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]],
    ],
)
def test_lines_and_single_places_have_an_outline(points: list[list[float]]) -> None:
    area = outline(np.array(points), 23.0, 10.0)
    assert area.geom_type == "Polygon"
    assert area.area > 50
    assert inside(area, np.array(points)).all()


def test_an_outline_across_the_meridian_of_180_degrees_has_two_parts() -> None:
    ring = [[179.99, 10.0], [-179.98, 10.0], [-179.98, 10.02], [179.99, 10.02]]
    area = cut_at_antimeridian(shapely.Polygon(ring))
    assert area.is_valid
    assert area.geom_type == "MultiPolygon"
    assert area.area == pytest.approx(0.03 * 0.02)
    assert area.bounds == (-180.0, 10.0, 180.0, 10.02)
    here = shapely.box(179.0, 10.0, 179.5, 10.5)
    assert cut_at_antimeridian(here) is here


@pytest.mark.parametrize("pole", [90.0, -90.0])
@pytest.mark.parametrize("first", [0.0, 75.0, 179.9])
def test_an_outline_around_a_pole_is_refused(pole: float, first: float) -> None:
    """However few corners it has."""
    for count in (3, 4, 40):
        longitude = (first + np.arange(count) * 360 / count + 180) % 360 - 180
        ring = np.stack([longitude, np.full(count, pole * 0.9999)], axis=1)
        with pytest.raises(DataError, match=r"an area lies around a pole.*--crs"):
            cut_at_antimeridian(shapely.Polygon(ring))


def test_many_points_are_thinned() -> None:
    points = np.random.default_rng(0).uniform(0, 1000, (60_000, 2))
    area = outline(points, 30.0, 5.0)
    assert area.area == pytest.approx(1e6, rel=0.03)
