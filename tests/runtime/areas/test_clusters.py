"""Clusters of points that move alike: density against chance, rates against their uncertainty."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from insar_runtime._areas.alike import Motion, alike
from insar_runtime._areas.clusters import Clusters, find_clusters
from insar_runtime._areas.fragments import join_fragments
from insar_runtime.errors import DataError


def square(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1000, (count, 2))


def motion(rate: np.ndarray, std: float = 0.3) -> Motion:
    return Motion(rate.astype(float), np.full(len(rate), std))


def clusters(points: np.ndarray, moving: np.ndarray, rate: np.ndarray, **options: object) -> Clusters:
    return find_clusters(points, moving, motion(rate[moving]), min_points=5, **options)  # type: ignore[arg-type]


def test_points_that_lie_together_and_move_alike_are_one_cluster() -> None:
    points = square(2000)
    inside = np.hypot(*(points - 500).T) < 120
    found = clusters(points, inside, np.full(2000, -8.0))
    assert found.count == 1
    assert (found.label == 0).mean() > 0.97
    assert found.spacing_m == pytest.approx(1000 / np.sqrt(2000), rel=0.15)


def test_neighbours_that_move_apart_are_two_clusters() -> None:
    points = square(3000)
    inside = np.hypot(*(points - 500).T) < 200
    rate = np.where(points[:, 0] < 500, -8.0, 8.0)
    found = clusters(points, inside, rate)
    assert found.count == 2
    west = points[inside, 0] < 500
    for label in range(2):
        assert west[found.label == label].mean() in {0.0, 1.0}


@pytest.mark.parametrize("share", [0.02, 0.1, 0.25])
@pytest.mark.parametrize("seed", [0, 1])
def test_scattered_movers_make_no_cluster_whatever_their_share(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = square(8000, seed)
    moving = rng.random(8000) < share
    found = clusters(points, moving, rng.choice((-3.0, 3.0), 8000) + rng.normal(0, 0.5, 8000))
    assert found.count <= 1
    assert found.background == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_a_cluster_is_found_among_scattered_movers(share: float) -> None:
    rng = np.random.default_rng(3)
    points = square(6000)
    inside = np.hypot(*(points - 400).T) < 80
    moving = (inside & (rng.random(6000) < 0.85)) | (rng.random(6000) < share)
    rate = np.where(inside, -6.0, rng.choice((-3.0, 3.0), 6000)) + rng.normal(0, 0.4, 6000)
    found = clusters(points, moving, rate)
    largest = np.bincount(found.label[found.label >= 0]).argmax()
    members = found.label == largest
    assert inside[moving][members].mean() > 0.85
    assert members[inside[moving]].mean() > 0.9


def test_a_file_that_moves_as_a_whole_is_one_cluster() -> None:
    points = square(2000)
    found = clusters(points, np.ones(2000, dtype=bool), np.full(2000, -5.0))
    assert found.count == 1
    assert (found.label == 0).all()


def test_the_distance_follows_the_density_unless_it_is_given() -> None:
    rng = np.random.default_rng(0)
    # A dense town, and a slope with few points that are some 80 m apart.
    points = np.concatenate([rng.uniform(0, 600, (4000, 2)), rng.uniform(2000, 2800, (100, 2))])
    moving = points[:, 0] > 1000
    rate = np.full(len(points), -9.0)
    assert clusters(points, moving, rate).count == 1
    found = clusters(points, moving, rate, distance_m=25.0)
    assert found.distance_m == 25
    assert found.count == 0


def test_the_result_does_not_depend_on_the_order_of_the_points() -> None:
    points = square(3000)
    rate = np.where(points[:, 0] < 500, -8.0, 8.0)
    moving = np.hypot(*(points - 500).T) < 200
    order = np.random.default_rng(1).permutation(3000)
    one, other = clusters(points, moving, rate), clusters(points[order], moving[order], rate[order])
    groups = [
        {frozenset(map(tuple, at[found.label == k])) for k in range(found.count)}
        for at, found in ((points[moving], one), (points[order][moving[order]], other))
    ]
    assert groups[0] == groups[1]


@pytest.mark.parametrize("count", [2, 4])
def test_few_points_make_no_cluster(count: int) -> None:
    found = clusters(square(count), np.ones(count, dtype=bool), np.full(count, 5.0))
    assert (found.count, list(found.label)) == (0, [-1] * count)


def test_points_at_one_place_are_refused() -> None:
    with pytest.raises(DataError, match="all points lie at one place"):
        clusters(np.ones((50, 2)), np.ones(50, dtype=bool), np.full(50, 5.0))


def test_rates_are_alike_within_their_uncertainty_or_half_of_the_larger() -> None:
    rates = Motion(np.array([-3.0, 3.0, 4.0, 12.0, 7.0, np.nan]), np.array([0.3, 0.3, 5.0, 0.3, 0.3, 0.3]))
    first, second = np.array([0, 1, 0, 3, 1, 4, 5]), np.array([1, 2, 2, 4, 3, 1, 3])
    np.testing.assert_array_equal(alike(rates, first, second), [False, True, True, True, False, False, False])
    unknown = Motion(np.full(3, np.nan), np.ones(3))
    assert alike(unknown, np.array([0, 1]), np.array([1, 2])).all()


def test_a_fragment_joins_the_larger_area_that_moves_alike() -> None:
    # Two large areas, and between them three points that are within reach of both.
    line = np.arange(40) * 10.0
    movers = np.stack([np.concatenate([line, line + 550, [452, 460, 468]]), np.zeros(83)], axis=1)
    label = np.repeat([0, 1, 2], (40, 40, 3))
    rate = np.repeat([-8.0, 8.0, 8.0], (40, 40, 3))
    joined = join_fragments(label, movers, np.full(83, 45.0), motion(rate))
    np.testing.assert_array_equal(joined[:40], joined[0])
    np.testing.assert_array_equal(joined[40:], joined[40])
    assert joined[0] != joined[40]
    apart = join_fragments(label, movers, np.full(83, 20.0), motion(rate))
    assert len(np.unique(apart)) == 3
