"""One row a point and date, against the same table with one row per point."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insar_runtime import Classifier, classify_file
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.opening import open_source
from insar_runtime._input.readers import long_table
from insar_runtime._input.readers.long_table import LongColumns, find_long_columns, pivot, scan
from insar_runtime._input.readers.point_order import PointOrder
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError
from tests.runtime.tables import as_long, series, wide, write

COLUMNS = LongColumns("pid", "date", "displacement_mm")


def found_in(names: list[str], roles: dict[str, str]) -> LongColumns | None:
    return find_long_columns(names, roles, DateSearch.among(names))


def read(source: Any, **options: Any) -> tuple[np.ndarray, pa.Table]:
    """Matrix and attributes of a table, as everything behind the source sees it."""
    with open_described(source, UserDeclarations(**options)) as table:
        batches = list(table.batches)
        layout = table.description.layout
        assert (layout.kind, layout.stored_as) == ("list", "long")
        assert all(batch.schema.equals(table.source.schema) for batch in batches)
        matrix = np.concatenate([to_matrix(batch, layout) for batch in batches])
        assert table.source.rows in {None, len(matrix)}
        return matrix, pa.Table.from_batches(batches).drop_columns(list(layout.columns))


@pytest.fixture(scope="module")
def table() -> pa.Table:
    displacement, dates = series(60, 40)
    displacement[::4, 3:9] = np.nan
    return wide(displacement, dates, coherence=np.linspace(0, 1, 60))


@pytest.fixture(scope="module")
def matrix(table: pa.Table) -> np.ndarray:
    names = [name for name in table.schema.names if name.isdigit()]
    return np.stack([table[name].to_numpy(zero_copy_only=False) for name in names], axis=1).astype(np.float32)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.arrows", "a.arrow", "a.zip", "stream"])
def test_every_container_gives_the_wide_table(
    tmp_path: Path, table: pa.Table, matrix: np.ndarray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_table, "PIECE_ROWS", 100)
    rows = as_long(table, seed=1)
    source: Any = tmp_path / name
    if name == "a.zip":
        with zipfile.ZipFile(source, "w") as archive:
            archive.write(write(rows, tmp_path / "b.csv"), "folder/b.csv")
    elif name == "a.arrow":
        with pa.OSFile(str(source), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
            writer.write_table(rows, max_chunksize=53)
    elif name == "stream":
        source = io.BytesIO(write(rows, tmp_path / "a.arrows").read_bytes())
    else:
        write(rows, source)
    found, attributes = read(source)
    np.testing.assert_array_equal(found, matrix)
    assert attributes.schema.names == ["pid", "latitude", "longitude", "coherence"]
    for column in attributes.schema.names:
        assert attributes[column].to_pylist() == table[column].to_pylist()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 12), min_size=1), min_size=1, max_size=12),
    st.integers(1, 30),
    st.integers(1, 40),
    st.randoms(use_true_random=False),
)
def test_any_batches_and_any_order_give_the_same_lists(
    points: list[set[int]], batch_rows: int, piece: int, random: Any
) -> None:
    first = date(2020, 1, 1).toordinal()
    rows = []
    for number, epochs in enumerate(points):
        shuffled = list(epochs)
        random.shuffle(shuffled)
        rows += [(f"p{number % 5}-{number}", date.fromordinal(first + day), 100 * number + day) for day in shuffled]
    table = pa.table({"pid": [r[0] for r in rows], "date": [r[1] for r in rows], "value": [float(r[2]) for r in rows]})
    batches = table.to_batches(batch_rows)
    columns = LongColumns("pid", "date", "value")
    axis = scan(batches, columns, None)
    assert axis.points == len(points)
    assert axis.dates.tolist() == sorted({row[1] for row in rows})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_table, "PIECE_ROWS", piece)
        found = pa.Table.from_batches(pivot(batches, columns, axis.dates, None, check=True))
    assert found["pid"].to_pylist() == [f"p{number % 5}-{number}" for number in range(len(points))]
    days = [day.toordinal() - first for day in axis.dates.tolist()]
    expected = [
        [100.0 * number + day if day in epochs else np.nan for day in days] for number, epochs in enumerate(points)
    ]
    np.testing.assert_array_equal(np.array(found["value"].to_pylist()), np.array(expected))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 99))
def test_long_and_wide_are_classified_the_same(tmp_path: Path, seed: int) -> None:
    displacement, dates = series(50, 60, seed)
    whole = wide(displacement, dates)
    classifier = Classifier(threads=1)
    found = []
    for table, name in ((whole, "wide"), (as_long(whole, seed), "long")):
        path = write(table, tmp_path / f"{name}.parquet")
        summary = classify_file(path, tmp_path / f"{name}-out.parquet", classifier=classifier, overwrite=True)
        assert (summary.layout, summary.rows) == (name, 50)
        found.append(pq.read_table(tmp_path / f"{name}-out.parquet"))
    assert found[0].equals(found[1])


def test_kept_series_are_read_again(tmp_path: Path, table: pa.Table, matrix: np.ndarray) -> None:
    source = write(as_long(table, seed=3), tmp_path / "a.parquet")
    classify_file(source, tmp_path / "out.parquet", keep_series=True)
    with open_described(tmp_path / "out.parquet") as again:
        assert again.description.layout.stored_as == "list"
        batch = next(iter(again.batches))
        np.testing.assert_array_equal(again.description.matrix(batch), matrix)


@pytest.mark.parametrize(
    ("spell", "options"),
    [
        (lambda days: days.cast(pa.timestamp("us")), {}),
        (lambda days: days.cast(pa.string()), {}),
        (lambda days: pa.array([f"{d.as_py():%Y%m%d}" for d in days]), {}),
        (lambda days: pa.array([int(f"{d.as_py():%Y%m%d}") for d in days], pa.int32()), {}),
        (lambda days: pa.array([float(f"{d.as_py():%Y%m%d}") for d in days]), {}),
        (lambda days: days.cast(pa.date64()), {}),
        (lambda days: pa.array([f"{d.as_py():%Y/%m/%d} 05:00:00" for d in days]), {}),
        (lambda days: days.cast(pa.string()).dictionary_encode(), {}),
        (lambda days: pa.array([f"{d.as_py():%d/%m/%Y}" for d in days]), {"date_format": "DD/MM/YYYY"}),
        (lambda days: pa.array([int(f"{d.as_py():%d%m%Y}") for d in days]), {"date_format": "%d%m%Y"}),
    ],
)
def test_dates_of_every_type(
    tmp_path: Path, table: pa.Table, matrix: np.ndarray, spell: Any, options: dict[str, str]
) -> None:
    rows = as_long(table)
    place = rows.schema.get_field_index("date")
    rows = rows.set_column(place, "date", spell(rows["date"].combine_chunks()))
    np.testing.assert_array_equal(read(write(rows, tmp_path / "a.parquet"), **options)[0], matrix)


@pytest.mark.parametrize(
    "data_type", [pa.large_string(), pa.dictionary(pa.int16(), pa.string()), pa.int64(), pa.string_view()]
)
def test_identifiers_of_every_type(tmp_path: Path, table: pa.Table, matrix: np.ndarray, data_type: pa.DataType) -> None:
    rows = as_long(table)
    ids = pa.array([int(text[1:]) - 2 for text in rows["pid"].to_pylist()])
    ids = ids if pa.types.is_integer(data_type) else ids.cast(pa.string())
    ids = ids.dictionary_encode().cast(data_type) if pa.types.is_dictionary(data_type) else ids.cast(data_type)
    found, attributes = read(write(rows.set_column(0, "pid", ids), tmp_path / "a.parquet"))
    np.testing.assert_array_equal(found, matrix)
    assert list(map(str, attributes["pid"].to_pylist())) == [str(i - 2) for i in range(60)]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("pid,date,displacement_mm", "pid date displacement_mm"),
        ("building_id,pid,date,displacement_mm", "pid date displacement_mm"),
        ("area_id,dataset_id,code,track,date,displacement", "code date displacement"),
        ("CODE,data_misura,spost_rel_mm", "CODE data_misura spost_rel_mm"),
        ("code,dataripresa,valore", "code dataripresa valore"),
        ("code_target,dataripresa,valore", "code_target dataripresa valore"),
        ("Date,3m8ox5jJHN", None),
        ("pid,date,20200103", None),
        ("date,displacement", None),
    ],
)
def test_names_of_the_tables_that_people_have(header: str, columns: str | None) -> None:
    found = found_in(header.split(","), {})
    assert found == (LongColumns(*columns.split()) if columns else None)


def test_the_user_names_the_identifier() -> None:
    assert found_in(["punto", "date", "value"], {"id": "punto"}) == LongColumns("punto", "date", "value")
    assert found_in(["punto", "date", "value"], {"id": "nope"}) is None


def rows_of(*rows: tuple[Any, Any, Any]) -> pa.Table:
    ids, days, values = zip(*rows, strict=True)
    return pa.table({"pid": pa.array(ids, pa.string()), "date": pa.array(days), "displacement_mm": pa.array(values)})


D1, D2 = date(2020, 1, 3), date(2020, 1, 9)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            rows_of(("a", D1, 1.0), ("b", D1, 1.0), ("b", D2, 1.0), ("b", D1, 3.0)),
            "point 'b' has date 2020-01-03 twice",
        ),
        (rows_of(("a", D1, 1.0), (None, D2, 1.0)), "no identifier in 'pid'"),
        (rows_of(("a", D1, 1.0), ("a", None, 1.0)), "no date in 'date'"),
        (rows_of(("a", "03/01/2020", 1.0)), "'03/01/2020' in 'date' is not a date.*--date-format"),
        (rows_of(("a", D1, "x")), "long table"),
        (rows_of(("a", 2020.25, 1.0)), "'date' is of type double: dates, timestamps"),
        (rows_of(("a", True, 1.0)), "'date' is of type bool: dates, timestamps"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("rows", [1, 1000])
def test_refusals(tmp_path: Path, table: pa.Table, message: str, stream: bool, rows: int) -> None:
    path = tmp_path / "a.arrows"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    with pytest.raises(DataError, match=message) as caught:
        read(io.BytesIO(path.read_bytes()) if stream else path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rows", [1, 1000])
def test_a_point_that_returns_is_refused_in_a_stream(tmp_path: Path, rows: int) -> None:
    """A stream is read once; in a file the rows of a point are brought together."""
    table = rows_of(("a", D1, 1.0), ("b", D1, 1.0), ("a", D2, 1.0))
    path = tmp_path / "a.arrows"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    with pytest.raises(DataError, match=r"point 'a' returns.*ORDER BY pid"):
        read(io.BytesIO(path.read_bytes()))
    np.testing.assert_array_equal(read(path)[0], [[1, 1], [1, np.nan]])


def test_a_stream_with_a_new_date_later_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_table, "_HEAD_ROWS", 2)
    table = rows_of(("a", D1, 1.0), ("b", D1, 1.0), ("c", D1, 1.0), ("c", D2, 1.0))
    path = write(table, tmp_path / "a.arrows")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=1)
    with pytest.raises(DataError, match=r"date 2020-01-09 of point 'c' does not occur.*give the table as a file"):
        read(io.BytesIO(path.read_bytes()))
    assert read(path)[0].shape == (3, 2)


def test_memory_of_points_is_eight_bytes_each() -> None:
    points = PointOrder("pid")
    for start in range(0, 5000, 7):
        points.add(pa.RecordBatch.from_pydict({"pid": [f"p{i}" for i in range(start, start + 7)]}))
    assert sum(run.nbytes for run in points._sorted) == 8 * points.count
    assert len(points._sorted) < 20


def test_bytes_wait_for_no_more_than_a_point(table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces come out while rows go in: nothing is gathered for the end."""
    monkeypatch.setattr(long_table, "PIECE_ROWS", 100)
    given_rows = 0
    rows = as_long(table)

    def watched() -> Iterator[pa.RecordBatch]:
        nonlocal given_rows
        for batch in rows.to_batches(10):
            given_rows += batch.num_rows
            yield batch

    axis = scan(rows.to_batches(), COLUMNS, None)
    done = 0
    for out in pivot(watched(), COLUMNS, axis.dates, None):
        done += out.num_rows
        assert given_rows - 40 * done < 200


