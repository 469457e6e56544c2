"""``stable_rate`` moves the limit between Stable and Linear, and no other probability."""

from __future__ import annotations

import json
import math
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import (
    NO_CLASS,
    Classifier,
    RowStatus,
    TrendClass,
    UsageError,
    classify_file,
    definitions,
    list_models,
)
from insar_runtime._classified.classify_first import Classification
from insar_runtime._engine.hac import RateEstimator
from insar_runtime._engine.priors import reweight
from insar_runtime._engine.stable_rate import contradicts_rate, probability_of_linear
from insar_runtime._report.write import write_report
from insar_runtime._show.find_point import find_point
from insar_runtime.engines.job import plan
from tests.runtime.report.pages import read_page
from tests.runtime.results import same_result, take_rows
from tests.runtime.run_command import refused, run
from tests.runtime.tables import as_lists, wide, write

DATES = np.datetime64("2019-01-04") + np.cumsum(np.random.default_rng(0).choice([6, 12], 160))
DAYS = (DATES - DATES[0]).astype(np.float32)
YEARS = DAYS / 365.25
PAIR = [int(TrendClass.STABLE), int(TrendClass.LINEAR)]


def rates_in_noise(rows: int = 300, seed: int = 0) -> np.ndarray:
    """Rates of -6 to 6 mm/yr in 2 mm of noise; every fourth row lacks values."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 2, (rows, len(DAYS))) + np.linspace(-6, 6, rows)[:, None] * YEARS
    values[::4][rng.random((-(-rows // 4), len(DAYS))) < 0.2] = np.nan
    values[17] = np.nan
    return np.round(values, 1).astype(np.float32)


@pytest.fixture(scope="module", params=["six", *list_models()])
def classifier(request: pytest.FixtureRequest, six_classes: Path) -> Classifier:
    return Classifier(six_classes if request.param == "six" else request.param, device="cpu", threads=2)


def other_rate(classifier: Classifier) -> float:
    """A line that is not the model's own."""
    return 3.0 if classifier.stable_rate != 3.0 else 2.0


def test_the_line_of_the_model_leaves_every_bit(six_classes: Path) -> None:
    plain = Classifier(six_classes, device="cpu")
    values = rates_in_noise()
    named = Classifier(six_classes, device="cpu", stable_rate=definitions.STABLE_RATE_MM_YR)
    assert plain.stable_rate == named.stable_rate == definitions.STABLE_RATE_MM_YR
    assert same_result(named.classify(values, DATES), plain.classify(values, DATES))
    assert not same_result(named.with_stable_rate(2.5).classify(values, DATES), plain.classify(values, DATES))


def test_shares_of_stable_and_linear_move_and_no_others(classifier: Classifier) -> None:
    values = rates_in_noise()
    plain = classifier.classify(values, DATES)
    found = classifier.with_stable_rate(other_rate(classifier)).classify(values, DATES)
    rest = [place for place in range(6) if place not in PAIR]
    assert np.array_equal(found.probabilities[:, rest], plain.probabilities[:, rest], equal_nan=True)
    together = plain.probabilities[:, PAIR].sum(axis=1)
    np.testing.assert_allclose(found.probabilities[:, PAIR].sum(axis=1), together, atol=1e-6)
    seen = np.flatnonzero(~np.isnan(plain.confidence))
    assert len(seen) == len(values) - 1
    linear = probability_of_linear(*RateEstimator(DAYS).estimate(values[seen]), other_rate(classifier))
    np.testing.assert_allclose(found.probabilities[seen, TrendClass.LINEAR], together[seen] * linear, atol=1e-6)
    assert np.array_equal(found.status[17:18], plain.status[17:18])


def test_classes_follow_the_line(six_classes: Path) -> None:
    rows = np.flatnonzero(np.arange(300) % 4)  # the small model takes missing values for jumps
    values, rate = rates_in_noise()[rows], np.abs(np.linspace(-6, 6, 300))[rows]
    rate[rows == 17] = 0
    for stable_rate in (1.0, 4.0):
        found = Classifier(six_classes, device="cpu", stable_rate=stable_rate).classify(values, DATES)
        linear = np.array([name == "Linear" for name in found.class_name])
        stable = np.array([name == "Stable" for name in found.class_name])
        assert not linear[rate < stable_rate - 0.8].any()
        assert not stable[rate > stable_rate + 0.8].any()
        assert linear[rate > stable_rate + 1.5].mean() > 0.9


