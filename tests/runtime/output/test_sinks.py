"""Every format returns the values, order and missing values that were written, in whole files or none."""

from __future__ import annotations

import json
import math
import resource
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insar_runtime import DataError, InputOutputError, OutputExistsError, UsageError, classify_file
from insar_runtime._output import atomic
from insar_runtime._output.parquet_writer import ParquetWriter
from insar_runtime._output.run_metadata import read_block
from insar_runtime._output.sinks import format_of
from insar_runtime.result import RESULT_SCHEMA
from tests.runtime.outputs import BLOCK, columns, described, placed, query, save
from tests.runtime.run_command import refused, run_process
from tests.runtime.tables import as_lists, series, wide, write

EXTENSIONS = [".parquet", ".csv", ".gpkg", ".arrow", ".arrows"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)
NUMBERS = {
    pa.int8(): st.integers(-128, 127),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
    pa.float64(): st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
}
VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    **NUMBERS,
    pa.bool_(): st.booleans(),
    pa.string(): TEXT,
    pa.dictionary(pa.int8(), pa.string()): st.sampled_from(["Stable", "Linear", "a;b", ""]),
    pa.date32(): st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    pa.timestamp("ms", "UTC"): st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 12))
    types = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=6))
    made = {}
    for place, data_type in enumerate(types):
        values = draw(st.lists(st.none() | VALUES[data_type], min_size=rows, max_size=rows))
        made[f"c {place}"] = pa.array(values, data_type)
    return pa.table(made)


