"""Parquet, Arrow, CSV and zip are recognised by their content and read in batches."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._input.dates.date_columns import DateColumns, find_date_columns
from insar_runtime._input.layout import resolve_layout
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.opening import open_source
from insar_runtime._input.source import Source, _regroup
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError, InputNotFoundError, InputOutputError, UsageError
from tests.runtime import tables

CSV = b"pid,mp_type,latitude,mean_velocity,20200103,20200109\n0012,0,45.5,-1.5,1.1,-2.2\nNA,3,45.6,,,NaN\n"


def read(source: Any, batch_rows: int = 8192, **options: Any) -> tuple[Source, pa.Table]:
    with open_source(source, **options) as opened:
        batches = list(opened.batches(batch_rows))
        assert all(batch.schema.equals(opened.schema) for batch in batches)
        return opened, pa.Table.from_batches(batches, opened.schema)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write_(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def ipc(table: pa.Table, *, stream: bool = True) -> bytes:
    buffer = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(buffer, table.schema) as writer:
        writer.write_table(table, 7)
    return buffer.getvalue()


TABLE = pa.table({"pid": [f"p{i}" for i in range(50)], "20200103": np.arange(50.0)})


@given(st.lists(st.integers(0, 30), max_size=20), st.integers(1, 25))
def test_regroup_keeps_rows_and_order(sizes: list[int], rows: int) -> None:
    ends = np.cumsum([0, *sizes])
    pieces = [pa.RecordBatch.from_pydict({"x": np.arange(start, end)}) for start, end in pairwise(ends)]
    batches = list(_regroup(pieces, rows))
    assert [value for batch in batches for value in batch["x"].to_pylist()] == list(range(ends[-1]))
    assert all(0 < batch.num_rows <= rows for batch in batches)
    # Two neighbours that would fit into one batch are never left apart.
    counts = [batch.num_rows for batch in batches]
    assert all(a + b > rows for a, b in pairwise(counts)) or max(sizes) > rows


def test_csv_types_nulls_and_identifiers(write: Callable[[str, bytes], Path]) -> None:
    opened, table = read(write("a.csv", CSV))
    assert (opened.kind, opened.rows) == ("csv", None)
    assert table.schema.types == [pa.string(), pa.int64(), *[pa.float64()] * 2, *[pa.float32()] * 2]
    assert table["pid"].to_pylist() == ["0012", "NA"]
    assert table["mean_velocity"].to_pylist() == [-1.5, None]
    assert table["20200103"].to_pylist() == [pytest.approx(1.1), None]
    assert table["20200109"].null_count == 1


@pytest.mark.parametrize(
    "content",
    [
        CSV.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + CSV,
        CSV.rstrip(b"\n"),
        CSV.replace(b",", b";"),
        CSV.replace(b",", b"\t"),
        b"\n".join(b",".join(b'"' + cell + b'"' for cell in line.split(b",")) for line in CSV.split()),
        CSV.replace(b",", b", ").replace(b", NA", b",NA"),
        CSV.replace(b"NaN", b"NULL"),
    ],
    ids=["crlf", "bom", "no-end", "semicolon", "tab", "quoted", "spaces", "null"],
)
def test_csv_dialects_mean_the_same(write: Callable[[str, bytes], Path], content: bytes) -> None:
    _, expected = read(write("a.csv", CSV))
    assert read(write("b.csv", content))[1].equals(expected)


def test_csv_attributes_are_inferred_without_harm(write: Callable[[str, bytes], Path]) -> None:
    content = (
        b"CODE,istat,number,flag,empty,big,line,mixed,D20200103\n"
        b"7,0058,3,true,,12345678901234567890,4,1,1\n8,0059,,false,,2,,x,2\n"
    )
    _, table = read(write("a.csv", content))
    types = dict(zip(table.schema.names, map(str, table.schema.types), strict=True))
    assert types == {
        "CODE": "string",
        "istat": "string",
        "number": "string",
        "flag": "string",
        "empty": "string",
        "big": "string",
        "line": "int64",
        "mixed": "string",
        "D20200103": "float",
    }
    assert table["istat"].to_pylist() == ["0058", "0059"]


def test_csv_of_a_header_only(write: Callable[[str, bytes], Path]) -> None:
    for content in (CSV.split(b"\n")[0], CSV.split(b"\n")[0] + b"\r\n\r\n"):
        opened, table = read(write("a.csv", content))
        assert (opened.rows, table.num_rows) == (0, 0)
        assert table.schema.field("20200103").type == pa.float32()
        assert table.schema.field("mean_velocity").type == pa.float64()


@pytest.mark.parametrize("batch_rows", [1, 7, 1000, 8192])
def test_csv_of_many_blocks_keeps_rows_and_order(
    write: Callable[[str, bytes], Path], monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr("insar_runtime._input.readers.csv_table._BLOCK", 1 << 12)
    lines = [f"{i},{i / 8}" for i in range(5000)]
    path = write("a.csv", "\n".join(["pid,20200103", *lines]).encode())
    with open_source(path) as source:
        batches = list(source.batches(batch_rows))
    assert max(batch.num_rows for batch in batches) <= batch_rows
    table = pa.Table.from_batches(batches)
    assert table["pid"].to_pylist() == [str(i) for i in range(5000)]
    assert table["20200103"].to_pylist() == [i / 8 for i in range(5000)]


def test_csv_lines_longer_than_a_block(write: Callable[[str, bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._input.readers.csv_table._BLOCK", 64)
    names = [f"{np.datetime64('2015-01-01') + i}" for i in range(300)]
    path = write("a.csv", "\n".join([",".join(names), *[",".join(["1.5"] * 300)] * 3]).encode())
    assert read(path)[1].num_rows == 3


def test_csv_and_parquet_give_the_same_float32(write: Callable[[str, bytes], Path], tmp_path: Path) -> None:
    # 1 + 2**-24 lies between two float32; its shortest text lies above it, so a direct reading rounds up.
    rng = np.random.default_rng(0)
    values = np.concatenate([[1 + 2**-24, 0.1, -7.35, 1e-40, 3e38], rng.normal(0, 10, 2000)])
    pq.write_table(pa.table({"20200103": values}), tmp_path / "a.parquet")
    text = write("a.csv", "\n".join(["20200103", *map(repr, values.tolist())]).encode())
    layout = resolve_layout(pa.schema([("20200103", pa.float64())]))
    matrices = [to_matrix(read(path)[1].to_batches()[0], layout) for path in (text, tmp_path / "a.parquet")]
    assert matrices[0].tobytes() == matrices[1].tobytes()


def test_infinity_is_kept(write: Callable[[str, bytes], Path]) -> None:
    _, table = read(write("a.csv", b"pid,20200103\n1,inf\n2,-inf\n"))
    assert table["20200103"].to_pylist() == [np.inf, -np.inf]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n1,2\n", "no column names"),
        (
            "a.csv",
            b'pid,20200103\n1,2\n2,"1,5"\n',
            "decimal comma .'1,5'., and commas separate .*: write decimal points",
        ),
        ("a.csv", b"pid,20200103\n1,x\n", "column '20200103'.*'x'.*correct the cell"),
        ("a.csv", b"pid,20200103\n1,2\n1,2,3\n", "Expected 2 columns, got 3.*as many cells"),
        ("a.csv", b"pid,x,x\n1,2,3\n", "column 'x' occurs twice"),
        ("a.csv", "pid,näme\n".encode("latin-1"), "UTF-8"),
        ("a.csv", "pid,name,20200103\n1,ä,2\n".encode("latin-1"), "UTF-8"),
        ("a.csv", "pid,20200103\n1,2\n".encode("utf-16"), "UTF-16 text"),
        ("a.csv", b"pid\0,2", "no text"),
        ("a.csv.gz", b"\x1f\x8b\x08", "damaged or incomplete"),
        ("a.gpkg", b"SQLite format 3\0", "GeoPackage whose end is missing"),
        ("a.h5", b"\x89HDF\r\n", "HDF5"),
        ("a.parquet", b"pid,20200103\n1,2\n", "no parquet file by its content"),
        ("a.zip", b"pid,20200103\n1,2\n", "no zip file by its content"),
        ("a.parquet", b"PAR1 and nothing else, PAR1", "damaged or incomplete"),
        ("a.arrow", b"ARROW1\0\0 and nothing else", "damaged or incomplete"),
        ("a.zip", b"PK\x03\x04 and nothing else", "damaged or incomplete"),
        ("a.zip", zipped(a__xml=b"<x/>"), "one CSV or shapefile, it holds 'a.xml'"),
        ("a.zip", zipped(b__zip=zipped(a__csv=CSV)), "it holds 'b.zip': unpack it"),
        ("a.zip", zipped(), "it holds nothing"),
        ("a.xlsx", zipped(**{"xl/workbook__xml": b"<x/>"}), "Excel workbook: save its sheet as CSV"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfd\x04", "damaged or incomplete"),
        ("a.ods", zipped(mimetype=b"x", content__xml=b"<x/>"), "LibreOffice document: save its sheet as CSV"),
        ("a.xls", b"\xd0\xcf\x11\xe0\0", "Excel workbook: save its sheet as CSV"),
        ("a.fgb", b"fgb\x03\0", "FlatGeobuf file: .*ogr2ogr OUT.gpkg .*a.fgb"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04", "7z file: unpack it"),
        ("a.shp", b"\0\0\x27\x0a\0\0", "a.shp has no .dbf beside it"),
        ("a.shx", b"\0\0\x27\x0a\0\0", "index of a shapefile: give the .shp"),
        ("a.csv", b"<!DOCTYPE html><html>20200103, 20200109</html>\n", "web page or XML: fetch the file again"),
        (
            "a.csv",
            b'\xef\xbb\xbf {"detail": "token, expired"}\n',
            "is JSON: .*insar-rt convert .*; fetch the file again if",
        ),
        (
            "a.geojson",
            b'{"type": "FeatureCollection",\n"features": []}',
            "is GeoJSON: .*insar-rt convert .*a.geojson -o OUT.parquet",
        ),
        ("a.zip", zipped(a__csv=CSV, b__CSV=CSV), "holds 2 .'a.csv', 'b.CSV'"),
    ],
)
def test_content_that_is_refused(write: Callable[[str, bytes], Path], name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(write(name, content))
    assert "\n" not in str(caught.value)


def test_late_errors_are_ours_too(write: Callable[[str, bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._input.readers.csv_table._BLOCK", 1 << 10)
    path = write("a.csv", b"pid,20200103\n" + b"1,2.5\n" * 2000 + b"1,oops\n")
    with open_source(path) as source:
        batches = source.batches(100)
        assert next(batches).num_rows == 100
        with pytest.raises(DataError, match=r"column '20200103'.*'oops'"):
            list(batches)


def test_names_that_are_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(InputNotFoundError, match=r"no such input: .*missing\.csv"),
        open_source(tmp_path / "missing.csv"),
    ):
        pass
    with pytest.raises(InputOutputError, match="is a folder"), open_source(tmp_path):
        pass


def test_a_batch_has_rows(write: Callable[[str, bytes], Path]) -> None:
    with open_source(write("a.csv", CSV)) as opened, pytest.raises(UsageError, match="at least 1"):
        next(opened.batches(0))


def test_errors_of_the_caller_pass_unchanged(write: Callable[[str, bytes], Path]) -> None:
    for error in (FileNotFoundError("theirs"), pa.ArrowInvalid("theirs")):
        with pytest.raises(type(error), match=r"^theirs$") as caught, open_source(write("a.csv", CSV)):
            raise error
        assert caught.value is error


def test_a_read_error_is_no_damage() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: Any) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with (
        pytest.raises(InputOutputError, match="Input/output error"),
        open_source(io.BufferedReader(Broken())),
    ):
        pass


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "named.csv"  # the content decides, not the name
    pq.write_table(TABLE.replace_schema_metadata({"dates": "[]"}), path, row_group_size=9)
    opened, table = read(path, batch_rows=20)
    assert (opened.kind, opened.rows, opened.metadata, opened.name) == (
        "parquet",
        50,
        {"dates": "[]"},
        str(path),
    )
    assert table.equals(TABLE)


def test_parquet_damaged_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"20200103": np.random.default_rng(0).normal(size=20_000)})
    pq.write_table(table, path, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="damaged or incomplete"):
        read(path)
    content[1000:3000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged or incomplete"):
        read(path)


def test_parquet_without_rows(tmp_path: Path) -> None:
    pq.write_table(TABLE.slice(0, 0), tmp_path / "a.parquet")
    opened, table = read(tmp_path / "a.parquet")
    assert (opened.rows, table.num_rows) == (0, 0)


@pytest.mark.parametrize("stream", [True, False])
def test_ipc_from_a_file(write: Callable[[str, bytes], Path], stream: bool) -> None:
    opened, table = read(write("a.arrow", ipc(TABLE, stream=stream)), batch_rows=16)
    assert (opened.kind, opened.rows) == ("ipc", None)
    assert table.equals(TABLE)


def test_ipc_from_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    content = ipc(TABLE.replace_schema_metadata({"dates": json.dumps([])}))
    assert read(io.BytesIO(content))[1].equals(TABLE)

    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(content))

    monkeypatch.setattr(sys, "stdin", Stdin)
    opened, table = read("-")
    assert (opened.name, opened.kind, opened.metadata) == ("-", "ipc", {"dates": "[]"})
    assert table.equals(TABLE)


@pytest.mark.parametrize("content", [b"", b"pid,20200103\n", ipc(TABLE)[:40], ipc(TABLE)[:-300]])
def test_ipc_streams_that_are_refused(content: bytes) -> None:
    with pytest.raises(DataError):
        read(io.BytesIO(content))


def test_ipc_dictionaries_that_grow_between_batches() -> None:
    pieces = [pa.array(values).dictionary_encode() for values in (["a", "b"], ["c", "b"])]
    batches = [pa.RecordBatch.from_arrays([piece], ["track"]) for piece in pieces]
    assert next(_regroup(batches, 10))["track"].to_pylist() == ["a", "b", "c", "b"]


def test_zip_as_downloaded(write: Callable[[str, bytes], Path]) -> None:
    path = write("EGMS.zip", zipped(EGMS__csv=CSV, EGMS__xml=b"<track/>"))
    opened, table = read(path)
    assert (opened.kind, opened.metadata) == ("zip", {"member": "EGMS.csv"})
    assert table.equals(read(write("a.csv", CSV))[1])


def test_zip_with_a_damaged_member(write: Callable[[str, bytes], Path]) -> None:
    content = bytearray(zipped(a__csv=b"pid,20200103\n" + os.urandom(4000).hex().encode() + b",1\n"))
    content[300:400] = bytes(100)
    with pytest.raises(DataError, match="damaged or incomplete"):
        read(write("a.zip", bytes(content)))


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv", 11_590, 235),
        ("egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv", 522, 318),
        ("egms_l2_carpathians/102_100.csv", 100, 385),
        ("egms_l2_wroclaw/175_0304_IW1_VV.csv", 146, 395),
        ("egms_l2_wroclaw/022_0771_IW1_VV.csv", 0, 397),
        ("depsi_amsterdam/example.csv", 2500, 46),
    ],
)
def test_real_files(real: Callable[[str], Path], name: str, rows: int, columns: int) -> None:
    _, table = read(real(name))
    assert (table.num_rows, table.num_columns) == (rows, columns)
    if "ustica" in name:
        reference = np.genfromtxt(real(name), delimiter=",", skip_header=1, max_rows=50)[:, -5:]
        found = np.array([table.column(i)[:50].to_numpy() for i in range(columns - 5, columns)]).T
        np.testing.assert_array_equal(found, reference.astype(np.float32))
        assert table.schema.field("mp_type" if "L2b" in name else "pid").type in {pa.int64(), pa.string()}


def test_real_file_from_its_zip(real: Callable[[str], Path], tmp_path: Path) -> None:
    path = real("egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    assert read(tmp_path / "a.zip")[1].equals(read(path)[1])


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.arrows"])
def test_the_names_of_a_table_are_searched_for_dates_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []

    def counted(*args: Any) -> DateColumns:
        searched.append(args)
        return find_date_columns(*args)

    monkeypatch.setattr("insar_runtime._input.dates.date_search.find_date_columns", counted)
    with open_described(tables.write(tables.wide(*tables.series(20, 40)), tmp_path / name)) as described:
        assert len(described.description.layout.dates) == 40
    assert len(searched) == 1
