"""The classifier gives the same bits for any batch, keeps the order of rows, and loses none."""

from __future__ import annotations

import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insar_runtime import (
    CLASS_NAMES,
    NO_CLASS,
    Classifier,
    DataError,
    RowStatus,
    TrendClass,
    UsageError,
    list_models,
)
from insar_runtime.result import RESULT_SCHEMA, sureness
from tests.runtime.results import same_result, take_rows

FIRST = np.datetime64("2019-01-04")


@pytest.fixture(scope="module", params=itertools.product(list_models(), ["fp32", "int8"]), ids="-".join)
def classifier(request: pytest.FixtureRequest) -> Classifier:
    name, precision = request.param
    return Classifier(name, device="cpu", precision=precision, threads=2)


@pytest.fixture(scope="module")
def series(golden: list[dict[str, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Some hundred rows on one axis: simulated ones, damaged ones, empty ones."""
    first = golden[0]
    rng = np.random.default_rng(5)
    matrix = np.tile(first["displacement"], (30, 1)) + rng.normal(0, 0.5, (30 * len(first["displacement"]), 1))
    matrix = matrix.astype(np.float32)
    matrix[::7, ::3] = np.nan
    matrix[3] = np.nan
    matrix[10, 5] = np.inf
    matrix[20, 4:] = np.nan
    matrix[25, 8] = 1e5
    return matrix, FIRST + first["days"][0].astype("timedelta64[D]")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_batches_of_any_size_give_the_same_bits(
    classifier: Classifier, series: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    matrix, dates = series
    whole = classifier.classify(matrix, dates)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(matrix) - 1), max_size=6)))
    start = 0
    for stop in [*cuts, len(matrix)]:
        assert same_result(classifier.classify(matrix[start:stop], dates), take_rows(whole, slice(start, stop)))
        start = stop


def test_one_row_at_a_time_gives_the_same_bits(classifier: Classifier, series: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series
    whole = classifier.classify(matrix, dates)
    for i in range(0, len(matrix), 37):
        assert same_result(classifier.classify(matrix[i], dates), take_rows(whole, slice(i, i + 1)))


def test_rows_keep_their_order(classifier: Classifier, series: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series
    order = np.random.default_rng(1).permutation(len(matrix))
    assert same_result(classifier.classify(matrix[order], dates), take_rows(classifier.classify(matrix, dates), order))


def test_threads_do_not_matter(classifier: Classifier, series: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series
    alone = Classifier(classifier.model.name, device="cpu", precision=classifier.precision, threads=1)
    assert same_result(alone.classify(matrix, dates), classifier.classify(matrix, dates))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: classifier.classify(matrix, dates), range(8)))
    assert all(same_result(answer, answers[0]) for answer in answers)


def test_pickled_copy_answers_thesame_result(classifier: Classifier, series: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series
    copy = pickle.loads(pickle.dumps(classifier))
    assert repr(copy) == repr(classifier)
    assert same_result(copy.classify(matrix[:50], dates), classifier.classify(matrix[:50], dates))


def test_dates_in_any_order_and_spelling(classifier: Classifier, series: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series
    wanted = classifier.classify(matrix[:40], dates)
    order = np.random.default_rng(2).permutation(len(dates))
    assert same_result(classifier.classify(matrix[:40][:, order], dates[order]), wanted)
    assert same_result(classifier.classify(matrix[:40], [str(d) for d in dates]), wanted)
    assert same_result(classifier.classify(matrix[:40], [str(d).replace("-", "") for d in dates]), wanted)
    assert same_result(classifier.classify(matrix[:40], [d.astype(object) for d in dates]), wanted)


def test_times_of_day_and_zones_are_dates(classifier: Classifier, series: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series
    times = [datetime.combine(day.astype(object), time(17, 3), UTC) for day in dates]
    assert same_result(classifier.classify(matrix[:9], times), classifier.classify(matrix[:9], dates))


def test_missing_is_missing_however_it_is_written(
    classifier: Classifier, series: tuple[np.ndarray, np.ndarray]
) -> None:
    matrix, dates = series
    masked = np.ma.masked_invalid(matrix[30:60])
    wanted = matrix[30:60].copy()
    wanted[~np.isfinite(wanted)] = np.nan
    assert same_result(classifier.classify(masked, dates), classifier.classify(wanted, dates))


def test_padding_with_missing_epochs_changes_nothing(classifier: Classifier) -> None:
    rng = np.random.default_rng(3)
    dates = FIRST + np.arange(80) * np.timedelta64(12, "D")
    matrix = (rng.normal(0, 2, (20, 80)) + np.linspace(0, 20, 20)[:, None] * np.linspace(0, 1, 80)).astype("f4")
    padded = np.full((20, 100), np.nan, dtype=np.float32)
    padded[:, :80] = matrix
    more = np.concatenate([dates, dates[-1] + np.arange(1, 21) * np.timedelta64(6, "D")])
    wanted, found = classifier.classify(matrix, dates), classifier.classify(padded, more)
    # Time is measured by the axis, which is longer: the last bits differ, and with int8 perhaps a step of 256.
    tolerance = 1e-5 if classifier.precision == "fp32" else 0.02
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, rtol=0, atol=tolerance)
    assert np.array_equal(found.max_gap_days, wanted.max_gap_days)


def test_states_and_columns_of_damaged_rows(classifier: Classifier, series: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series
    result = classifier.classify(matrix, dates)
    wanted = {
        3: RowStatus.TOO_FEW_EPOCHS,
        10: RowStatus.NON_FINITE,
        20: RowStatus.TOO_FEW_EPOCHS,
        25: RowStatus.OUT_OF_DOMAIN,
    }
    for row, status in wanted.items():
        assert result.status[row] == status
        assert result.class_id[row] == result.class_top[row] == NO_CLASS
        assert np.isnan(result.confidence[row])
        assert np.isnan(result.probabilities[row]).all()
        assert result.class_name[row] is None
    answered = np.isin(result.status, (RowStatus.OK, RowStatus.ABSTAINED))
    assert answered.sum() == len(matrix) - len(wanted)
    classes = len(classifier.model.classes)
    assert np.isnan(result.probabilities[:, classes:]).all()
    probabilities = result.probabilities[answered, :classes]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(result.class_top[answered], probabilities.argmax(axis=1))
    assert np.array_equal(result.confidence[answered], probabilities.max(axis=1))

    batch = result.to_arrow()
    assert batch.schema.equals(RESULT_SCHEMA)
    assert batch.column("class_name").to_pylist() == result.class_name
    nulls = [batch.column(f"p_{name.lower()}").null_count for name in CLASS_NAMES]
    assert nulls == [4] * classes + [len(matrix)] * (len(CLASS_NAMES) - classes)
    assert batch.column("class_id").null_count == 0
    assert batch.column("status").null_count == 0


def test_abstention_keeps_the_most_probable_class(series: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series
    free = Classifier(device="cpu", abstain_below=0.0).classify(matrix, dates)
    # Stable and Linear count together: how near a rate is to the limit between them is no doubt about the series.
    sure = np.full(len(matrix), np.nan, dtype=np.float32)
    answered = np.isfinite(free.confidence)
    sure[answered] = sureness(free.probabilities[answered], limit_is_stated=True)
    threshold = float(np.nanmedian(sure))
    strict = Classifier(device="cpu", abstain_below=threshold).classify(matrix, dates)
    unsure = sure < threshold
    assert unsure.any()
    assert np.array_equal(strict.class_top, free.class_top)
    assert np.array_equal(strict.class_id, np.where(unsure, NO_CLASS, free.class_id))
    assert (strict.status[unsure] == RowStatus.ABSTAINED).all()
    # A confidence of exactly the threshold is enough.
    assert (strict.status[sure == threshold] == RowStatus.OK).all()


def test_a_steady_series_near_the_limit_gets_a_class() -> None:
    """At 2 mm/yr the network cannot know which of the two it is, and it is one of the two."""
    days = np.arange(0, 1800, 12)
    rates = np.linspace(1.5, 2.5, 41)
    noise = np.random.default_rng(4).normal(0, 1.5, (len(rates), len(days)))
    result = Classifier(device="cpu").classify(
        rates[:, None] * days / 365.25 + noise, FIRST + days.astype("timedelta64[D]")
    )
    assert (result.confidence < 0.6).any()
    assert (result.status == RowStatus.OK).all()
    assert set(result.class_id.tolist()) == {TrendClass.STABLE, TrendClass.LINEAR}


def test_no_rows_give_no_rows(classifier: Classifier) -> None:
    dates = FIRST + np.arange(40) * np.timedelta64(12, "D")
    result = classifier.classify(np.empty((0, 40), dtype=np.float32), dates)
    assert len(result) == 0
    assert result.to_arrow().num_rows == 0


DAYS = [date(2020, 1, 1) + timedelta(days=12 * i) for i in range(40)]


@pytest.mark.parametrize(
    ("displacement", "dates", "error", "match"),
    [
        (np.zeros((2, 39)), DAYS, UsageError, r"shape \[2, 39\] and there are 40 dates"),
        (np.zeros((2, 2, 40)), DAYS, UsageError, "shape"),
        ([["a"] * 40], DAYS, UsageError, "not an array of numbers"),
        (np.zeros((2, 40), np.complex64), DAYS, UsageError, "complex"),
        (np.zeros((2, 40)), [*DAYS[:-1], DAYS[0]], DataError, "2020-01-01 occurs twice"),
        (np.zeros((2, 40)), [*DAYS[:-1], np.datetime64("NaT")], DataError, "date 39 is missing"),
        (np.zeros((2, 40)), ["yesterday"] * 40, DataError, "date 0 is missing or unreadable"),
        (np.zeros((2, 40)), [20200101 + i for i in range(40)], DataError, "20200132 is not a date YYYYMMDD"),
        (np.zeros((2, 40)), [*DAYS[:-1], date(1650, 1, 1)], DataError, "1650"),
        (np.zeros((2, 29)), DAYS[:29], DataError, "29 epochs are too few.*needs 30"),
        (np.zeros((1, 600)), FIRST + np.arange(600), DataError, "600 epochs are too many.*takes 512"),
    ],
)
def test_arrays_and_dates_that_do_not_fit_are_refused(
    displacement: Any, dates: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        Classifier(device="cpu").classify(displacement, dates)


@pytest.mark.parametrize(
    ("shape", "epochs"), [((2, 39), 40), ((2, 40, 1), 40), ((40,), 40)], ids=["width", "cube", "row"]
)
def test_matrix_of_another_shape_than_its_days(shape: tuple[int, ...], epochs: int) -> None:
    days = np.arange(epochs, dtype=np.float32) * 12
    with pytest.raises(UsageError, match="shape"):
        Classifier(device="cpu").classify_matrix(np.zeros(shape, dtype=np.float32), days)


@pytest.mark.parametrize("options", [{"threads": 0}, {"abstain_below": 1.5}, {"abstain_below": -0.1}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Classifier(device="cpu", **options)


def _batch(matrix: np.ndarray, dates: np.ndarray, **more: Any) -> pa.RecordBatch:
    names = [str(d).replace("-", "") for d in dates]
    return pa.RecordBatch.from_pydict(
        {"pid": [f"p{i}" for i in range(len(matrix))], **more} | {name: matrix[:, i] for i, name in enumerate(names)}
    )


@settings(max_examples=15, deadline=None)
@given(cuts=st.sets(st.integers(0, 120), max_size=5))
def test_streams_keep_rows_and_bits(cuts: set[int], series_of_120: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, dates = series_of_120
    classifier = Classifier(device="cpu")
    batch = _batch(matrix, dates)
    edges = [0, *sorted(cuts), len(matrix)]
    pieces = [batch.slice(a, b - a) for a, b in itertools.pairwise(edges)]
    out = list(classifier.classify_batches(iter(pieces)))
    assert [piece.num_rows for piece in out] == [piece.num_rows for piece in pieces]
    table = pa.Table.from_batches(out)
    assert table["pid"].to_pylist() == batch["pid"].to_pylist()
    wanted = classifier.classify(matrix, dates).to_arrow()
    for name in RESULT_SCHEMA.names:
        assert table[name].to_pylist() == wanted[name].to_pylist()


def test_units_do_not_depend_on_how_a_stream_is_cut() -> None:
    """Centimetres that only the velocities prove: the first rows alone, which hardly move, would not."""
    rng = np.random.default_rng(0)
    years = np.arange(40) * 12 / 365.25
    velocity = np.sort(np.abs(rng.normal(0, 12, 60)))
    matrix = ((velocity[:, None] * years + rng.normal(0, 2, (60, 40))) / 10).astype(np.float32)
    batch = _batch(matrix, np.array(DAYS, dtype="datetime64[D]"), mean_velocity=velocity)
    classifier = Classifier(device="cpu")
    (whole,) = classifier.classify_batches([batch])
    pieces = list(classifier.classify_batches(batch.slice(i, 5) for i in range(0, 60, 5)))
    assert pa.Table.from_batches(pieces).to_pylist() == whole.to_pylist()
    assert pa.Table.from_batches(classifier.classify_batches(pa.Table.from_batches([batch]))).num_rows == 60
    assert whole.column("class_name").to_pylist().count("Linear") > 10


def test_batches_may_differ_in_nullability() -> None:
    matrix = np.ones((3, 40), dtype=np.float32) * np.linspace(-3, 9, 40, dtype=np.float32)
    batch = _batch(matrix, np.array(DAYS, dtype="datetime64[D]"))
    strict = pa.schema([field.with_nullable(False) for field in batch.schema])
    other = pa.RecordBatch.from_arrays(batch.columns, schema=strict)
    assert len(list(Classifier(device="cpu").classify_batches([batch, other]))) == 2


def test_stream_of_empty_batches_has_the_schema() -> None:
    matrix = np.zeros((3, 40), dtype=np.float32)
    batch = _batch(matrix, np.array(DAYS, dtype="datetime64[D]"))
    (out,) = Classifier(device="cpu").classify_batches([batch.slice(0, 0)])
    assert out.num_rows == 0
    assert out.schema.names == ["pid", *RESULT_SCHEMA.names]


def test_stream_refuses_another_time_axis() -> None:
    matrix = np.ones((3, 40), dtype=np.float32) * np.linspace(-3, 9, 40, dtype=np.float32)
    one = _batch(matrix, np.array(DAYS, dtype="datetime64[D]"))
    other = _batch(matrix, np.array(DAYS, dtype="datetime64[D]") + 1)
    with pytest.raises(DataError, match="differ in their columns"):
        list(Classifier(device="cpu").classify_batches([one, other]))


def test_classifying_twice_is_refused() -> None:
    matrix = np.ones((3, 40), dtype=np.float32) * np.linspace(-3, 9, 40, dtype=np.float32)
    batch = _batch(matrix, np.array(DAYS, dtype="datetime64[D]"), class_id=[1, 2, 3])
    with pytest.raises(DataError, match="column class_id already"):
        list(Classifier(device="cpu").classify_batches([batch]))


@pytest.fixture(scope="module")
def series_of_120(series: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    matrix, dates = series
    return matrix[:120], dates