@pytest.mark.parametrize("span", [2, 3, 5, 8])
def test_white_noise_crosses_one_half_at_the_line(span: int) -> None:
    """With 2 mm of white noise: P(Linear) is one half where the rate is the line, within 0.4 mm/yr."""
    days = np.arange(0, span * 365.25, 12, dtype=np.float32)
    rng = np.random.default_rng(span)
    estimator = RateEstimator(days)

    def mean_share(rate: float) -> float:
        values = rng.normal(0, 2, (2000, len(days))) + rate * days / 365.25
        return float(probability_of_linear(*estimator.estimate(values.astype(np.float32)), 2.0).mean())

    assert mean_share(1.6) < 0.5 < mean_share(2.4)


@settings(max_examples=20)
@given(data=st.data())
def test_a_row_has_the_same_bits_in_any_batch(data: st.DataObject, six_classes: Path) -> None:
    classifier = Classifier(six_classes, device="cpu", threads=2, stable_rate=1.7, priors=[5, 1, 1, 1, 1, 1])
    values = rates_in_noise(700)
    whole = classifier.classify(values, DATES)
    rows = np.array(data.draw(st.lists(st.integers(0, 699), min_size=1, max_size=30)))
    assert same_result(classifier.classify(values[rows], DATES), take_rows(whole, rows))
    assert same_result(classifier.with_threads(1).classify(values, DATES), whole)


def test_copies_keep_the_line(classifier: Classifier) -> None:
    values = rates_in_noise(40)
    moved = classifier.with_stable_rate(3.5)
    assert (moved.stable_rate, classifier.stable_rate) == (3.5, classifier.model.stable_rate_mm_yr)
    assert moved._opened is classifier._opened
    copies = [pickle.loads(pickle.dumps(moved)), moved.with_threads(1), moved.with_priors(None)]
    for copy in copies:
        assert copy.stable_rate == 3.5
        assert same_result(copy.classify(values, DATES), moved.classify(values, DATES))
    assert moved.with_priors([1, 2, 3, 4, 5]).stable_rate == 3.5
    tilted = classifier.with_priors([1, 2, 3, 4, 5]).with_stable_rate(3.5)
    assert same_result(tilted.classify(values, DATES), moved.with_priors([1, 2, 3, 4, 5]).classify(values, DATES)), (
        "the order of asking does not matter"
    )
    back = moved.with_stable_rate(None)
    assert same_result(back.classify(values, DATES), classifier.classify(values, DATES))


def test_the_line_comes_before_priors(classifier: Classifier) -> None:
    values = rates_in_noise(60)
    classes = len(classifier.model.classes)
    moved = classifier.with_stable_rate(3.5)
    tilted = moved.with_priors([9, 1, 1, 1, 1])
    seen = ~np.isnan(moved.classify(values, DATES).confidence)
    divided = moved.classify(values, DATES).probabilities[seen, :classes]
    wanted = reweight(divided, tilted.priors.array, classifier.model.training_priors.array)
    assert np.array_equal(tilted.classify(values, DATES).probabilities[seen, :classes], wanted)


@given(
    rate=st.floats(-50, 50),
    std=st.floats(0, 20),
    stable_rate=st.floats(0.1, 10),
)
def test_the_probability_is_that_of_a_normal_distribution(rate: float, std: float, stable_rate: float) -> None:
    (found,) = probability_of_linear(np.array([rate]), np.array([std]), stable_rate)
    limit = max(stable_rate, 2 * std)
    if std < 1e-6:
        assert found in {0.0, 0.5, 1.0} or math.isclose(abs(rate), limit, rel_tol=1e-6)
    else:
        normal = NormalDist(rate, std)
        assert found == pytest.approx(1 - normal.cdf(limit) + normal.cdf(-limit), abs=1e-9)
    assert found == probability_of_linear(np.array([-rate]), np.array([std]), stable_rate)[0]
    assert found >= probability_of_linear(np.array([rate]), np.array([std]), stable_rate + 1)[0]


