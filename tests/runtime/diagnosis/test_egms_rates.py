"""EGMS rates equal those of numpy's least squares on the epochs of each row."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from insar_runtime._diagnosis.rates.egms_rates import LEAST_RATE_EPOCHS, EgmsRateEstimator, estimate_rates
from insar_runtime._diagnosis.results import FitStatus, Rates

NAMES = [field.name for field in fields(Rates) if field.name != "status"]


def calendar(rng: np.random.Generator, epochs: int) -> np.ndarray:
    """Uneven dates from any day on, [T]."""
    return rng.integers(0, 9000) + np.cumsum(rng.choice([6.0, 6.0, 12.0, 18.0, 48.0], epochs))


def motion(rng: np.random.Generator, days: np.ndarray, rows: int, offset: float = 0.0) -> np.ndarray:
    years = (days - days[:1]) / 365.25
    amplitude = rng.normal(0, [[30.0], [8.0], [2.0], [3.0]], (rows, 4, 1)).transpose(1, 0, 2)
    shapes = years, years**2, years**3, np.sin(2 * np.pi * (years - rng.random((rows, 1))))
    trend = sum(size * shape for size, shape in zip(amplitude, shapes, strict=True))
    return (offset + trend + rng.normal(0, 3, (rows, len(days)))).astype(np.float32)


def gappy(rng: np.random.Generator, displacement: np.ndarray) -> np.ndarray:
    """Every row with a pattern of missing values of its own: scattered, and all before or after an epoch."""
    rows, epochs = displacement.shape
    epoch = np.arange(epochs)
    lost = rng.random(displacement.shape) < rng.uniform(0, 0.6, (rows, 1))
    lost |= epoch < rng.integers(0, epochs // 3, (rows, 1)) * rng.integers(0, 2, (rows, 1))
    lost |= epoch > epochs - rng.integers(0, epochs // 3, (rows, 1)) * rng.integers(0, 2, (rows, 1))
    return np.where(lost, np.float32(np.nan), displacement)


def textbook(displacement: np.ndarray, days: np.ndarray) -> list[float]:
    """Rates of one row by a library's least squares, in the order of ``Rates``."""
    there = np.isfinite(displacement)
    years, values = (days[there] - days[there].mean()) / 365.25, displacement[there].astype(np.float64)
    base = float(values.mean())
    annual = [np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)]

    def fit(degree: int) -> tuple[np.ndarray, np.ndarray, float]:
        columns = np.stack([*annual, *(years**power for power in range(degree + 1))], axis=1)
        found = np.linalg.lstsq(columns, values - base, rcond=None)[0]
        unit = np.sqrt(np.diag(np.linalg.pinv(columns) @ np.linalg.pinv(columns).T))
        return found, unit, float(np.sqrt(np.mean((values - base - columns @ found) ** 2)))

    (line, line_unit, by_line), (parabola, parabola_unit, by_parabola), (cubic, unit, rmse) = map(fit, (1, 2, 3))
    season_std = np.sqrt((4 - np.pi) / 2) * np.sqrt((unit[0] ** 2 + unit[1] ** 2) / 2) * rmse
    velocity, acceleration = (
        (line[-1], line_unit[-1] * by_line),
        (2 * parabola[-1], 2 * parabola_unit[-1] * by_parabola),
    )
    return [*velocity, *acceleration, float(np.hypot(*cubic[:2])), season_std, rmse]


