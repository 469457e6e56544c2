"""Simulated series satisfy the definitions of their classes, and their noise has the statistics that were asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import CLASS_NAMES, TrendClass, UsageError
from insar_runtime.classes import NO_CLASS
from insar_runtime.definitions import (
    BREAK_SHARE,
    CURVED_DEPARTURE,
    LINEAR_RATE_STDS,
    STABLE_RATE_MM_YR,
)
from tests.training.simulated import COUNT, complete_rows_of, epochs_of, epochs_of_row, six_classes, still_of
from training.dataset import balanced_labels
from training.simulator import CALENDARS, SimulatedSeries, SimulatorConfig, draw_calendar, simulate
from training.simulator.config import (
    CalendarConfig,
    DeliveryConfig,
    MotionConfig,
)
from training.simulator.figures import write_class_figures
from training.simulator.lines import distance_from_line
from training.simulator.motions import draw_motions
from training.simulator.rates import rates_and_deviations
from training.simulator.simulator import local_scatter

YEAR = 365.25


@pytest.fixture(scope="module")
def series() -> SimulatedSeries:
    return six_classes()


def test_same_arguments_give_the_same_bits(series: SimulatedSeries) -> None:
    again = simulate(COUNT, seed=11, labels=balanced_labels(COUNT, 11))
    assert np.array_equal(again.displacement, series.displacement, equal_nan=True)
    assert np.array_equal(again.days, series.days)
    other = simulate(1000, seed=12)
    assert not np.array_equal(other.label, simulate(1000, seed=13).label)


def test_classes_are_balanced_and_calendars_all_there(series: SimulatedSeries) -> None:
    assert np.bincount(series.label).tolist() == [COUNT // 6] * 6
    assert set(series.calendar) == set(CALENDARS)
    # Those of the seed, where no labels are given.
    assert np.bincount(simulate(1000, seed=1).label).tolist() == [200] * 5


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
def test_calendars_are_sorted_and_within_their_limits(name: str) -> None:
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


def test_stable_and_linear_go_by_the_rate_that_the_series_show(series: SimulatedSeries) -> None:
    """Noise and all: at least 2 mm/yr and three standard deviations are Linear, whatever the span; the rest is not."""
    rows = complete_rows_of(series, TrendClass.STABLE, TrendClass.LINEAR)
    assert (series.departure[rows] == 0).all()
    spans = []
    # Rows of one simulated file have the same days.
    for file in np.split(rows, np.flatnonzero(np.diff(series.days[rows], axis=0).any(axis=1)) + 1):
        epochs = epochs_of_row(series, file[0])
        days = series.days[file[0], :epochs]
        rate, deviation = rates_and_deviations(series.displacement[file, :epochs], days)
        # Displacements are rounded to 0.1 mm, which is next to nothing of a rate.
        margin = 0.02 + 0.01 * deviation
        size, least = np.abs(rate), np.maximum(STABLE_RATE_MM_YR, LINEAR_RATE_STDS * deviation)
        linear = series.label[file] == TrendClass.LINEAR
        assert (size > least - margin)[linear].all()
        assert (size < least + margin)[~linear].all()
        if linear.any():
            spans.append(days[-1] / YEAR)
    assert len(spans) >= COUNT // 512
    assert min(spans) < 2
    assert max(spans) > 8


def test_rates_that_are_not_settled_are_those_of_the_motion_alone() -> None:
    config = SimulatorConfig(motion=MotionConfig(settle_rates=False))
    made = simulate(4000, seed=5, config=config, labels=np.arange(4000, dtype=np.int8) % 2)
    rate = np.abs(np.diff(made.motion[:, :2], axis=1) / np.diff(made.days[:, :2], axis=1) * YEAR)[:, 0]
    assert rate[made.label == TrendClass.STABLE].max() <= STABLE_RATE_MM_YR + 1e-3
    assert rate[made.label == TrendClass.LINEAR].min() >= STABLE_RATE_MM_YR - 1e-3


@pytest.mark.parametrize("kind", [TrendClass.QUADRATIC, TrendClass.BILINEAR])
def test_curves_depart_from_their_line_by_the_noise(series: SimulatedSeries, kind: TrendClass) -> None:
    for row in complete_rows_of(series, kind)[:200]:
        epochs = epochs_of_row(series, row)
        motion, years = series.motion[row : row + 1, :epochs], series.days[row, :epochs] / YEAR
        # The scatter from epoch to epoch, but at least a half of all scatter.
        local = local_scatter(still_of(series, row)[None])[0]
        noise = np.clip(local, MotionConfig().wander_share * series.noise_sigma[row], series.noise_sigma[row])
        departure = distance_from_line(motion, years)[0] / noise
        # Displacements are rounded to 0.1 mm, and medians of them move in steps.
        assert departure == pytest.approx(series.departure[row], rel=float(0.02 + 0.1 / noise))
        assert series.departure[row] > CURVED_DEPARTURE - 1e-3
        if kind == TrendClass.QUADRATIC:
            fit = np.polynomial.Polynomial.fit(years, motion[0], 2)
            assert np.abs(fit(years) - motion[0]).max() < 1e-2 * max(float(np.ptp(motion)), 1.0)
        else:
            share = series.break_day[row] / series.days[row, -1]
            assert BREAK_SHARE[0] - 1e-3 <= share <= BREAK_SHARE[1] + 1e-3
            rates = np.diff(motion[0]) / np.diff(years)
            sides = (
                series.days[row, 1:epochs] < series.break_day[row],
                series.days[row, : epochs - 1] > series.break_day[row],
            )
            assert all(np.ptp(rates[side]) < 0.05 * max(float(np.ptp(rates)), 1.0) + 0.2 for side in sides)


def test_missing_values_take_no_class_away(series: SimulatedSeries) -> None:
    for row in np.flatnonzero(np.isfinite(series.displacement).sum(axis=1) < epochs_of(series)):
        kept = np.isfinite(series.displacement[row])
        motion, days = series.motion[row, kept], series.days[row, kept]
        epochs = epochs_of_row(series, row)
        left = (days[-1] - days[0]) / series.days[row, epochs - 1]
        if series.label[row] == TrendClass.LINEAR:
            assert left >= 0.6 - 1e-3
        elif series.label[row] == TrendClass.OTHER:
            assert left >= 0.95 - 1e-3
        elif series.label[row] in (TrendClass.QUADRATIC, TrendClass.BILINEAR):
            whole = distance_from_line(series.motion[row : row + 1, :epochs], series.days[row, :epochs] / YEAR)[0]
            noise = whole / series.departure[row]
            assert distance_from_line(motion[None], days / YEAR)[0] >= 0.99 * CURVED_DEPARTURE * noise


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


def test_rows_of_every_kind_may_miss_values() -> None:
    config = SimulatorConfig(delivery=DeliveryConfig(missing_probability=1.0))
    for label in (NO_CLASS, *TrendClass):
        # A cut takes more of the span away than a motion of class Other can spare.
        least = 0.2 if label == TrendClass.OTHER else 0.4
        series = simulate(300, seed=12, config=config, labels=np.full(300, label, dtype=np.int8), calendar="paper")
        missing = np.isnan(series.displacement) & np.isfinite(series.motion)
        assert missing.any(axis=1).mean() > least


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
    assert simulate(6, seed=0, labels=labels + np.int8(1)).label.max() == TrendClass.OTHER
    with pytest.raises(UsageError, match="classes are 0 to 5"):
        simulate(6, seed=0, labels=labels + np.int8(2))


def test_unknown_calendar_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="egms_l3"):
        simulate(3, seed=0, calendar="maya")


def test_take_keeps_rows_together(series: SimulatedSeries) -> None:
    rows = np.array([7, 3, 3])
    taken = series.take(rows)
    assert np.array_equal(taken.label, series.label[rows])
    assert np.array_equal(taken.motion, series.motion[rows], equal_nan=True)


def test_there_is_a_sheet_of_every_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="the train group is not installed")
    monkeypatch.setattr("training.simulator.figures._SIDE", 2)  # drawing takes long
    paths = write_class_figures(tmp_path, seed=1)
    assert [path.name for path in paths] == [f"{name.lower()}.png" for name in CLASS_NAMES]
    assert all(20_000 < path.stat().st_size < 500_000 for path in paths)