def test_noise_is_not_linear_however_low_the_line() -> None:
    """A rate below twice its standard deviation is not distinguished from none."""
    shares = probability_of_linear(np.array([0.0, 0.5, 1.0, 1.9, 4.0]), np.ones(5), 0.01)
    assert (shares[:4] < 0.5).all()
    assert shares[4] > 0.9


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf, "fast", None])
def test_rates_that_are_no_limit_are_refused(rate: Any, tmp_path: Path, six_classes: Path) -> None:
    """None is no line either, but asks for that of the model."""
    if rate is None:
        assert Classifier(six_classes, device="cpu", stable_rate=rate).stable_rate == definitions.STABLE_RATE_MM_YR
        return
    for ask in (
        lambda: Classifier(six_classes, device="cpu", stable_rate=rate),
        lambda: Classifier(six_classes, device="cpu").with_stable_rate(rate),
        lambda: classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet", stable_rate=rate),
    ):
        with pytest.raises(UsageError, match=r"stable_rate is .*; give a rate above 0 in mm a year"):
            ask()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(wide(rates_in_noise(), DATES), tmp_path_factory.mktemp("in") / "in.parquet")


def block_of(path: Path) -> dict[str, Any]:
    block: dict[str, Any] = json.loads(pq.read_schema(path).metadata[b"insar_runtime"])
    return block


def test_a_file_by_the_command_by_python_and_by_workers(tmp_path: Path, source: Path, six_classes: Path) -> None:
    done = run("classify", source, "-o", tmp_path / "o.parquet", "--model", six_classes, "--stable-rate", 3.5)
    assert done.returncode == 0, done.stderr
    assert b"Stable: below 3.5 mm/yr" in done.stderr
    block = block_of(tmp_path / "o.parquet")
    assert block["parameters"]["stable_rate_mm_yr"] == block["definitions"]["stable_rate_mm_yr"] == 3.5
    classifier = Classifier(six_classes, device="cpu")
    summary = classify_file(source, tmp_path / "p.parquet", classifier=classifier, stable_rate=3.5)
    assert classifier.stable_rate == definitions.STABLE_RATE_MM_YR
    assert summary.parameters["stable_rate_mm_yr"] == 3.5
    classify_file(source, tmp_path / "plain.parquet", classifier=classifier)
    still, usual = (pq.read_table(tmp_path / name)["p_stable"].to_numpy() for name in ("p.parquet", "plain.parquet"))
    assert np.nansum(still) > np.nansum(usual)
    by_command, by_python = (pq.read_table(tmp_path / f"{name}.parquet") for name in "op")
    assert by_command.equals(by_python)
    lists = as_lists(pq.read_table(source), "list")
    job = plan(lists, units="mm", model=six_classes, stable_rate=3.5)
    out = pa.Table.from_batches(job(lists.to_batches(max_chunksize=70)), job.schema)
    assert out["p_linear"].to_pylist() == by_python["p_linear"].to_pylist()
    # A batch may be of a partition, so only the call for a whole table estimates its mix.
    alone = classifier.with_stable_rate(3.5).with_priors(summary.priors)
    batches = alone.classify_batches(pq.read_table(source).to_batches(97), units="mm")
    assert pa.Table.from_batches(batches)["p_linear"].to_pylist() == by_python["p_linear"].to_pylist()


def test_outputs_of_another_line_are_made_anew(tmp_path: Path, source: Path, six_classes: Path) -> None:
    classifier = Classifier(six_classes, device="cpu")
    ask: Callable[..., Any] = lambda **more: classify_file(  # noqa: E731
        source, tmp_path / "o.parquet", classifier=classifier, skip_existing=True, **more
    )
    assert [ask().skipped, ask().skipped, ask(stable_rate=3).skipped, ask(stable_rate=3).skipped] == [False, True] * 2
    assert ask(stable_rate=definitions.STABLE_RATE_MM_YR).skipped is False
    assert ask().skipped