def stacked(rates: Rates) -> np.ndarray:
    return np.stack([getattr(rates, name) for name in NAMES])


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    epochs=st.integers(40, 300),
    rows=st.integers(1, 9),
    offset=st.sampled_from([0.0, -300.0, 1e4]),
)
def test_rates_equal_those_of_numpy_least_squares(seed: int, epochs: int, rows: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    days = calendar(rng, epochs)
    whole = motion(rng, days, rows, offset)
    for displacement in (whole, gappy(rng, whole)):
        rates = estimate_rates(displacement, days)
        for row in np.flatnonzero(rates.status == FitStatus.OK):
            found = stacked(rates)[:, row]
            np.testing.assert_allclose(found, textbook(displacement[row], days), rtol=1e-5, atol=1e-5)


def test_most_gappy_rows_are_fitted() -> None:
    rng = np.random.default_rng(1)
    days = calendar(rng, 200)
    rates = estimate_rates(gappy(rng, motion(rng, days, 500)), days)
    assert np.mean(rates.status == FitStatus.OK) > 0.9


def test_a_row_that_spans_a_twentieth_of_the_axis_is_accurate() -> None:
    rng = np.random.default_rng(2)
    days = np.arange(0.0, 20 * 365.25, 6.0)
    displacement = motion(rng, days, 20)
    displacement[:, (days < 4000) | (days > 4000 + 1.1 * 365.25)] = np.nan
    rates = estimate_rates(displacement, days)
    assert (rates.status == FitStatus.OK).all()
    expected = np.transpose([textbook(row, days) for row in displacement])
    np.testing.assert_allclose(stacked(rates), expected, rtol=1e-4)


def test_a_line_without_noise_is_exact() -> None:
    days = np.arange(0.0, 1500.0, 6.0)
    displacement = (1e4 - 12.5 * days / 365.25)[None].repeat(2, axis=0)
    displacement[1, ::3] = np.nan
    rates = estimate_rates(displacement, days)
    np.testing.assert_allclose(rates.velocity, -12.5, atol=1e-6)
    np.testing.assert_allclose([rates.acceleration, rates.season_amp, rates.rmse], 0, atol=1e-5)


def test_a_constant_series_has_zero_rates_and_zero_scatter() -> None:
    days = np.arange(0.0, 1500.0, 6.0)
    assert not stacked(estimate_rates(np.full((3, len(days)), 7.3, dtype=np.float32), days)).any()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), epochs=st.integers(60, 250), cuts=st.lists(st.integers(0, 600), max_size=6))
def test_bits_of_a_row_do_not_depend_on_its_neighbours(seed: int, epochs: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    days = calendar(rng, epochs)
    displacement = motion(rng, days, 600)
    some = rng.random(600) < 0.5
    displacement[some] = gappy(rng, displacement[some])
    estimator = EgmsRateEstimator(days)
    whole = stacked(estimator.estimate(displacement))
    order = rng.permutation(600)
    parts = [estimator.estimate(part) for part in np.split(displacement[order], sorted(cuts)) if len(part)]
    np.testing.assert_array_equal(np.concatenate([stacked(part) for part in parts], axis=1), whole[:, order])
    for row in rng.integers(0, 600, 5):
        np.testing.assert_array_equal(stacked(estimator.estimate(displacement[[row]]))[:, 0], whole[:, row])


def test_rows_that_cannot_be_fitted_have_a_status() -> None:
    rng = np.random.default_rng(3)
    days = np.arange(0.0, 6 * 365.25, 6.0)
    displacement = motion(rng, days, 7)
    displacement[1, 40] = -np.inf
    displacement[2] = np.nan
    displacement[3, LEAST_RATE_EPOCHS - 1 :] = np.nan
    displacement[4, days > 365.0] = np.nan
    displacement[5, days % 365.25 > 13] = np.nan  # the same weeks of each year
    displacement[6, (days > 60) & (days < 2100)] = np.nan  # two months six years apart
    rates = estimate_rates(displacement, days)
    assert [FitStatus(one).name for one in rates.status] == [
        "OK",
        "NON_FINITE",
        "TOO_FEW_EPOCHS",
        "TOO_FEW_EPOCHS",
        "SPAN_TOO_SHORT",
        "SINGULAR",
        "SINGULAR",
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (np.arange(0.0), FitStatus.TOO_FEW_EPOCHS),
        (np.arange(5.0), FitStatus.TOO_FEW_EPOCHS),
        (np.arange(0.0, 360.0, 6.0), FitStatus.SPAN_TOO_SHORT),
        (np.arange(0.0, 20 * 365.25, 365.25), FitStatus.SINGULAR),
        (np.zeros(30), FitStatus.SPAN_TOO_SHORT),
        (np.arange(0.0, 372.0, 6.0), FitStatus.OK),
    ],
)
@pytest.mark.parametrize("gaps", [False, True])
def test_axes_that_cannot_be_fitted_give_a_status(days: np.ndarray, expected: FitStatus, gaps: bool) -> None:
    displacement = motion(np.random.default_rng(4), days, 3)
    if gaps:
        displacement[:, 2:3] = np.nan
    rates = estimate_rates(displacement, days)
    assert (rates.status == expected).all()
    assert np.isnan(stacked(rates)).all() == (expected != FitStatus.OK)


@settings(max_examples=60)
@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(60)), elements=st.floats(width=32)))
def test_any_values_give_finite_results_or_a_status(displacement: np.ndarray) -> None:
    rates = estimate_rates(displacement, np.arange(60) * 12.0)
    fitted = rates.status == FitStatus.OK
    assert (np.isfinite(stacked(rates)) == fitted).all()
    assert np.isnan(stacked(rates)[:, ~fitted]).all()
