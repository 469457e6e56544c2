"""The job of an engine's worker gives results that do not depend on how a table is divided."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import Classifier, ClassPriors, DataError, UsageError, classify_file
from insar_runtime._input.row_axes import rows_by_axis
from insar_runtime.engines.job import Job, plan
from tests.runtime.tables import as_lists, series, wide


def plain(table: pa.Table) -> pa.Table:
    """Text in place of dictionaries of text, nothing in the schema's metadata."""
    text = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(text)).combine_chunks()


def alone(table: pa.Table) -> pa.Table:
    """Classify a table as a file of its own."""
    return plain(pa.Table.from_batches(Classifier(threads=1).classify_batches(table.to_batches(), units="mm")))


def mixed(*tables: pa.Table, seed: int = 0) -> pa.Table:
    """Unite tables and shuffle their rows."""
    table = pa.concat_tables(tables)
    return table.take(np.random.default_rng(seed).permutation(len(table)))


def lists(points: int, epochs: int, seed: int, prefix: str) -> pa.Table:
    table = as_lists(wide(*series(points, epochs, seed)), "list")
    return table.set_column(0, "pid", pa.array([f"{prefix}{i:04d}" for i in range(points)]))


def answer(job: Job, table: pa.Table, rows: int | None = None) -> pa.Table:
    return pa.Table.from_batches(job(table.to_batches(max_chunksize=rows)), job.schema)


@given(st.lists(st.none() | st.lists(st.integers(18000, 18002), max_size=3), max_size=30), st.integers(0, 5))
def test_rows_are_grouped_by_all_of_their_dates(rows: list[list[int] | None], offset: int) -> None:
    column = pa.array([None, [17000], *rows], pa.list_(pa.int32())).cast(pa.list_(pa.date32()))[offset:]
    expected: dict[tuple[object, ...], list[int]] = {}
    for row, dates in enumerate(column.to_pylist()):
        if dates:
            expected.setdefault(tuple(dates), []).append(row)
    assert [group.tolist() for group in rows_by_axis(column, "dates")] == list(expected.values())


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.integers(1, 90))
def test_rows_of_several_axes_get_what_they_get_in_files_of_their_own(seed: int, rows: int) -> None:
    tables = [lists(40, 60, 1, "a"), lists(30, 41, 2, "b"), lists(20, 41, 3, "c")]
    together = mixed(*tables, seed=seed)
    out = answer(plan(together, units="mm"), together, rows)
    assert out["pid"].equals(together["pid"])
    assert out.sort_by("pid").equals(pa.concat_tables([alone(table) for table in tables]).sort_by("pid"))


def test_rows_without_a_series_stay_and_have_no_epochs() -> None:
    table = lists(10, 60, 1, "a")
    columns = table.to_pydict()
    columns["dates"][3] = columns["displacements"][3] = None
    columns["displacements"][5] = None
    columns["displacements"][6][4] = None
    broken = pa.table(columns, table.schema)
    out = answer(plan(broken, units="mm"), mixed(broken, lists(7, 50, 2, "b")))
    assert out.num_rows == 17
    assert out.sort_by("pid").slice(0, 10).equals(alone(broken))
    assert out.sort_by("pid")["n_epochs"].to_pylist()[3:7] == [0, 60, 0, 59]
    columns["displacements"][3] = columns["displacements"][2]
    for dates, message in ((None, "row 3 has 60 values .* but 0 dates"), (columns["dates"][2][:-1], "but 59 dates")):
        columns["dates"][3] = dates
        with pytest.raises(DataError, match=message):
            answer(plan(broken, units="mm"), pa.table(columns, table.schema), 2)


def test_an_axis_too_short_for_the_model_costs_its_own_rows_only() -> None:
    short, long = lists(5, 12, 1, "a"), lists(5, 60, 2, "b")
    for together in (pa.concat_tables([short, long]), pa.concat_tables([long, short])):
        out = answer(plan(together, units="mm"), together).sort_by("pid")
        assert out["status"].to_pylist()[:5] == ["too_few_epochs"] * 5
        assert out["n_epochs"].to_pylist()[:5] == [12] * 5
        assert out["max_gap_days"].to_pylist()[:5] == [12] * 5
        assert out.slice(5).equals(alone(long))


def test_the_unit_is_that_of_the_table_in_every_part_of_it(tmp_path: Path) -> None:
    displacement, dates = series(400)
    years = (dates - dates[0]).astype(float) / 365.25
    rate = np.where(np.arange(400) < 200, -20.0, 0.0)
    metres = (displacement + rate[:, None] * years) / 1000
    table = wide(metres, dates, mean_velocity=np.polynomial.polynomial.polyfit(years, metres.T * 1000, 1)[1])
    pq.write_table(table, tmp_path / "in.parquet")
    classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet", priors="trained")
    whole = plain(pq.read_table(tmp_path / "out.parquet"))
    still = table.slice(200)
    still = still.set_column(still.schema.get_field_index("mean_velocity"), "mean_velocity", pa.array(np.zeros(200)))
    with pytest.raises(DataError):
        plan(still)
    job = plan(table.slice(0, 100), priors="trained")
    part = answer(job, still)
    assert part["p_pue"].to_pylist() == whole["p_pue"].to_pylist()[200:]


