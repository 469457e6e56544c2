"""Rates with HAC standard deviations: against the textbook's sums, row by row, whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from insar_runtime._engine.hac import LAG_DAYS, RateEstimator, rates_without_std
from insar_runtime._engine.hac_bias import EPOCHS, OF_LINE, OF_SEASONAL, TYPICAL_NOISE, shrinkage
from insar_runtime.definitions import DAYS_PER_YEAR

Floats = NDArray[np.float64]

UNEVEN = np.cumsum(np.random.default_rng(0).choice([6, 12, 18, 90], 80, p=[0.45, 0.45, 0.07, 0.03])).astype(np.float32)
"""Some four years, with gaps."""


def design_of(days: Floats, *, seasonal: bool) -> Floats:
    years = (days - days.mean()) / DAYS_PER_YEAR
    season = [np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)] if seasonal else []
    return np.stack([years, np.ones_like(years), *season], axis=1)


def newey_west(values: Floats, days: Floats) -> tuple[float, float]:
    """Rate and its HAC variance by the sandwich of the textbook, of epochs that have a value."""
    design = design_of(days, seasonal=days[-1] - days[0] >= DAYS_PER_YEAR)
    bread = np.linalg.inv(design.T @ design)
    coefficients = bread @ design.T @ values
    scores = design * (values - design @ coefficients)[:, None]
    weights = np.maximum(1 - np.abs(days[:, None] - days) / LAG_DAYS, 0)
    return coefficients[0], (bread @ (scores.T @ weights @ scores) @ bread)[0, 0]


def noisy(rows: int, days: NDArray[np.float32], seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.3, (rows, len(days))), axis=1)
    season = 4 * np.sin(2 * np.pi * days / DAYS_PER_YEAR + rng.uniform(0, 6, (rows, 1)))
    return np.asarray(rng.normal(0, 2, (rows, len(days))) + walk + season + rng.normal(0, 9, (rows, 1)), np.float32)


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("days", [UNEVEN, UNEVEN[:20], np.arange(60, dtype=np.float32) * 12], ids=["4y", "<1y", "2y"])
def test_rate_and_variance_are_those_of_newey_and_west(days: NDArray[np.float32], missing: float) -> None:
    values = noisy(40, days)
    values[np.random.default_rng(1).random(values.shape) < missing] = np.nan
    rates, stds = RateEstimator(days).estimate(values)
    for row, rate, std in zip(values.astype(np.float64), rates, stds, strict=True):
        there = np.isfinite(row)
        own = days[there].astype(np.float64)
        wanted, variance = newey_west(row[there], own)
        years = (own[-1] - own[0]) / DAYS_PER_YEAR
        share = float(shrinkage(np.array([years]), np.array([float(there.sum())]))[0])
        # Sums in float32 know a rate to a hundred-thousandth of a mm/yr.
        assert rate == pytest.approx(wanted, abs=2e-5)
        assert std == pytest.approx(np.sqrt(variance / share), rel=1e-4)


def test_rows_of_less_than_a_year_are_lines() -> None:
    """Though the axis is longer: a row is fitted by what it has itself."""
    days = np.arange(60, dtype=np.float32) * 12
    values = noisy(2, days)
    values[0, 30:] = np.nan
    rates, _ = RateEstimator(days).estimate(values)
    years = days.astype(np.float64) / DAYS_PER_YEAR
    line = np.polyfit(years[:30], values[0, :30].astype(np.float64), 1)[0]
    assert rates[0] == pytest.approx(line, abs=2e-5)
    whole = np.polyfit(years, values[1].astype(np.float64), 1)[0]
    assert rates[1] != pytest.approx(whole, rel=1e-3)


@settings(max_examples=25)
@given(data=st.data())
def test_a_row_has_the_same_bits_in_any_batch(data: st.DataObject) -> None:
    values = noisy(600, UNEVEN)
    values[::3][np.random.default_rng(2).random((200, len(UNEVEN))) < 0.2] = np.nan
    estimator = RateEstimator(UNEVEN)
    whole = np.stack(estimator.estimate(values))
    rows = np.array(data.draw(st.lists(st.integers(0, 599), min_size=1, max_size=40)))
    assert np.array_equal(np.stack(estimator.estimate(values[rows])), whole[:, rows])
    cut = data.draw(st.integers(1, 599))
    parts = [np.stack(RateEstimator(UNEVEN).estimate(part)) for part in np.split(values, [cut])]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_an_offset_and_an_annual_cycle_change_nothing() -> None:
    values = noisy(20, UNEVEN)
    cycle = 15 * np.cos(2 * np.pi * UNEVEN / DAYS_PER_YEAR)
    plain, moved = (RateEstimator(UNEVEN).estimate(rows) for rows in (values, values + cycle - 300))
    np.testing.assert_allclose(moved[0], plain[0], atol=1e-4)
    np.testing.assert_allclose(moved[1], plain[1], rtol=1e-4)


def test_fast_series_lose_no_digits_that_matter() -> None:
    """As fast as a row may be (1,500 mm), far from zero."""
    values = noisy(20, UNEVEN)
    fast = values + 350 * UNEVEN / np.float32(DAYS_PER_YEAR) - 700
    plain, found = (RateEstimator(UNEVEN).estimate(rows) for rows in (values, fast))
    np.testing.assert_allclose(found[0] - 350, plain[0], atol=1e-3)
    np.testing.assert_allclose(found[1], plain[1], rtol=1e-3)


def test_series_without_noise() -> None:
    line = 7 * UNEVEN / np.float32(DAYS_PER_YEAR)
    rates, stds = RateEstimator(UNEVEN).estimate(np.stack([line, np.zeros_like(line)]))
    np.testing.assert_allclose(rates, [7, 0], atol=1e-5)
    np.testing.assert_allclose(stds, 0, atol=1e-4)


def covariance(days: Floats) -> Floats:
    """Of typical noise."""
    apart = np.abs(days[:, None] - days)
    parts = [share * (np.exp(-apart / time) if time else np.eye(len(days))) for share, time in TYPICAL_NOISE]
    return np.sum(parts, axis=0)


@pytest.mark.parametrize(("table", "seasonal"), [(OF_LINE, False), (OF_SEASONAL, True)], ids=["line", "seasonal"])
def test_tables_of_shrinkage_are_the_expectation(table: dict[float, tuple[float, ...]], *, seasonal: bool) -> None:
    """Every number of the tables, to its last digit."""
    for years, shares in table.items():
        for epochs, share in zip(EPOCHS, shares, strict=True):
            days = np.linspace(0, years * DAYS_PER_YEAR, epochs)
            design = design_of(days, seasonal=seasonal)
            slope, *_ = solved = np.linalg.pinv(design)
            maker = np.eye(epochs) - design @ solved
            weights = np.maximum(1 - np.abs(days[:, None] - days) / LAG_DAYS, 0)
            noise = covariance(days)
            expected = (slope[:, None] * slope * weights * (maker @ noise @ maker)).sum()
            assert share == pytest.approx(expected / (slope @ noise @ slope), abs=6e-4), (years, epochs)


@given(st.floats(0.1, 40), st.integers(2, 1000))
def test_shrinkage_lies_between_its_neighbours(years: float, epochs: int) -> None:
    (found,) = shrinkage(np.array([years]), np.array([float(epochs)]))
    table = OF_LINE if years < 1 else OF_SEASONAL
    everything = np.array(list(table.values()))
    assert everything.min() <= found <= everything.max()
    near = [row for row in table if abs(row - years) < 1e-12]
    if near and epochs in EPOCHS:
        assert found == pytest.approx(table[near[0]][EPOCHS.index(epochs)])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(30, 200), st.integers(1, 70), st.booleans())
def test_rates_alone_are_those_with_standard_deviations(seed: int, epochs: int, count: int, gaps: bool) -> None:
    rng = np.random.default_rng(seed)
    days = np.cumsum(rng.choice([6, 12, 24], epochs)).astype(np.float32)
    rows = (rng.uniform(-50, 50, (count, 1)) + rng.normal(0, 3, (count, epochs))).astype(np.float32)
    if gaps:
        rows[rng.random(rows.shape) < 0.2] = np.nan
        rows[:, [0, -1]] = 1.0
    found = rates_without_std(rows, days)
    np.testing.assert_allclose(found, RateEstimator(days).estimate(rows)[0], rtol=1e-3, atol=1e-3)
    alone = np.concatenate([rates_without_std(row[None], days) for row in rows])
    assert np.array_equal(found, alone)
    assert np.array_equal(found[::2], rates_without_std(rows[::2], days))
