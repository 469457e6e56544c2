"""Series with known breaks and jumps: the truth describes what they hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from evaluation.diagnosis import jump_free, sets
from evaluation.diagnosis.gradual_jumps import edge_set
from evaluation.diagnosis.injector import LASTING, LEAST_EPOCHS, draw_changes, whole_cycles
from evaluation.diagnosis.scenes import KINDS, Scene, middle_of, simulated_scenes
from insar_runtime.classes import TrendClass
from training.simulator import HALF_WAVELENGTH_MM

YEAR = 365.25


@pytest.fixture(scope="module")
def scene() -> Scene:
    return next(simulated_scenes("simulated", 60, seed=1))


@pytest.fixture(scope="module")
def silent(scene: Scene) -> Scene:
    return replace(scene, still=np.zeros_like(scene.still))


def test_without_noise_a_series_is_two_lines_that_meet(silent: Scene) -> None:
    made = sets.break_set(silent, 80, seed=3)
    years = silent.days / YEAR
    meet = made.day[:, None] / YEAR
    before = made.v_before[:, None] * years
    after = made.v_before[:, None] * meet + made.v_after[:, None] * (years - meet)
    wanted = np.where(years < meet, before, after)
    np.testing.assert_allclose(made.displacement, wanted, atol=0.051)
    assert np.bincount((2 * made.departure).astype(int), minlength=11)[[3, 4, 6, 10]].tolist() == [20] * 4


@pytest.mark.parametrize("missing", ["none", "scattered", "start"])
def test_breaks_depart_from_their_line_by_as_much_as_they_say(scene: Scene, missing: sets.Missing) -> None:
    made = sets.break_set(scene, 40, seed=3, missing=missing)
    for row in range(len(made)):
        there = np.isfinite(made.displacement[row])
        line = np.polyfit(scene.days[there], made.motion[row, there], 1)
        rest = made.motion[row, there] - np.polyval(line, scene.days[there])
        scatter = np.sqrt(np.mean(rest**2)) / made.departure[row]
        # The points are drawn, so their scatter is one of those of the scene.
        assert np.abs(scene.scatter / scatter - 1).min() < 1e-4
        days = scene.days[there]
        assert days[0] + 0.14 * np.ptp(days) < made.day[row] < days[0] + 0.86 * np.ptp(days)
    lost = np.isnan(made.displacement).mean()
    assert {"none": 0, "scattered": 0.1, "start": 0.2}[missing] == pytest.approx(lost, abs=0.04)


def test_without_noise_a_series_less_its_motion_is_its_steps(silent: Scene) -> None:
    made = sets.jump_set(silent, 64, seed=3)
    steps = made.displacement.astype(float) - made.clean
    np.testing.assert_allclose(steps, made.changes.steps(len(silent.days)), atol=0.101)
    assert made.changes.jumps.tolist() == [*range(1, 9)] * 8
    cycles = np.zeros(steps.shape)
    np.add.at(cycles, (made.changes.rows, made.changes.epoch), made.changes.cycles)
    np.testing.assert_allclose(steps, np.cumsum(cycles, axis=1) * HALF_WAVELENGTH_MM, atol=0.101)
    still = made.background == TrendClass.STABLE
    assert np.ptp(made.clean[still], axis=1).max() <= 10
    assert still.sum() == 16


def test_jumps_last_three_epochs_or_more_and_go_back() -> None:
    changes = draw_changes(np.random.default_rng(1), 60, np.full(200, 8), whole_cycles(1.0))
    assert 6 < changes.jumps.mean() <= 8
    for row in range(200):
        part = slice(changes.begins[row], changes.begins[row + 1])
        epoch, duration = changes.epoch[part], changes.duration[part]
        assert np.diff(np.concatenate([[0], epoch, [60]])).min() >= LEAST_EPOCHS
        temporary = duration != LASTING
        assert changes.cycles[part][temporary].sum() == 0
        assert len(epoch) == changes.jumps[row] + temporary.sum() / 2
    assert 0.05 < np.mean(np.abs(changes.cycles) == 2) < 0.15
    assert set(np.unique(changes.cycles)) == {-2, -1, 1, 2}
    assert changes.duration.max() <= 30


def test_steps_and_damped_jumps_are_no_multiples(scene: Scene) -> None:
    for made, low, high in (
        (sets.damped_set(scene, 40, seed=3), 10, 25),
        (sets.step_set(scene, 40, seed=3), 5, 40),
    ):
        size = np.abs(made.changes.mm)
        assert not made.changes.cycles.any()
        assert low - 0.1 <= size.min()
        assert size.max() <= high + 0.1
    assert np.abs(size - HALF_WAVELENGTH_MM).min() >= 4.9
    assert (made.changes.duration == LASTING).all()


def test_edges_are_slow_or_flicker(silent: Scene) -> None:
    made = edge_set(silent, 200, seed=3)
    steps = made.displacement.astype(float) - made.clean
    differ = np.abs(steps - made.changes.steps(len(silent.days))) > 0.11
    # Only near the changes, and near most of them; three epochs of each level stay.
    level_epochs = []
    slow = flickering = 0
    for row in range(len(made)):
        epochs = made.changes.of_row(row)
        distance = np.abs(np.arange(len(silent.days))[:, None] - epochs).min(axis=1)
        assert distance[differ[row]].max(initial=0) <= 6
        bounds = np.concatenate([[0], epochs, [len(silent.days)]])
        level_epochs += [np.count_nonzero(~differ[row, low:high]) for low, high in pairwise(bounds)]
        for epoch, mm in zip(epochs, made.changes.mm[made.changes.rows == row], strict=True):
            before = steps[row, epoch - 1] - made.changes.steps(len(silent.days))[row, epoch - 1]
            slow += 0.1 < abs(before / mm) < 0.9
            flickering += abs(abs(before / mm) - 1) < 0.02
    assert min(level_epochs) >= LEAST_EPOCHS - 1
    assert 0.3 < slow / len(made.changes.epoch) < 0.6
    assert 0.03 < flickering / len(made.changes.epoch) < 0.2
    # An epoch on the other level is exactly there.
    np.testing.assert_array_equal(edge_set(silent, 200, seed=3).displacement, made.displacement)


def test_series_without_jumps_have_none(scene: Scene) -> None:
    for made in (sets.jump_free_set(scene, 32, seed=3), *jump_free.hard_sets(scene, 20, seed=3)):
        assert not len(made.changes.epoch)
        assert np.array_equal(made.displacement, made.clean)
    assert [made.kind for made in jump_free.hard_sets(scene, 2, seed=3)] == list(jump_free.HARD)


def test_seeds_make_the_series(scene: Scene) -> None:
    one, again, other = (sets.jump_set(scene, 24, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.displacement, again.displacement)
    assert not np.array_equal(one.displacement, other.displacement)


def test_files_mostly_stay_where_they_are(silent: Scene) -> None:
    made = sets.file_of(silent, 200, seed=3)
    assert len(made) == 200
    assert np.mean(np.ptp(made, axis=1) < 10) == pytest.approx(0.7, abs=0.02)


def test_scenes_of_every_kind_have_rows_and_dates() -> None:
    for name in KINDS:
        scene = next(simulated_scenes(name, 30, seed=1))
        assert scene.still.shape == (30, len(scene.days))
        assert (np.diff(scene.dates).astype(int) > 0).all()
    assert scene.half_wavelength_mm < HALF_WAVELENGTH_MM
    middle = middle_of(scene, 0.6)
    assert middle.days[0] == 0
    assert len(middle.days) == pytest.approx(0.6 * len(scene.days), abs=1)
