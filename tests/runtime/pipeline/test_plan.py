"""A table is prepared in one place: files, streams and the jobs of engines plan the same columns for it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, DataError, Diagnose, classify_file
from insar_runtime._input.batches import chain_head
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import read_head
from insar_runtime._pipeline.plan import TablePlan, plan_table
from insar_runtime._pipeline.prepare import open_described
from insar_runtime._pipeline.run_options import RunOptions
from insar_runtime.engines.job import plan
from tests.runtime.tables import as_lists, series, wide, write

MM = UserDeclarations("mm")


@pytest.mark.parametrize("diagnose", [False, True])
@pytest.mark.parametrize("keep_series", [False, True])
@pytest.mark.parametrize("kind", ["wide", "fixed_size_list", "list"])
def test_files_streams_and_jobs_write_the_same_columns(
    tmp_path: Path, classifier: Classifier, kind: str, keep_series: bool, diagnose: bool
) -> None:
    table = wide(*series(60))
    table = table if kind == "wide" else as_lists(table, kind)
    path = write(table, tmp_path / "in.parquet")
    written = tmp_path / "out.arrows"
    with written.open("wb") as stream:
        classify_file(path, stream, classifier=classifier, units="mm", keep_series=keep_series, diagnose=diagnose)
    with pa.ipc.open_stream(written.read_bytes()) as reader:
        of_file = reader.schema.remove_metadata()
    batches = classifier.classify_batches(table.to_batches(), units="mm", keep_series=keep_series, diagnose=diagnose)
    of_stream = next(batches).schema
    assert of_stream.names == of_file.names
    assert of_stream.types == of_file.types
    job = plan(table, units="mm", keep_series=keep_series, diagnose=diagnose)
    assert job.plan.schema.names == of_file.names
    assert job.plan.schema.types == of_file.types


def test_no_plan_diagnoses_without_noise() -> None:
    table = wide(*series(60))
    description = read_head(iter(table.to_batches()), table.schema).describe(MM)
    with pytest.raises(ValueError, match="no noise"):
        plan_table(description, MM, keep_series=False, diagnose=Diagnose(), noise=None)


@pytest.mark.parametrize("rows", [1, 7, 300])
def test_the_head_gives_all_rows_and_one_description_however_they_are_cut(rows: int) -> None:
    table = wide(*series(300))
    head = read_head(iter(table.to_batches(rows)), table.schema)
    assert head.rows is not None
    assert pa.Table.from_batches([head.rows]).equals(table)
    description = head.describe(MM)
    assert (
        description.layout.attributes
        == read_head(iter(table.to_batches()), table.schema).describe(MM).layout.attributes
    )
    assert pa.Table.from_batches(head.batches).equals(table)


def test_a_table_without_batches_is_described_by_its_schema() -> None:
    schema = wide(*series(3)).schema
    head = read_head(iter(()), schema)
    assert head.rows is None
    assert len(head.describe(MM).layout.dates) > 0
    assert list(head.batches) == []


def test_batches_of_the_head_are_not_held_once_they_are_read() -> None:
    taken = wide(*series(10)).to_batches(2)
    count = len(taken)
    stream = chain_head(taken, iter(()))
    assert [len(taken) for _ in stream] == list(range(count - 1, -1, -1))


@pytest.mark.parametrize("diagnose", [False, True])
def test_a_plan_refuses_names_that_are_taken(tmp_path: Path, classifier: Classifier, diagnose: bool) -> None:
    path = write(wide(*series(30)), tmp_path / "in.parquet")
    classify_file(path, tmp_path / "out.parquet", classifier=classifier, units="mm", keep_series=True)
    with (
        open_described(tmp_path / "out.parquet", MM, diagnosed=diagnose) as table,
        pytest.raises(DataError, match="class_id already"),
    ):
        TablePlan(table.description, keep_series=True)


def test_options_and_plans_cannot_be_changed(tmp_path: Path) -> None:
    options = RunOptions(MM)
    with pytest.raises(FrozenInstanceError):
        options.keep_series = True  # type: ignore[misc]
    pq.write_table(wide(*series(30)), tmp_path / "in.parquet")
    with open_described(tmp_path / "in.parquet", MM) as table:
        planned = TablePlan(table.description)
    with pytest.raises(FrozenInstanceError):
        planned.keep_series = True  # type: ignore[misc]
