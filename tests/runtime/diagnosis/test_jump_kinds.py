"""Kinds of jumps: against a comparison of each jump with each jump of each neighbour, and by cases."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from insar_runtime._diagnosis.jumps.jump_kinds import (
    ALIKE,
    ALIKE_STDS,
    LEAST_AGREEING,
    LEAST_NEIGHBOURS,
    LEAST_SHARE,
    Chunk,
    FileJumps,
    JumpKind,
    JumpKinds,
    PresentEpochs,
    find_jump_kinds,
)
from insar_runtime._diagnosis.results import Jumps

EPOCHS = 40
DISTANCE = 1.5

Found = list[list[tuple[int, float, float]]]
"""Epoch, size and standard deviation of the jumps of each row."""


def file_jumps(found: Found) -> FileJumps:
    flat = [jump for row in found for jump in row]
    epoch, mm, std = zip(*flat, strict=True) if flat else ((), (), ())
    return FileJumps(
        np.concatenate([[0], np.cumsum([len(row) for row in found])]).astype(np.int64),
        np.array(epoch, np.int32),
        np.array(mm, np.float32),
        np.array(std, np.float32),
    )


def neighbours_of(points: NDArray[np.float64], rows: NDArray[np.intp], size: int = 7) -> Iterator[Chunk]:
    apart = np.hypot(*(points[rows][:, None] - points[None]).transpose(2, 0, 1))
    for first in range(0, len(rows), size):
        lists = [np.flatnonzero(row <= DISTANCE) for row in apart[first : first + size]]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
        yield rows[first : first + size], offsets, np.concatenate([np.empty(0, np.intp), *lists]).astype(np.intp)


def kinds_of(
    found: Found,
    points: NDArray[np.float64],
    series: NDArray[np.float32] | None = None,
    steps: tuple[int, ...] = (),
    size: int = 7,
) -> JumpKinds:
    series = np.zeros((len(points), EPOCHS), dtype=np.float32) if series is None else series
    return find_jump_kinds(
        file_jumps(found),
        PresentEpochs(PresentEpochs.pack(series), EPOCHS),
        np.asarray(np.isfinite(series).any(axis=1)),
        lambda rows: neighbours_of(points, rows, size),
        steps,
    )


def drawn(seed: int) -> tuple[Found, NDArray[np.float64], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    rows = 30
    found = [
        [
            (int(epoch), float(rng.choice([-12, 12, 14, 28]) + rng.normal()), float(rng.uniform(0.2, 2)))
            for epoch in sorted(rng.choice([5, 6, 7, 20, 39], rng.integers(0, 3), replace=False))
        ]
        for _ in range(rows)
    ]
    series = rng.normal(size=(rows, EPOCHS)).astype(np.float32)
    series[rng.random(series.shape) < 0.3] = np.nan
    series[3] = np.nan
    return found, rng.integers(0, 6, (rows, 2)).astype(float), series


def by_hand(
    found: Found, points: NDArray[np.float64], series: NDArray[np.float32]
) -> tuple[list[float], list[JumpKind]]:
    shares, kinds = [], []
    there = np.isfinite(series)
    for row, jumps in enumerate(found):
        for epoch, mm, std in jumps:
            known = agreeing = 0
            for other in range(len(points)):
                near = np.hypot(*(points[row] - points[other])) <= DISTANCE
                has = there[other, max(epoch - 2, 0) : epoch].any() and there[other, epoch : epoch + 2].any()
                if other == row or not near or not has:
                    continue
                known += 1
                agreeing += any(
                    abs(theirs - epoch) <= 1
                    and size * mm > 0
                    and abs(size - mm) <= max(ALIKE * max(abs(size), abs(mm)), ALIKE_STDS * np.hypot(std, own))
                    for theirs, size, own in found[other]
                )
            share = agreeing / known if known else np.nan
            shares.append(share)
            if agreeing >= LEAST_AGREEING and share >= LEAST_SHARE:
                kinds.append(JumpKind.SHARED)
            else:
                kinds.append(JumpKind.POINT if known >= LEAST_NEIGHBOURS else JumpKind.UNKNOWN)
    return shares, kinds


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 40))
def test_kinds_are_those_of_a_comparison_one_by_one(seed: int, size: int) -> None:
    found, points, series = drawn(seed)
    kinds = kinds_of(found, points, series, size=size)
    shares, expected = by_hand(found, points, series)
    np.testing.assert_allclose(kinds.share, shares, rtol=1e-6)
    assert kinds.kind.tolist() == expected


@given(seed=st.integers(0, 2**32 - 1))
def test_kinds_do_not_depend_on_the_order_of_the_rows(seed: int) -> None:
    found, points, series = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(points))
    whole = kinds_of(found, points, series, steps=(6,))
    other = kinds_of([found[row] for row in order], points[order], series[order], steps=(6,))
    for place, row in enumerate(order):
        assert np.array_equal(other.kind[other.at(np.array([place]))], whole.kind[whole.at(np.array([row]))])
        assert np.array_equal(
            other.share[other.at(np.array([place]))], whole.share[whole.at(np.array([row]))], equal_nan=True
        )


def line(count: int) -> NDArray[np.float64]:
    """Points of which each has those before and behind it as neighbours; all at one place if the step is small."""
    return np.stack([np.arange(count) * 0.1, np.zeros(count)], axis=1)


def test_a_jump_that_no_neighbour_shares_is_one_of_the_point() -> None:
    kinds = kinds_of([[(10, 14.0, 0.5)], *[[] for _ in range(5)]], line(6))
    assert kinds.kind.tolist() == [JumpKind.POINT]
    assert kinds.share.tolist() == [0]


def test_too_few_neighbours_leave_a_jump_without_a_kind() -> None:
    kinds = kinds_of([[(10, 14.0, 0.5)], *[[] for _ in range(4)]], line(5))
    assert kinds.kind.tolist() == [JumpKind.UNKNOWN]
    alone = kinds_of([[(10, 14.0, 0.5)]], line(1))
    assert alone.kind.tolist() == [JumpKind.UNKNOWN]
    assert np.isnan(alone.share[0])


def test_neighbours_share_a_jump_of_about_the_same_size_at_about_the_same_epoch() -> None:
    shared = [(10, 14.0, 0.5)]
    found: Found = [
        shared,
        [(11, 12.0, 0.5)],
        [(9, 17.0, 0.5)],
        [(10, -14.0, 0.5)],
        [(12, 14.0, 0.5)],
        [(10, 28.0, 0.5)],
    ]
    kinds = kinds_of(found, line(6))
    assert kinds.share[0] == pytest.approx(0.4)
    assert kinds.kind[0] == JumpKind.SHARED
    assert kinds.kind[3] == JumpKind.POINT
    assert kinds.kind[5] == JumpKind.POINT


def test_a_step_of_the_file_is_one_of_the_place_if_far_more_points_of_the_place_step() -> None:
    """The whole file steps at epoch 20, one point in five; at one place all do."""
    points = np.concatenate([line(10), line(100) + np.array([0, 100])])
    everywhere: Found = [[(20, 12.0, 0.5)] if row % 20 == 0 else [] for row in range(100)]
    place: Found = [[(20, 12.0, 0.5)] for _ in range(10)]
    kinds = kinds_of([*place, *everywhere], points, steps=(20,))
    assert set(kinds.kind[:10].tolist()) == {JumpKind.SHARED}
    assert set(kinds.kind[10:].tolist()) == {JumpKind.FILE}
    without = kinds_of([*place, *everywhere], points)
    assert set(without.kind[10:].tolist()) == {JumpKind.POINT}


def test_the_columns_are_those_of_the_largest_jump() -> None:
    found: Found = [[(5, 11.0, 0.5), (20, -30.0, 0.5)], [(20, -29.0, 0.5)], [], [(20, -31.0, 0.5)], [], [], []]
    kinds = kinds_of(found, line(7))
    table = kinds.to_arrow(0, 7)
    assert table.column("jump_kind").to_pylist() == ["shared", "shared", None, "shared", None, None, None]
    assert table.column("jump_neighbours").to_pylist()[:3] == [pytest.approx(2 / 6), pytest.approx(2 / 6), None]
    part = kinds.to_arrow(1, 3)
    assert part.column("jump_kind").to_pylist() == ["shared", None, "shared"]
    assert kinds.counts(0, 7) == {"jumps_unknown": 0, "jumps_point": 1, "jumps_shared": 3, "jumps_file": 0}
    assert kinds.counts(1, 1)["jumps_shared"] == 1
    assert kinds.is_common(np.array([0, 1])).tolist() == [False, True, True]


def test_jumps_of_parts_are_joined_in_the_order_of_the_rows() -> None:
    def jumps(begins: list[int], epochs: list[int]) -> Jumps:
        some = np.array(epochs)
        return Jumps(
            np.array(begins),
            some.astype(np.int32),
            some.astype(np.float32),
            some.astype(np.float32),
            np.zeros(len(some), np.int8),
            np.zeros(len(some), np.float32),
            np.ones(len(some), np.float32),
            np.zeros(len(begins) - 1, np.int8),
        )

    joined = FileJumps.of(
        6,
        [
            (np.array([0, 2]), jumps([0, 2, 3], [4, 8, 5])),
            (np.array([5]), jumps([0, 1], [9])),
            (np.array([], np.intp), jumps([0], [])),
        ],
    )
    assert joined.begins.tolist() == [0, 2, 2, 3, 3, 3, 4]
    assert joined.row.tolist() == [0, 0, 2, 5]
    assert joined.epoch.tolist() == [4, 8, 5, 9]
    assert len(FileJumps.of(3, []).epoch) == 0
