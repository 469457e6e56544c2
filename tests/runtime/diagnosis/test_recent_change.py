"""Recent changes equal a dense posterior, are calibrated, and old motions and jumps are no recent changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from insar_runtime import Classifier, Diagnose, UsageError
from insar_runtime._diagnosis.arrays import Float32Array
from insar_runtime._diagnosis.arrays import FloatArray as Floats
from insar_runtime._diagnosis.breaks.detrend import complete_without_line, without_line
from insar_runtime._diagnosis.noise.noise_model import FileNoise, NoiseKind
from insar_runtime._diagnosis.noise.rate_noise import mean_rate_noise, rate_noise_models
from insar_runtime._diagnosis.recent.energy_basis import Energies, EnergyBasis
from insar_runtime._diagnosis.recent.recent_design import (
    LEAST_EARLIER_DAYS,
    LEAST_EARLIER_EPOCHS,
    LEAST_RECENT_EPOCHS,
    RecentDesign,
)
from insar_runtime._diagnosis.recent.recent_finder import RecentChangeFinder, StepErrors
from insar_runtime._diagnosis.recent.recent_spread import with_recent_spread
from insar_runtime._diagnosis.recent.student import two_sided
from insar_runtime._diagnosis.results import RecentChanges

YEAR = 365.25
DAYS = np.cumsum(np.r_[0.0, np.resize([6.0, 12.0, 6.0, 12.0, 6.0, 6.0], 179)])
WINDOW = 180
RECENT = np.maximum(DAYS - (DAYS[-1] - WINDOW), 0) / YEAR
NOISE = replace(
    FileNoise.typical(DAYS),
    kinds=(NoiseKind(0.6, 0.3, 0.1), NoiseKind(0.4, 0.1, 0.5, slow_days=200.0)),
    weights=np.array([0.6, 0.4]),
)


def drawn(noise: FileNoise, count: int, seed: int = 0, scatter: float = 2.0) -> Float32Array:
    """Noise as the finder takes it to be, some rows with excursions, and with rates."""
    rng = np.random.default_rng(seed)
    covariances, weights = rate_noise_models(noise)
    factors = [np.linalg.cholesky(covariance) for covariance in covariances]
    kind = rng.choice(len(factors), count, p=weights)
    rows = scatter * np.stack([factors[k] @ rng.standard_normal(len(noise.days)) for k in kind])
    rates = rng.normal(0, 5, (count, 1)) * noise.days / YEAR
    return np.asarray(rows + rates, dtype=np.float32)


def dense(noise: FileNoise, series: Floats) -> tuple[float, float, float]:
    """Rate, standard deviation and probability of one row, with a matrix inverted for every hypothesis."""
    there = np.isfinite(series)
    y = series[there].astype(np.float64)
    design = RecentDesign.for_days(noise.days, WINDOW)
    assert design is not None
    covariances, weights = rate_noise_models(noise)
    breaks = design.columns.shape[1] - 2
    hypotheses: list[tuple[Floats, float, int | None]] = [
        (one, weight * 0.8, None) for one, weight in zip(covariances, weights, strict=True)
    ]
    mean = mean_rate_noise(noise)
    hypotheses += [(mean, 0.1 if place == 1 else 0.1 / breaks, place) for place in range(1, design.columns.shape[1])]
    score, sure, rate, variance = [], [], [], []
    for covariance, prior, place in hypotheses:
        columns, slopes, ridge = [*design.line.T, design.columns[:, 0]], [0, 1, 1], [0.0, 0, 0]
        if place is not None:
            columns, slopes = [*columns, design.columns[:, place]], [*slopes, design.rates[place]]
            ridge = [*ridge, 10.0**-2]
        known = np.stack(columns, axis=1)[there]
        inverse = np.linalg.inv(covariance[np.ix_(there, there)])
        normal = known.T @ inverse @ known + np.diag(ridge)
        amplitudes = np.linalg.solve(normal, known.T @ inverse @ y)
        squares = y @ inverse @ y - amplitudes @ normal @ amplitudes
        freedom = len(y) - 3
        volume = -np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(normal)[1] + (0 if place is None else np.log(100))
        score.append(np.log(prior) - volume / 2 - freedom / 2 * np.log(squares))
        spread = np.linalg.inv(normal) * squares / freedom
        sure.append(float(two_sided(np.array([[amplitudes[2]]]) / spread[2, 2] ** 0.5, np.full((1, 1), freedom))[0, 0]))
        rate.append(np.array(slopes) @ amplitudes)
        variance.append(np.array(slopes) @ spread @ np.array(slopes) * freedom / (freedom - 2))
    weight = np.exp(np.array(score) - max(score))
    weight /= weight.sum()
    middle = weight @ np.array(rate)
    std = np.sqrt(weight @ (np.array(variance) + (np.array(rate) - middle) ** 2))
    return float(middle), float(std), abs(float(weight @ np.array(sure)))


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_it_equals_a_dense_posterior(missing: float) -> None:
    rng = np.random.default_rng(4)
    rows = drawn(NOISE, 60, scatter=1.0)
    rows[20:40] += np.float32(8.0) * RECENT.astype(np.float32)
    rows[40:50] += (3 * (DAYS / YEAR - 2) ** 2).astype(np.float32)
    rows[rng.random(rows.shape) < missing] = np.nan
    found = RecentChangeFinder(NOISE, WINDOW).find(rows)
    # The dense posterior clips no outliers.
    there = np.isfinite(rows)
    values, rate = without_line(rows, there, DAYS) if missing else complete_without_line(rows, DAYS)
    clipped = np.where(there, values + rate[:, None] * (DAYS - DAYS.mean()) / YEAR, np.nan)
    expected = np.array([dense(NOISE, row) for row in clipped])
    # Missing values are predicted by the mean noise model, in the dense posterior by each.
    most = 0.1 if missing else 0.02
    assert np.quantile(np.abs(found.v_recent - expected[:, 0]) / expected[:, 1], 0.9) < 2 * most
    assert np.quantile(np.abs(found.v_recent_std / expected[:, 1] - 1), 0.9) < 2 * most
    assert np.quantile(np.abs(found.probability - expected[:, 2]), 0.9) < most


def test_one_of_twenty_unchanged_series_is_above_95_percent() -> None:
    rows = drawn(NOISE, 4000, seed=1)
    noise = with_recent_spread(replace(NOISE, rows=400), rows[:1500], WINDOW)
    assert 0.9 < noise.recent_spread < 1.15
    found = RecentChangeFinder(noise, WINDOW).find(rows[1500:])
    assert 0.04 < np.mean(found.probability > 0.95) < 0.065
    assert 0.004 < np.mean(found.probability > 0.99) < 0.025


def test_known_changes_are_found_with_their_rate() -> None:
    rows = drawn(NOISE, 1500, seed=2)
    finder = RecentChangeFinder(NOISE, WINDOW)
    before = finder.find(rows)
    changed = finder.find(rows + np.float32(30) * RECENT.astype(np.float32))
    assert np.mean(changed.probability > 0.95) > 0.9
    assert abs(np.median(changed.v_recent - before.v_recent) - 30) < 1
    # The noise of a row has a rate of its own in the window, which is part of the standard deviation.
    assert np.median(changed.v_recent_std) < 10


def test_old_motions_go_on_and_a_departure_from_them_is_new() -> None:
    finder = RecentChangeFinder(NOISE, WINDOW)
    still = drawn(NOISE, 1000, seed=3)
    years = DAYS / YEAR
    curve = (6 * (years - years[-1] / 2) ** 2).astype(np.float32)
    bend = (40 * np.maximum(years - 0.4 * years[-1], 0)).astype(np.float32)
    for motion in (curve, bend):
        steady = finder.find(still + motion)
        assert np.mean(steady.probability > 0.95) < 0.12
        slope = np.gradient(motion, years)[-10]
        assert abs(np.median(steady.v_recent) - slope) < 3
        stopped = finder.find(still + motion - (slope * RECENT).astype(np.float32))
        assert np.mean(stopped.probability > 0.95) > 0.6
        assert abs(np.median(stopped.v_recent)) < 4


def test_bits_do_not_depend_on_other_rows() -> None:
    rows = drawn(NOISE, 700, seed=5)
    rows[::3, 40:47] = np.nan
    rows[np.random.default_rng(0).random(rows.shape) < 0.002] = np.nan
    finder = RecentChangeFinder(NOISE, WINDOW)
    whole = finder.find(rows)
    for some in (np.arange(700)[::-1], np.array([3, 0, 601]), np.arange(5, 6)):
        part = finder.find(rows[some])
        for name in RecentChanges.__slots__:
            assert getattr(part, name).tobytes() == getattr(whole, name)[some].tobytes()


def test_too_few_epochs_in_the_window_or_before_it_have_no_result() -> None:
    finder = RecentChangeFinder(NOISE, WINDOW)
    begin = DAYS[-1] - WINDOW
    inside = np.flatnonzero(begin < DAYS)
    outside = np.flatnonzero(begin >= DAYS)
    rows = np.repeat(drawn(NOISE, 1), 7, axis=0)
    rows[0, inside[LEAST_RECENT_EPOCHS:]] = np.nan
    rows[1, inside[LEAST_RECENT_EPOCHS - 1 :]] = np.nan
    kept = np.r_[outside[: LEAST_EARLIER_EPOCHS - 1], outside[-1]]
    rows[2, np.setdiff1d(outside, kept)] = np.nan
    rows[3, np.setdiff1d(outside, kept[1:])] = np.nan
    rows[4, outside[DAYS[outside[-1]] - DAYS[outside] >= LEAST_EARLIER_DAYS]] = np.nan
    rows[5] = np.nan
    rows[6, 3] = np.inf
    found = finder.find(rows)
    assert np.isfinite(found.probability).tolist() == [True, False, True, False, False, False, False]
    assert np.isfinite(found.v_recent).tolist() == np.isfinite(found.v_recent_std).tolist()
    for days in (0, WINDOW):
        short = DAYS[: days // 6]
        none = RecentChangeFinder(FileNoise.typical(short), WINDOW).find(np.zeros((2, len(short)), dtype=np.float32))
        assert np.isnan(none.probability).all()


def test_extreme_series_have_a_result_or_none_and_no_error() -> None:
    rows = np.zeros((4, len(DAYS)), dtype=np.float32)
    rows[1] = 1e30
    rows[2] = 1e6 + drawn(NOISE, 1)[0]
    rows[3] = 300 * DAYS / YEAR + drawn(NOISE, 1)[0]
    found = RecentChangeFinder(NOISE, WINDOW).find(rows)
    assert abs(found.v_recent[0]) < 1e-6
    assert found.probability[0] < 1e-6
    alone = RecentChangeFinder(NOISE, WINDOW).find(drawn(NOISE, 1))
    np.testing.assert_allclose(found.probability[3], alone.probability[0], atol=0.01)
    np.testing.assert_allclose(found.v_recent[3] - 300, alone.v_recent[0], atol=0.05)


def test_a_step_that_was_subtracted_widens_what_depends_on_it() -> None:
    rows = np.repeat(drawn(NOISE, 1, seed=6), 4, axis=0) + np.float32(20) * RECENT.astype(np.float32)
    epoch = np.searchsorted(DAYS, DAYS[-1] - 60)
    steps = StepErrors(np.array([1, 2, 3]), np.array([epoch, epoch, 10]), np.array([0.0, 3.0, 3.0]))
    finder = RecentChangeFinder(NOISE, WINDOW)
    plain, found = finder.find(rows), finder.find(rows, steps)
    assert found.v_recent_std[:2].tobytes() == plain.v_recent_std[:2].tobytes()
    assert found.v_recent_std[2] > 1.2 * plain.v_recent_std[2]
    assert found.probability[2] < plain.probability[2]
    assert plain.v_recent_std[3] < found.v_recent_std[3] < 1.1 * plain.v_recent_std[3]


def test_jumps_that_are_found_are_no_recent_change(classifier: Classifier) -> None:
    rng = np.random.default_rng(7)
    dates = np.datetime64("2018-01-03") + DAYS.astype(int)
    rows = rng.normal(0, 1.5, (200, len(DAYS)))
    jump = np.searchsorted(DAYS, DAYS[-1] - 90)
    rows[:100, jump:] += 27.73
    diagnosis = classifier.diagnose(rows, dates)
    found = np.unique(diagnosis.jump_series)
    found = found[found < 100]
    assert len(found) > 80
    # The jump is taken out of some series, and fitted in the others.
    assert np.mean(diagnosis.recent.probability[found] > 0.95) < 0.2
    assert np.mean(diagnosis.recent.probability[100:] > 0.95) < 0.15


def test_the_spread_of_a_file_scales_its_results() -> None:
    rows = drawn(NOISE, 1500, seed=8)
    walk = np.random.default_rng(1).standard_normal((len(rows), 1)) * 5
    noisy = rows + (walk * RECENT).astype(np.float32)
    plain = RecentChangeFinder(NOISE, WINDOW).find(noisy)
    assert np.mean(plain.probability > 0.95) > 0.08
    noise = with_recent_spread(replace(NOISE, rows=400), noisy, WINDOW)
    assert 1.15 < noise.recent_spread < 2
    found = RecentChangeFinder(noise, WINDOW).find(noisy)
    assert 0.03 < np.mean(found.probability > 0.95) < 0.07
    ratio = np.median(found.v_recent_std / plain.v_recent_std)
    np.testing.assert_allclose(ratio, noise.recent_spread, rtol=0.03)
    assert with_recent_spread(replace(NOISE, rows=400), noisy[:90], WINDOW).recent_spread == 1
    assert with_recent_spread(NOISE, noisy, WINDOW).recent_spread == 1
    assert noise.for_days(DAYS[:100]).recent_spread == 1


def test_energies_in_the_common_basis_are_nearly_exact() -> None:
    covariances, _ = rate_noise_models(NOISE)
    covariances.append(mean_rate_noise(NOISE))
    nuisance = np.stack([np.ones_like(DAYS), DAYS / YEAR, RECENT], axis=1)
    precisions = []
    for covariance in covariances:
        inverse = np.linalg.inv(covariance)
        weighted = inverse @ nuisance
        precisions.append(inverse - weighted @ np.linalg.inv(nuisance.T @ weighted) @ weighted.T)
    rows = drawn(NOISE, 512)
    rows -= (rows @ np.linalg.pinv(nuisance).T @ nuisance.T).astype(np.float32)
    basis = EnergyBasis(covariances[-1], nuisance, np.ones(len(DAYS)))
    found = Energies(basis, precisions).of(*basis.components(rows))
    exact = np.stack([np.einsum("nt,tu,nu->n", rows, one, rows) for one in precisions], axis=1)
    # Half the degrees of freedom times the error of the logarithm is that of the log-likelihood.
    error = (len(DAYS) - 3) / 2 * np.log(found / exact)
    assert np.abs(error.mean(axis=0)).max() < 0.3
    assert error.std(axis=0).max() < 1.0


@pytest.mark.parametrize(("freedom", "limit"), [(8, 2.306), (30, 2.042), (120, 1.980), (1e6, 1.95996)])
def test_probability_of_student(freedom: float, limit: float) -> None:
    found = two_sided(np.array([[limit, -limit, 0.0]]), np.array([[freedom]]))
    np.testing.assert_allclose(found, [[0.95, -0.95, 0.0]], atol=2e-3)


def test_window_that_is_no_number_of_days_is_refused() -> None:
    for days in (0, -3, 2.5):
        with pytest.raises(UsageError, match="recent_days"):
            Diagnose(recent_days=days)  # type: ignore[arg-type]
