"""The noise model of simulated files is recovered, whatever else the files contain."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

from insar_runtime._diagnosis.gls import restricted_precision
from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._diagnosis.noise.kalman import Regressors, fit_kinds
from insar_runtime._diagnosis.noise.mixture import choose_kinds
from insar_runtime._diagnosis.noise.noise_grid import neighbours
from insar_runtime._diagnosis.noise.noise_model import FileNoise, NoiseKind

FIRST = np.datetime64("2018-01-03")
SIX_DAYS = np.arange(0.0, 1440, 6)
TWELVE_DAYS = np.arange(0.0, 1560, 12)
UNEVEN = np.cumsum(np.r_[0.0, np.resize([6.0, 6.0, 12.0, 6.0, 18.0, 6.0, 6.0], 219)])


def wandering(rng: np.random.Generator, days: np.ndarray, rows: int, constant: float) -> np.ndarray:
    """An Ornstein-Uhlenbeck process of unit variance, [N, T]."""
    values = rng.standard_normal((rows, len(days)))
    for epoch, decay in enumerate(np.exp(-np.diff(days) / constant), start=1):
        values[:, epoch] = decay * values[:, epoch - 1] + np.sqrt(1 - decay**2) * values[:, epoch]
    return values


def noise(
    seed: int,
    kind: NoiseKind,
    days: np.ndarray = SIX_DAYS,
    *,
    rows: int = 400,
    scatter: float = 2.5,
    spread: float = 0.3,
) -> np.ndarray:
    """Noise of one kind with a changing yearly cycle, of rows whose scatter differs, [N, T] in mm."""
    rng = np.random.default_rng(seed)
    values = kind.white**0.5 * rng.standard_normal((rows, len(days)))
    values += kind.short**0.5 * wandering(rng, days, rows, kind.short_days)
    values += kind.slow**0.5 * wandering(rng, days, rows, kind.slow_days)
    cycle = Regressors.of(days).annual
    values += kind.annual * rng.standard_normal((rows, cycle.shape[1])) @ cycle.T
    return scatter * np.exp(spread * rng.standard_normal((rows, 1))) * values


def file(values: np.ndarray, days: np.ndarray = SIX_DAYS) -> tuple[np.ndarray, np.ndarray]:
    """Rows that move at rates of their own, with one decimal, and their dates."""
    rate = np.random.default_rng(0).normal(0, 4, (len(values), 1))
    return np.round(values + rate * days / 365.25, 1).astype(np.float32), FIRST + days.astype(int)


def shares(found: FileNoise) -> np.ndarray:
    return found.weights @ np.array([(kind.white, kind.short, kind.slow) for kind in found.kinds])


USUAL = NoiseKind(0.52, 0.26, 0.22, 12, 150, annual=0.3)


@pytest.mark.parametrize("days", [SIX_DAYS, TWELVE_DAYS, UNEVEN], ids=["6 days", "12 days", "uneven"])
@pytest.mark.parametrize(
    "kind",
    [
        USUAL,
        NoiseKind(1.0, 0.0, 0.0, annual=0.5),
        NoiseKind(0.3, 0.7, 0.0, 20, annual=0.3),
        NoiseKind(0.2, 0.1, 0.7, 10, 250, annual=0.3),
        NoiseKind(0.6, 0.0, 0.4, slow_days=80, annual=1.5),
    ],
    ids=["usual", "white", "short", "slow", "strong cycle"],
)
def test_noise_parts_of_a_simulated_file_are_recovered(kind: NoiseKind, days: np.ndarray) -> None:
    found = estimate_noise(*file(noise(1, kind, days), days))
    # What is short with a constant of 20 days may as well be partly slow with one of 45.
    parts = slice(1) if kind.short_days == 20 else slice(3)
    tolerance = 0.1 if days is not TWELVE_DAYS and kind.annual < 1 else 0.15
    np.testing.assert_allclose(shares(found)[parts], [kind.white, kind.short, kind.slow][parts], atol=tolerance)
    np.testing.assert_allclose(found.scatter_mm, 2.5 * np.exp(0.3 * np.array([-1.28, 0, 1.28])), rtol=0.12)
    # A strong cycle hides what lasts for months.
    for lag in (6, 12, 24, 48, 96) if kind.annual < 1 else (6, 12, 24):
        expected = kind.short * np.exp(-lag / kind.short_days) + kind.slow * np.exp(-lag / kind.slow_days)
        assert found.correlation(lag) == pytest.approx(expected, abs=0.06 if kind.annual < 1 else 0.08)
    for name in ("short", "slow"):
        if getattr(kind, name) >= 0.4 and kind.short_days != 20 and kind.annual < 1:
            assert 0.5 < getattr(found, f"{name}_days") / getattr(kind, f"{name}_days") < 2
    assert np.abs(found.white_factor - 1).max() < 0.2
    assert not found.steps
    assert len(found.kinds) <= 8
    assert found.rows > 300


def test_two_kinds_of_rows_are_recovered_with_their_shares() -> None:
    calm, restless = NoiseKind(0.9, 0.1, 0.0, annual=0.3), NoiseKind(0.15, 0.25, 0.6, 12, 150, annual=0.3)
    values = np.concatenate([noise(2, calm, rows=300), noise(3, restless, rows=100)])
    found = estimate_noise(*file(values[np.random.default_rng(0).permutation(400)]))
    slow = np.array([kind.slow for kind in found.kinds])
    assert found.weights[slow > 0.3].sum() == pytest.approx(0.25, abs=0.05)


def test_motion_jumps_and_outliers_do_not_change_the_noise() -> None:
    values = noise(4, USUAL)
    bent = np.maximum(SIX_DAYS - 700, 0) / 365.25
    values[:80] += np.linspace(5, 60, 80)[:, None] * bent
    begin = np.linspace(100, 1100, 40)[:, None]
    values[80:120] += 27.7 * (np.abs(SIX_DAYS - begin - 100) < 100)
    values[120:160] += np.linspace(-15, 15, 40)[:, None] * (SIX_DAYS / 365.25) ** 2
    values[np.arange(160, 200), np.arange(100, 140)] += 25.0
    found = estimate_noise(*file(values[np.random.default_rng(0).permutation(400)]))
    np.testing.assert_allclose(shares(found), [0.52, 0.26, 0.22], atol=0.1)
    assert found.scatter_mm[1] == pytest.approx(2.5, rel=0.1)
    assert np.abs(found.white_factor - 1).max() < 0.2


def test_a_join_of_releases_is_a_common_step() -> None:
    values = noise(5, USUAL, scatter=2.0)
    joined = np.random.default_rng(1).normal(0, 9, 400) * (np.arange(400) % 3 == 0)
    values += joined[:, None] * (np.arange(240) >= 150)
    found = estimate_noise(*file(values))
    (step,) = found.steps
    assert abs(step.epoch - 150) <= 1
    assert step.rms_mm == pytest.approx(np.sqrt(np.mean(joined**2)), rel=0.15)
    assert step.common_mm is None
    np.testing.assert_allclose(shares(found), [0.52, 0.26, 0.22], atol=0.1)


def test_an_unwrapping_error_of_an_area_is_no_common_step() -> None:
    values = noise(7, USUAL, scatter=2.0)
    values[::8] += 27.7 * (np.arange(240) >= 150)
    found = estimate_noise(*file(values))
    assert all(step.rms_mm < 6 for step in found.steps)
    np.testing.assert_allclose(shares(found), [0.52, 0.26, 0.22], atol=0.1)


def test_a_join_of_one_row_in_eight_is_found_with_a_thousand_rows() -> None:
    days = np.arange(0.0, 2400, 6)
    values = noise(2, USUAL, days, rows=1000, scatter=2.0)
    joined = np.random.default_rng(2).normal(0, 7, 1000) * (np.random.default_rng(3).permutation(1000) % 8 == 0)
    values += joined[:, None] * (np.arange(400) >= 250)
    rows, dates = file(values, days)
    # The rows that the likelihood is computed of do not suffice.
    assert estimate_noise(rows[::4], dates).steps == ()
    (step,) = estimate_noise(rows, dates).steps
    assert step.epoch == 250
    assert step.rms_mm == pytest.approx(np.sqrt(np.mean(joined**2)), rel=0.3)


def test_a_step_of_all_rows_that_differs_among_them_is_one_step() -> None:
    """Found as a change of all rows and of many beside it: two steps at one date would explain each other away."""
    values = noise(5, NoiseKind(0.7, 0.3, 0.0))
    size = np.random.default_rng(4).normal(15, 1, 400) + np.where(np.arange(400) % 5 == 0, 9, 0)
    values += size[:, None] * (np.arange(240) >= 120)
    found = estimate_noise(*file(values))
    (step,) = found.steps
    assert step.epoch == 120
    assert step.rms_mm == pytest.approx(17, rel=0.2)
    assert step.common_mm == pytest.approx(16, abs=2.5)


def test_a_step_of_all_rows_has_a_common_size() -> None:
    values = noise(6, USUAL) - 12.0 * (np.arange(240) >= 90)
    found = estimate_noise(*file(values))
    (step,) = found.steps
    assert step.epoch == 90
    assert step.common_mm == pytest.approx(-12, abs=2)
    assert step.rms_mm == pytest.approx(12, rel=0.1)
    np.testing.assert_allclose(shares(found), [0.52, 0.26, 0.22], atol=0.1)


def test_scatter_that_doubles_at_half_the_span_is_found() -> None:
    days = np.r_[np.arange(120) * 12.0, 1440 + np.arange(120) * 6.0]
    rng, late = np.random.default_rng(7), np.arange(240) >= 120
    values = rng.normal(0, np.where(late, 3.0, 1.5), (400, 240))
    found = estimate_noise(*file(values, days))
    factor = np.sqrt([np.mean(found.white_factor[part] ** 2) for part in (~late, late)])
    assert factor[1] / factor[0] == pytest.approx(2, rel=0.1)
    assert shares(found)[0] > 0.9


def test_noisy_epochs_are_found() -> None:
    rng, values = np.random.default_rng(8), noise(8, USUAL)
    values[:, 60] += rng.normal(0, 6, 400)
    values[:, 200] += 8.0
    found = estimate_noise(*file(values))
    assert set(found.noisy_epochs) == {60, 200}
    expected = np.sqrt(1 + 6**2 / np.mean((2.5 * np.exp(0.3 * rng.standard_normal(1000))) ** 2))
    assert found.epoch_factor[60] == pytest.approx(expected, rel=0.25)
    np.testing.assert_allclose(shares(found), [0.52, 0.26, 0.22], atol=0.1)


@pytest.mark.parametrize("missing", ["here and there", "two releases", "an epoch"])
def test_missing_values_hardly_change_the_noise(missing: str) -> None:
    values, dates = file(noise(9, USUAL))
    if missing == "here and there":
        values[np.random.default_rng(0).random(values.shape) < 0.1] = np.nan
    elif missing == "two releases":
        values[::3, :90] = np.nan
        values[1::3, 180:] = np.nan
    else:
        values[:, 77] = np.nan
    found = estimate_noise(values, dates)
    np.testing.assert_allclose(shares(found), [0.52, 0.26, 0.22], atol=0.15)
    assert found.scatter_mm[1] == pytest.approx(2.5, rel=0.15)


def test_every_other_epoch_missing_keeps_the_scatter() -> None:
    values, dates = file(noise(9, USUAL))
    values[:, 1::2] = np.nan
    found = estimate_noise(values, dates)
    assert found.rows > 150
    assert found.scatter_mm[1] == pytest.approx(2.5, rel=0.15)


def test_rows_without_common_epochs_keep_the_scatter() -> None:
    values, dates = file(noise(10, USUAL))
    values[::2, :120] = np.nan
    values[1::2, 120:] = np.nan
    assert estimate_noise(values, dates).scatter_mm[1] == pytest.approx(2.5, rel=0.2)


def degenerate() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    values, _ = file(noise(11, USUAL, SIX_DAYS[:80], rows=100), SIX_DAYS[:80])
    sparse = np.where(rng.random(values.shape) < 0.85, np.nan, values)
    return {
        "zeros": values * 0,
        "constant": values[:, :1] + 0 * values,
        "no value": values * np.nan,
        "no row": values[:0],
        "one row": values[:1],
        "few rows": values[:20],
        "one row repeated": np.repeat(values[:1], 100, axis=0),
        "mostly zeros": np.where(np.arange(100)[:, None] < 98, 0, values),
        "zero for long": np.where(np.arange(80) < 60, 0, values),
        "lines": np.arange(80) * np.linspace(-1, 1, 100)[:, None],
        "one value alike": np.where(np.arange(80) == 3, 5.0, 0) * np.ones((100, 1)),
        "whole millimetres": np.round(values),
        "below the rounding": np.round(values * 0.01, 1),
        "kilometres": values * 1e6,
        "a cliff": values + 1000.0 * (np.arange(80) > 40),
        "infinities": np.where(rng.random(values.shape) < 0.01, np.inf, values),
        "hardly a value": sparse,
        "every other epoch": np.where(np.arange(80) % 2, np.nan, values),
        "beyond single precision": np.where(np.arange(80) % 2, 3e38, -3e38) * np.ones((100, 1)),
        "some beyond it": np.where(rng.random(values.shape) < 0.01, 1e37, values),
    }


@pytest.mark.parametrize("name", degenerate())
def test_degenerate_files_have_a_finite_noise_model(name: str) -> None:
    values = degenerate()[name].astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimate_noise(values, FIRST + SIX_DAYS[:80].astype(int))
    low, usual, high = found.scatter_mm
    assert 0 < low <= usual <= high < np.inf
    assert found.weights.sum() == pytest.approx(1)
    assert np.isfinite(found.white_factor).all()
    for covariance in found.covariances():
        np.linalg.cholesky(covariance)


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 8, 12, 29, 30, 40])
def test_short_series_have_typical_noise_of_their_scatter(epochs: int) -> None:
    days = SIX_DAYS[:epochs]
    values, dates = file(noise(12, NoiseKind(1.0, 0.0, 0.0, annual=0.0), days, spread=0.0, scatter=5.0), days)
    found = estimate_noise(values, dates)
    assert found.rows == 0
    assert found.kinds == FileNoise.typical(days).kinds
    assert len(found.white_factor) == epochs
    if epochs >= 12:
        assert 4.5 < found.scatter_mm[1] < 10


def test_files_without_epochs_have_an_empty_noise_model() -> None:
    found = estimate_noise(np.empty((20, 0), dtype=np.float32), np.empty(0, dtype="datetime64[D]"))
    assert found.rows == len(found.white_factor) == 0
    assert found.to_dict(np.empty(0, dtype="datetime64[D]"))["steps"] == []


def test_the_estimate_is_reproducible_and_leaves_its_input() -> None:
    values, dates = file(noise(13, USUAL, rows=120))
    before = values.copy()
    one, other = estimate_noise(values, dates), estimate_noise(values, dates)
    np.testing.assert_array_equal(values, before)
    assert (one.kinds, one.scatter_mm, one.steps, one.rows) == (other.kinds, other.scatter_mm, other.steps, other.rows)
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(one.white_factor, other.white_factor)


def test_plain_values_are_json_and_add_up() -> None:
    values, dates = file(noise(14, USUAL) + 9.0 * (np.arange(240) >= 90))
    found = estimate_noise(values, dates)
    plain: dict[str, Any] = json.loads(json.dumps(found.to_dict(dates), allow_nan=False))
    assert plain["white_mm"] ** 2 + plain["short_mm"] ** 2 + plain["slow_mm"] ** 2 == pytest.approx(
        plain["scatter_mm"][1] ** 2
    )
    assert sum(kind["weight"] for kind in plain["kinds"]) == pytest.approx(1)
    assert [step["date"] for step in plain["steps"]] == [str(dates[90])]
    assert list(plain["correlation"]) == ["6", "12", "24", "48"]


def test_posterior_intervals_are_calibrated_on_other_rows() -> None:
    """A step and a bend that are not there are found within their standard deviations, the kind being uncertain."""
    kinds = [USUAL, NoiseKind(0.85, 0.15, 0.0, 20, annual=0.3), NoiseKind(0.2, 0.2, 0.6, 8, 250, annual=1.0)]
    values = np.concatenate([noise(20 + i, kind, rows=400) for i, kind in enumerate(kinds)])
    values = values[np.random.default_rng(0).permutation(1200)]
    found = estimate_noise(*file(values[:400]))
    held = values[400:]
    wanted = np.stack([1.0 * (SIX_DAYS > 500), np.maximum(SIX_DAYS - 800, 0), (SIX_DAYS - 700) ** 2])
    line = np.stack([np.ones(240), SIX_DAYS / 365.25], axis=1)
    likelihood, size, variance = [], [], []
    for covariance, weight in zip(found.covariances(), found.weights, strict=True):
        precision = restricted_precision(covariance, line)
        squares = np.einsum("nt,nt->n", held @ precision.matrix, held)
        seen = wanted @ precision.matrix
        information = np.einsum("ht,ht->h", seen, wanted)
        likelihood.append(np.log(weight) - 0.5 * (precision.log_determinant + precision.freedom * np.log(squares)))
        size.append(held @ seen.T / information)
        variance.append(squares[:, None] / precision.freedom / information)
    posterior = np.exp(np.array(likelihood) - np.max(likelihood, axis=0))
    posterior /= posterior.sum(axis=0)
    mean = np.einsum("kn,knh->nh", posterior, size)
    total = np.einsum("kn,knh->nh", posterior, np.array(variance) + np.array(size) ** 2) - mean**2
    score = mean / np.sqrt(total)
    np.testing.assert_allclose(np.sqrt(np.mean(score**2, axis=0)), 1, atol=0.15)
    np.testing.assert_allclose(np.mean(np.abs(score) < 1.645, axis=0), 0.9, atol=0.05)


def test_neighbours_have_shares_that_sum_to_one() -> None:
    for kind in neighbours([USUAL, NoiseKind(1.0, 0.0, 0.0), NoiseKind(0.03, 0.07, 0.9, 5, 500)], 1.0):
        assert kind.white + kind.short + kind.slow == pytest.approx(1)
        assert min(kind.white, kind.short, kind.slow) >= 0
        assert kind.white > 0


def test_at_most_two_kinds_are_chosen_for_rows_of_one_kind() -> None:
    values = noise(15, USUAL, rows=60, spread=0.0)
    fits = fit_kinds(values, SIX_DAYS, neighbours([USUAL], 3.0), Regressors.of(SIX_DAYS), np.ones(240))
    chosen = choose_kinds(fits, 8)
    assert len(chosen.kinds) <= 2
    assert chosen.weights.sum() == pytest.approx(1)
