"""Local mixes of classes: a kernel-weighted maximum beside the mix of the file, without a vote of the point itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from insar_runtime._engine.local_mix import PRIOR_POINTS, Chunk, local_mixes
from insar_runtime.classes import TrendClass

TRAINING = np.array([0.24, 0.21, 0.1, 0.11, 0.21, 0.13])
FILE = np.array([0.45, 0.16, 0.07, 0.1, 0.15, 0.07])
DISTANCE = 100.0
PUE = int(TrendClass.PUE)

seeds = st.integers(0, 2**32 - 1)


def points_of(seed: int, count: int = 60) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Probabilities, from sure to undecided, and positions, some of them at one place."""
    rng = np.random.default_rng(seed)
    power = rng.choice([0.05, 1.0], (count, 1))
    shares = rng.gamma(np.broadcast_to(power, (count, 6))) + 1e-6
    points = rng.integers(0, 12, (count, 2)) * 25.0
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32), points.astype(np.float64)


def neighbours(points: NDArray[np.float64], cuts: tuple[int, ...] = ()) -> Iterator[Chunk]:
    """All neighbours of all points, cut into chunks."""
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    bounds = [0, *cuts, len(points)]
    for first, end in pairwise(bounds):
        lists = [np.flatnonzero(row <= DISTANCE) for row in apart[first:end]]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
        yield first, offsets, np.concatenate([np.empty(0, np.int64), *lists]).astype(np.int64)


def found(
    probabilities: NDArray[np.float32],
    points: NDArray[np.float64],
    votes: NDArray[np.bool_] | None = None,
    cuts: tuple[int, ...] = (),
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    votes = np.ones(len(points), dtype=np.bool_) if votes is None else votes
    return local_mixes(
        probabilities, votes, points, neighbours(points, cuts), distance=DISTANCE, file_mix=FILE, training=TRAINING
    )


def by_hand(probabilities: NDArray[np.float32], points: NDArray[np.float64], point: int) -> NDArray[np.float64]:
    """The mix around one point, neighbour by neighbour."""
    mix = FILE.copy()
    for _ in range(20):
        expected, total = PRIOR_POINTS * FILE, PRIOR_POINTS
        for other in range(len(points)):
            apart = np.hypot(*(points[other] - points[point]))
            if other == point or apart > DISTANCE:
                continue
            weight = 1 - (apart / DISTANCE) ** 2
            posterior = mix * probabilities[other] / TRAINING
            expected = expected + weight * posterior / posterior.sum()
            total += weight
        mix = expected / total
    mix[PUE] = 0
    mix *= (1 - FILE[PUE]) / mix.sum()
    mix[PUE] = FILE[PUE]
    return mix


@given(seed=seeds)
def test_the_mix_is_that_of_the_neighbours_one_by_one(seed: int) -> None:
    probabilities, points = points_of(seed)
    mixes, counts = found(probabilities, points)
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    assert np.array_equal(counts, (apart <= DISTANCE).sum(axis=1) - 1)
    for point in range(0, len(points), 17):
        np.testing.assert_allclose(mixes[point], by_hand(probabilities, points, point), atol=1e-5)


@given(seed=seeds, cuts=st.sets(st.integers(1, 59), max_size=4))
def test_the_bits_of_a_point_do_not_depend_on_the_chunks(seed: int, cuts: set[int]) -> None:
    probabilities, points = points_of(seed)
    whole, parts = found(probabilities, points), found(probabilities, points, cuts=tuple(sorted(cuts)))
    assert np.array_equal(whole[0], parts[0])
    assert np.array_equal(whole[1], parts[1])


@given(seed=seeds, point=st.integers(0, 59))
def test_a_point_has_no_vote_for_itself(seed: int, point: int) -> None:
    probabilities, points = points_of(seed)
    before, _ = found(probabilities, points)
    probabilities[point] = np.eye(6)[1]
    after, _ = found(probabilities, points)
    assert np.array_equal(before[point], after[point])


@given(seed=seeds)
def test_no_mix_is_sharper_than_the_number_of_neighbours_allows(seed: int) -> None:
    probabilities, points = points_of(seed)
    probabilities = np.eye(6, dtype=np.float32)[np.random.default_rng(seed).integers(0, 6, 60)]
    mixes, counts = found(probabilities, points)
    least = PRIOR_POINTS / (PRIOR_POINTS + counts[:, None]) * FILE * (1 - FILE[PUE])
    assert (mixes >= least - 1e-6).all()
    np.testing.assert_allclose(mixes.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(mixes[:, PUE], FILE[PUE], rtol=1e-6)


def test_points_without_neighbours_that_count_have_the_mix_of_the_file() -> None:
    probabilities, points = points_of(5)
    points[0] = (1e6, 1e6)
    votes = np.ones(60, dtype=np.bool_)
    votes[1] = False
    probabilities[1] = np.nan
    mixes, counts = found(probabilities, points, votes)
    assert np.array_equal(mixes[0], FILE.astype(np.float32))
    assert counts[0] == 0
    assert np.isfinite(mixes).all()
    nobody, counts = found(probabilities, points, np.zeros(60, dtype=np.bool_))
    assert np.array_equal(nobody, np.tile(FILE.astype(np.float32), (60, 1)))
    assert not counts.any()


def test_the_mix_follows_the_place() -> None:
    """One half is nearly all Stable, the other one nearly all Linear, and the classifier is often unsure."""
    rng = np.random.default_rng(8)
    points = rng.uniform(0, 1000, (1500, 2))
    moves = points[:, 0] > 500
    label = np.where(rng.random(1500) < 0.95, moves, ~moves).astype(int)
    features = rng.normal(0, 1, (1500, 6)) + 2.5 * np.eye(6)[label]
    likelihood = np.exp(2.5 * features) * TRAINING
    probabilities = (likelihood / likelihood.sum(axis=1, keepdims=True)).astype(np.float32)
    mixes, _ = found(probabilities, points)
    inside = np.abs(points[:, 0] - 500) > DISTANCE
    assert (mixes[inside & ~moves, 0] > 0.5).mean() > 0.95
    assert (mixes[inside & moves, 1] > 0.5).mean() > 0.95
    posterior = probabilities * mixes / TRAINING
    right = (posterior.argmax(axis=1) == label).mean()
    assert right > np.mean((probabilities * FILE / TRAINING).argmax(axis=1) == label) + 0.01


def test_a_model_of_five_classes_has_mixes_of_five() -> None:
    probabilities, points = points_of(3)
    five = probabilities[:, :5] / probabilities[:, :5].sum(axis=1, keepdims=True)
    mixes, _ = local_mixes(
        five,
        np.ones(60, dtype=np.bool_),
        points,
        neighbours(points),
        distance=DISTANCE,
        file_mix=FILE[:5] / FILE[:5].sum(),
        training=TRAINING[:5] / TRAINING[:5].sum(),
    )
    assert mixes.shape == (60, 5)
    assert mixes.sum(axis=1) == pytest.approx(1, abs=1e-5)
