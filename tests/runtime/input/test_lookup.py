"""One row of a table by id or number, whatever holds the table."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._input.lookup import Hit, find_id, take_row
from insar_runtime._input.opening import open_source
from insar_runtime.errors import DataError
from tests.runtime.tables import as_lists, series, wide, write


def ask(path: Path, *, wanted: str | None = None, row: int | None = None, column: str = "pid") -> Hit:
    with open_source(path) as source:
        if wanted is not None:
            return find_id(source, source.batches(), column, wanted)
        assert row is not None
        return take_row(source, source.batches(), row)


@pytest.fixture(params=[".parquet", ".csv", ".arrows"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """300 rows; Parquet in three row groups, an Arrow stream in four batches."""
    values, dates = series(300, 40)
    full = wide(values, dates)
    ids = full["pid"].to_pylist()
    for row in (7, 150, 299):
        ids[row] = "twice"
    return write(full.set_column(0, "pid", [ids]), tmp_path / f"in{request.param}")


@pytest.mark.parametrize("row", [0, 100, 101, 202, 298])
def test_id_and_row_number_find_the_same_point(table: Path, row: int) -> None:
    by_id, by_row = ask(table, wanted=f"p{row:04d}"), ask(table, row=row)
    assert (by_id.row, by_id.count, by_id.same) == (row, 1, (row,))
    assert by_row.row == row
    wanted = pa.Table.from_batches([by_row.record])
    assert wanted.num_rows == 1
    assert pa.Table.from_batches([by_id.record]).to_pylist() == wanted.to_pylist()
    assert wanted["pid"].to_pylist() == [f"p{row:04d}"]


def test_an_id_that_occurs_several_times(table: Path) -> None:
    hit = ask(table, wanted="twice")
    assert (hit.row, hit.count, hit.same) == (7, 3, (7, 150, 299))


def test_an_id_that_occurs_very_often(tmp_path: Path) -> None:
    path = write(pa.table({"pid": ["a"] * 500, "20200101": np.arange(500.0)}), tmp_path / "in.parquet")
    hit = ask(path, wanted="a")
    assert (hit.count, hit.same) == (500, tuple(range(10)))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("p0143x", ["'p0143x'", "column 'pid'", "300 rows", "did you mean", "'p0143'"]),
        ("P0143", ["did you mean 'p0143'"]),
        ("TWICE", ["did you mean 'twice'"]),
        ("143", ["did you mean", "'p0143'"]),
        ("nothing like it", ["give one of its ids, such as 'p0000'", "--row"]),
        ("", ["give one of its ids"]),
        ("p0143 ", ["'p0143'"]),
    ],
)
def test_an_id_that_is_not_there(table: Path, wanted: str, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        ask(table, wanted=wanted)
    for word in words:
        assert word in str(caught.value)


def test_a_row_that_is_not_there(table: Path) -> None:
    with pytest.raises(DataError, match=r"row 300 is not there: .* has rows 0 to 299; rows count from 0"):
        ask(table, row=300)


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    path = write(
        pa.table({"pid": pa.array([], pa.string()), "20200101": pa.array([], pa.float32())}), tmp_path / "e.csv"
    )
    for asked in ({"row": 0}, {"wanted": "a"}):
        with pytest.raises(DataError, match=r"no rows|\(0 rows\)"):
            ask(path, **asked)


@pytest.mark.parametrize(
    ("ids", "wanted", "row"),
    [
        (pa.array([5, 17, 170]), "17", 1),
        (pa.array([None, "a", None, "b"]), "b", 3),
        (pa.array(["x", "y", "x"]).dictionary_encode(), "y", 1),
        (pa.array(["x", "y"], pa.large_string()), "y", 1),
        (pa.array(["007", "7"]), "7", 1),
        (pa.array(["a", "A"]), "A", 1),
        (pa.array(["é", "e"]), "e", 1),
    ],
)
def test_ids_of_any_type_are_compared_as_text(tmp_path: Path, ids: pa.Array, wanted: str, row: int) -> None:
    path = write(pa.table({"pid": ids, "20200101": np.zeros(len(ids))}), tmp_path / "in.parquet")
    hit = ask(path, wanted=wanted)
    assert (hit.row, hit.count) == (row, 1)


@pytest.mark.parametrize("kind", ["fixed_size_list", "list"])
def test_the_series_of_a_list_table_is_found_by_id(tmp_path: Path, kind: str) -> None:
    values, dates = series(250, 40)
    path = write(as_lists(wide(values, dates), kind), tmp_path / "in.parquet")
    hit = ask(path, wanted="p0203")
    found = hit.record.column("displacement" if kind == "fixed_size_list" else "displacements")
    np.testing.assert_allclose(found[0].as_py(), values[203], atol=1e-5)


def test_columns_with_dots_and_structures(tmp_path: Path) -> None:
    rows = [{"x": i, "y": -i} for i in range(20)]
    full = pa.table(
        {"pid": [f"p{i}" for i in range(20)], "a.b": np.arange(20.0), "box": rows, "20200101": np.zeros(20)}
    )
    hit = ask(write(full, tmp_path / "in.parquet"), wanted="p13")
    assert hit.record.to_pylist() == full.slice(13, 1).to_pylist()


def test_parquet_reads_no_series_to_find_an_id(tmp_path: Path) -> None:
    """The batches of all columns are not touched."""
    path = write(wide(*series(300, 40)), tmp_path / "in.parquet")

    untouched = iter(["a batch"])
    with open_source(path) as source:
        assert find_id(source, untouched, "pid", "p0299").row == 299
        assert take_row(source, untouched, 299).row == 299
    assert next(untouched) == "a batch"


def test_damaged_pages_are_said_in_our_words(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(wide(*series(3000, 40)), path, write_page_checksum=True, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    place = data.index(b"p1500")
    data[place] ^= 0xFF
    path.write_bytes(data)
    with open_source(path) as source, pytest.raises(DataError, match="damaged"):
        find_id(source, iter(()), "pid", "p2000")


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=60), st.sampled_from("abcde"), st.integers(1, 9))
def test_same_answer_however_the_rows_are_cut(ids: list[str], wanted: str, size: int) -> None:
    full = pa.table({"pid": ids, "value": range(len(ids))})
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, full.schema) as writer:
        writer.write_table(full, max_chunksize=size)
    rows = [row for row, text in enumerate(ids) if text == wanted]
    stream.seek(0)
    with open_source(stream) as source:
        if not rows:
            with pytest.raises(DataError):
                find_id(source, source.batches(size), "pid", wanted)
            return
        hit = find_id(source, source.batches(size), "pid", wanted)
    assert (hit.row, hit.same, hit.count) == (rows[0], tuple(rows[:10]), len(rows))
    assert hit.record.to_pylist() == [{"pid": wanted, "value": rows[0]}]


def test_a_row_group_without_rows_has_no_first_row(tmp_path: Path) -> None:
    """As pyarrow writes a table of no rows from a slice: one row group, and nothing in it."""
    empty = wide(*series(1, 40)).slice(0, 0)
    with pq.ParquetWriter(tmp_path / "in.parquet", empty.schema) as writer:
        writer.write_table(empty)
    assert pq.read_metadata(tmp_path / "in.parquet").num_row_groups == 1
    with pytest.raises(DataError, match="no rows"):
        ask(tmp_path / "in.parquet", row=0)
