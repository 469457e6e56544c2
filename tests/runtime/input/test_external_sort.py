"""Long tables whose rows are not sorted by point: an external sort brings the rows of a point together."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insar_runtime import Classifier, classify_file
from insar_runtime._input.readers import external_sort
from insar_runtime._input.readers.external_sort import ExternalSort
from insar_runtime.errors import DataError, InputOutputError
from tests.runtime.run_command import refused, run
from tests.runtime.tables import as_long, series, wide, write

LONG = as_long(wide(*series(100), track=["T1", "T2"] * 50))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(threads=1)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many runs of few blocks, which are merged twice."""
    monkeypatch.setattr(external_sort, "_RUN_BYTES", 4000)
    monkeypatch.setattr(external_sort, "_BLOCK_BYTES", 500)
    monkeypatch.setattr(external_sort, "_MOST_RUNS", 5)


def shuffled(table: pa.Table, order: str) -> pa.Table:
    if order == "date":
        return table.sort_by([("date", "ascending"), ("pid", "ascending")])
    if order == "date down":
        return table.sort_by([("date", "descending"), ("pid", "descending")])
    return table.take(np.random.default_rng(0).permutation(len(table)))


@pytest.mark.parametrize("order", ["date", "date down", "random"])
@pytest.mark.parametrize("extension", [".parquet", ".csv", ".arrows"])
@pytest.mark.usefixtures("small")
def test_the_result_is_that_of_the_sorted_table(
    tmp_path: Path, classifier: Classifier, order: str, extension: str
) -> None:
    table = shuffled(LONG, order)
    source = write(table, tmp_path / f"a{extension}")
    by_point = write(LONG, tmp_path / f"sorted{extension}")
    found = classify_file(source, tmp_path / "out.parquet", classifier=classifier, keep_series=True)
    classify_file(by_point, tmp_path / "sorted-out.parquet", classifier=classifier, keep_series=True)
    assert pq.read_table(tmp_path / "out.parquet").equals(pq.read_table(tmp_path / "sorted-out.parquet"))
    assert (found.rows, found.layout) == (100, "long")
    assert [note for note in found.notes if "sorted by 'pid'" in note]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.integers(-9, 9), st.integers(-(2**62), 2**62)), max_size=200),
    st.integers(1, 40),
    st.sampled_from([pa.int64(), pa.string(), pa.float64(), pa.dictionary(pa.int16(), pa.string())]),
)
def test_any_column_is_sorted_and_keeps_the_order_of_equal_values(
    values: list[int], rows: int, kind: pa.DataType
) -> None:
    words = kind.value_type if pa.types.is_dictionary(kind) else kind
    plain = pa.array([value % 10**6 for value in values], pa.int64()).cast(words)
    ids = plain.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else plain
    table = pa.table({"id": ids, "row": pa.array(range(len(values)), pa.int64())})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "_RUN_BYTES", 300)
        patch.setattr(external_sort, "_BLOCK_BYTES", 60)
        patch.setattr(external_sort, "_MOST_RUNS", 3)
        found = pa.Table.from_batches(
            ExternalSort(table.schema, "id").sorted(table.to_batches(max_chunksize=rows)), schema=table.schema
        )
    order = sorted(range(len(values)), key=lambda row: (plain[row].as_py(), row))
    assert found["id"].cast(words).to_pylist() == [plain[row].as_py() for row in order]
    # Of equal values, the first one comes first; those of later blocks may follow in another order.
    first = {value: row for row, value in reversed(list(enumerate(plain.to_pylist())))}
    seen: set[Any] = set()
    for value, row in zip(found["id"].cast(words).to_pylist(), found["row"].to_pylist(), strict=True):
        if value not in seen:
            assert row == first[value]
            seen.add(value)
    assert sorted(found["row"].to_pylist()) == list(range(len(values)))


@pytest.mark.usefixtures("small")
def test_a_date_twice_is_refused_wherever_it_stands(tmp_path: Path, classifier: Classifier) -> None:
    table = shuffled(pa.concat_tables([LONG, LONG.slice(77, 1)]), "random")
    source = write(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"point 'p0001' has date .* twice"):
        classify_file(source, tmp_path / "out.parquet", classifier=classifier)
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_a_row_without_an_identifier_is_refused_behind_the_first_return(tmp_path: Path, classifier: Classifier) -> None:
    table = shuffled(LONG, "date")
    ids = table["pid"].to_pylist()
    ids[-1] = None
    source = write(table.set_column(0, "pid", pa.array(ids)), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="no identifier"):
        classify_file(source, tmp_path / "out.parquet", classifier=classifier)


@pytest.mark.usefixtures("small")
def test_temporary_files_have_no_name_or_go_with_the_run(
    tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    source = write(shuffled(LONG, "date"), tmp_path / "a.parquet")
    seen = []

    def progress(*_: object) -> None:
        seen.append(list(folder.iterdir()))

    classify_file(source, tmp_path / "out.parquet", classifier=classifier, progress=progress)
    assert seen
    assert not any(seen)  # there is nothing to remove, even for a run that is killed
    assert not list(folder.iterdir())


def test_too_little_room_is_said_before(
    tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(shuffled(LONG, "date"), tmp_path / "a.parquet")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(InputOutputError, match=r"takes .* GB of temporary files.*set TMPDIR"):
        classify_file(source, tmp_path / "out.parquet", classifier=classifier)


def test_a_disk_that_fills_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(shuffled(LONG, "date"), tmp_path / "a.parquet")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    usual = tempfile.TemporaryFile

    def limited(**options: Any) -> Any:
        return full.open("r+b", buffering=0) if options.get("prefix") == "insar-rt-" else usual(**options)

    monkeypatch.setattr(tempfile, "TemporaryFile", limited)
    refused(run("classify", source, "-o", tmp_path / "out.parquet"), 74, "temporary files", "TMPDIR")


def test_convert_and_inspect_sort_as_well(tmp_path: Path) -> None:
    source = write(shuffled(LONG, "date"), tmp_path / "a.parquet")
    by_point = write(LONG, tmp_path / "sorted.parquet")
    for path in (source, by_point):
        assert run("convert", path, "-o", path.with_suffix(".list.parquet"), "-q").returncode == 0
    found = pq.read_table(source.with_suffix(".list.parquet"))
    assert found.equals(pq.read_table(by_point.with_suffix(".list.parquet")))
    facts = json.loads(run("inspect", source, "--json").stdout)
    assert [note for note in facts["notes"] if "sorted by 'pid'" in note]


def test_memory_does_not_grow_with_the_table() -> None:
    """Ten times the rows take the same memory; the pool counts what Arrow holds, which is all that matters here."""
    schema = pa.schema([("id", pa.string()), ("value", pa.float64())])
    peaks = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "_RUN_BYTES", 1 << 18)
        patch.setattr(external_sort, "_BLOCK_BYTES", 1 << 12)
        for rows in (1 << 16, 10 << 16):
            rng, most = np.random.default_rng(0), 0
            begin = pa.total_allocated_bytes()
            batches = (
                pa.record_batch([pa.array(rng.integers(0, 1000, 4096)).cast(pa.string()), rng.random(4096)], schema)
                for _ in range(rows // 4096)
            )
            count = 0
            for batch in ExternalSort(schema, "id").sorted(batches):
                count += batch.num_rows
                most = max(most, pa.total_allocated_bytes() - begin)
            assert count == rows
            peaks.append(most)
    assert peaks[1] < 4 * peaks[0] + (4 << 20)
