"""The baselines of the benchmark: parts against brute force, and each of them on a few series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytestmark = pytest.mark.keras
pytest.importorskip("tensorflow", reason="the train group is not installed")
pytest.importorskip("sklearn", reason="the train group is not installed")

from evaluation.baselines import Contestant, DenseNetwork, EgmspyRules, Forest, GlsBic, MiniRocket, PsTime
from evaluation.baselines.contestant import Floats, gather
from evaluation.baselines.features import statistical_features
from evaluation.baselines.gls_evidence import Thresholds
from evaluation.baselines.gls_noise import (
    Kernels,
    NoiseModel,
    clip_outliers,
    noise_grid,
    precision_of,
    restricted_deviance,
)
from evaluation.baselines.gls_search import BASES, Design, Sizes, search
from evaluation.baselines.minirocket import evenly_spaced
from insar_runtime import UsageError
from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from training.dataset import LabelledSeries, simulated
from training.fit import FitConfig
from training.metrics import measure
from training.networks.layers import ResampleInTime
from training.simulator import HALF_WAVELENGTH_MM

SERIES = simulated(240, seed=4, calendar="paper")
MAKERS: list[Callable[[], Contestant]] = [
    lambda: GlsBic(oracle=True),
    lambda: GlsBic(oracle=False),
    PsTime,
    EgmspyRules,
    Forest,
    MiniRocket,
    lambda: DenseNetwork(FitConfig(epochs=20, batch_size=32)),
]


@pytest.fixture(scope="module", params=MAKERS, ids=lambda make: make().name)
def contestant(request: pytest.FixtureRequest) -> Contestant:
    made: Contestant = request.param()
    made.fit(SERIES.take(np.arange(200)), seed=1)
    return made


def test_contestant_gives_probabilities(contestant: Contestant) -> None:
    found = contestant.probabilities(SERIES)
    assert found.shape == (len(SERIES), 5)
    assert found.dtype == np.float32
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    # All but those that need more series than these to learn from do far better than chance.
    # EGMSpy's rules know no Bilinear, and no slow Linear in noise.
    least = {"glsbic-oracle": 0.8, "glsbic": 0.8, "forest": 0.7, "EGMSpy rules": 0.3}.get(contestant.name, 0.4)
    assert measure(SERIES.label[200:], found[200:]).accuracy > least


def test_order_and_padding_do_not_matter(contestant: Contestant) -> None:
    series = SERIES.take(np.arange(40))
    order = np.random.default_rng(0).permutation(40)
    padded = LabelledSeries(
        np.pad(series.displacement, ((0, 0), (0, 9)), constant_values=np.nan),
        np.pad(np.asarray(series.days), ((0, 0), (0, 9)), mode="edge"),
        series.label,
        series.facts,
    )
    expected = contestant.probabilities(series)
    assert np.allclose(contestant.probabilities(series.take(order)), expected[order], atol=1e-4)
    assert np.allclose(contestant.probabilities(padded), expected, atol=1e-4)


def test_short_and_long_calendars(contestant: Contestant) -> None:
    rng = np.random.default_rng(2)
    for epochs in (30, 512):
        days = np.broadcast_to(np.arange(epochs, dtype=np.float32) * 6, (6, epochs))
        values = rng.normal(0, 2, (6, epochs)).astype(np.float32)
        facts = {name: np.full(6, 2.0) for name in SERIES.facts if name.startswith("noise_")}
        facts |= {name: np.full(6, 50.0) for name in facts if name.endswith("days")}
        found = contestant.probabilities(LabelledSeries(values, days, np.zeros(6, dtype=np.int8), facts))
        assert np.isfinite(found).all()


def test_gathered_rows_are_complete_and_each_is_there_once() -> None:
    rows = []
    for group in gather(SERIES):
        rows.extend(group.rows.tolist())
        assert np.isfinite(group.displacement).all()
        assert (np.diff(group.days) > 0).all()
    assert sorted(rows) == list(range(len(SERIES)))
    assert any(len(group.rows) > 150 for group in gather(SERIES))


def _noise() -> tuple[Floats, NoiseModel, Kernels]:
    days: Floats = np.cumsum(np.random.default_rng(3).choice([6.0, 12.0, 24.0], 50))
    days -= days[0]
    return days, NoiseModel(1.0, 1.5, 10.0, 1.0, 120.0, 1.0), Kernels(days)


def test_precision_is_the_inverse() -> None:
    _, noise, kernels = _noise()
    covariance = noise.covariance(kernels)
    assert np.allclose(precision_of(covariance) @ covariance, np.eye(50), atol=1e-8)


def _least_squares(values: Floats, columns: Floats, precision: Floats) -> float:
    coefficients = np.linalg.solve(columns @ precision @ columns.T, columns @ precision @ values)
    rest = values - coefficients @ columns
    return float(rest @ precision @ rest)


def test_search_agrees_with_brute_force() -> None:
    days, noise, kernels = _noise()
    epochs, years = len(days), days / 365.25
    design, precision = Design(days), precision_of(noise.covariance(kernels))
    rng = np.random.default_rng(5)
    values = rng.multivariate_normal(np.zeros(epochs), noise.covariance(kernels))
    values += 60 * np.maximum(years - years[30], 0) + HALF_WAVELENGTH_MM * ((days >= days[12]) & (days < days[20]))
    # Without a least size, so that amplitudes are free.
    sizes = Sizes(HALF_WAVELENGTH_MM, departure=0.0)
    found = search(values[None], design, precision, np.ones(1), np.ones(1), sizes)

    line = np.stack([np.ones(epochs), years])
    hinges = [np.maximum(years - years[place], 0) for place in design.breaks]
    assert found.plain[0, 0] == pytest.approx(_least_squares(values, line, precision))
    assert found.plain[0, 1] == pytest.approx(_least_squares(values, np.vstack([line, years**2]), precision))
    all_hinges = [_least_squares(values, np.vstack([line, hinge]), precision) for hinge in hinges]
    assert found.plain[0, 2] == pytest.approx(min(all_hinges))

    index = np.arange(epochs)
    boxcars = [
        sign * HALF_WAVELENGTH_MM * ((index >= begin) & (index < end))
        for begin in range(3, epochs)
        for end in range(begin + 3, epochs + 1)
        for sign in (-1, 1)
    ]
    columns = np.vstack([line, hinges[found.break_at[0]]])
    exact = min(_least_squares(values - boxcar, columns, precision) for boxcar in boxcars)
    hinge = BASES.index("hinge")
    assert found.damped[0, hinge, 0] == 0
    assert found.jumps[0, hinge, 0] == pytest.approx(exact)


def test_the_likelihood_prefers_the_true_noise() -> None:
    days: Floats = np.arange(250, dtype=np.float64) * 6
    kernels, grid = Kernels(days), noise_grid((0.4,))
    truth = [grid[0], grid[-1]]
    rng = np.random.default_rng(6)
    draws = [rng.multivariate_normal(np.zeros(250), 4 * noise.covariance(kernels), 40) for noise in truth]
    for values, noise, other in zip(draws, truth, truth[::-1], strict=True):
        right, wrong = (
            restricted_deviance(values, n.covariance(kernels), days, known_scale=False) for n in (noise, other)
        )
        assert np.mean(right < wrong) > 0.9


@pytest.mark.parametrize(("length", "kept"), [(1, False), (2, False), (3, True), (8, True)])
def test_clipping_spares_runs_of_three(length: int, kept: bool) -> None:
    values = np.random.default_rng(7).normal(0, 1, (1, 60))
    values[0, 20 : 20 + length] += 25
    assert (clip_outliers(values)[0, 20 : 20 + length] > 20).all() == kept


def test_oracle_wants_the_true_noise() -> None:
    bare = LabelledSeries(SERIES.displacement, SERIES.days, SERIES.label)
    with pytest.raises(UsageError, match="noise_white_mm"):
        GlsBic(oracle=True).probabilities(bare)


def test_tuning_makes_labels_more_likely() -> None:
    evidence = GlsBic(oracle=False).evidence(SERIES)
    before, after = (evidence.probabilities(t) for t in (Thresholds(), evidence.tuned(SERIES.label, 300)))
    rows = np.arange(len(SERIES))
    assert np.log(after[rows, SERIES.label]).mean() > np.log(before[rows, SERIES.label]).mean() + 0.02


def test_ps_time_knows_the_five_trends() -> None:
    days = np.arange(120, dtype=np.float32) * 12
    years = days / np.float32(365.25)
    shapes = [0 * years, 10 * years, 8 * years**2, 40 * np.maximum(years - 2, 0), 27.73 * (years > 2)]
    values = np.random.default_rng(8).normal(0, 1, (5, 120)).astype(np.float32) + np.stack(shapes)
    series = LabelledSeries(values, np.tile(days, (5, 1)), np.arange(5, dtype=np.int8))
    assert PsTime().probabilities(series).argmax(axis=1).tolist() == list(range(len(SEED_CLASS_NAMES)))


def test_egmspy_rules_on_series_that_each_of_them_is_for() -> None:
    days = np.arange(120, dtype=np.float32) * 12
    years = days / np.float32(365.25)
    middle = np.arange(120) - 59.5
    # An odd wave about the middle bends neither half, and years of it are taken for a season.
    waves = 4 * years - 12 * np.sin(8 * np.pi * (years - years.mean()) / years[-1])
    shapes = {
        "slow": 2.2 * years,
        "noisy": 12 * np.sin(2 * np.pi * years),
        "steady": -6 * years,
        "faster": 5 * np.maximum(years - 2, 0) ** 2,
        "slower": -5 * np.maximum(2 - years, 0) ** 2,
        "hinge": -10 * np.maximum(years - 2.4, 0),
        "left, with a jump": waves + 30 * (np.abs(middle) < 3),
        "left": 4 * years + 15 * (np.arange(120) % 2),
        "a jump that a line explains": 30 * (middle > 0),
    }
    noise = np.random.default_rng(8).normal(0, 0.5, (len(shapes), 120))
    values = np.asarray(noise + np.stack(list(shapes.values())), dtype=np.float32)
    series = LabelledSeries(values, np.tile(days, (len(shapes), 1)), np.zeros(len(shapes), dtype=np.int8))
    found = EgmspyRules().probabilities(series)
    named = {name: int(row.argmax()) if row.max() == 1 else None for name, row in zip(shapes, found, strict=True)}
    assert named == {
        "slow": TrendClass.STABLE,
        "noisy": TrendClass.STABLE,
        "steady": TrendClass.LINEAR,
        "faster": TrendClass.QUADRATIC,
        "slower": TrendClass.QUADRATIC,
        "hinge": TrendClass.QUADRATIC,
        "left, with a jump": TrendClass.PUE,
        "left": None,
        "a jump that a line explains": TrendClass.LINEAR,
    }


def test_features_are_finite_and_named() -> None:
    series = SERIES.take(np.arange(60))
    values, names = statistical_features(series, half_wavelength_mm=HALF_WAVELENGTH_MM)
    assert np.isfinite(values).all()
    assert values.shape == (60, len(names))
    assert len(set(names)) == len(names) >= 25


def test_even_dates_are_those_of_the_networks_layer() -> None:
    series = SERIES.take(np.arange(80))
    expected = ResampleInTime(139)(series.displacement, np.asarray(series.days)).numpy()
    assert np.allclose(evenly_spaced(series), expected, atol=0.02)
