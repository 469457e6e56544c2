"""Parquet and Arrow as pandas, polars, DuckDB and others write them."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError
from tests.runtime.tables import as_lists, series, wide, write

DISPLACEMENT, DATES = series(80, 40)
TABLE = wide(DISPLACEMENT, DATES)
NAMES = [name for name in TABLE.schema.names if name.isdigit()]


def read(source: Any, **options: Any) -> tuple[np.ndarray, list[Any], Any]:
    with open_described(source, UserDeclarations(**options)) as table:
        batches = list(table.batches)
        matrix = np.concatenate([table.description.matrix(batch) for batch in batches])
        point = table.description.layout.id
        ids = [value for batch in batches for value in batch.column(point).to_pylist()] if point else []
        return matrix, ids, table.description


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return DISPLACEMENT.astype(np.float32)


@pytest.mark.parametrize("suffix", [".parquet", ".arrows"])
@pytest.mark.parametrize(
    "data_type", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()), pa.binary()]
)
def test_identifiers_of_other_types(tmp_path: Path, expected: np.ndarray, data_type: pa.DataType, suffix: str) -> None:
    ids = TABLE["pid"].combine_chunks()
    ids = ids.dictionary_encode().cast(data_type) if pa.types.is_dictionary(data_type) else ids.cast(data_type)
    path = write(TABLE.set_column(0, "pid", ids), tmp_path / f"a{suffix}")
    matrix, found, _ = read(path)
    np.testing.assert_array_equal(matrix, expected)
    assert found == ids.to_pylist()
    out = tmp_path / "out.parquet"
    assert classify_file(path, out, classifier=Classifier(threads=1)).rows == 80
    assert pq.read_table(out)["pid"].to_pylist() == ids.to_pylist()


@pytest.mark.parametrize("data_type", [pa.decimal128(9, 1), pa.float16(), pa.float64(), pa.decimal256(50, 3)])
def test_series_of_other_numbers(tmp_path: Path, expected: np.ndarray, data_type: pa.DataType) -> None:
    columns = [pa.array(TABLE[name].to_numpy(), pa.float64()) for name in NAMES]
    if pa.types.is_decimal(data_type):
        columns = [pa.array([Decimal(str(value)) for value in column.to_pylist()], data_type) for column in columns]
    else:
        columns = [column.cast(data_type) for column in columns]
    table = pa.table({"pid": TABLE["pid"], **dict(zip(NAMES, columns, strict=True))})
    matrix, _, _ = read(write(table, tmp_path / "a.parquet"))
    np.testing.assert_allclose(matrix, expected, atol=0.05 if data_type == pa.float16() else 1e-6)


def test_tenths_of_millimetres_in_small_integers_are_told(tmp_path: Path) -> None:
    """No unit of ours: what to do is said, and with a velocity by which number to divide."""
    columns = {name: pa.array(np.round(10 * TABLE[name].to_numpy()), pa.int16()) for name in NAMES}
    years = (DATES - DATES[0]).astype(float) / 365.25
    velocity = np.polynomial.polynomial.polyfit(years, DISPLACEMENT.T, 1)[1]
    table = pa.table({"pid": TABLE["pid"], "mean_velocity": velocity, **columns})
    with pytest.raises(DataError, match="divide them by 10"):
        read(write(table, tmp_path / "a.parquet"))
    with pytest.raises(DataError, match=r"whole numbers.*tenths of a millimetre: divide them by 10.*--units mm"):
        read(write(table.drop_columns("mean_velocity"), tmp_path / "a.parquet"))


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.000000", "%Y-%m-%d 00:00:00+00:00"])
def test_timestamps_as_names(tmp_path: Path, expected: np.ndarray, form: str) -> None:
    names = [f"{day:{form}}" for day in DATES.tolist()]
    table = TABLE.rename_columns(["pid", "latitude", "longitude", *names])
    matrix, _, description = read(write(table, tmp_path / "a.parquet"))
    np.testing.assert_array_equal(matrix, expected)
    assert description.layout.dates.tolist() == DATES.tolist()


def test_an_index_of_pandas(tmp_path: Path, expected: np.ndarray) -> None:
    pytest.importorskip("pandas")
    frame = TABLE.to_pandas().set_index("pid")
    frame.to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")[1] == TABLE["pid"].to_pylist()
    frame.index.name = None
    frame.to_parquet(tmp_path / "b.parquet")
    matrix, _, description = read(tmp_path / "b.parquet")
    assert "__index_level_0__" in description.layout.attributes
    np.testing.assert_array_equal(matrix, expected)
    assert read(tmp_path / "b.parquet", columns={"id": "__index_level_0__"})[1] == TABLE["pid"].to_pylist()


def test_lists_of_double_with_nulls_as_duckdb_makes_them(tmp_path: Path, expected: np.ndarray) -> None:
    duckdb = pytest.importorskip("duckdb")
    rows = [
        (f"p{i}", day, None if (i + j) % 7 == 0 else float(v))
        for i, r in enumerate(DISPLACEMENT)
        for j, (day, v) in enumerate(zip(DATES.tolist(), r, strict=True))
    ]
    table = pa.table({"pid": [r[0] for r in rows], "date": [r[1] for r in rows], "value": [r[2] for r in rows]})
    path = tmp_path / "a.parquet"
    with duckdb.connect() as connection:
        connection.register("rows", table)
        connection.execute(
            "COPY (SELECT pid, list(date ORDER BY date) AS dates, list(value ORDER BY date) AS displacements, "
            "struct_pack(x := 1.0, y := 2.0) AS geometry FROM rows GROUP BY pid ORDER BY "
            f"cast(pid[2:] AS int)) TO '{path}' (FORMAT parquet)"
        )
    matrix, ids, description = read(path)
    missing = np.add.outer(np.arange(80), np.arange(40)) % 7 == 0
    np.testing.assert_array_equal(matrix, np.where(missing, np.nan, expected).astype(np.float32))
    assert ids == [f"p{i}" for i in range(80)]
    assert pa.types.is_struct(description.schema.field("geometry").type)


def test_a_long_table_sorted_by_the_remedy_that_is_named(tmp_path: Path, expected: np.ndarray) -> None:
    duckdb = pytest.importorskip("duckdb")
    by_date = [(f"p{i:02d}", day, v) for j, day in enumerate(DATES.tolist()) for i, v in enumerate(DISPLACEMENT[:, j])]
    columns = zip(*by_date, strict=True)
    table = pa.table(dict(zip(("pid", "date", "displacement"), map(list, columns), strict=True)))
    write(table, tmp_path / "in.parquet")
    np.testing.assert_array_equal(read(tmp_path / "in.parquet")[0], expected)
    stream = io.BytesIO(write(table, tmp_path / "in.arrows").read_bytes())
    with pytest.raises(DataError, match=r"ORDER BY pid") as caught:
        read(stream)
    statement = str(caught.value).split('duckdb -c "')[1].rstrip('"')
    with duckdb.connect() as connection:
        connection.execute(statement.replace("'in", f"'{tmp_path}/in").replace("'out", f"'{tmp_path}/out"))
    matrix, _, description = read(tmp_path / "out.parquet")
    assert description.layout.stored_as == "long"
    np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize("kind", ["fixed_size_list", "list"])
def test_lists_in_a_stream(tmp_path: Path, expected: np.ndarray, kind: str) -> None:
    path = write(as_lists(TABLE, kind), tmp_path / "a.arrows")
    np.testing.assert_array_equal(read(io.BytesIO(path.read_bytes()))[0], expected)


def test_day_first_names_need_the_format(tmp_path: Path, expected: np.ndarray) -> None:
    """As an R toolbox rewrites EGMS; in Parquet and in CSV."""
    names = [f"D{day:%d%m%Y}" for day in DATES.tolist()]
    table = TABLE.rename_columns(["pid", "latitude", "longitude", *names])
    for name in ("a.parquet", "a.csv"):
        path = write(table, tmp_path / name)
        with pytest.raises(DataError, match="--date-format DDMMYYYY"):
            read(path)
        matrix, _, description = read(path, date_format="DDMMYYYY")
        np.testing.assert_array_equal(matrix, expected)
        assert description.layout.dates.tolist() == DATES.tolist()
        assert description.layout.family == "DDDMMYYYY"


def test_list_dates_of_a_named_format(tmp_path: Path, expected: np.ndarray) -> None:
    texts = [f"{day:%d.%m.%Y}" for day in DATES.tolist()]
    table = pa.table({"pid": TABLE["pid"], "dates": [texts] * 80, "ts": list(DISPLACEMENT)})
    path = write(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"not a date.*--date-format"):
        read(path)
    np.testing.assert_array_equal(read(path, date_format="DD.MM.YYYY")[0], expected)
    with pytest.raises(DataError, match="not spelled MM/DD/YYYY"):
        read(path, date_format="MM/DD/YYYY")
    assert isinstance(DATES.tolist()[0], date)
