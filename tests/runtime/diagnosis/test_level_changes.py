"""Changes between medians satisfy the definition of a jump, or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from insar_runtime._diagnosis.jumps.level_changes import LevelChanges
from insar_runtime.definitions import JUMP_MM, JUMP_SCATTERS

EPOCHS = 120
INDEX = np.arange(EPOCHS)
Mask = NDArray[np.bool_]


def noise(count: int, *, seed: int = 0, scatter: float = 1.0) -> NDArray[np.float64]:
    return scatter * np.random.default_rng(seed).normal(size=(count, EPOCHS))


def jumps_of(values: NDArray[np.floating]) -> Mask:
    return LevelChanges.of(values.astype(np.float32)).are_jumps(JUMP_MM)


@pytest.mark.parametrize("edge", [0, 1])
@pytest.mark.parametrize("held", [3, 4, 6, 20, 60])
def test_a_level_of_three_epochs_or_more_is_a_jump(held: int, edge: int) -> None:
    """An edge of two epochs leaves one in between."""
    values = noise(50, seed=held, scatter=0.8)
    begin = 40
    values[:, begin : begin + held] += 14
    values[:, begin - edge : begin] += 7
    changes = LevelChanges.of(values.astype(np.float32))
    allowed = changes.are_jumps(JUMP_MM)
    for epoch in (begin, begin + held):
        near = slice(epoch - 1, epoch + 2)
        assert allowed[:, near].any(axis=1).mean() > 0.95
    assert np.abs(np.median(changes.mm[:, begin]) - 14) < 1.5
    far = np.abs(INDEX[:, None] - [begin, begin + held]).min(axis=1) > 12
    assert not allowed[:, far].any()


@pytest.mark.parametrize("epochs", [1, 2])
def test_outliers_of_one_or_two_epochs_are_no_jumps(epochs: int) -> None:
    values = noise(50, seed=1, scatter=0.8)
    values[:, 40 : 40 + epochs] += 25
    assert not jumps_of(values)[:, 30:50].any()


def test_ramps_over_months_and_annual_cycles_are_no_jumps() -> None:
    values = noise(40, seed=2, scatter=0.8)
    values[:20] += 12 * np.clip((INDEX - 40) / 40, 0, 1)
    values[20:] += 6 * np.sin(2 * np.pi * INDEX / 61)
    assert not jumps_of(values).any()


def test_a_step_must_exceed_the_scatter_to_be_a_jump() -> None:
    small, large = noise(60, seed=3, scatter=6.0), noise(60, seed=4, scatter=2.0)
    for values in (small, large):
        values[:, 60:] += 10
    assert jumps_of(large)[:, 58:63].any(axis=1).mean() > 0.8
    assert jumps_of(small)[:, 58:63].any(axis=1).mean() < 0.5


def test_long_medians_measure_a_step_in_strong_scatter() -> None:
    values = noise(60, seed=5, scatter=3.0)
    values[:, 60:] += 13
    changes = LevelChanges.of(values.astype(np.float32))
    # Medians of twenty epochs are nearer to the truth than those of five.
    assert np.std(changes.mm[:, 60]) < 1.5
    assert np.median(changes.std[:, 60]) < 1.6


@given(st.integers(0, 2**32 - 1), st.integers(5, 40))
def test_jumps_meet_the_definition_and_rows_are_independent(seed: int, epochs: int) -> None:
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(4, epochs)) * rng.uniform(0, 5, (4, 1))).astype(np.float32)
    values[rng.integers(4)] = 3.0
    values[1, rng.integers(epochs) :] += 30
    changes = LevelChanges.of(values)
    allowed = changes.are_jumps(JUMP_MM)
    size = np.abs(changes.mm) + changes.std
    assert (size[allowed] >= JUMP_MM).all()
    assert (size[allowed] >= JUMP_SCATTERS * changes.scatter[allowed]).all()
    assert np.isfinite(changes.mm).all()
    assert (changes.std > 0).all()
    # Three epochs on either side.
    assert not allowed[:, :3].any()
    assert not allowed[:, epochs - 2 :].any()
    for row in range(4):
        alone = LevelChanges.of(values[row : row + 1])
        for name in ("mm", "std", "scatter"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(changes, name)[row])
