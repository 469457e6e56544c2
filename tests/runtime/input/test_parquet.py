"""Wide Parquet is read by row group: the same rows and values as in batches, whatever the groups, in little memory."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import Classifier, classify_file
from insar_runtime._input.readers import parquet_table
from insar_runtime._input.readers.parquet_table import open_parquet
from insar_runtime.errors import DataError
from tests.runtime.tables import series, wide, write

DATES = [f"2020{month:02}{day:02}" for month in range(1, 13) for day in (3, 15, 27)]
TYPES = [pa.float64(), pa.float32(), pa.float16(), pa.int16(), pa.int64(), pa.decimal128(9, 2)]


def _table(rows: int, data_type: pa.DataType, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    values = rng.integers(-300, 300, (rows, len(DATES)))
    columns: dict[str, Any] = {"pid": pa.array([f"p{i}" for i in range(rows)])}
    for i, date in enumerate(DATES):
        known: list[Any] = [None if rng.random() < 0.05 else int(value) for value in values[:, i]]
        if pa.types.is_decimal(data_type):
            known = [None if value is None else Decimal(value) for value in known]
        elif pa.types.is_float16(data_type):
            known = [None if value is None else np.float16(value) for value in known]
        columns[date] = pa.array(known, data_type)
    # A column of dates in the middle, and an attribute that must keep every bit.
    columns["exact"] = rng.normal(size=rows) * 1e9
    return pa.table(columns).select(["pid", *DATES[:9], "exact", *DATES[9:]])


def _read(path: Path, batch_rows: int, *, exact: bool, threads: int = 1) -> tuple[pa.Table, list[int]]:
    with ExitStack() as closing:
        opened = open_parquet(path, closing, exact=exact)
        batches = list(opened.batches(batch_rows, threads))
    return pa.Table.from_batches(batches, opened.schema), [batch.num_rows for batch in batches]


def _equal(found: pa.Table, table: pa.Table) -> bool:
    """Whether the series are those of the table as float32, NaN or null where a value is missing; all else the same."""
    if found.schema.names != table.schema.names:
        return False
    for name in table.schema.names:
        expected = table.column(name)
        if name in DATES:
            one, other = (column.cast(pa.float32(), safe=False).to_numpy() for column in (found.column(name), expected))
            if not np.array_equal(one, other, equal_nan=True):
                return False
        elif not found.column(name).equals(expected):
            return False
    return True


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(0, 120),
    group=st.integers(1, 130),
    batch=st.integers(1, 50),
    limit=st.sampled_from([200, 3000, 1 << 30]),
    data_type=st.sampled_from(TYPES),
    seed=st.integers(0, 1000),
    threads=st.sampled_from([1, 64]),
)
def test_groups_give_what_is_in_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    rows: int,
    group: int,
    batch: int,
    limit: int,
    data_type: pa.DataType,
    seed: int,
    threads: int,
) -> None:
    """By whole groups, in passes, and in batches."""
    table = _table(rows, data_type, seed)
    path = tmp_path_factory.mktemp("groups") / "table.parquet"
    pq.write_table(table, path, row_group_size=group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_table, "_STREAMED_BYTES", -1)
        patch.setattr(parquet_table, "_GROUP_BYTES", limit)
        patch.setattr(parquet_table, "_DECODED_BYTES", 2000)
        found, _ = _read(path, batch, exact=False, threads=threads)
    assert _equal(found, table)
    assert _read(path, batch, exact=False)[0].equals(table)
    assert _read(path, batch, exact=True)[0].equals(table)


def test_a_group_that_is_too_large_is_read_in_passes_and_then_streamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(_table(100, pa.float64()), tmp_path / "t.parquet")
    monkeypatch.setattr(parquet_table, "_STREAMED_BYTES", -1)
    assert _read(tmp_path / "t.parquet", 60, exact=False)[1] == [60, 40]
    monkeypatch.setattr(parquet_table, "_GROUP_BYTES", 40 * 4 * len(DATES))
    assert _read(tmp_path / "t.parquet", 60, exact=False)[1] == [34, 34, 32]
    monkeypatch.setattr(parquet_table, "_GROUP_BYTES", 20 * 4 * len(DATES))
    assert _read(tmp_path / "t.parquet", 60, exact=False)[1] == [60, 40]


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"pid": ["a"], "displacements": [[1.5, 2.5]], "dates": [["20200103", "20200115"]]}),
        pa.table({"pid": ["a"], "value": [1.5]}),
        pa.table({"20200103": ["1.5"], "20200115": ["2.5"]}),
        pa.table([[1.5], [2.5], [3.5]], ["20200103", "20200115", "20200115"]),
    ],
    ids=["lists", "no dates", "text", "a column twice"],
)
def test_all_other_files_are_read_as_they_are(tmp_path: Path, table: pa.Table) -> None:
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_table, "_STREAMED_BYTES", -1)
        assert _read(tmp_path / "t.parquet", 8192, exact=False)[0].equals(table)


def test_columns_of_other_shapes_stand_beside_the_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the covering of a GeoParquet file; the series are narrowed all the same."""
    table = _table(50, pa.float64()).append_column("bbox", pa.array([{"xmin": 1.5, "ymin": 2.5}] * 50))
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=20)
    monkeypatch.setattr(parquet_table, "_STREAMED_BYTES", -1)
    found, _ = _read(tmp_path / "t.parquet", 8, exact=False)
    assert found.schema.field(DATES[0]).type == pa.float32()
    assert _equal(found, table)


