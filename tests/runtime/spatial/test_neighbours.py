"""Neighbours within a distance, compared with all distances; spacing of points."""

from __future__ import annotations

import numpy as np
import pytest

from insar_runtime._spatial.neighbours import NO_NEIGHBOUR, Neighbours, typical_spacing

pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    placed = rng.uniform(0, 100, (300, 2))
    placed[[5, 17, 299]] = np.nan
    return placed


def distances(of: np.ndarray, to: np.ndarray) -> np.ndarray:
    return np.linalg.norm(of[:, None] - to[None, :], axis=2)


@pytest.mark.parametrize("chunk_rows", [7, 1000])
@pytest.mark.parametrize("each", [False, True])
def test_neighbours_are_all_points_within_the_distance(points: np.ndarray, chunk_rows: int, each: bool) -> None:
    of = np.vstack([points[100:140], [[np.nan, 3.0]]])
    radius = np.linspace(2, 20, len(of)) if each else np.float64(12.0)
    wanted = distances(of, points) <= np.broadcast_to(radius, len(of))[:, None]
    found = np.zeros_like(wanted)
    for part in Neighbours(points).within(radius, of, chunk_rows=chunk_rows):
        found[part.rows, part.indices] = True
        assert len(part.offsets) <= chunk_rows + 1
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(Neighbours(points).count_within(radius, of), wanted.sum(axis=1))


def test_a_point_is_its_own_neighbour_among_those_that_are_searched(points: np.ndarray) -> None:
    (part,) = Neighbours(points).within(1e-6)
    placed = np.flatnonzero(np.isfinite(points).all(axis=1))
    np.testing.assert_array_equal(part.rows, placed)
    np.testing.assert_array_equal(part.indices, placed)


def test_nearest_are_in_the_order_of_their_distances(points: np.ndarray) -> None:
    of = np.array([[50.0, 50.0], [np.nan, 0.0], [500.0, 500.0]])
    far, rows = Neighbours(points).nearest(4, of, within_m=60)
    order = np.argsort(distances(of[:1], points)[0])[:4]
    np.testing.assert_array_equal(rows[0], order)
    np.testing.assert_allclose(far[0], distances(of[:1], points)[0][order])
    assert (rows[1:] == NO_NEIGHBOUR).all()
    assert np.isinf(far[1:]).all()


def test_the_spacing_of_a_grid_is_about_its_step() -> None:
    grid = np.stack(np.meshgrid(np.arange(40) * 100.0, np.arange(40) * 100.0), axis=-1).reshape(-1, 2)
    assert typical_spacing(grid) == pytest.approx(100, rel=0.15)
    # Points that are there twice do not make the grid denser.
    assert typical_spacing(np.vstack([grid, grid, grid, [[np.nan, 0.0]]])) == typical_spacing(grid)


def test_the_spacing_of_random_points_is_that_of_their_density() -> None:
    scattered = np.random.default_rng(1).uniform(0, 1000, (4000, 2))
    assert typical_spacing(scattered) == pytest.approx(1000 / np.sqrt(4000), rel=0.15)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_points_have_a_spacing_from_two_on(count: int) -> None:
    line = np.stack([np.arange(count) * 10.0, np.zeros(count)], axis=1)
    spacing = typical_spacing(line)
    assert np.isnan(spacing) if count < 2 else 5 < spacing < 50
    assert len(Neighbours(line)) == count


def test_points_at_one_place_have_no_spacing() -> None:
    assert np.isnan(typical_spacing(np.zeros((50, 2))))