def test_priors_are_estimated_behind_the_line(tmp_path: Path, source: Path, six_classes: Path) -> None:
    classifier = Classifier(six_classes, device="cpu")
    few, many = (
        classify_file(source, tmp_path / f"{rate}.parquet", classifier=classifier, priors="auto", stable_rate=rate)
        for rate in (1.0, 5.0)
    )
    assert few.priors.estimate is not None
    assert many.priors.estimate is not None
    assert few.priors.estimate["Stable"] < many.priors.estimate["Stable"] - 0.3


def test_a_model_without_a_line_of_its_own(tmp_path: Path, source: Path) -> None:
    model = Classifier("paper-cnn", device="cpu")
    assert model.stable_rate is None
    classify_file(source, tmp_path / "plain.parquet", classifier=model)
    assert block_of(tmp_path / "plain.parquet")["definitions"]["stable_rate_mm_yr"] is None
    # The same number as elsewhere: there is no line of the network's that it could be.
    found = model.with_stable_rate(definitions.STABLE_RATE_MM_YR)
    values = rates_in_noise()
    assert not same_result(found.classify(values, DATES), model.classify(values, DATES))


def test_commands_refuse_what_is_no_line(source: Path) -> None:
    refused(run("classify", source, "--stable-rate", 0), 2, "stable_rate is 0.0", "above 0")
    refused(run("show", source, "--row", 0, "--stable-rate", -2), 2, "stable_rate is -2.0")


def test_show_uses_the_stable_rate_that_is_given(tmp_path: Path, source: Path, six_classes: Path) -> None:
    row = 261  # some 4.5 mm/yr
    facts = [
        json.loads(run("show", source, "--row", row, "--model", six_classes, *more, "--json").stdout)
        for more in ((), ("--stable-rate", 6))
    ]
    assert [fact["answer"]["class_name"] for fact in facts] == ["Linear", "Stable"]
    classify_file(source, tmp_path / "o.parquet", classifier=Classifier(six_classes, device="cpu"), keep_series=True)
    done = run("show", tmp_path / "o.parquet", "--row", row, "--model", six_classes, "--stable-rate", 6)
    assert b"in the file  Linear" in done.stdout
    assert b"class        Stable" in done.stdout


def test_a_repaired_series_is_judged_by_the_line_of_its_file(tmp_path: Path, six_classes: Path) -> None:
    """``show`` diagnoses a point of a classified file now, with the settings that the file has."""
    values = np.random.default_rng(3).normal(0, 1, (4, len(DAYS))) + 5 * YEARS
    values[0, 80:] += 27.73
    source = write(wide(np.round(values, 1), DATES), tmp_path / "in.parquet")
    classifier = Classifier(six_classes, device="cpu")
    for rate, wanted in ((2.0, "Linear"), (9.0, "Stable")):
        output = tmp_path / f"{rate}.parquet"
        classify_file(source, output, classifier=classifier, stable_rate=rate, keep_series=True, units="mm")
        point = find_point(output, row=0, open_classifier=lambda: classifier)
        assert point.answer is not None
        assert point.answer.class_name == "PUE"
        assert point.diagnosis is not None
        assert point.diagnosis.class_after_repair == wanted


def test_report_uses_the_stable_rate_that_is_given(tmp_path: Path, source: Path, six_classes: Path) -> None:
    done = run("report", source, "-o", tmp_path / "r.html", "--model", six_classes, "--stable-rate", 3.5)
    assert done.returncode == 0, done.stderr
    facts = read_page(tmp_path / "r.html").facts
    assert ["Stable", "below 3.5 mm/yr"] in facts["about"]
    assert "below 3.5 mm/yr" in facts["meanings"][0]
    classify_file(source, tmp_path / "o.parquet", classifier=Classifier(six_classes, device="cpu"))
    again = run("report", tmp_path / "o.parquet", "-o", tmp_path / "s.html", "--stable-rate", 3.5)
    refused(again, 2, "classified already", "--stable-rate")


