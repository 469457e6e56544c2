"""Jumps of known epochs and sizes are found, and few false ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
from insar_runtime._diagnosis.noise.noise_model import CommonStep, FileNoise, NoiseKind
from insar_runtime._diagnosis.results import FitStatus, Jumps

HALF_WAVELENGTH_MM = 27.73
DAYS = np.arange(0, 1200, 6.0)
NOISE = FileNoise.typical(DAYS)
KIND = NoiseKind(0.6, 0.3, 0.1)
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def finder() -> JumpFinder:
    return JumpFinder(NOISE, HALF_WAVELENGTH_MM)


def noise(count: int, days: Floats = DAYS, *, seed: int = 0, scatter: float = 2.5) -> Floats:
    factor = np.linalg.cholesky(KIND.covariance(days) + 1e-9 * np.eye(len(days)))
    return scatter * (np.random.default_rng(seed).normal(size=(count, len(days))) @ factor.T)


def motions(count: int, days: Floats = DAYS, *, seed: int = 0) -> Floats:
    """Return lines, parabolas and hinges of up to 60 mm/yr."""
    rng = np.random.default_rng(seed)
    years = days / 365.25
    rate = rng.uniform(-60, 60, (count, 1))
    hinge = np.maximum(years - rng.uniform(0.15, 0.85, (count, 1)) * years[-1], 0)
    return np.asarray(
        np.choose(np.arange(count)[:, None] % 4, [0 * rate * years, rate * years, rate * hinge, rate * years**2 / 6])
    )


def steps_of(count: int, epochs: int, *, seed: int, most: int = 3) -> list[list[tuple[int, int]]]:
    """Draw jumps, lasting ones and temporary ones, that stay apart: epochs and cycles."""
    rng = np.random.default_rng(seed)
    rows: list[list[tuple[int, int]]] = []
    while len(rows) < count:
        steps: dict[int, int] = {}
        for _ in range(rng.integers(1, most + 1)):
            begin, cycles = int(rng.integers(3, epochs - 2)), int(rng.choice([-2, -1, -1, -1, 1, 1, 1, 2]))
            end = begin + int(np.exp(rng.uniform(np.log(3), np.log(60))))
            for epoch, change in ((begin, cycles), (end, -cycles)):
                if epoch < epochs:
                    steps[epoch] = steps.get(epoch, 0) + change
        places = sorted(epoch for epoch, change in steps.items() if change)
        apart = all(after - before >= 3 for before, after in pairwise([0, *places, epochs]))
        if places and apart and max(abs(change) for change in steps.values()) <= 2:
            rows.append([(epoch, steps[epoch]) for epoch in places])
    return rows


def raised(rows: list[list[tuple[int, int]]], epochs: int, cycle: float = HALF_WAVELENGTH_MM) -> Floats:
    levels = np.zeros((len(rows), epochs))
    for row, steps in enumerate(rows):
        for epoch, cycles in steps:
            levels[row, epoch:] += cycles * cycle
    return levels


def matched(jumps: Jumps, rows: list[list[tuple[int, int]]]) -> tuple[float, float, float]:
    """Return recall, precision, and the part of the found ones whose cycles are right."""
    right = cycles_right = 0
    for row, steps in enumerate(rows):
        own = slice(jumps.begins[row], jumps.begins[row + 1])
        for epoch, cycles in steps:
            near = np.abs(jumps.epoch[own] - epoch) <= 1
            right += int(near.any())
            cycles_right += int((near & (jumps.cycles[own] == cycles)).any())
    return right / sum(map(len, rows)), right / max(len(jumps.epoch), 1), cycles_right / max(right, 1)


def test_jumps_are_found_on_all_motions(finder: JumpFinder) -> None:
    rows = steps_of(300, len(DAYS), seed=1)
    values = noise(300, seed=1) + motions(300, seed=1)
    found = finder.find((values + raised(rows, len(DAYS))).round(1).astype(np.float32))
    recall, precision, cycles = matched(found, rows)
    assert recall > 0.98
    assert precision > 0.98
    assert cycles > 0.98
    error = found.mm - found.cycles * HALF_WAVELENGTH_MM
    assert np.sqrt(np.mean((error / found.mm_std)[found.cycles != 0] ** 2)) < 1.3


def test_few_jumps_are_found_in_series_without_jumps(finder: JumpFinder) -> None:
    years = DAYS / 365.25
    values = noise(400, seed=2) + motions(400, seed=2)
    values[::3] += 10 * np.sin(2 * np.pi * years)
    values[::5] += 12 * np.clip((DAYS - 500) / 200, 0, 1)
    values[::7, 100] += 24
    values[1::7, 120:122] -= 24
    # Where the classifier denies that they jump, and where nothing is known of their class.
    for p_pue, most in ((np.full(400, 0.002), 0.02), (None, 0.04)):
        found = finder.find(values.astype(np.float32), p_pue)
        assert np.mean(found.counts > 0) < most
        assert len(np.unique(found.rows[found.probability > 0.9])) < 400 * most / 2


def test_jumps_that_are_no_multiple_have_no_cycles(finder: JumpFinder) -> None:
    values = noise(200, seed=3, scatter=1.5) + motions(200, seed=3)
    values[:100, 90:] += 18
    values[100:, 90:130] -= 40
    found = finder.find(values.astype(np.float32))
    right = np.abs(found.epoch[:, None] - [90, 130]).min(axis=1) <= 1
    assert right.mean() > 0.98
    assert len(found.epoch) > 285
    assert np.mean(found.cycles == 0) > 0.97
    assert np.all(found.distance[found.cycles == 0] > 3)
    np.testing.assert_allclose(np.abs(found.mm), np.where(found.rows < 100, 18, 40), atol=8)


def test_jumps_that_take_two_epochs_keep_their_size(finder: JumpFinder) -> None:
    rng = np.random.default_rng(13)
    begin = rng.integers(20, 150, 100)
    index = np.arange(len(DAYS))
    level = (index >= begin[:, None]) + (index == begin[:, None] - 1) * rng.uniform(0.3, 0.7, (100, 1))
    values = noise(100, seed=13, scatter=1.2) + motions(100, seed=13) + HALF_WAVELENGTH_MM * level
    found = finder.find(values.astype(np.float32))
    recall, precision, cycles = matched(found, [[(int(epoch), 1)] for epoch in begin])
    assert min(recall, precision) > 0.97
    # A size that the value in between pulls off by two standard deviations may be that of a damped jump.
    assert cycles > 0.94


@pytest.mark.parametrize("cycle", [15.5, 118.0])
def test_jumps_at_other_wavelengths_are_found(cycle: float) -> None:
    rows = steps_of(100, len(DAYS), seed=4)
    values = noise(100, seed=4, scatter=1.2) + motions(100, seed=4) / 3 + raised(rows, len(DAYS), cycle)
    recall, precision, cycles = matched(JumpFinder(NOISE, cycle).find(values.astype(np.float32)), rows)
    assert min(recall, precision, cycles) > 0.95


def test_jumps_have_no_cycles_without_a_wavelength() -> None:
    rows = steps_of(60, len(DAYS), seed=5)
    found = JumpFinder(NOISE, None).find((noise(60, seed=5) + raised(rows, len(DAYS))).astype(np.float32))
    assert min(matched(found, rows)[:2]) > 0.95
    assert not found.cycles.any()
    assert np.isnan(found.distance).all()


def test_jumps_are_found_with_missing_values(finder: JumpFinder) -> None:
    rows = steps_of(80, len(DAYS), seed=6, most=2)
    values = (noise(80, seed=6) + raised(rows, len(DAYS))).astype(np.float32)
    values[:40, 60:70] = np.nan
    values[40:, np.random.default_rng(6).choice(len(DAYS), 20, replace=False)] = np.nan
    found = finder.find(values)
    assert np.isfinite(values[found.rows, found.epoch]).all()
    there = [np.flatnonzero(np.isfinite(row)) for row in values]
    kept = [
        [(int(own[np.searchsorted(own, epoch)]), cycles) for epoch, cycles in row if epoch < own[-3]]
        for own, row in zip(there, rows, strict=True)
    ]
    assert matched(found, kept)[0] > 0.9


def test_bits_of_a_row_do_not_depend_on_other_rows(finder: JumpFinder) -> None:
    rows = steps_of(300, len(DAYS), seed=7, most=5)
    values = (noise(300, seed=7) + motions(300, seed=7) + raised(rows, len(DAYS))).astype(np.float32)
    values[::50, 7] = np.nan
    whole = finder.find(values)
    order = np.random.default_rng(8).permutation(300)
    for part in np.split(order, [1, 2, 5, 40, 111]):
        found = finder.find(values[part])
        for place, row in enumerate(part):
            for name in ("epoch", "mm", "mm_std", "cycles", "distance", "probability"):
                mine = getattr(found, name)[found.begins[place] : found.begins[place + 1]]
                np.testing.assert_array_equal(mine, getattr(whole, name)[whole.begins[row] : whole.begins[row + 1]])


def test_bits_of_a_row_do_not_depend_on_missing_values_of_others(finder: JumpFinder) -> None:
    rows = steps_of(60, len(DAYS), seed=14, most=3)
    values = (noise(60, seed=14) + raised(rows, len(DAYS))).astype(np.float32)
    values[::3] = noise(20, seed=15)
    values[np.arange(60), np.arange(60) + 70] = np.nan
    values[np.arange(0, 60, 2), 3] = np.nan
    values[np.arange(0, 60, 4), 150:160] = np.nan
    whole = finder.find(values)
    assert np.mean(whole.counts > 0) < 0.9
    for row in range(60):
        own = slice(whole.begins[row], whole.begins[row + 1])
        found = finder.find(values[row : row + 1])
        for name in ("epoch", "mm", "mm_std", "cycles", "distance", "probability"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[own])


def test_jumps_do_not_depend_on_offset_slope_and_sign(finder: JumpFinder) -> None:
    rows = steps_of(100, len(DAYS), seed=9)
    values = noise(100, seed=9) + raised(rows, len(DAYS))
    plain = finder.find(values.astype(np.float32))
    tilted = finder.find((values + 300 + DAYS / 10).astype(np.float32))
    turned = finder.find(-values.astype(np.float32))
    for other, sign in ((tilted, 1), (turned, -1)):
        np.testing.assert_array_equal(other.begins, plain.begins)
        np.testing.assert_array_equal(other.epoch, plain.epoch)
        np.testing.assert_allclose(sign * other.mm, plain.mm, atol=0.05)
        np.testing.assert_allclose(other.probability, plain.probability, atol=0.01)


def test_bad_rows_have_a_status(finder: JumpFinder) -> None:
    values = noise(7, seed=10).astype(np.float32)
    values[:, 100:] += HALF_WAVELENGTH_MM
    values[0] = np.nan
    values[1, 11:] = np.nan
    values[2, 3] = np.inf
    values[3, 3] = 1e30
    values[4] = 5
    values[5, 1:] = np.nan
    found = finder.find(values)
    few, wild = FitStatus.TOO_FEW_EPOCHS, FitStatus.NON_FINITE
    np.testing.assert_array_equal(found.status, [few, few, wild, wild, FitStatus.OK, few, FitStatus.OK])
    np.testing.assert_array_equal(found.counts, [0, 0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize("epochs", [0, 1, 2, 11, 12, 15])
def test_short_series_give_a_status_and_no_jumps(epochs: int) -> None:
    days = np.arange(epochs, dtype=np.float64) * 6
    values = np.random.default_rng(epochs).normal(size=(5, epochs)).astype(np.float32)
    found = JumpFinder(FileNoise.typical(days), HALF_WAVELENGTH_MM).find(values)
    assert found.begins.tolist() == [0] * 6
    assert (found.status == (FitStatus.OK if epochs >= 12 else FitStatus.TOO_FEW_EPOCHS)).all()
    assert not len(JumpFinder(FileNoise.typical(days), None).find(values[:0]).epoch)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_values_give_finite_jumps(data: st.DataObject) -> None:
    epochs = data.draw(st.integers(1, 40))
    value = st.one_of(st.floats(width=32), st.sampled_from([0.0, 1.0, -27.7, np.nan, np.inf]))
    row = st.lists(value, min_size=epochs, max_size=epochs)
    values = np.array(data.draw(st.lists(row, min_size=1, max_size=3)), dtype=np.float32)
    days = np.cumsum(data.draw(st.lists(st.integers(1, 90), min_size=epochs, max_size=epochs))).astype(np.float64)
    with np.errstate(all="raise", under="ignore"):
        found = JumpFinder(FileNoise.typical(days - days[0]), HALF_WAVELENGTH_MM).find(values)
    assert len(found.status) == len(values)
    assert np.isfinite(found.mm).all()
    assert np.isfinite(found.mm_std).all()
    assert ((found.probability >= 0) & (found.probability <= 1)).all()
    assert np.isfinite(values[found.rows, found.epoch]).all()


def test_the_class_of_a_row_changes_jump_probabilities(finder: JumpFinder) -> None:
    values = noise(300, seed=16, scatter=2.5)
    values[:, 100:] += 11
    values = values.astype(np.float32)
    unknown, denied, allowed = (finder.find(values, None if p is None else np.full(300, p)) for p in (None, 0.001, 0.9))
    assert allowed.counts.mean() > 0.8
    assert denied.counts.mean() < min(unknown.counts.mean(), allowed.counts.mean()) - 0.1
    # Not known is the same as NaN, and beyond one half it does not matter how sure the class is.
    np.testing.assert_array_equal(finder.find(values, np.full(300, np.nan)).probability, unknown.probability)
    np.testing.assert_array_equal(finder.find(values, np.full(300, 0.6)).probability, allowed.probability)


def test_a_row_of_class_pue_has_its_most_probable_jump(finder: JumpFinder) -> None:
    values = noise(200, seed=17, scatter=3.0)
    values[:100, 100:] += 9.5
    values = values.astype(np.float32)
    p_pue = np.full(200, 0.9)
    usual, called = finder.find(values, p_pue), finder.find(values, p_pue, np.ones(200, dtype=np.bool_))
    silent = usual.counts == 0
    assert silent[:100].mean() > 0.3
    # What is more probable than not stays as it is.
    for name in ("epoch", "mm", "probability"):
        mine = ~silent[called.rows]
        np.testing.assert_array_equal(getattr(called, name)[mine], getattr(usual, name))
    more = silent[called.rows]
    assert (called.probability[more] < 0.5).mean() > 0.9
    assert (np.abs(called.mm[more]) + called.mm_std[more] >= 10 - 1e-4).all()
    # One jump a row, or one and its way back.
    assert np.bincount(called.rows[more]).max() <= 2
    jumping = np.intersect1d(called.rows[more], np.arange(100))
    right = [np.abs(called.epoch[called.begins[row] : called.begins[row + 1]] - 100).min() <= 2 for row in jumping]
    # By chance it would be one in forty.
    assert np.mean(right) > 0.4
    assert (called.counts[:100] > 0).mean() > 0.8
    # Of calm rows no change satisfies the definition, whatever their class.
    calm = noise(50, seed=18, scatter=0.8).astype(np.float32)
    assert not finder.find(calm, np.full(50, 0.9), np.ones(50, dtype=np.bool_)).counts.any()


def test_both_ends_of_a_temporary_jump_are_reported_together(finder: JumpFinder) -> None:
    values = noise(400, seed=19, scatter=1.5)
    values[:, 90:94] += 11
    found = finder.find(values.astype(np.float32), np.full(400, 0.9))
    assert (found.counts > 0).mean() > 0.5
    assert np.isin(found.counts, (0, 2)).mean() > 0.9


def test_a_join_of_releases_is_a_jump_only_above_the_least_size() -> None:
    """A file whose rows all change level by some millimetres at a date, and some of them by more."""
    join = FileNoise(DAYS, NOISE.kinds, NOISE.weights, NOISE.scatter_mm, NOISE.white_factor, (CommonStep(120, 5.0),))
    values = noise(100, seed=20, scatter=1.5)
    values[:50, 120:] += 14
    values[50:, 120:] += 4
    found = JumpFinder(join, HALF_WAVELENGTH_MM).find(values.astype(np.float32))
    assert (found.counts[:50] == 1).mean() > 0.9
    assert (found.counts[50:] == 0).mean() > 0.9


def test_damped_jumps_are_found_on_all_motions(finder: JumpFinder) -> None:
    rows = [[(epoch, int(np.sign(cycles))) for epoch, cycles in row] for row in steps_of(200, len(DAYS), seed=21)]
    values = noise(200, seed=21, scatter=1.8) + motions(200, seed=21) / 3 + raised(rows, len(DAYS), 15.0)
    found = finder.find(values.astype(np.float32), np.full(200, 0.9))
    recall, precision, _ = matched(found, rows)
    assert recall > 0.9
    assert precision > 0.95
