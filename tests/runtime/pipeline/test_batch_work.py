"""Batches that are diagnosed together: the bits of today, whatever is gathered, and errors before there is a plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, DataError, classify_file
from insar_runtime._pipeline import batch_work, memory, noise_sample
from insar_runtime._pipeline.memory import BatchPlan, Load, plan_batches
from tests.runtime.diagnoses import DATES, moving
from tests.runtime.tables import as_lists, wide

MIB = 1 << 20


@pytest.fixture(scope="module")
def table() -> pa.Table:
    series = np.tile(moving(), (8, 1))
    series += np.random.default_rng(3).normal(0, 0.3, series.shape).astype(np.float32)
    series[5::11, 30:34] = np.nan
    return wide(series, DATES)


def smaller(monkeypatch: pytest.MonkeyPatch, rows: int, waiting: int, enough: int) -> None:
    """Cut files into batches of so many rows, of which so many wait."""

    def plan(load: Load, threads: int, **_: Any) -> BatchPlan:
        return BatchPlan(threads, rows, waiting if load.diagnosed and not load.written else 1)

    monkeypatch.setattr("insar_runtime._pipeline.prepare.plan_batches", plan)
    monkeypatch.setattr(batch_work, "ENOUGH_ROWS", enough)
    monkeypatch.setattr(batch_work, "HELD_ROWS", 3 * rows)


@dataclass(frozen=True)
class Cut:
    """How a file is read: by how many threads, in batches of how many rows, and what is gathered."""

    threads: int
    rows: int
    waiting: int
    enough: int
    lists: bool


@pytest.mark.parametrize(
    "cut",
    [
        Cut(1, 10, 4, 10**6, lists=False),
        Cut(2, 10, 4, 10**6, lists=True),
        Cut(2, 7, 100, 12, lists=False),
        Cut(1, 33, 3, 1, lists=True),
    ],
)
def test_rows_do_not_depend_on_what_is_gathered(
    tmp_path: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    classifier = Classifier(device="cpu", threads=cut.threads)
    source = tmp_path / "in.parquet"
    pq.write_table(as_lists(table, "fixed_size_list") if cut.lists else table, source)
    options: dict[str, Any] = {"classifier": classifier, "units": "mm", "diagnose": True, "overwrite": True}
    classify_file(source, tmp_path / "whole.parquet", **options)
    smaller(monkeypatch, cut.rows, cut.waiting, cut.enough)
    summary = classify_file(source, tmp_path / "parts.parquet", **options)
    classify_file(source, tmp_path / "kept.parquet", keep_series=True, **options)
    whole, parts, kept = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("whole", "parts", "kept"))
    assert parts.equals(whole)
    assert kept.select(whole.column_names).equals(whole)
    assert summary.rows == len(whole)


def test_an_error_of_the_noise_ends_the_run_and_leaves_nothing(
    tmp_path: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise DataError("the page is damaged")

    monkeypatch.setattr(noise_sample, "estimate_noise", fails)
    smaller(monkeypatch, 10, 2, 10**6)
    pq.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(DataError, match="the page is damaged"):
        classify_file(
            tmp_path / "in.parquet",
            tmp_path / "out.parquet",
            classifier=Classifier(device="cpu", threads=2),
            units="mm",
            diagnose=True,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_what_waits_is_counted_and_waits_only_where_there_is_room() -> None:
    load = Load(1000, columns=243, diagnosed=True)
    free = plan_batches(load, 2)
    assert free.waiting > 1
    assert free.need(load) > BatchPlan(2, free.batch_rows).need(load) + 2 * memory._GATHERED_ROWS * 28
    tight = plan_batches(load, 2, room=free.need(load) - 1)
    assert (tight.threads, tight.batch_rows, tight.waiting) == (2, free.batch_rows, 1)
    assert plan_batches(Load(1000, columns=243), 2).waiting == 1
    assert plan_batches(Load(1000, columns=243, diagnosed=True, written=MIB), 2).waiting == 1
