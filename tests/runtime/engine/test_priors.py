"""Priors: weighting follows Bayes' rule, estimation finds the mix, and invalid priors are refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from insar_runtime import CLASS_NAMES, Classifier, ClassPriors, RowStatus, UsageError
from insar_runtime._engine.priors import (
    LEAST_SHARE,
    estimate_priors,
    for_classes_of,
    make_priors,
    parse_priors,
    reweight,
)
from insar_runtime.classes import SEED_CLASS_NAMES
from insar_runtime.result import sureness

EQUAL = np.full(5, 0.2)
MOSTLY_STABLE = np.array([0.95, 0.02, 0.01, 0.01, 0.01])

seeds = st.integers(0, 2**32 - 1)
shares = st.lists(st.floats(0.02, 1), min_size=5, max_size=5).map(lambda weights: np.array(weights) / sum(weights))


def _probabilities(seed: int, rows: int = 50) -> NDArray[np.float32]:
    """Of rows of every kind, from sure to undecided."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.dirichlet(np.full(5, power), rows) for power in (0.05, 1, 20)]).astype(np.float32)


def _calibrated(
    mix: NDArray[np.float64], training: NDArray[np.float64], seed: int, rows: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows of a known mix, as a perfect classifier sees them: posteriors under the training's mix and under theirs.

    Each class is a Gaussian at a corner of its own, near enough to its neighbours to be taken for them.
    """
    rng = np.random.default_rng(seed)
    label = rng.choice(5, rows, p=mix)
    features = rng.normal(0, 1, (rows, 5)) + 2.5 * np.eye(5)[label]
    likelihood = np.exp(2.5 * features)

    def posterior(priors: NDArray[np.float64]) -> NDArray[np.float64]:
        return likelihood * priors / (likelihood @ priors)[:, None]

    return posterior(training), posterior(mix)


@given(seed=seeds, priors=shares, training=shares)
def test_reweighted_rows_sum_to_one(seed: int, priors: NDArray[np.float64], training: NDArray[np.float64]) -> None:
    found = reweight(_probabilities(seed), priors, training)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@given(seed=seeds, training=shares)
def test_the_mix_of_the_training_changes_nothing(seed: int, training: NDArray[np.float64]) -> None:
    probabilities = _probabilities(seed)
    np.testing.assert_allclose(reweight(probabilities, training, training), probabilities, atol=1e-6)


@given(seed=seeds, first=shares, second=shares, training=shares)
def test_one_mix_after_another_is_the_other(
    seed: int, first: NDArray[np.float64], second: NDArray[np.float64], training: NDArray[np.float64]
) -> None:
    probabilities = _probabilities(seed)
    by_way_of_first = reweight(reweight(probabilities, first, training), second, first)
    np.testing.assert_allclose(by_way_of_first, reweight(probabilities, second, training), atol=1e-5)


@given(seed=seeds, priors=shares)
def test_reweighting_looks_at_one_row_at_a_time(seed: int, priors: NDArray[np.float64]) -> None:
    probabilities = _probabilities(seed, 5)
    alone = [reweight(row[None], priors, EQUAL)[0] for row in probabilities]
    assert np.array_equal(reweight(probabilities, priors, EQUAL), alone)


@given(seed=seeds, mix=shares, training=shares)
def test_reweighting_is_bayes_rule(seed: int, mix: NDArray[np.float64], training: NDArray[np.float64]) -> None:
    as_trained, wanted = _calibrated(mix, training, seed, 100)
    np.testing.assert_allclose(reweight(as_trained, mix, training), wanted, atol=1e-5)


@given(seed=seeds, mix=shares, training=shares)
def test_estimation_finds_the_mix_of_a_calibrated_classifier(
    seed: int, mix: NDArray[np.float64], training: NDArray[np.float64]
) -> None:
    as_trained, _ = _calibrated(mix, training, seed, 5000)
    found = estimate_priors(as_trained, training)
    assert found.sum() == pytest.approx(1)
    # The sample itself has errors of 0.7 % (one sigma), and the overlap of the classes adds to it.
    np.testing.assert_allclose(found, mix, atol=0.06)


def test_estimation_finds_a_rare_mix() -> None:
    as_trained, _ = _calibrated(MOSTLY_STABLE, EQUAL, 7, 200_000)
    np.testing.assert_allclose(estimate_priors(as_trained, EQUAL), MOSTLY_STABLE, atol=0.002)


@given(training=shares)
def test_estimation_stays_where_the_rows_say_nothing_else(training: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(estimate_priors(np.tile(training, (50, 1)), training), training, atol=1e-9)


@given(seed=seeds, training=shares)
def test_order_of_rows_is_irrelevant(seed: int, training: NDArray[np.float64]) -> None:
    probabilities = _probabilities(seed)
    shuffled = np.random.default_rng(seed).permutation(probabilities)
    np.testing.assert_allclose(estimate_priors(shuffled, training), estimate_priors(probabilities, training), atol=1e-5)


def test_a_class_that_does_not_occur_keeps_a_share() -> None:
    sure = np.zeros((500, 5), dtype=np.float32)
    sure[:, 2] = 1
    found = estimate_priors(sure, EQUAL)
    np.testing.assert_allclose(np.delete(found, 2), LEAST_SHARE, rtol=0.01)
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "text",
    [
        ".95,.02,.01,.01,.01",
        "95, 2, 1, 1, 1",
        "stable=.95,linear=.02,quadratic=.01,bilinear=.01,pue=.01",
        "PUE=1, Bilinear=1, Linear=2, Quadratic=1, Stable=95",
    ],
)
def test_spellings_of_one_mix(text: str) -> None:
    priors = parse_priors(text)
    assert isinstance(priors, ClassPriors)
    assert tuple(priors.shares) == SEED_CLASS_NAMES
    assert priors.origin == "given"
    np.testing.assert_allclose(priors.array, MOSTLY_STABLE)


@pytest.mark.parametrize(
    "text",
    [
        ".90,.02,.01,.01,.01,.05",
        "90, 2, 1, 1, 1, 5",
        "stable=.90,linear=.02,quadratic=.01,bilinear=.01,pue=.01,other=.05",
        "Other=5, PUE=1, Bilinear=1, Linear=2, Quadratic=1, Stable=90",
    ],
)
def test_spellings_of_a_mix_of_six(text: str) -> None:
    priors = parse_priors(text)
    assert isinstance(priors, ClassPriors)
    assert tuple(priors.shares) == CLASS_NAMES
    np.testing.assert_allclose(priors.array, [0.9, 0.02, 0.01, 0.01, 0.01, 0.05])


def test_five_shares_leave_other_its_own() -> None:
    training = make_priors([1, 1, 1, 1, 2, 2], "training")
    found = for_classes_of(make_priors(MOSTLY_STABLE), "m", training)
    assert tuple(found.shares) == CLASS_NAMES
    np.testing.assert_allclose(found.array, [*(0.75 * MOSTLY_STABLE), 0.25])
    assert found.origin == "given"
    six = make_priors([5, 1, 1, 1, 1, 1])
    assert for_classes_of(six, "m", training) == six


def test_a_model_of_five_has_no_share_of_other() -> None:
    five = make_priors(MOSTLY_STABLE)
    assert for_classes_of(five, "m", make_priors([1] * 5, "training")) == five
    with pytest.raises(UsageError, match="model m has no class Other: give shares of its 5 classes alone"):
        for_classes_of(make_priors([1] * 6), "m", make_priors([1] * 5, "training"))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "are not numbers"),
        ("many", "are not numbers"),
        (".5,.5", "not 6 numbers"),
        (".9,.1,.0,.0,.0", "finite and above 0"),
        ("2,-.25,-.25,-.25,-.25", "finite and above 0"),
        ("inf,1,1,1,1", "finite and above 0"),
        ("nan,1,1,1,1", "finite and above 0"),
        ("1e308,1e308,1,1,1", "finite and above 0"),
        ("1e300,1,1,1,1e-300", "finite and above 0"),
        ("stable=.95,linear=.05", "do not name Quadratic, Bilinear, PUE"),
        ("stable=1,stable=1,linear=1,quadratic=1,bilinear=1,pue=1", "Stable twice"),
        ("stable=1,linear=1,cubic=1,bilinear=1,pue=1", "'cubic'; the classes are Stable"),
        ("stable=1,linear=1,quadratic,bilinear=1,pue=1", "are not numbers"),
        ("Auto", "are not numbers"),
        ("1,1,1,1,1,1,1", "not 6 numbers"),
        ("stable=1,linear=1,quadratic=1,bilinear=1,other=1", "do not name PUE"),
    ],
)
def test_text_that_is_no_mix_of_classes_is_refused(text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        parse_priors(text)


@pytest.mark.parametrize(
    "priors",
    [
        [1, 2],
        [1] * 4,
        [1] * 7,
        [[1, 1, 1, 1, 1]],
        [1, 1, 1, 1, None],
        ["a"] * 5,
        {"Stable": 1.0},
        {1: 1.0},
        "auto",
        "1,1,1,1,1",
        0.2,
    ],
)
def test_classifier_refuses_what_is_no_mix(priors: Any) -> None:
    with pytest.raises(UsageError, match=r"priors.*(;|the classes are)"):
        Classifier(device="cpu", priors=priors)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(device="cpu", abstain_below=0.6)


@pytest.fixture(scope="module")
def rows(golden: list[dict[str, NDArray[Any]]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return golden[0]["displacement"], golden[0]["days"][0]


def test_classes_follow_from_the_reweighted_probabilities(
    classifier: Classifier, rows: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> None:
    plain = classifier.classify_matrix(*rows)
    tilted = classifier.with_priors(MOSTLY_STABLE.tolist())
    result = tilted.classify_matrix(*rows)
    seen = ~np.isnan(plain.confidence)
    classes, training = len(classifier.model.classes), classifier.model.training_priors.array
    shares = result.probabilities[seen, :classes]
    np.testing.assert_array_equal(shares, reweight(plain.probabilities[seen, :classes], tilted.priors.array, training))
    assert np.array_equal(result.class_top[seen], shares.argmax(axis=1))
    assert np.array_equal(result.confidence[seen], shares.max(axis=1))
    # Stable and Linear count together, since they differ by the rate alone.
    sure = sureness(shares, limit_is_stated=True)
    unsure = (sure < 0.6) | (plain.confidence[seen] < classifier.model.unsure_below)
    assert np.array_equal(result.status[seen] == RowStatus.ABSTAINED, unsure)
    assert (result.class_top == 0).sum() >= (plain.class_top == 0).sum()


def test_copies_share_the_session_and_leave_the_classifier_as_it_was(
    classifier: Classifier, rows: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> None:
    before = classifier.classify_matrix(*rows).probabilities
    named = {name.lower(): place for place, name in enumerate(classifier.model.classes, start=1)}
    other = classifier.with_priors(named)
    assert other._opened is classifier._opened
    np.testing.assert_allclose(other.priors.array, np.array(list(named.values())) / sum(named.values()))
    assert other.abstain_below == 0.6
    assert classifier.priors.origin == "training"
    np.testing.assert_array_equal(classifier.classify_matrix(*rows).probabilities, before)
    np.testing.assert_array_equal(other.with_priors(None).classify_matrix(*rows).probabilities, before)


def test_pickled_copy_keeps_its_priors(classifier: Classifier) -> None:
    for priors in (MOSTLY_STABLE.tolist(), make_priors(MOSTLY_STABLE, "estimated", 500)):
        assert (
            pickle.loads(pickle.dumps(classifier.with_priors(priors))).priors == classifier.with_priors(priors).priors
        )


def test_priors_make_nobody_sure_of_what_no_class_describes() -> None:
    """Phase without coherence: equal probabilities times .95 would be a confident Stable."""
    rng = np.random.default_rng(5)
    days = np.arange(0, 1800, 8)
    noise = rng.uniform(-20, 20, (200, len(days)))
    dates = np.datetime64("2019-01-01") + days
    classifier = Classifier("trend-net", device="cpu", priors=[0.95, 0.02, 0.01, 0.01, 0.01])
    result = classifier.classify(noise, dates)
    assert np.mean(result.status == RowStatus.ABSTAINED) > 0.9
    anything = Classifier("trend-net", device="cpu", priors=[0.95, 0.02, 0.01, 0.01, 0.01], abstain_below=0)
    assert (anything.classify(noise, dates).status == RowStatus.OK).all()
