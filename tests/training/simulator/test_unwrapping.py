"""Every simulated unwrapping error is a jump by the definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from insar_runtime import TrendClass
from insar_runtime.definitions import JUMP_HELD_EPOCHS, JUMP_MM, JUMP_SCATTERS
from tests.training.simulated import (
    COUNT,
    epochs_of,
    epochs_of_row,
    only_errors,
    quiet_config,
    rows_of,
    six_classes,
    still_of,
)
from training.simulator import HALF_WAVELENGTH_MM, SimulatedSeries, SimulatorConfig, simulate
from training.simulator.config import UnwrappingConfig
from training.simulator.simulator import SHARES_OF_MOTIONS, local_scatter
from training.simulator.unwrapping import add_unwrapping_errors, visible


@pytest.fixture(scope="module")
def series() -> SimulatedSeries:
    return six_classes()


def test_only_pue_rows_have_errors(series: SimulatedSeries) -> None:
    wrong = series.error != 0
    assert not wrong[series.label != TrendClass.PUE].any()
    assert wrong[series.label == TrendClass.PUE].any(axis=1).all()
    assert set(series.background[series.label == TrendClass.PUE]) == {0, 1, 2, 3}
    share = np.bincount(series.background[series.label == TrendClass.PUE]) / (COUNT // 6)
    np.testing.assert_allclose(share, SHARES_OF_MOTIONS, atol=0.05)
    assert set(series.background[series.label == TrendClass.OTHER]) == {TrendClass.STABLE, TrendClass.LINEAR}


def largest_level_change(error: np.ndarray) -> float:
    """Largest change between levels that three epochs keep on both sides, within one to three epochs; mm."""
    held = JUMP_HELD_EPOCHS
    windows = sliding_window_view(error, held)
    steady, level = np.ptp(windows, axis=1) <= 1.1, windows[:, 1]
    return max(
        float(np.abs(level[:-apart] - level[apart:])[steady[:-apart] & steady[apart:]].max(initial=0))
        for apart in (held, held + 1, held + 2)
    )


def test_every_pue_row_jumps_between_steady_levels(series: SimulatedSeries) -> None:
    """Of the values that are there: three alike, 10 mm or more within some epochs, and three alike again."""
    for row in rows_of(series, TrendClass.PUE):
        error = series.error[row, np.isfinite(series.displacement[row])] / 10
        assert largest_level_change(error) >= JUMP_MM - 0.6


def test_damped_jumps_are_three_times_the_scatter_around_them() -> None:
    """Noise of all kinds, but none that an error brings with it; a whole cycle in much noise is what it is."""
    usual = SimulatorConfig()
    config = replace(
        usual,
        unwrapping=replace(usual.unwrapping, unsteady_probability=0.0),
        delivery=replace(usual.delivery, missing_probability=0.0),
    )
    made = simulate(3000, seed=21, config=config, labels=np.full(3000, TrendClass.PUE, dtype=np.int8))
    ratio, strength = [], []
    for row in range(len(made)):
        epochs = epochs_of_row(made, row)
        error, local = made.error[row, :epochs] / 10, local_scatter(still_of(made, row)[None])[0]
        ratio.append(largest_level_change(error) / min(local, HALF_WAVELENGTH_MM / JUMP_SCATTERS))
        strength.append(np.sqrt(np.sum((error - np.median(error)) ** 2)) / local)
    # Medians of values in tenths of a millimetre move a little.
    assert np.min(ratio) >= JUMP_SCATTERS - 0.25
    assert np.min(strength) >= config.unwrapping.jump_over_noise - 0.4


def test_edges_and_flicker_are_no_visible_jumps() -> None:
    errors = np.zeros((7, 60), dtype=np.float32)
    errors[0, 30:40] = 14
    errors[1, 58:] = 28
    errors[2, 30:32] = 28
    errors[3, ::2] = 28
    errors[4, 30:40] = JUMP_MM - 1
    errors[5, 30:33] = JUMP_MM
    errors[6, 30:] = [5, 9, *[JUMP_MM] * 28]
    assert visible(errors, UnwrappingConfig()).tolist() == [True, False, False, False, False, True, True]


def test_wandering_phase_folds_where_it_is_far_from_its_level() -> None:
    """Errors of one sign, the other one than the wander's, while it is beyond the threshold; the wander stays."""
    config = replace(quiet_config(), unwrapping=only_errors(wander_probability=1.0))
    made = simulate(400, seed=6, config=config, labels=np.full(400, TrendClass.PUE, dtype=np.int8), calendar="egms_l3")
    away = made.displacement - made.motion - made.error / 10
    away -= np.median(away, axis=1, keepdims=True)
    folded = np.abs(away).max(axis=1) > 5
    # The others' errors could not be seen, so cycles were lost there instead.
    assert folded.mean() > 0.5
    for wander, error in zip(away[folded], made.error[folded] / 10, strict=True):
        assert np.sign(error[error != 0]).tolist() == (-np.sign(wander[error != 0])).tolist()
        assert np.abs(wander).max() <= UnwrappingConfig().wander_mm[1] + 0.2