def test_a_unit_that_nothing_proves_must_be_declared() -> None:
    table = as_lists(wide(*series(50)), "list")
    with pytest.raises(DataError, match="units='mm'"):
        plan(table)
    assert plan(table, units="mm").plan.description.units.factor_to_mm == 1


def test_the_mix_of_the_sample_holds_for_all_partitions(tmp_path: Path) -> None:
    displacement, dates = series(400)
    table = wide(displacement, dates)
    pq.write_table(table, tmp_path / "in.parquet")
    summary = classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    job = plan(table)
    assert job.options["priors"] == summary.priors
    assert plan(table, priors="auto").options["priors"] == summary.priors
    assert "priors" not in plan(table, priors="trained").options
    part = answer(pickle.loads(pickle.dumps(job)), table.slice(300))
    assert part["p_stable"].to_pylist() == pq.read_table(tmp_path / "out.parquet")["p_stable"].to_pylist()[300:]


def test_rows_of_all_axes_count_for_the_mix() -> None:
    together = pa.concat_tables([lists(80, 60, 1, "a"), lists(80, 70, 2, "b"), lists(5, 12, 3, "c")])
    mix = plan(together, units="mm").options["priors"]
    assert isinstance(mix, ClassPriors)
    assert mix.origin == "estimated"
    assert 150 <= (mix.rows or 0) <= 160


def test_what_is_wrong_is_said_before_any_worker_starts() -> None:
    table = wide(*series(50))
    with pytest.raises(DataError, match="class_id already"):
        plan(answer(plan(table, keep_series=True), table))
    with pytest.raises(DataError, match="too few"):
        plan(wide(*series(50, 12)))
    with pytest.raises(UsageError, match="abstain_below"):
        plan(table, abstain_below=2)
    with pytest.raises(DataError, match="differ in their columns"):
        answer(plan(table), wide(*series(50, 60, seed=3)))


def test_a_job_travels_and_opens_one_session_in_a_process() -> None:
    table = wide(*series(60))
    job = plan(table, priors=[0.95, 0.02, 0.01, 0.01, 0.01], keep_series=True, precision="fp32")
    sent = pickle.loads(pickle.dumps(job))
    classifier = Classifier(threads=1, priors=[0.95, 0.02, 0.01, 0.01, 0.01], precision="fp32")
    expected = plain(pa.Table.from_batches(classifier.classify_batches(table.to_batches(), keep_series=True)))
    assert answer(sent, table, 7).combine_chunks().equals(expected)
    assert not any(pa.types.is_dictionary(data_type) for data_type in sent.schema.types)
    assert answer(sent, table.slice(0, 0)).schema == expected.schema


def test_types_that_an_engine_has_changed_on_the_way_are_changed_back() -> None:
    table = as_lists(wide(*series(20)), "list")
    job = plan(table, units="mm")
    field = pa.field("element", pa.float64(), nullable=False)
    other = table.set_column(
        table.schema.get_field_index("displacements"), "displacements", table["displacements"].cast(pa.list_(field))
    )
    assert answer(job, other).equals(answer(job, table))
    text = table.set_column(1, "latitude", pa.array(["north"] * 20))
    with pytest.raises(DataError, match="other types"):
        answer(job, text)


def test_dates_that_an_engine_has_lost() -> None:
    displacement, dates = series(40, 50)
    table = as_lists(wide(displacement, dates), "fixed_size_list")
    lost = table.replace_schema_metadata(None)
    with pytest.raises(DataError, match="has no dates"):
        plan(lost, units="mm")
    backwards = [str(date) for date in dates[::-1]]
    turned = as_lists(wide(displacement[:, ::-1], dates), "fixed_size_list").replace_schema_metadata(None)
    expected = answer(plan(table, units="mm"), table)
    assert answer(plan(lost, units="mm", dates=[str(date) for date in dates]), lost).equals(expected)
    assert answer(plan(turned, units="mm", dates=backwards), turned).equals(expected)


def test_what_is_said_of_a_table_reaches_it() -> None:
    displacement, dates = series(40, 50)
    table = wide(displacement, dates)
    names = [f"D{n[6:]}{n[4:6]}{n[:4]}" if n.isdigit() else n for n in table.schema.names]
    job = plan(table.rename_columns(names), units="rad", date_format="DDMMYYYY", half_wavelength_mm=15.5)
    assert job.plan.description.layout.dates.tolist() == dates.tolist()
    assert job.plan.description.units.factor_to_mm == pytest.approx(15.5 / 2 / np.pi)