def _plain(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as they are to come back; the types that a format lacks as their text."""
    return [dict(row) for row in table.to_pylist()]


def _read_csv(path: Path, like: pa.Table) -> list[dict[str, Any]]:
    types = {f.name: f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in like.schema}
    options = pacsv.ConvertOptions(
        column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    parse = pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    return list(pacsv.read_csv(path, pacsv.ReadOptions(), parse, options).to_pylist())


def _read_gpkg(path: Path, like: pa.Table) -> list[dict[str, Any]]:
    def back(value: Any, data_type: pa.DataType) -> Any:
        if value is None:
            return None
        if pa.types.is_boolean(data_type):
            return bool(value)
        if pa.types.is_uint64(data_type):
            return int(value)
        if pa.types.is_float32(data_type):
            return float(np.float32(value))
        if pa.types.is_date(data_type):
            return date.fromisoformat(value)
        return datetime.fromisoformat(value) if pa.types.is_timestamp(data_type) else value

    rows = query(path, f'SELECT * FROM "{path.stem}" ORDER BY fid')
    names = like.schema.names
    return [
        {name: back(value, like.schema.field(name).type) for name, value in zip(names, row[1:], strict=True)}
        for row in rows
    ]


def _read_arrow(path: Path, like: pa.Table) -> list[dict[str, Any]]:
    with pa.OSFile(str(path)) as file:
        reader = pa.ipc.open_file(file) if path.suffix == ".arrow" else pa.ipc.open_stream(file)
        return list(reader.read_all().to_pylist())


READERS = {
    ".parquet": lambda path, like: pq.read_table(path).to_pylist(),
    ".csv": _read_csv,
    ".gpkg": _read_gpkg,
    ".arrow": _read_arrow,
    ".arrows": _read_arrow,
}


@pytest.mark.parametrize("extension", EXTENSIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(table=tables(), rows=st.integers(1, 5))
def test_what_is_written_comes_back(extension: str, table: pa.Table, rows: int, tmp_path: Path) -> None:
    path = save(described(table), tmp_path / f"o{extension}", rows, overwrite=True)
    assert READERS[extension](path, table) == _plain(table)
    assert read_block(path) == BLOCK


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_nan_is_missing_where_it_would_be_a_word(tmp_path: Path, extension: str) -> None:
    table = described(pa.table({"a": pa.array([1.5, math.nan, math.inf, None], pa.float32())}))
    found = READERS[extension](save(table, tmp_path / f"o{extension}"), table)
    values = [row["a"] for row in found]
    assert values[0] == 1.5
    assert values[2] == math.inf
    assert values[3] is None
    assert values[1] is None or math.isnan(values[1])
    if extension == ".csv":
        assert (tmp_path / "o.csv").read_text().splitlines()[2] == ""


def test_text_of_numbers_is_short(tmp_path: Path) -> None:
    table = described(pa.table({"a": pa.array([0.1, -27.7, 0.123456], pa.float32())}))
    assert query(save(table, tmp_path / "o.gpkg"), "SELECT a FROM o") == [(0.1,), (-27.7,), (0.123456,)]
    assert (save(table, tmp_path / "o.csv")).read_text() == '"a"\n0.1\n-27.7\n0.123456\n'


@pytest.mark.parametrize("kind", ["list", "large_list", "fixed"])
@pytest.mark.parametrize("extension", [".csv", ".gpkg"])
def test_lists_become_joined_text_in_flat_formats(tmp_path: Path, kind: str, extension: str) -> None:
    data_type = {"list": pa.list_(pa.float32()), "large_list": pa.large_list(pa.float32())}.get(
        kind, pa.list_(pa.float32(), 2)
    )
    lists = pa.array([[9, 9], [0.1, None], None, [12.5, 3]], data_type).slice(1)
    days = pa.array([[date(2020, 1, 3)], [], None], pa.list_(pa.date32()))
    structs = pa.array([{"a": 1}, None, {"a": None}])
    table = described(pa.table({"jump_mm": lists, "jump_dates": days, "s": structs}))
    path = save(table, tmp_path / f"o{extension}")
    like = pa.table({name: pa.array([], pa.string()) for name in table.schema.names})
    assert READERS[extension](path, like) == [
        {"jump_mm": "0.1;", "jump_dates": "2020-01-03", "s": '{"a": 1}'},
        {"jump_mm": None, "jump_dates": "", "s": None},
        {"jump_mm": "12.5;3", "jump_dates": None, "s": '{"a": null}'},
    ]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_one_run_in_every_format(tmp_path: Path, extension: str) -> None:
    displacement, dates = series(300, 40)
    source = write(wide(displacement, dates), tmp_path / "in.parquet")
    wanted = tmp_path / "wanted.parquet"
    classify_file(source, wanted)
    output = tmp_path / f"o{extension}"
    summary = classify_file(source, output)
    assert summary.output == str(output)
    table = pq.read_table(wanted, columns=["pid", "latitude", "longitude", *RESULT_SCHEMA.names])
    found = READERS[extension](output, table) if extension != ".gpkg" else _without_geometry(output, table)
    assert [{name: row[name] for name in table.schema.names} for row in found] == _plain(table)
    block, reference = read_block(output), read_block(wanted)
    assert block is not None
    assert reference is not None
    assert block == reference
    assert {p.name for p in tmp_path.iterdir()} <= {"in.parquet", "wanted.parquet", output.name, f"{output.name}.json"}


def _without_geometry(path: Path, like: pa.Table) -> list[dict[str, Any]]:
    names = ", ".join(f'"{name}"' for name in like.schema.names)
    rows = query(path, f'SELECT {names} FROM "{path.stem}" ORDER BY fid')
    wide_rows = []
    for row in rows:
        found = dict(zip(like.schema.names, row, strict=True))
        wide_rows.append(
            {k: float(np.float32(v)) if k.startswith(("p_", "conf")) and v is not None else v for k, v in found.items()}
        )
    return wide_rows


@pytest.mark.parametrize("kind", ["fixed_size_list", "list"])
@pytest.mark.parametrize("extension", [".csv", ".gpkg"])
def test_kept_lists_become_a_column_a_date(tmp_path: Path, kind: str, extension: str) -> None:
    """CompanionFiles as InSAR Explorer wants them, whatever the order of the lists is."""
    displacement, dates = series(50, 40)
    displacement[3] = np.nan
    shuffled = np.random.default_rng(1).permutation(len(dates))
    table = as_lists(wide(displacement[:, shuffled], dates[shuffled]), kind)
    if kind == "list":
        place = table.schema.names.index("displacements")
        lists = table["displacements"].to_pylist()
        lists[3] = None
        table = table.set_column(place, "displacements", pa.array(lists, table.schema.field(place).type))
    output = tmp_path / f"o{extension}"
    classify_file(write(table, tmp_path / "in.parquet"), output, units="mm", keep_series=True)
    names = [f"D{day}".replace("-", "") for day in dates]
    if extension == ".gpkg":
        kept = columns(output)
        rows = query(output, f"SELECT {', '.join(names)} FROM o ORDER BY fid")
        found = np.array([[np.nan if v is None else v for v in row] for row in rows])
    else:
        read = pacsv.read_csv(output)
        kept = read.schema.names
        found = np.stack([read[name].to_numpy() for name in names], axis=1)
    assert {name for name in kept if name[0] == "D"} == set(names)
    assert {"displacement", "displacements", "dates", "geometry", "bbox"}.isdisjoint(kept)
    np.testing.assert_array_equal(found.astype(np.float32), displacement.astype(np.float32))


@pytest.mark.parametrize(
    ("spelling", "renamed"),
    [("{}", False), ("D{}", False), ("D_{}", False), ("d{}", True), ("d_{}", True), ("iso", True)],
)
def test_wide_dates_are_named_as_insar_explorer_plots_them(tmp_path: Path, spelling: str, renamed: bool) -> None:
    displacement, dates = series(40, 40)
    table = wide(displacement, dates)
    days = [str(day).replace("-", "") for day in dates]
    names = [str(day) for day in dates] if spelling == "iso" else [spelling.format(day) for day in days]
    table = table.rename_columns([*table.schema.names[:3], *names])
    source = write(table, tmp_path / "in.parquet")
    for extension in (".gpkg", ".parquet", ".csv"):
        classify_file(source, tmp_path / f"o{extension}", units="mm", keep_series=True)
    assert columns(tmp_path / "o.gpkg")[3:43] == ([f"D{day}" for day in days] if renamed else names)
    assert pq.read_schema(tmp_path / "o.parquet").names[3:43] == names
    assert pacsv.read_csv(tmp_path / "o.csv").schema.names[3:43] == names


def test_no_added_column_looks_like_a_date() -> None:
    assert not any(char.isdigit() for name in RESULT_SCHEMA.names for char in name)


def test_a_geometry_of_the_input_goes_along(tmp_path: Path) -> None:
    """Such as tables of DuckDB have it, without columns of longitude and latitude."""
    table = placed(pa.table({"pid": ["a", "b", "c"]}), np.array([[7, 45], [np.nan, np.nan], [8.5, 46]]), input={})
    assert save(table, tmp_path / "o.csv").read_text().splitlines()[1:] == [
        '"a","POINT (7.0 45.0)"',
        '"b",',
        '"c","POINT (8.5 46.0)"',
    ]
    found = query(save(table, tmp_path / "o.gpkg"), "SELECT pid, geom IS NULL FROM o")
    assert found == [("a", 0), ("b", 1), ("c", 0)]


def test_arrow_files_mark_their_geometry(tmp_path: Path) -> None:
    table = placed(pa.table({"pid": ["a"]}), np.array([[4.5e6, 1.7e6]]), "EPSG:3035")
    for name in ("o.arrow", "o.arrows"):
        path = save(table, tmp_path / name)
        with pa.OSFile(str(path)) as file:
            schema = (pa.ipc.open_file if name == "o.arrow" else pa.ipc.open_stream)(file).schema
        assert schema.names == ["pid", "geometry"]
        marks = schema.field("geometry").metadata
        assert marks[b"ARROW:extension:name"] == b"geoarrow.wkb"
        assert json.loads(marks[b"ARROW:extension:metadata"])["crs"]["id"] == {"authority": "EPSG", "code": 3035}
    geopandas = pytest.importorskip("geopandas")
    with pa.OSFile(str(tmp_path / "o.arrow")) as file:
        frame = geopandas.GeoDataFrame.from_arrow(pa.ipc.open_file(file).read_all())
    assert (frame.crs.to_epsg(), frame.geometry.iloc[0].x) == (3035, 4.5e6)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("before", [None, "precious"])
def test_failure_on_the_way_leaves_what_was_there(tmp_path: Path, extension: str, before: str | None) -> None:
    path, beside = tmp_path / f"o{extension}", tmp_path / f"o{extension}.json"
    for file in (path, beside):
        if before:
            file.write_text(before)
    table = described(pa.table({"a": list(range(1000))}))
    with pytest.raises(ZeroDivisionError):
        _fail(table, path)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == (
        {path.name: before, beside.name: before} if before else {}
    )


def _fail(table: pa.Table, path: Path) -> None:
    from insar_runtime._output.sinks import open_table

    with open_table(path, table.schema, dict, overwrite=True) as sink:
        for batch in table.to_batches(max_chunksize=100):
            sink.write(batch)
        raise ZeroDivisionError


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_file_that_lost_rows_is_no_output(tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"o{extension}"
    module = f"{extension[1:].rstrip('s')}_writer"
    real = atomic.check_count
    monkeypatch.setattr(
        f"insar_runtime._output.{module}.check_count", lambda found, expected, *what: real(found - 1, expected, *what)
    )
    with pytest.raises(InputOutputError, match=r"holds \d+ of \d+"):
        save(described(pa.table({"a": [1, 2, 3]})), path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_file_that_may_not_grow(tmp_path: Path, source: Path, extension: str) -> None:
    """As on a full disk; SQLite handles it in its own way."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))  # noqa: E731
    done = run_process("classify", source, "-o", tmp_path / f"o{extension}", preexec_fn=limit)
    refused(done, 74, "cannot be written", f"o{extension}")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="no /sys: nothing that even root may not write to")
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_folder_that_may_not_be_written_to_is_named(extension: str) -> None:
    with pytest.raises(InputOutputError, match="may write"):
        save(described(pa.table({"a": [1]})), Path(f"/sys/o{extension}"))