def test_the_classes_do_not_depend_on_the_way_of_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "t.parquet"
    table = wide(*series(5000, 60))
    pq.write_table(table, source, row_group_size=3000)
    classifier = Classifier(device="cpu", threads=2)
    found = []
    for streamed, limit in ((1 << 30, 1), (-1, 1 << 30), (-1, 400_000), (-1, 1)):
        monkeypatch.setattr(parquet_table, "_STREAMED_BYTES", streamed)
        monkeypatch.setattr(parquet_table, "_GROUP_BYTES", limit)
        out = tmp_path / f"{streamed} {limit}.parquet"
        classify_file(source, out, classifier=classifier)
        found.append(pq.read_table(out))
    assert found[0].num_rows == 5000
    assert all(other.equals(found[0]) for other in found[1:])


def test_kept_series_keep_their_type_and_their_classes(tmp_path: Path) -> None:
    source = tmp_path / "t.parquet"
    table = wide(*series(5000, 60))
    pq.write_table(table, source, row_group_size=3000)
    classifier = Classifier(device="cpu", threads=2)
    for keep_series in (False, True):
        classify_file(source, tmp_path / f"{keep_series}.parquet", classifier=classifier, keep_series=keep_series)
    kept, dropped = (pq.read_table(tmp_path / f"{keep_series}.parquet") for keep_series in (True, False))
    assert kept.select(table.schema.names).equals(table)
    assert kept.select(dropped.schema.names).equals(dropped)


def test_values_that_repeat_are_read_in_batches_and_others_by_group(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    dates = np.datetime64("2018-01-03") + np.arange(150) * 6
    names = [str(date).replace("-", "") for date in dates]
    for name, digits in (("rounded", 1), ("exact", 12)):
        table = pa.table({date: rng.normal(0, 3, 30_000).round(digits) for date in names})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    with ExitStack() as closing:
        rounded, exact = (open_parquet(tmp_path / f"{n}.parquet", closing, exact=False) for n in ("rounded", "exact"))
    assert rounded.schema.types == [pa.float64()] * 150
    assert exact.schema.types == [pa.float32()] * 150
    # Batches that are being made are counted beside the pages.
    assert rounded.held_bytes - parquet_table._STREAMING_BYTES < exact.held_bytes < 40 << 20
    assert rounded.held_bytes < 40 << 20


def test_the_size_of_a_row_is_counted(tmp_path: Path) -> None:
    rows = pa.table(
        {
            "id": pa.array(range(10), pa.int64()),
            "x": pa.array([[1.0] * 7] * 10, pa.list_(pa.float32(), 7)),
            "y": pa.array([[1.0] * 5] * 10, pa.list_(pa.float64())),
        }
    )
    pq.write_table(rows, tmp_path / "t.parquet")
    with ExitStack() as closing:
        row_bytes = open_parquet(tmp_path / "t.parquet", closing, exact=False).row_bytes
    # Lists take offsets, too, and a bit that says whether they are there.
    assert 0 <= row_bytes - (8 + 7 * 4 + 5 * 8) < 8


def test_batches_of_pyarrow_that_end_with_the_first_rows(tmp_path: Path) -> None:
    path = write(wide(*series(20)), tmp_path / "in.parquet")
    found = list(Classifier(device="cpu").classify_batches(pq.ParquetFile(path).iter_batches(7)))
    assert [batch.num_rows for batch in found] == [7, 7, 6]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("text", [b"\xff\xfe", b"caf\xe9", b"\xc3"])
def test_text_that_is_no_utf8_is_refused(
    text: bytes, exact: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parquet of a program that does not check: pyarrow reads such text, and no reader takes what it writes."""
    monkeypatch.setattr(parquet_table, "_STREAMED_BYTES", 0)
    table = _table(20, pa.float64())
    buffers = pa.array([text, *[b"p"] * 19], pa.binary()).buffers()
    broken = pa.Array.from_buffers(pa.string(), 20, buffers)
    path = tmp_path / "table.parquet"
    pq.write_table(table.set_column(0, "pid", broken), path)
    output = tmp_path / "out.csv"
    with pytest.raises(DataError, match="UTF8"):
        classify_file(path, output, keep_series=exact)
    assert list(tmp_path.iterdir()) == [path]
