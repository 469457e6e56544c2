"""The numbers behind a comparison: standard deviations of changes of rate, and probabilities of changes of class."""

from __future__ import annotations

import numpy as np
import pytest

from insar_runtime._diagnosis.rates.egms_rates import estimate_rates
from insar_runtime._releases.alert_rules import RULES, AlertRules, parse_rules
from insar_runtime._releases.changes import class_change_probability
from insar_runtime._releases.rate_changes import rate_changes, shared_correlation
from insar_runtime.errors import UsageError

FIRST = np.datetime64("2018-01-03")
EVERY = FIRST + 6 * np.arange(300)
AXES = {
    "an update": (EVERY[:270], EVERY),
    "a window that moves on": (EVERY[:240], EVERY[60:]),
    "one half each": (EVERY[::2], EVERY[1::2]),
    "other epochs of one time": (EVERY[::2], EVERY[::3]),
}


@pytest.mark.parametrize("name", AXES)
def test_the_standard_deviation_of_a_change_is_that_of_white_noise(name: str) -> None:
    """As it is observed in series without a change, of which both releases share epochs."""
    old, new = AXES[name]
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 3, (4000, len(EVERY))).astype(np.float32)
    places = [np.searchsorted(EVERY, axis) for axis in (old, new)]
    rates = [
        estimate_rates(noise[:, place], (axis - FIRST).astype(float))
        for place, axis in zip(places, (old, new), strict=True)
    ]
    correlation = shared_correlation(old, new)
    assert correlation is not None
    first, second = (one.velocity_std.astype(float) for one in rates)
    variance = first**2 + second**2 - 2 * correlation * first * second
    observed = np.var(rates[1].velocity.astype(float) - rates[0].velocity)
    # 4000 series: the variance has a standard deviation of 2.2 %.
    assert observed == pytest.approx(variance.mean(), rel=0.1)
    errors = np.corrcoef(rates[0].velocity, rates[1].velocity)[0, 1]
    assert errors == pytest.approx(correlation, abs=0.06)


def test_an_update_has_the_difference_of_both_variances() -> None:
    """Hausman (1978), for designs with all epochs of the old release."""
    old, new = AXES["an update"]
    correlation = shared_correlation(old, new)
    stds = [float(estimate_rates(np.random.default_rng(1).normal(0, 1, (2000, len(axis))).astype(np.float32),
                                 (axis - FIRST).astype(float)).velocity_std.mean()) for axis in (old, new)]  # fmt: skip
    assert correlation == pytest.approx(stds[1] / stds[0], rel=0.02)


def test_equal_epochs_are_wholly_correlated_and_other_ones_hardly() -> None:
    assert shared_correlation(EVERY, EVERY.copy()) == 1.0
    assert shared_correlation(EVERY[:100], EVERY[150:]) == 0.0
    assert shared_correlation(EVERY[:3], EVERY) is None


def changes(change: np.ndarray, std: np.ndarray, **options: object) -> object:
    before = np.zeros(len(change), dtype=np.float32)
    given: dict[str, object] = {"correlation": 0.9, **options}
    return rate_changes(before, change.astype(np.float32), std, std, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_one_unchanged_point_in_twenty_is_above_95_percent(scale: float) -> None:
    """Whatever the releases differ in: the noise is more or less than white noise would be, and grows with that."""
    rng = np.random.default_rng(2)
    std = rng.uniform(0.05, 0.5, 20_000).astype(np.float32)
    theory = std * np.sqrt(2 - 2 * 0.9)
    found = changes(2.5 + theory * max(scale, 1.0) * rng.normal(0, 1, 20_000), std)
    assert found.offset == pytest.approx(2.5, abs=0.02)  # type: ignore[attr-defined]
    above = np.mean(found.probability > 0.95)  # type: ignore[attr-defined]
    assert above == pytest.approx(0.05, abs=0.012)


def test_few_points_have_no_common_change_and_independent_errors() -> None:
    std = np.full(10, 0.3, dtype=np.float32)
    found = changes(np.full(10, 4.0), std)
    assert found.offset is None  # type: ignore[attr-defined]
    assert found.change == pytest.approx(4.0)  # type: ignore[attr-defined]
    assert found.std == pytest.approx(0.3 * np.sqrt(2))  # type: ignore[attr-defined]


def test_missing_rates_and_unknown_dates_are_no_change() -> None:
    std = np.full(100, 0.3, dtype=np.float32)
    change = np.random.default_rng(3).normal(0, 0.2, 100)
    change[0] = np.nan
    std[1] = np.nan
    found = changes(change, std, correlation=None)
    assert np.isnan(found.probability[0])  # type: ignore[attr-defined]
    # What all points show is known of a point of unknown noise, too.
    assert np.isfinite(found.std[1:]).all()  # type: ignore[attr-defined]


def test_the_probability_of_another_class_is_that_which_no_coupling_avoids() -> None:
    rng = np.random.default_rng(4)
    before, after = (rng.dirichlet(np.full(6, 0.3), 500).astype(np.float32) for _ in range(2))
    found = class_change_probability(before, after, np.ones(500, dtype=np.float32))
    assert found == pytest.approx(1 - np.minimum(before, after).sum(axis=1), abs=1e-5)
    assert (class_change_probability(before, before, np.zeros(500, dtype=np.float32)) == 0).all()


def test_stable_and_linear_differ_only_if_the_rate_does() -> None:
    stable, linear, broken = np.eye(6, dtype=np.float32)[[0, 1, 3]]
    before, after = np.stack([stable, stable, stable, linear]), np.stack([linear, linear, linear, broken])
    found = class_change_probability(before, after, np.array([0.2, 0.96, np.nan, 0.2], dtype=np.float32))
    assert found.tolist() == [0, 1, 1, 1]


def test_rows_without_probabilities_have_none() -> None:
    before = np.full((2, 6), np.nan, dtype=np.float32)
    before[1] = [1, 0, 0, 0, 0, np.nan]  # a model of five classes
    found = class_change_probability(before, np.eye(6, dtype=np.float32)[[0, 0]], np.zeros(2, dtype=np.float32))
    assert np.isnan(found[0])
    assert found[1] == 0


def test_rules_are_named_in_any_order() -> None:
    assert parse_rules("recent, Break") == ("break", "recent")
    assert parse_rules("any") == RULES
    with pytest.raises(UsageError, match="0 or more"):
        AlertRules(rate_change_mm_yr=-1)
    with pytest.raises(UsageError, match="no rule is given"):
        AlertRules(rules=())