def test_text_beside_a_csv_is_an_output_too(tmp_path: Path) -> None:
    (tmp_path / "o.csv.json").write_text("precious")
    table = described(pa.table({"a": [1]}))
    with pytest.raises(OutputExistsError, match=r"o\.csv\.json"):
        save(table, tmp_path / "o.csv")
    assert not (tmp_path / "o.csv").exists()
    save(table, tmp_path / "o.csv", overwrite=True)
    assert read_block(tmp_path / "o.csv") == BLOCK


def test_block_of_what_is_not_ours(tmp_path: Path) -> None:
    assert read_block(tmp_path / "none.parquet") is None
    for name, content in {
        "a.parquet": b"PAR1 broken",
        "b.csv": b"a,b\n",
        "c.gpkg": b"SQLite format 3\0",
        "d": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        assert read_block(tmp_path / name) is None, name
    pq.write_table(pa.table({"a": [1]}), tmp_path / "foreign.parquet")
    assert read_block(tmp_path / "foreign.parquet") is None
    sqlite3.connect(tmp_path / "foreign.gpkg").execute("CREATE TABLE t (a)").connection.close()
    assert read_block(tmp_path / "foreign.gpkg") is None
    path = save(described(pa.table({"a": [1]})), tmp_path / "o.csv")
    assert read_block(path) == BLOCK
    path.write_text(path.read_text() + "2\n")
    assert read_block(path) is None, "edited since"


def test_extension_tells_the_format(tmp_path: Path) -> None:
    assert [format_of(Path(f"x{e}")) for e in (".PARQUET", ".pq", ".csv", ".GPKG", ".feather", ".arrows")] == [
        "parquet", "parquet", "csv", "gpkg", "arrow", "arrow stream",
    ]  # fmt: skip
    source = write(wide(*series(40)), tmp_path / "in.parquet")
    for name in ("out", "out.shp", "out.csv.gz"):
        with pytest.raises(UsageError, match=r"\.parquet, .*\.gpkg"):
            classify_file(source, tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


def test_columns_that_would_get_one_name(tmp_path: Path) -> None:
    dates = ["2020-01-03", "2020-01-15"]
    lists = pa.array([[1.0, 2.0]], pa.list_(pa.float64(), 2))
    table = described(pa.table({"D20200103": ["x"], "ts": lists}), dates=dates, input={"series": "ts"})
    with pytest.raises(DataError, match="D20200103"):
        save(table, tmp_path / "o.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", [pa.ListArray, pa.LargeListArray])
def test_values_behind_a_list_that_is_null_do_no_harm(kind: Any, tmp_path: Path) -> None:
    offsets = pa.array([0, 2, 4, 6], pa.int64() if kind is pa.LargeListArray else pa.int32())
    lists = kind.from_arrays(offsets, pa.array(np.arange(6.0)), mask=pa.array([False, True, False]))
    batch = pa.RecordBatch.from_arrays([lists], ["x"])
    writer = ParquetWriter(tmp_path / "out.parquet", batch.schema)
    writer.write(batch)
    writer.write(batch.slice(1))
    writer.close({})
    assert pq.read_table(tmp_path / "out.parquet")["x"].to_pylist() == [[0, 1], None, [4, 5], None, [4, 5]]
