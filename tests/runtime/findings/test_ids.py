"""Ids of a whole file: all are seen, those that occur twice are found, whatever the pieces are."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._findings import ids as module
from insar_runtime._findings.ids import examine_ids, hash_ids, id_at
from insar_runtime._input.opening import open_source
from insar_runtime._input.readers.csv_dialect import SEPARATORS
from insar_runtime._input.sampling import estimate_rows, spread_batches
from tests.runtime.tables import series, wide, write

TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=60)


def look(values: list[Any], cuts: int = 1, **options: Any) -> module.IdColumn:
    column = pa.array(values, pa.string())
    size = max(-(-len(column) // cuts), 1)
    pieces = [column.slice(start, size) for start in range(0, len(column), size)]
    return examine_ids(iter(pieces), seconds=60, **options)


@given(TEXTS, st.integers(1, 7))
def test_repeated_ids_are_counted_as_a_set_counts_them(values: list[str | None], cuts: int) -> None:
    found = look(values, cuts)
    known = [value for value in values if value]
    assert found.rows == found.compared == len(values)
    assert found.complete
    assert found.missing == len(values) - len(known)
    assert found.repeated == len(known) - len(set(known))
    if found.repeated:
        one, other = found.example_rows
        assert one < other
        assert values[one] == values[other]
    else:
        assert found.example_rows == ()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30))
def test_numbers_hash_by_value(values: list[int]) -> None:
    hashes = hash_ids(pa.array(values, pa.int64()))
    assert hashes is not None
    assert len(set(hashes.tolist())) == len(set(values))


def test_slices_and_dictionaries_hash_as_plain_texts() -> None:
    texts = pa.array(["abcdefghijk", None, "b", "abcdefghijk", ""])
    wanted = hash_ids(texts)
    assert wanted is not None
    for same in (texts.dictionary_encode(), texts.cast(pa.large_string())):
        assert hash_ids(same).tolist() == wanted.tolist()  # type: ignore[union-attr]
    assert hash_ids(texts.slice(2)).tolist() == wanted[2:].tolist()  # type: ignore[union-attr]
    assert wanted[1] == wanted[4] == 0
    assert hash_ids(pa.array([1.5])) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_IDS", 10)
    found = look([str(i % 8) for i in range(25)], 5)
    assert (found.rows, found.compared, found.repeated) == (25, 10, 2)


def test_time_is_bounded() -> None:
    found = examine_ids(iter([pa.array(["a"]), pa.array(["b"])]), seconds=0)
    assert (found.rows, found.complete) == (1, False)


def test_an_id_is_found_again() -> None:
    pieces = [pa.array(["a", "b"]), pa.array(["c"])]
    assert [id_at(iter(pieces), row) for row in range(4)] == ["a", "b", "c", None]


@pytest.mark.parametrize("kind", ["parquet", "csv", ";", "|", "\t", "zip", "arrow", "arrows"])
def test_the_column_of_every_container(tmp_path: Path, kind: str) -> None:
    table = wide(*series(300))
    path = tmp_path / (f"in.{kind}" if kind.isalpha() else "in.csv")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(write(table, tmp_path / "in.csv"), "in.csv")
    elif not kind.isalpha():
        pacsv.write_csv(table, path, pacsv.WriteOptions(delimiter=kind))
    elif kind == "arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=70)
    else:
        write(table, path)
    with open_source(path) as source:
        column = source.column("pid")
        assert column is not None
        assert [text for piece in column for text in piece.to_pylist()] == table["pid"].to_pylist()
        spread = list(spread_batches(source, source.schema.names, 100))
        if kind not in {"zip", "arrows"}:
            rows = [row for batch in spread for row in batch.column("pid").to_pylist()]
            assert rows == sorted(rows)
            assert rows[0] == "p0000"
            assert rows[-1] > "p0200"
            assert 80 <= len(rows) <= 112


@pytest.mark.parametrize("separator", SEPARATORS)
def test_the_rows_of_a_csv_are_estimated_whatever_separates_its_columns(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "in.csv"
    pacsv.write_csv(wide(*series(300)), path, pacsv.WriteOptions(delimiter=separator))
    with open_source(path) as source:
        assert source.rows is None
        assert estimate_rows(source) == 300


def test_parquet_is_not_read_as_a_whole(tmp_path: Path) -> None:
    table = wide(*series(300))
    path = tmp_path / "in.parquet"
    pq.write_table(table, path, row_group_size=100)
    with open_source(path) as source:
        assert sum(batch.num_rows for batch in spread_batches(source, ["pid"], 30)) == 30
