"""The Bayes limit is right for easy series, calibrated for hard ones, and converged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.limit import bayes_probabilities, limit_config
from evaluation.limit.geometry import noise_geometry
from evaluation.limit.jumps import jump_table, size_kinds
from evaluation.limit.motions import BENT_RATES, CURVES_WITH_RATE, Effort, MotionModel
from evaluation.limit.rays import Priors, log_integrals
from insar_runtime import TrendClass
from insar_runtime.errors import DataError
from training.dataset import NOISE_FACTS, LabelledSeries, with_facts
from training.simulator import SimulatorConfig, simulate
from training.simulator.config import CalendarConfig, MotionConfig
from training.simulator.lines import distance_from_line
from training.simulator.motions import draw_motions
from training.simulator.noise import draw_noise

DAYS = np.arange(0, 60 * 24, 24, dtype=np.float64)
QUICK = Effort(jumps=24)


def plain(config: SimulatorConfig) -> SimulatorConfig:
    """One calendar of 60 epochs for all rows, every 24 days."""
    calendar = CalendarConfig(
        dropped_share=(0, 0), winter_block_probability=0, gap_probability=0, min_epochs=60, max_epochs=60
    )
    return replace(config, calendar=calendar, block=1000)


@pytest.fixture(scope="module")
def mixed() -> LabelledSeries:
    return with_facts(simulate(250, seed=5, config=plain(limit_config()), calendar="sparse_24"))


@pytest.fixture(scope="module")
def posterior(mixed: LabelledSeries) -> np.ndarray:
    return bayes_probabilities(mixed, effort=QUICK)


def test_easy_series_are_right() -> None:
    config = plain(limit_config(white_mm=0.5))
    series = with_facts(simulate(50, seed=1, config=config, calendar="sparse_24"))
    probability = bayes_probabilities(series, config, effort=QUICK)
    clear = probability.max(axis=1) > 0.99
    assert clear.mean() > 0.9
    assert (probability.argmax(axis=1) == series.label)[clear].all()


def test_posterior_is_calibrated(mixed: LabelledSeries, posterior: np.ndarray) -> None:
    """Wrong integrals are wrong by factors: confidence and surprise show them."""
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    confidence = posterior.max(axis=1)
    right = posterior.argmax(axis=1) == mixed.label
    spread = np.sqrt((confidence * (1 - confidence)).sum())
    assert abs((right - confidence).sum()) < 3 * spread
    # Cross-entropy of the truth against the entropy that the posterior itself expects.
    log_probability = np.log(np.maximum(posterior, 1e-300))
    expected = (posterior * log_probability).sum(axis=1)
    variance = (posterior * log_probability**2).sum(axis=1) - expected**2
    surprise = log_probability[np.arange(len(mixed)), mixed.label] - expected
    assert abs(surprise.sum()) < 4 * np.sqrt(variance.sum())
    assert (np.abs(posterior.sum(axis=0) - 50) < 3 * spread).all()


def test_a_finer_integration_gives_the_same_posterior(mixed: LabelledSeries, posterior: np.ndarray) -> None:
    hard = np.argsort(posterior.max(axis=1))[:25]
    finer = Effort(size_nodes=24, break_nodes=97, jumps=96, jump_table=300_000)
    again = bayes_probabilities(mixed.take(hard), effort=finer, seed=9)
    assert np.abs(again - posterior[hard]).max() < 0.03


def test_level_and_sign_do_not_matter(mixed: LabelledSeries, posterior: np.ndarray) -> None:
    few = mixed.take(np.arange(8))
    turned = replace(few, displacement=17 - few.displacement)
    np.testing.assert_allclose(bayes_probabilities(turned, effort=QUICK), posterior[:8], atol=0.01)


def test_padding_is_ignored(mixed: LabelledSeries, posterior: np.ndarray) -> None:
    few = mixed.take(np.arange(4))
    padded = replace(
        few,
        displacement=np.pad(few.displacement, ((0, 0), (0, 9)), constant_values=np.nan),
        days=np.pad(few.days, ((0, 0), (0, 9)), mode="edge"),
    )
    np.testing.assert_array_equal(bayes_probabilities(padded, effort=QUICK), posterior[:4])


@pytest.mark.parametrize("fault", ["facts", "bank", "gap"])
def test_refuses_what_it_cannot_compute(mixed: LabelledSeries, fault: str) -> None:
    few = mixed.take(np.arange(2))
    if fault == "facts":
        few = replace(few, facts={})
    elif fault == "bank":
        few = replace(few, facts=dict.fromkeys(NOISE_FACTS, np.full(2, np.nan, np.float32)))
    else:
        few.displacement[1, 7] = np.nan
    with pytest.raises(DataError):
        bayes_probabilities(few)


def test_subset_has_one_jump_and_nothing_else() -> None:
    series = simulate(200, seed=3, config=plain(limit_config(white_mm=2)), calendar="sparse_24")
    assert np.isfinite(series.displacement).all()
    wrong = series.label == TrendClass.PUE
    assert not series.error[~wrong].any()
    levels = np.count_nonzero(np.diff(series.error[wrong], axis=1), axis=1)
    assert set(levels) <= {1, 2}
    rest = series.displacement - series.motion - series.error / 10
    scatter = (rest - rest.mean(axis=1, keepdims=True)).std()
    assert scatter == pytest.approx(2, rel=0.03)


def test_whitener_whitens_the_noise_of_the_simulator() -> None:
    config = replace(limit_config().noise, sigma_limits_mm=(2, 2), short_days=(15, 15), slow_days=(150, 150))
    rng = np.random.default_rng(2)
    values = []
    for _ in range(500):
        noise = draw_noise(rng, DAYS.astype(np.float32), 1, config)
        geometry = noise_geometry(
            DAYS, float(noise.white_mm[0]), (float(noise.short_mm[0]), float(noise.slow_mm[0])), (15, 150)
        )
        values.append(geometry.images(noise.values.astype(np.float64) + 40).white[0])
    # The level takes one of 60 degrees of freedom.
    assert np.mean(np.square(values)) * 60 == pytest.approx(59, rel=0.02)


@pytest.mark.parametrize("levels", [(1.0,), (1.0, 1.6)])
def test_ray_integral_is_that_of_a_fine_grid(levels: tuple[float, ...]) -> None:
    """Size with a least departure and a rate in coloured noise, where the prior feels the scatter: by brute force.

    With a second level, sizes that depart by less than it are five times as likely.
    """
    geometry = noise_geometry(DAYS, 2.0, (1.5,), (150.0,))
    model = MotionModel(geometry, tuple(DAYS), MotionConfig(), Effort())
    years = model.years
    values = np.random.default_rng(0).normal(0, 2, len(DAYS)) + 2.5 * years**2 + 3 * years
    parabola = years**2
    departure = distance_from_line(parabola[None, :].astype(np.float32), years.astype(np.float32)).astype(np.float64)

    def log_density(_: np.ndarray, size: np.ndarray, scatter: np.ndarray) -> np.ndarray:
        slight = np.abs(size) * departure < levels[-1] * scatter
        return -np.log(np.abs(size)) - scatter + np.log(5) * slight

    priors = Priors(log_density, departure=(departure, levels), rate=(-15.0, 15.0))
    row, curve = geometry.images(values[None, :]), geometry.images(parabola[None, :])
    found = log_integrals(row, curve, model.rate, priors, 12)

    # Half a step off zero, where the density has its pole.
    size, rate = np.meshgrid(np.arange(0.005, 6, 0.01), np.linspace(-15, 15, 101), indexing="ij")
    images = geometry.images(values - size[..., None] * parabola - rate[..., None] * years)
    scatter = np.sqrt((images.plain**2).sum(axis=-1))
    value = np.exp(-(images.white**2).sum(axis=-1) / 2 - scatter) / size * (size * departure >= scatter)
    value *= np.where(size * departure < levels[-1] * scatter, 5, 1)
    assert found[0, 0] == pytest.approx(np.log(value.sum() * 0.01 / 100), abs=0.02)


def test_shares_are_those_of_the_simulator() -> None:
    """Which motions start, stop, reverse or have any rate is written twice; here both are compared."""
    count = 6000
    rng, noise = np.random.default_rng(4), np.ones(count, dtype=np.float32)
    years = (DAYS / 365.25).astype(np.float32)

    def rates(kind: TrendClass) -> tuple[np.ndarray, np.ndarray]:
        label = np.full(count, kind, dtype=np.int8)
        motion = draw_motions(rng, DAYS.astype(np.float32), label, noise, MotionConfig()).displacement
        speed = np.diff(motion, axis=1) / np.diff(years)
        return speed[:, 0], speed[:, -1]

    before, after = rates(TrendClass.BILINEAR)
    for share, ratio in BENT_RATES:
        fits = np.abs(before - ratio * (after - before)) < 0.02
        assert fits.mean() == pytest.approx(share, abs=0.02)
    before, after = rates(TrendClass.QUADRATIC)
    # A parabola from rest has moved by one interval of 119 at the end of the first one.
    assert (np.abs(before * 117 - after) > 0.02 * np.abs(after)).mean() == pytest.approx(CURVES_WITH_RATE, abs=0.03)


def test_jump_table_is_that_of_the_simulator() -> None:
    config = limit_config().unwrapping
    table = jump_table(tuple(DAYS), config, 20_000)
    assert np.exp(table.log_prior).sum() == pytest.approx(1)
    lasting = np.exp(table.log_prior[table.stop == len(DAYS)]).sum()
    assert lasting == pytest.approx(config.lasting_probability, abs=0.02)
    assert (table.stop - table.begin).min() >= config.min_visible_epochs
    kinds = size_kinds(config)
    assert np.exp(kinds.log_prior).sum() == pytest.approx(1)
    assert (np.sign(kinds.low) == np.sign(kinds.cycles)).all()
    assert (kinds.low <= kinds.high).all()