def test_a_report_of_a_model_without_a_line(tmp_path: Path, source: Path) -> None:
    opened = Classification(lambda: Classifier("paper-cnn", device="cpu"))
    write_report(source, tmp_path / "r.html", classification=opened)
    facts = read_page(tmp_path / "r.html").facts
    assert "mm/yr" not in facts["meanings"][0]
    assert "Stable" not in dict(facts["about"])


# Rows near the limit, of which Stable and Linear count together.


def test_a_row_whose_rate_belongs_to_the_other_class_gets_none() -> None:
    days = np.arange(0, 1500, 12, dtype=np.float32)
    rates = np.array([1.4, 1.6, -1.4, 2.4, 2.6, -2.6, 1.4, 2.6, 1.4], dtype=np.float32)
    rows = rates[:, None] * days / np.float32(definitions.DAYS_PER_YEAR)
    linear, stable = [0.4, 0.45, 0.1, 0, 0.05], [0.45, 0.4, 0.1, 0, 0.05]
    sure, curved = [0.2, 0.7, 0.1, 0, 0], [0.3, 0.2, 0.45, 0, 0.05]
    shares = np.array([linear] * 3 + [stable] * 3 + [sure, sure, curved], dtype=np.float32)
    every = np.ones(9, dtype=np.bool_)

    def contradicts(stable_rate: float, abstain_below: float) -> list[bool]:
        limits = {"stable_rate": stable_rate, "abstain_below": abstain_below}
        found = contradicts_rate(shares, rows, days, answered=every, **limits)
        for i in range(9):
            alone = contradicts_rate(shares[i, None], rows[i, None], days, answered=every[:1], **limits)
            assert alone.tolist() == [found[i]]
        # Rows without an answer between them change nothing.
        spread, answered = np.full((20, len(days)), np.inf, dtype=np.float32), np.zeros(20, dtype=np.bool_)
        spread[1:19:2], answered[1:19:2] = rows, True
        assert np.array_equal(contradicts_rate(shares, spread, days, answered=answered, **limits), found)
        return [bool(value) for value in found]

    assert contradicts(2, 0.6) == [True, False, True, False, True, True, False, False, False]
    assert contradicts(1.5, 0.6) == [False, False, False, True, True, True, False, False, False]
    assert not any(contradicts(2, 0.4))


def test_a_row_without_an_answer_makes_no_copy_of_the_matrix() -> None:
    classifier = Classifier(device="cpu", threads=1)
    values = np.random.default_rng(4).normal(0, 2, (6000, 100)).astype(np.float32)
    values[7] = np.inf
    days = np.arange(100, dtype=np.float32) * 12
    classifier.classify_matrix(values[:8], days)
    tracemalloc.start()
    try:
        result = classifier.classify_matrix(values, days)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.flatnonzero(result.status == RowStatus.NON_FINITE).tolist() == [7]
    assert most < values.nbytes / 2


def test_classes_near_the_limit_agree_with_the_rate() -> None:
    """Slow rows in coarse noise: without this rule some would be Linear at rates below 1.5 mm/yr."""
    classifier = Classifier(device="cpu", threads=1)
    rng = np.random.default_rng(8)
    days = np.arange(0, 1500, 12, dtype=np.float32)
    noise = np.cumsum(rng.normal(0, 1, (3000, len(days))), axis=1)
    rows = (rng.uniform(-4, 4, (3000, 1)) * days / definitions.DAYS_PER_YEAR + 0.4 * noise).astype(np.float32)
    result = classifier.classify_matrix(rows, days)
    size = np.abs(RateEstimator(days).estimate(rows)[0])
    near = result.confidence < classifier.abstain_below
    linear, stable = (near & (result.class_id == kind) for kind in (TrendClass.LINEAR, TrendClass.STABLE))
    assert linear.sum() > 20
    assert stable.sum() > 20
    assert size[linear].min() >= 1.5
    assert size[stable].max() <= 2.5
    refused = near & (result.class_id == NO_CLASS) & (result.class_top == TrendClass.LINEAR)
    both = result.probabilities[:, TrendClass.STABLE] + result.probabilities[:, TrendClass.LINEAR]
    assert (refused & (both >= classifier.abstain_below)).any()
