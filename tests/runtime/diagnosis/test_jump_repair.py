"""Jumps are removed exactly, together with the jumps they cancel, and only if that improves the series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.repair.jump_repair import improving_repairs, jump_offsets, repairable
from insar_runtime._diagnosis.repair.repair_check import SmoothMotion
from insar_runtime._diagnosis.results import Jumps

HALF_WAVELENGTH_MM = 27.7325


def jumps_of(*rows: list[tuple[int, float, int, float]], cycle: float | None = HALF_WAVELENGTH_MM) -> Jumps:
    """Return jumps from rows of epoch, mm, cycles and probability."""
    flat = [jump for row in rows for jump in row]
    epoch, mm, cycles, probability = (
        (np.array(column) for column in zip(*flat, strict=True)) if flat else [np.empty(0)] * 4
    )
    return Jumps(
        begins=np.cumsum([0] + [len(row) for row in rows]),
        epoch=epoch.astype(np.int32),
        mm=mm.astype(np.float32),
        mm_std=np.ones(len(flat), dtype=np.float32),
        cycles=cycles.astype(np.int8),
        distance=np.zeros(len(flat), dtype=np.float32),
        probability=probability.astype(np.float32),
        status=np.zeros(len(rows), dtype=np.int8),
        half_wavelength_mm=cycle,
    )


UP, DOWN, UNSURE_UP, UNSURE_DOWN = (27.0, 1, 0.99), (-27.0, -1, 0.99), (27.0, 1, 0.6), (-27.0, -1, 0.6)
DAMPED_UP, DAMPED_DOWN, TWO_UP = (18.0, 0, 0.99), (-18.0, 0, 0.99), (55.0, 2, 0.99)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([UP], [True]),
        ([UNSURE_UP], [False]),
        ([UP, DOWN], [True, True]),
        ([UP, UNSURE_DOWN], [False, False]),
        ([UNSURE_UP, DOWN], [False, False]),
        ([UP, DAMPED_DOWN], [False, False]),
        ([DAMPED_UP, DAMPED_DOWN], [False, False]),
        ([UP, UNSURE_UP], [True, False]),
        ([UP, UP, UNSURE_DOWN], [True, False, False]),
        ([UP, DOWN, UP, UNSURE_DOWN], [True, True, False, False]),
        ([TWO_UP, DOWN, UNSURE_DOWN], [False, False, False]),
        ([TWO_UP, DOWN, DOWN], [True, True, True]),
        ([UP, DOWN, UNSURE_UP, DAMPED_DOWN], [True, True, False, False]),
        ([DOWN, (55.0, 2, 0.99), UNSURE_DOWN], [False, False, False]),
    ],
)
def test_jumps_are_repairable_only_with_the_jumps_they_cancel(
    row: list[tuple[float, int, float]], expected: list[bool]
) -> None:
    jumps = jumps_of([], [(10 * (place + 1), *jump) for place, jump in enumerate(row)], [(5, *UP)])
    np.testing.assert_array_equal(repairable(jumps, above=0.9, damped=False), [*expected, True])


def test_spared_jumps_stay_and_so_do_those_that_cancel_them() -> None:
    jumps = jumps_of([(5, *UP), (9, *DOWN), (20, *UP)], [(7, *UP)])
    spared = np.array([True, False, False, False])
    np.testing.assert_array_equal(repairable(jumps, above=0.9, damped=True, spared=spared), [False, False, True, True])
    assert not repairable(jumps, above=0.9, damped=True, spared=np.ones(4, dtype=np.bool_)).any()


def test_damped_jumps_are_repairable_on_request_only() -> None:
    jumps = jumps_of([(5, *UP), (9, *DAMPED_DOWN), (20, *DAMPED_UP)], [(7, *UP), (12, -18.0, 0, 0.7)])
    np.testing.assert_array_equal(repairable(jumps, above=0.9, damped=True), [True, True, True, False, False])
    unknown = jumps_of([(5, *DAMPED_UP), (9, *DAMPED_DOWN)], cycle=None)
    assert not repairable(unknown, above=0.9, damped=False).any()
    assert repairable(unknown, above=0.9, damped=True).all()
    np.testing.assert_allclose(jump_offsets(unknown, np.ones(2, dtype=np.bool_), 12)[0], [0] * 5 + [18] * 4 + [0] * 3)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 29), st.sampled_from([-2, -1, 1, 2])), max_size=6), min_size=1, max_size=5
    )
)
def test_offsets_are_exact_multiples_of_half_a_wavelength(rows: list[list[tuple[int, int]]]) -> None:
    jumps = jumps_of(*([(epoch, 26.0 * cycles, cycles, 1.0) for epoch, cycles in sorted(row)] for row in rows))
    every = np.ones(len(jumps.epoch), dtype=np.bool_)
    added = jump_offsets(jumps, every, 30)
    assert added.dtype == np.float64
    for row, level in zip(rows, added, strict=True):
        expected = [sum(cycles for at, cycles in row if at <= epoch) * HALF_WAVELENGTH_MM for epoch in range(30)]
        np.testing.assert_array_equal(level, expected)
    assert not jump_offsets(jumps, ~every, 30).any()


def test_corrected_series_are_close_to_the_true_series() -> None:
    days = np.arange(0, 1200, 6.0)
    rng = np.random.default_rng(1)
    values = 2.5 * rng.normal(size=(200, len(days))) + rng.uniform(-30, 30, (200, 1)) * days / 365
    error = np.zeros(values.shape)
    for row, begin in enumerate(rng.integers(3, 150, 160)):
        error[row, begin : begin + rng.integers(3, 60)] = HALF_WAVELENGTH_MM
    found = JumpFinder(FileNoise.typical(days), HALF_WAVELENGTH_MM).find((values + error).astype(np.float32))
    taken = repairable(found, above=0.9, damped=False)
    residual_squares = error - jump_offsets(found, taken, len(days))
    assert np.sqrt(np.mean(residual_squares**2)) < np.sqrt(np.mean(error**2)) / 8
    assert not residual_squares[160:].any()


def ordinary(days: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    """Return noise of 2 mm on lines, parabolas and hinges, with a yearly cycle."""
    years = days / 365.25
    bends = np.stack([0 * years, years, 3 * years**2, 25 * np.maximum(years - years[-1] / 2, 0)])
    yearly = 3 * np.sin(2 * np.pi * years + rng.uniform(0, 6, (count, 1)))
    return bends[np.arange(count) % 4] + yearly + 2 * rng.normal(size=(count, len(days)))


DAYS = np.arange(0, 1200, 6.0)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "row",
    [
        [(60, *UP)],
        [(60, *DOWN), (64, *UP)],
        [(150, *DOWN)],
        [(20, *UP), (40, *UP), (90, *DOWN), (120, *DOWN)],
        [(60, *UP), (80, *DOWN), (110, *DOWN), (190, *UP)],
    ],
)
def test_removal_of_true_jumps_is_accepted(row: list[tuple[int, float, int, float]], missing: bool) -> None:
    rng = np.random.default_rng(5)
    jumps = jumps_of(*[row] * 40)
    every = np.ones(len(jumps.epoch), dtype=np.bool_)
    series = ordinary(DAYS, rng, 40) + jump_offsets(jumps, every, len(DAYS))
    if missing:
        series[rng.random(series.shape) < 0.3] = np.nan
        series[::2, :50] = np.nan
    taken = improving_repairs(jumps, every, series, SmoothMotion(DAYS))
    assert np.mean(taken) > 0.97


@pytest.mark.parametrize("shape", ["decays", "drifts off"])
def test_removal_of_jumps_with_a_gradual_return_is_rejected(shape: str) -> None:
    rng = np.random.default_rng(6)
    epoch = np.arange(len(DAYS))
    away = np.where(epoch >= 100, 24 * np.exp(-(epoch - 100) / 12), 0)
    away = away if shape == "decays" else np.where(epoch < 150, -26 * np.clip((epoch - 120) / 30, 0, 1), 0)
    series = ordinary(DAYS, rng, 40)[::4] + away
    jumps = jumps_of(*[[(100 if shape == "decays" else 150, *UP)]] * 10)
    assert not improving_repairs(jumps, np.ones(10, dtype=np.bool_), series, SmoothMotion(DAYS)).any()


def test_only_removals_that_improve_a_series_are_accepted() -> None:
    rng = np.random.default_rng(7)
    row = [(30, *UP), (45, *DOWN), (100, *DOWN), (110, *UP), (150, *UP), (160, *DOWN)]
    jumps = jumps_of(*[row] * 20, [(40, *UP)])
    there = np.append(np.tile([True, True, False, False, True, True], 20), True)
    series = ordinary(DAYS, rng, 21) + jump_offsets(jumps, there, len(DAYS))
    every = np.ones(len(there), dtype=np.bool_)
    np.testing.assert_array_equal(improving_repairs(jumps, every, series, SmoothMotion(DAYS)), there)
    # Not asked for, so not reported.
    asked = rng.random(len(there)) < 0.5
    assert not improving_repairs(jumps, asked, series, SmoothMotion(DAYS))[~asked].any()


def test_damped_jumps_of_a_series_are_tested_together() -> None:
    rng = np.random.default_rng(8)
    jumps = jumps_of([(30, *DAMPED_UP), (60, *DAMPED_DOWN)], [(30, *DAMPED_UP), (60, *DAMPED_DOWN)])
    series = ordinary(DAYS, rng, 2)
    series[0, 30:60] += 18
    taken = improving_repairs(jumps, np.ones(4, dtype=np.bool_), series, SmoothMotion(DAYS))
    np.testing.assert_array_equal(taken, [True, True, False, False])


def test_residual_squares_equal_those_of_least_squares() -> None:
    rng = np.random.default_rng(9)
    series = ordinary(DAYS, rng, 6) + 1000
    series[rng.random(series.shape) < 0.2] = np.nan
    years = DAYS / 365.25
    terms = [np.ones_like(years), years, np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)]
    bent, line = SmoothMotion(DAYS).residual_squares(series)
    for row, (values, about_bend, about_line) in enumerate(zip(series, bent, line, strict=True)):
        there = np.isfinite(values)
        residual_squares = {}
        for name, more in (("line", []), ("parabola", [years**2])):
            design = np.column_stack([*terms, *more])[there]
            fit = np.linalg.lstsq(design, values[there], rcond=None)[0]
            residual_squares[name] = np.sum((values[there] - design @ fit) ** 2)
        assert about_line == pytest.approx(residual_squares["line"], rel=1e-6), row
        assert about_bend <= residual_squares["parabola"] * (1 + 1e-6)


@pytest.mark.parametrize("epochs", [1, 2, 3, 12])
def test_short_axes_give_no_repairs(epochs: int) -> None:
    jumps = jumps_of([(epochs - 1, *UP)])
    motion = SmoothMotion(6.0 * np.arange(epochs, dtype=np.float64))
    series = np.full((1, epochs), np.nan)
    assert not improving_repairs(jumps, np.ones(1, dtype=np.bool_), series, motion).any()
    assert not improving_repairs(jumps, np.ones(1, dtype=np.bool_), np.zeros((1, epochs)), motion).any()