def test_a_table_of_lists_with_such_names_is_none(tmp_path: Path) -> None:
    """Lists are the series; date and value are attributes of the point."""
    table = pa.table({"pid": ["a"], "date": [D1], "value": [1.0], "ts": [[1.0, 2.0]], "dates": [[D1, D2]]})
    with open_source(write(table, tmp_path / "a.parquet")) as source:
        assert source.origin.form is None
    lists = pa.table({"pid": ["a"], "date": [[D1, D2]], "displacement": [[1.0, 2.0]]})
    with open_source(write(lists, tmp_path / "a.parquet")) as source:
        assert source.origin.form is None


def test_a_file_without_rows(tmp_path: Path) -> None:
    empty = rows_of(("a", D1, 1.0)).slice(0, 0)
    with open_source(write(empty, tmp_path / "a.parquet")) as source:
        assert source.rows == 0
        assert list(source.batches()) == []
    with pytest.raises(DataError, match="no rows, so it has no dates"), open_described(tmp_path / "a.parquet"):
        pass


@pytest.mark.parametrize("name", ["pid", "date", "displacement_mm", "height"])
def test_a_column_that_occurs_twice_is_refused(name: str, tmp_path: Path) -> None:
    table = pa.table({"pid": ["a", "a"], "date": [D1, D2], "displacement_mm": [1.0, 2.0], "height": [3.0, 3.0]})
    table = table.append_column(name, table[name])
    path = write(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="occurs twice"), open_described(path, UserDeclarations()):
        pass
