"""The simulator keeps its word: classes are what they are said to be, noise has the statistics it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import TrendClass, UsageError
from insar_runtime.classes import NO_CLASS
from insar_runtime.definitions import JUMP_MM, LINEAR_RATE_STDS, STABLE_RATE_MM_YR
from training.simulator import CALENDARS, HALF_WAVELENGTH_MM, SimulatedSeries, SimulatorConfig, draw_calendar, simulate
from training.simulator.config import (
    AnnualConfig,
    CalendarConfig,
    DeliveryConfig,
    MotionConfig,
    NoiseConfig,
    NuisanceConfig,
    UnwrappingConfig,
)
from training.simulator.lines import distance_from_line
from training.simulator.motions import draw_motions
from training.simulator.rates import rates_and_deviations
from training.simulator.unwrapping import add_unwrapping_errors, stands_out, visible

YEAR = 365.25


@pytest.fixture(scope="module")
def series() -> SimulatedSeries:
    return simulate(10_000, seed=11)


def rows_of(series: SimulatedSeries, kind: TrendClass) -> np.ndarray:
    return np.flatnonzero(series.label == kind)


def epochs_of(series: SimulatedSeries) -> np.ndarray:
    """Epochs before the padding of each row; the motion is NaN in the padding only."""
    return np.isfinite(series.motion).sum(axis=1)


def test_same_arguments_give_the_same_bits(series: SimulatedSeries) -> None:
    again = simulate(10_000, seed=11)
    assert np.array_equal(again.displacement, series.displacement, equal_nan=True)
    assert np.array_equal(again.days, series.days)
    other = simulate(10_000, seed=12)
    assert not np.array_equal(other.label, series.label)


def test_classes_are_balanced_and_calendars_all_there(series: SimulatedSeries) -> None:
    assert np.bincount(series.label).tolist() == [2000] * 5
    assert set(series.calendar) == set(CALENDARS)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 1100), seed=st.integers(0, 2**32), calendar=st.sampled_from([None, *CALENDARS]))
def test_any_request_gives_usable_rows(count: int, seed: int, calendar: str | None) -> None:
    series = simulate(count, seed=seed, calendar=calendar)
    assert len(series) == count
    assert series.displacement.shape == series.days.shape == series.motion.shape == series.error.shape
    assert series.displacement.dtype == series.days.dtype == np.float32
    if count:
        valid = np.isfinite(series.displacement)
        assert valid.sum(axis=1).min() >= 30
        assert not np.isinf(series.displacement).any()
        steps = np.diff(series.days, axis=1)
        inside = np.arange(1, series.days.shape[1]) < epochs_of(series)[:, None]
        assert (steps[inside] > 0).all()
        assert (steps[~inside] == 0).all()
        assert (series.days[:, 0] == 0).all()


@pytest.mark.parametrize("name", CALENDARS)
def test_calendars(name: str) -> None:
    lengths = []
    for seed in range(40):
        days = draw_calendar(np.random.default_rng(seed), name, CalendarConfig())
        assert days[0] == 0
        assert (np.diff(days) > 0).all()
        assert np.diff(days).max() <= 240
        lengths.append(len(days))
    assert min(lengths) >= 30
    assert max(lengths) <= 512
    usual = {"paper": (139, 139), "egms_2020_2024": (80, 213), "egms_2019_2023": (80, 245), "egms_l3": (305, 305)}
    if name in usual:
        assert usual[name][0] <= min(lengths) <= max(lengths) <= usual[name][1]


def test_calendars_cover_short_and_long() -> None:
    rng = np.random.default_rng(0)
    epochs = [len(draw_calendar(rng, name, CalendarConfig())) for name in CALENDARS for _ in range(30)]
    assert min(epochs) < 50
    assert max(epochs) > 430
    assert np.mean(np.array(epochs) > 300) > 0.2


def test_stable_and_linear_series_show_a_rate_of_their_class(series: SimulatedSeries) -> None:
    """Noise and all: Linear has both 2 mm/yr and three standard deviations, whatever the span, and Stable has not."""
    checked = 0
    for row in np.flatnonzero(series.label <= TrendClass.LINEAR):
        epochs = epochs_of(series)[row]
        shown = series.displacement[row : row + 1, :epochs]
        if np.isnan(shown).any():
            continue
        (rate,), (deviation,) = rates_and_deviations(shown, series.days[row, :epochs])
        least = max(STABLE_RATE_MM_YR, LINEAR_RATE_STDS * deviation)
        # Values are rounded to 0.1 mm.
        if series.label[row] == TrendClass.STABLE:
            assert abs(rate) < least + 0.05
        else:
            assert abs(rate) > least - 0.05
        checked += 1
    assert checked > 3000
    assert (series.departure[series.label <= TrendClass.LINEAR] == 0).all()


@pytest.mark.parametrize("kind", [TrendClass.QUADRATIC, TrendClass.BILINEAR])
def test_curves_depart_from_their_line_by_the_noise(series: SimulatedSeries, kind: TrendClass) -> None:
    for row in rows_of(series, kind)[:200]:
        epochs = epochs_of(series)[row]
        motion, years = series.motion[row : row + 1, :epochs], series.days[row, :epochs] / YEAR
        departure = distance_from_line(motion, years)[0] / series.noise_sigma[row]
        # The scatter from epoch to epoch counts, at least half of the whole and at most all of it.
        assert 0.49 * series.departure[row] < departure < 1.01 * series.departure[row]
        assert series.departure[row] > 0.98
        if kind == TrendClass.QUADRATIC:
            fit = np.polynomial.Polynomial.fit(years, motion[0], 2)
            assert np.abs(fit(years) - motion[0]).max() < 1e-2 * max(float(np.ptp(motion)), 1.0)
        else:
            share = series.break_day[row] / series.days[row, -1]
            assert 0.15 - 1e-3 <= share <= 0.85 + 1e-3
            rates = np.diff(motion[0]) / np.diff(years)
            sides = (
                series.days[row, 1:epochs] < series.break_day[row],
                series.days[row, : epochs - 1] > series.break_day[row],
            )
            assert all(np.ptp(rates[side]) < 0.05 * max(float(np.ptp(rates)), 1.0) + 0.2 for side in sides)


def test_missing_values_take_no_class_away(series: SimulatedSeries) -> None:
    for row in np.flatnonzero(np.isfinite(series.displacement).sum(axis=1) < epochs_of(series)):
        kept, whole = np.isfinite(series.displacement[row]), np.isfinite(series.motion[row])
        days = series.days[row, kept]
        if series.label[row] == TrendClass.LINEAR:
            assert days[-1] - days[0] >= 0.6 * series.days[row, -1]
        elif series.label[row] in (TrendClass.QUADRATIC, TrendClass.BILINEAR):
            left, all_of_it = (
                distance_from_line(series.motion[row : row + 1, some], series.days[row, some] / YEAR)[0]
                for some in (kept, whole)
            )
            # What the departure is a multiple of.
            assert left >= 0.99 * all_of_it / series.departure[row]


def test_noise_shrinks_where_a_curve_would_be_too_fast() -> None:
    days = np.arange(0, 372, 12, dtype=np.float32)
    label = np.repeat([TrendClass.QUADRATIC, TrendClass.BILINEAR], 500).astype(np.int8)
    sigma = np.full(1000, 8, dtype=np.float32)
    motions = draw_motions(np.random.default_rng(0), days, label, sigma, MotionConfig())
    rates = np.diff(motions.displacement, axis=1) / np.diff(days / YEAR)
    assert np.abs(rates).max() <= 101
    assert (motions.quieter < 1).all()
    distance = distance_from_line(motions.displacement, days / YEAR)
    assert (distance / (sigma * motions.quieter)).min() >= 0.99


def test_departures_reach_from_weak_to_strong(series: SimulatedSeries) -> None:
    departure = series.departure[series.label == TrendClass.QUADRATIC]
    assert np.quantile(departure, 0.1) < 1.5
    assert np.quantile(departure, 0.95) > 6


def _quiet() -> SimulatorConfig:
    """No scatter to speak of, no cycle, nothing odd: what remains is motion and unwrapping errors."""
    return SimulatorConfig(
        noise=replace(NoiseConfig().plain(), sigma_limits_mm=(0.01, 0.01)),
        annual=replace(AnnualConfig(), amplitude_mm=0.0, strong_probability=0.0),
        nuisance=NuisanceConfig().none(),
        delivery=DeliveryConfig(missing_probability=0),
    )


def test_rows_of_every_kind_may_miss_values() -> None:
    config = SimulatorConfig(delivery=DeliveryConfig(missing_probability=1.0))
    for label in (NO_CLASS, *TrendClass):
        series = simulate(300, seed=12, config=config, labels=np.full(300, label, dtype=np.int8), calendar="paper")
        missing = np.isnan(series.displacement) & np.isfinite(series.motion)
        assert missing.any(axis=1).mean() > 0.4


def test_only_pue_rows_have_errors(series: SimulatedSeries) -> None:
    wrong = series.error != 0
    assert not wrong[series.label != TrendClass.PUE].any()
    assert wrong[series.label == TrendClass.PUE].any(axis=1).all()
    assert set(series.background[series.label == TrendClass.PUE]) == {0, 1, 2, 3}


def test_every_pue_row_jumps_between_steady_levels(series: SimulatedSeries) -> None:
    """Of the values that are there: three alike, 10 mm or more within one to three epochs, and three alike again."""
    for row in rows_of(series, TrendClass.PUE):
        error = series.error[row, np.isfinite(series.displacement[row])] / 10
        jumps = [
            (error[k - 3 : k], error[after : after + 3])
            for k in range(3, len(error) - 2)
            for after in (k, k + 1, k + 2)
        ]
        assert any(
            len(after) == 3
            and np.ptp(before) <= 1.1
            and np.ptp(after) <= 1.1
            and abs(before[1] - after[1]) >= JUMP_MM - 0.6
            for before, after in jumps
        )


def test_edges_and_flicker_are_no_visible_jumps() -> None:
    errors = np.zeros((5, 60), dtype=np.float32)
    errors[0, 30:40] = 14
    errors[1, 58:] = 28
    errors[2, 30:32] = 28
    errors[3, ::2] = 28
    errors[4, 30:40] = 9
    assert visible(errors, UnwrappingConfig()).tolist() == [True, False, False, False, False]


def test_every_unwrapping_error_stands_out_from_its_noise() -> None:
    days = np.arange(0, 1800, 12, dtype=np.float32)
    sigma = np.repeat(np.array([0.7, 2.0, 4.5], dtype=np.float32), 300)
    rng = np.random.default_rng(5)
    noise = sigma[:, None] * rng.standard_normal((len(sigma), len(days)), dtype=np.float32)
    config = UnwrappingConfig()
    _, error = add_unwrapping_errors(rng, days, noise, sigma, config)
    # Errors are kept in tenths of a millimetre.
    rounded = replace(config, jump_over_noise=config.jump_over_noise - 0.1)
    assert stands_out((error / 10).astype(np.float32), sigma, rounded).all()


def test_jumps_are_exact_or_damped() -> None:
    exact = replace(
        _quiet(),
        unwrapping=UnwrappingConfig(
            damped_probability=0, smeared_probability=0, projected_probability=0, returning_probability=0
        ),
    )
    series = simulate(500, seed=3, config=exact, labels=np.full(500, 4, dtype=np.int8))
    cycles = series.error / 10 / HALF_WAVELENGTH_MM
    np.testing.assert_allclose(cycles, np.round(cycles), atol=0.01)
    damped = replace(exact, unwrapping=replace(exact.unwrapping, damped_probability=1))
    series = simulate(500, seed=3, config=damped, labels=np.full(500, 4, dtype=np.int8))
    largest = np.abs(np.diff(series.error, axis=1)).max(axis=1) / 10
    assert largest.min() >= JUMP_MM - 0.1
    assert np.quantile(largest, 0.2) < 20


def test_most_jumps_are_temporary(series: SimulatedSeries) -> None:
    rows = rows_of(series, TrendClass.PUE)
    last = np.take_along_axis(series.error, epochs_of(series)[:, None] - 1, axis=1)[:, 0]
    ends_elsewhere = np.mean(np.abs(last[rows] - series.error[rows, 0]) > 50)
    assert 0.2 < ends_elsewhere < 0.4


def test_folding_brings_every_epoch_to_within_a_quarter_wavelength_of_the_line() -> None:
    days = np.arange(0, 1800, 6, dtype=np.float32)
    curve = (days / days[-1]) ** 2 * np.linspace(150, 400, 40, dtype=np.float32)[:, None]
    config = UnwrappingConfig(
        physics_probability=1,
        model_error_probability=0,
        damped_probability=0,
        projected_probability=0,
        wander_probability=0,
        unsteady_probability=0,
    )
    rng = np.random.default_rng(4)
    folded, error = add_unwrapping_errors(rng, days, curve, np.ones(40, dtype=np.float32), config)
    np.testing.assert_allclose(folded - curve, error / 10, atol=0.06)
    for row, wrong in zip(curve, folded, strict=True):
        line = np.polynomial.Polynomial.fit(days, row, 1)(days)
        assert np.abs(wrong - line).max() <= HALF_WAVELENGTH_MM / 2 + 0.1


def test_values_are_rounded_and_referenced(series: SimulatedSeries) -> None:
    valid = series.displacement[np.isfinite(series.displacement)]
    np.testing.assert_allclose(valid * 10, np.round(valid * 10), atol=2e-3)
    first = series.displacement[:, 0]
    zero = [np.mean(block[np.isfinite(block)] == 0) for block in np.split(first, range(512, len(first), 512))]
    # A property of files, not of rows; a fitted line seldom makes a zero.
    assert all(share == 1 or share < 0.2 for share in zero)
    assert 0.2 < np.mean(np.array(zero) == 1) < 0.8


def test_some_rows_have_missing_values(series: SimulatedSeries) -> None:
    missing = np.isfinite(series.displacement).sum(axis=1) < epochs_of(series)
    assert 0.07 < missing.mean() < 0.13
    leading = missing & np.isnan(series.displacement[:, 0])
    assert 0.1 < leading.sum() / missing.sum() < 0.6


def test_labels_can_be_chosen() -> None:
    labels = np.array([4, 4, 0, 1, 2, 3], dtype=np.int8)
    assert np.array_equal(simulate(6, seed=0, labels=labels).label, labels)
    with pytest.raises(UsageError, match="one label a series"):
        simulate(5, seed=0, labels=labels)
    with pytest.raises(UsageError, match="classes are 0 to 5"):
        simulate(6, seed=0, labels=labels + 2)


def test_unknown_calendar_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="egms_l3"):
        simulate(3, seed=0, calendar="maya")


def test_take_keeps_rows_together(series: SimulatedSeries) -> None:
    rows = np.array([7, 3, 3])
    taken = series.take(rows)
    assert np.array_equal(taken.label, series.label[rows])
    assert np.array_equal(taken.motion, series.motion[rows], equal_nan=True)
