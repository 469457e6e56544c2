"""Arrays and Arrow tables: units, masks, the mix of classes, and the same bits from a table as from its array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime import CLASS_NAMES, Classifier, DataError, Result, UsageError, classify_file
from tests.runtime.results import same_result, take_rows
from tests.runtime.tables import as_lists, series, wide, write

MATRIX, DATES = series(300, 40)
MATRIX = MATRIX.astype(np.float32)
MATRIX[::9, 3] = np.nan
MATRIX[5] = np.nan
MATRIX[70, 2] = np.inf


@pytest.fixture(scope="module")
def wanted(classifier: Classifier) -> Result:
    """The result of the array."""
    return classifier.classify(MATRIX, DATES)


class OnlyStream:
    """A table that offers nothing but the Arrow PyCapsule interface."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


def test_tables_of_arrow_are_the_array(classifier: Classifier, wanted: Result) -> None:
    table = wide(MATRIX, DATES)
    for given_table in (
        table,
        table.combine_chunks().to_batches()[0],
        pa.concat_tables([table.slice(0, 77), table.slice(77)]),
        as_lists(table, "list"),
        as_lists(table, "fixed_size_list"),
        OnlyStream(table),
    ):
        assert same_result(classifier.classify(given_table), wanted)
    assert len(classifier.classify(table.slice(0, 0))) == 0


def test_the_unit_of_a_table_is_proven_as_that_of_a_file(classifier: Classifier, wanted: Result) -> None:
    finite = np.where(np.isfinite(MATRIX), MATRIX, np.nan)
    table = wide(finite / 10, DATES, mean_velocity=finite[:, -1] / 3)
    expected = classifier.classify(finite / np.float32(10) * np.float32(10), DATES)
    assert not same_result(classifier.classify(table, units="mm"), expected)
    assert same_result(classifier.classify(table, units="cm"), expected)
    years = (DATES - DATES[0]).astype(float) / 365.25
    rates = np.linspace(-40, 40, 60)
    moving = (rates[:, None] * years).astype(np.float32)
    proven = wide(moving / np.float32(10), DATES, mean_velocity=rates)
    assert same_result(
        classifier.classify(proven), classifier.classify(moving / np.float32(10) * np.float32(10), DATES)
    )


@pytest.mark.parametrize(
    ("displacement", "options", "error", "match"),
    [
        (MATRIX, {}, UsageError, "no dates of its own"),
        (MATRIX, {"dates": DATES, "units": "km"}, UsageError, "unknown unit 'km'"),
        (MATRIX, {"dates": DATES, "priors": "typical"}, UsageError, "priors 'typical'"),
        (pa.table({"a": [1.0]}), {}, DataError, "no date columns"),
        (pa.chunked_array([[1.0, 2.0]]), {}, DataError, "not a table"),
    ],
)
def test_what_holds_no_series_is_refused_in_one_line(
    classifier: Classifier, displacement: Any, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        classifier.classify(displacement, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("cm", 10), ("m", 1000)])
def test_the_unit_of_an_array_is_declared(classifier: Classifier, unit: Any, factor: int) -> None:
    values = MATRIX / np.float32(factor)
    wanted = classifier.classify(values * np.float32(factor), DATES)
    assert same_result(classifier.classify(values, DATES, units=unit), wanted)
    assert (
        classifier.diagnose(values, DATES, units=unit)
        .to_arrow()
        .equals(classifier.diagnose(values * np.float32(factor), DATES).to_arrow())
    )


def test_a_radian_is_that_of_the_radar_of_the_model(classifier: Classifier) -> None:
    factor = np.float32(classifier.model.half_wavelength_mm / (2 * np.pi))
    wanted = classifier.classify(MATRIX / factor * factor, DATES)
    assert same_result(classifier.classify(MATRIX / factor, DATES, units="rad"), wanted)


def test_masked_values_are_missing(classifier: Classifier) -> None:
    masked = np.ma.masked_array(np.where(np.isnan(MATRIX), -9999, MATRIX), np.isnan(MATRIX))
    assert same_result(classifier.classify(masked, DATES), classifier.classify(MATRIX, DATES))
    assert same_result(
        classifier.classify(np.ma.masked_array(MATRIX / np.float32(10), np.isnan(MATRIX)), DATES, units="cm"),
        classifier.classify(MATRIX / np.float32(10) * np.float32(10), DATES),
    )


def test_the_mix_of_an_array_is_estimated(classifier: Classifier) -> None:
    trained, auto = classifier.classify(MATRIX, DATES), classifier.classify(MATRIX, DATES, priors="auto")
    assert trained.priors == classifier.priors
    assert auto.priors is not None
    assert auto.priors.origin == "estimated"
    assert same_result(auto, classifier.with_priors(auto.priors).classify(MATRIX, DATES))
    shares = dict.fromkeys(CLASS_NAMES, 1.0)
    assert same_result(
        classifier.classify(MATRIX, DATES, priors=shares), classifier.with_priors(shares).classify(MATRIX, DATES)
    )
    few = classifier.classify(MATRIX[:50], DATES, priors="auto")
    assert few.priors is not None
    assert few.priors.origin == "too_few_rows"
    assert same_result(few, take_rows(trained, slice(0, 50)))


def test_shares_are_those_of_with_priors(classifier: Classifier) -> None:
    shares = [0.9, 0.02, 0.02, 0.02, 0.02, 0.02]
    wanted = classifier.with_priors(shares).classify(MATRIX, DATES)
    assert same_result(classifier.classify(MATRIX, DATES, priors=shares), wanted)


def test_the_mix_of_an_array_is_that_of_the_file(classifier: Classifier, tmp_path: Path) -> None:
    source = write(wide(MATRIX, DATES), tmp_path / "in.parquet")
    summary = classify_file(source, tmp_path / "out.parquet", classifier=classifier, priors="auto")
    assert classifier.classify(MATRIX, DATES, priors="auto").priors == summary.priors


def test_of_many_series_some_of_the_first_decide_on_the_mix(classifier: Classifier) -> None:
    many = np.tile(MATRIX, (30, 1))
    auto = classifier.classify(many, DATES, priors="auto").priors
    assert auto is not None
    assert auto.rows is not None
    # Some series have no class.
    assert 1_900 < auto.rows < 2_048
    # What comes behind them is of no account.
    many[8192:] = MATRIX[0]
    assert classifier.classify(many, DATES, priors="auto").priors == auto


def test_the_mix_of_the_training_can_be_asked_for(classifier: Classifier) -> None:
    own = classifier.with_priors([1, 2, 3, 4, 5, 6])
    assert same_result(own.classify(MATRIX, DATES, priors="trained"), classifier.classify(MATRIX, DATES))