def test_some_errors_flicker_after_their_level_was_held() -> None:
    config = replace(quiet_config(), unwrapping=only_errors(flicker_probability=1.0, flicker_share=(0.4, 0.4)))
    made = simulate(400, seed=7, config=config, labels=np.full(400, TrendClass.PUE, dtype=np.int8), calendar="egms_l3")
    right = []
    for error in made.error:
        wrong = np.flatnonzero(error)
        assert (error[wrong[0] : wrong[0] + JUMP_HELD_EPOCHS] != 0).all()
        right.append(np.mean(error[wrong[0] : wrong[-1] + 1] == 0))
    # Rows that would flicker too often to show a level were drawn again.
    assert 0.05 < np.median(right) < 0.4


def test_some_errors_return_by_degrees() -> None:
    config = replace(quiet_config(), unwrapping=only_errors(returning_probability=1.0))
    made = simulate(400, seed=8, config=config, labels=np.full(400, TrendClass.PUE, dtype=np.int8), calendar="egms_l3")
    change = np.abs(np.diff(made.error, axis=1)) / 10
    assert ((change > 0.2) & (change < 5)).any(axis=1).mean() > 0.9
    assert (change.max(axis=1) >= JUMP_MM - 0.5).all()


def test_scatter_may_grow_while_a_row_is_wrong() -> None:
    config = replace(quiet_config(), unwrapping=only_errors(unsteady_probability=1.0, unsteady_share=(0.2, 0.2)))
    made = simulate(300, seed=9, config=config, labels=np.full(300, TrendClass.PUE, dtype=np.int8), calendar="egms_l3")
    rest = made.displacement - made.motion - made.error / 10
    wrong = made.error != 0
    rest -= np.nanmedian(np.where(wrong, np.nan, rest), axis=1, keepdims=True)
    assert np.std(rest[wrong] / made.error[wrong]) * 10 == pytest.approx(0.2, abs=0.02)
    assert np.abs(rest[~wrong]).max() < 0.3


def test_jumps_are_exact_or_damped() -> None:
    exact = replace(quiet_config(), unwrapping=only_errors(damped_probability=0.0))
    series = simulate(500, seed=3, config=exact, labels=np.full(500, 4, dtype=np.int8))
    cycles = series.error / 10 / HALF_WAVELENGTH_MM
    np.testing.assert_allclose(cycles, np.round(cycles), atol=0.01)
    damped = replace(exact, unwrapping=replace(exact.unwrapping, damped_probability=1))
    series = simulate(500, seed=3, config=damped, labels=np.full(500, 4, dtype=np.int8))
    largest = np.abs(np.diff(series.error, axis=1)).max(axis=1) / 10
    assert largest.min() >= JUMP_MM - 0.1
    # Most often less than half of a cycle is left.
    assert np.median(largest) < 20


def test_most_jumps_are_temporary(series: SimulatedSeries) -> None:
    rows = rows_of(series, TrendClass.PUE)
    last = np.take_along_axis(series.error, epochs_of(series)[:, None] - 1, axis=1)[:, 0]
    ends_elsewhere = np.mean(np.abs(last[rows] - series.error[rows, 0]) > 50)
    # A third of those that people read last.
    assert 0.25 < ends_elsewhere < 0.42


def test_folding_brings_every_epoch_to_within_a_quarter_wavelength_of_the_line() -> None:
    days = np.arange(0, 1800, 6, dtype=np.float32)
    curve = (days / days[-1]) ** 2 * np.linspace(150, 400, 40, dtype=np.float32)[:, None]
    config = only_errors(physics_probability=1.0, model_error_probability=0.0, damped_probability=0.0)
    rng = np.random.default_rng(4)
    folded, error = add_unwrapping_errors(rng, days, curve, np.ones(40, dtype=np.float32), config)
    np.testing.assert_allclose(folded - curve, error / 10, atol=0.06)
    for row, wrong in zip(curve, folded, strict=True):
        line = np.polynomial.Polynomial.fit(days, row, 1)(days)
        assert np.abs(wrong - line).max() <= HALF_WAVELENGTH_MM / 2 + 0.1
