"""Shapefiles and dBASE tables: every type of field, deleted records, encodings, shapes, and parts that do not fit."""

from __future__ import annotations

import contextlib
import json
import struct
import tempfile
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insar_runtime._input.opening import open_source
from insar_runtime._input.sampling import spread_batches
from insar_runtime._output.geometry import find_geometry, points_of
from insar_runtime._pipeline.fingerprint import InputHash
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import open_described
from insar_runtime.errors import DataError
from tests.runtime.input.shapefiles import POINTS, RECORDS, SERIES, dbf, shp, write


def read(path: Path) -> pa.Table:
    with open_source(path) as source:
        table = pa.Table.from_batches(source.batches(), source.schema)
        assert source.rows == len(table)
        return table


def notes(path: Path) -> str:
    with open_source(path) as source:
        return "\n".join(source.origin.notes)


def places(table: pa.Table) -> list[Any]:
    geometry = find_geometry(table.schema)
    assert geometry is not None
    points = points_of(table.combine_chunks().to_batches()[0], geometry)
    return [None if np.isnan(x) else (x, y) for x, y in points]


def test_a_shapefile_as_a_table(tmp_path: Path) -> None:
    path = write(tmp_path)
    table = read(path)
    assert table.schema.names == ["CODE", "VEL", "D20200103", "D20200109", "geometry"]
    assert table.schema.types == [pa.string(), pa.float64(), pa.float32(), pa.float32(), pa.binary()]
    assert table["CODE"].to_pylist() == ["A1", "A2"]
    assert table["D20200103"].to_pylist() == [1.125, None]
    assert table["D20200109"].to_pylist() == [-2.25, None]
    assert places(table) == POINTS
    with open_source(path) as source:
        assert source.kind == "shapefile"
        assert "crs" not in json.loads(source.metadata["geo"])["columns"]["geometry"]
        assert not source.origin.notes
        assert [column.to_pylist() for column in source.column("VEL") or ()] == [[-1.5, 0.5]]


@pytest.mark.parametrize("suffix", ["dbf", "DBF", "Dbf"])
def test_parts_beside_it_in_any_case(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path)
    (tmp_path / "a.dbf").rename(tmp_path / f"a.{suffix}")
    assert len(read(path)) == 2


def test_a_dbf_alone(tmp_path: Path) -> None:
    write(tmp_path, shp=None)
    assert read(tmp_path / "a.dbf").schema.names == [field[0] for field in SERIES]
    assert notes(tmp_path / "a.dbf") == ""
    (tmp_path / "a.shp").write_bytes(shp(POINTS))
    assert "points of a.shp beside it were left out" in notes(tmp_path / "a.dbf")


@pytest.mark.parametrize("members", [("dbf", "shp", "prj"), ("dbf",)])
def test_a_zip_with_a_shapefile(tmp_path: Path, members: tuple[str, ...]) -> None:
    path = write(tmp_path)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in members:
            archive.write(tmp_path / f"a.{suffix}", f"folder/A.{suffix.upper()}")
    same = path if "shp" in members else path.with_suffix(".dbf")
    assert read(tmp_path / "a.zip").equals(read(same))
    with open_source(tmp_path / "a.zip") as source:
        assert source.metadata["member"] == f"folder/A.{'SHP' if 'shp' in members else 'DBF'}"


def test_deleted_records_are_no_rows(tmp_path: Path) -> None:
    records = [[f"A{i}".encode(), b"1", str(i).encode(), b"2"] for i in range(10)]
    points = [(7.0 + i, 45.0) for i in range(10)]
    path = write(tmp_path, dbf=dbf(SERIES, records, deleted=[0, 3, 9]), shp=shp(points))
    table = read(path)
    assert table["CODE"].to_pylist() == ["A1", "A2", "A4", "A5", "A6", "A7", "A8"]
    assert [x for x, _ in places(table)] == [8.0, 9.0, 11.0, 12.0, 13.0, 14.0, 15.0]
    assert notes(path) == "3 of 10 records of a.dbf are marked as deleted and were left out"


def test_all_records_deleted(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, dbf=dbf(SERIES, RECORDS, deleted=[0, 1])))) == 0


@pytest.mark.parametrize("kind", [1, 11, 21])
def test_null_shapes_and_shapes_with_z_or_m(tmp_path: Path, kind: int) -> None:
    path = write(tmp_path, shp=shp([None, POINTS[1]], kind))
    assert places(read(path)) == [None, POINTS[1]]
    assert ("heights in the geometry" in notes(path)) == (kind == 11)
    path = write(tmp_path, shp=shp(POINTS, kind))
    assert places(read(path)) == POINTS


def test_a_set_of_one_point_is_a_point(tmp_path: Path) -> None:
    content = struct.pack("<i4di2d", 8, 0, 0, 0, 0, 1, *POINTS[0])
    more = struct.pack("<i4di4d", 8, 0, 0, 0, 0, 2, *POINTS[0], *POINTS[1])
    head = shp([], 1)[:32] + struct.pack("<i", 8) + shp([], 1)[36:]
    one = struct.pack(">ii", 1, len(content) // 2) + content
    two = struct.pack(">ii", 2, len(more) // 2) + more
    assert places(read(write(tmp_path, shp=head + one + one))) == [POINTS[0], POINTS[0]]
    with pytest.raises(DataError, match="shape 2 is a set of points: write one point per row"):
        read(write(tmp_path, shp=head + one + two))


def test_no_shapes_at_all(tmp_path: Path) -> None:
    head = shp([])
    path = write(tmp_path, shp=head[:32] + b"\0\0\0\0" + head[36:])
    assert "geometry" not in read(path).schema.names


@pytest.mark.parametrize(("day", "value"), [("DATE", "LOS"), ("data_misur", "spost_rel_"), ("date", "displaceme")])
def test_a_long_table(tmp_path: Path, day: str, value: str) -> None:
    fields = [("CODE", "C", 4, 0), ("FIRST", "D", 8, 0), (day, "D", 8, 0), (value, "N", 8, 2)]
    days = [b"20200103", b"20200109", b"20200115"]
    records = [[code, b"", written, b"%d.5" % row] for code in (b"a", b"b") for row, written in enumerate(days)]
    with open_source(write(tmp_path, shp=None, dbf=dbf(fields, records)).with_suffix(".dbf")) as source:
        table = pa.Table.from_batches(source.batches(), source.schema)
    assert source.origin.form == "long"
    assert table["CODE"].to_pylist() == ["a", "b"]
    assert table[value].to_pylist() == [[0.5, 1.5, 2.5]] * 2


def test_names_that_were_cut_to_ten_characters(tmp_path: Path) -> None:
    fields = [("pid", "C", 6, 0), ("mean_veloc", "C", 8, 0), ("temporal_c", "N", 8, 2), ("20200103", "C", 8, 0)]
    fields.append(("20200109", "C", 8, 0))
    path = write(tmp_path, dbf=dbf(fields, [[b"a", b"-1.5", b"0.9", b"-20.5", b"20.1"]] * 2))
    with open_described(path) as table:
        assert table.description.layout.velocity == "mean_veloc"
        assert table.description.layout.coherence == "temporal_c"


def test_the_geometry_is_kept_and_noted_as_such(tmp_path: Path) -> None:
    fields = [("CODE", "C", 4, 0), ("LON", "N", 10, 1), ("LAT", "N", 10, 1), *SERIES[2:]]
    path = write(tmp_path, dbf=dbf(fields, [[b"a", b"600000", b"5000000", b"-20.5", b"20.1"]] * 2))
    with open_described(path) as table:
        assert table.description.position is None
        assert not any("no geometry" in note for note in notes_on(table.description))


def test_other_types_of_fields(tmp_path: Path) -> None:
    fields = [
        ("CODE", "C", 4, 0),
        ("DAY", "D", 8, 0),
        ("YES", "L", 1, 0),
        ("I", "I", 4, 0),
        ("O", "O", 8, 0),
        ("B", "B", 8, 0),
        ("MEMO", "M", 10, 0),
        ("BIG", "N", 20, 0),
        ("WHOLE", "N", 9, 0),
        ("D20200103", "O", 8, 0),
        ("D20200109", "N", 6, 2),
    ]
    binary = [struct.pack("<i", -5), struct.pack("<d", 1.5), struct.pack("<d", -0.1)]
    series = [struct.pack("<d", 2.5), b"1.25"]
    records = [
        [b"a", b"20200229", b"T", *binary, b"1", b"12345678901234567890", b"12.", *series],
        [b"b", b"20210229", b"?", *binary, b"", b"", b"", *series],
        [b"c", b"", b"n", *binary, b"", b"7", b"1e3", *series],
    ]
    path = write(tmp_path, shp=None, dbf=dbf(fields, records, version=0x30)).with_suffix(".dbf")
    table = read(path)
    assert table["DAY"].to_pylist() == [date(2020, 2, 29), None, None]
    assert table["YES"].to_pylist() == [True, None, False]
    assert table["I"].to_pylist() == [-5] * 3
    assert table["O"].to_pylist() == [1.5] * 3
    assert table["B"].to_pylist() == [-0.1] * 3
    assert table["BIG"].to_pylist() == ["12345678901234567890", None, "7"]
    assert table["WHOLE"].to_pylist() == [12, None, 1000]
    assert table["D20200103"].to_pylist() == [2.5] * 3
    assert "MEMO" not in table.schema.names
    assert "memos or of an unknown type were left out: MEMO" in notes(path)


def test_numbers_that_are_stored_as_text(tmp_path: Path) -> None:
    fields = [("pid", "C", 6, 0), ("quarter", "C", 8, 0), ("velocity", "C", 8, 0), ("20200103", "C", 8, 0)]
    records = [[b"001", b"x", b"-1.5", b"1.25"], [b"002", b"y", b"", b"-3"]]
    table = read(write(tmp_path, dbf=dbf(fields, records), shp=shp(POINTS)))
    assert table["pid"].to_pylist() == ["001", "002"]
    assert table["velocity"].to_pylist() == [-1.5, None]
    assert table["20200103"].type == pa.float32()
    assert table["20200103"].to_pylist() == [1.25, -3]


@pytest.mark.parametrize(
    ("page", "language", "encoding"),
    [
        (b"UTF-8\n", 0, "utf-8"),
        (b"utf8", 0x57, "utf-8"),
        (b"1252", 0, "cp1252"),
        (b"ANSI 1252", 0, "cp1252"),
        (b"ISO-8859-1", 0, "iso-8859-1"),
        (b"8859_1", 0, "iso-8859-1"),
        (b"88592", 0, "iso-8859-2"),
        (b"LDID/87", 0, "latin-1"),
        (b"GBK", 0, "gbk"),
        (None, 0x57, "cp1252"),
        (None, 0x65, "cp866"),
        (None, 0xC8, "cp1250"),
        (None, 0, "iso-8859-1"),
    ],
)
def test_encodings(tmp_path: Path, page: bytes | None, language: int, encoding: str) -> None:
    text = {"cp866": "Жук", "gbk": "沉降", "iso-8859-2": "Łódź", "cp1250": "Łódź"}.get(encoding, "Lübeck")
    fields = [*SERIES, ("PLACE", "C", 10, 0)]
    records = [[*cells, text.encode(encoding)] for cells in RECORDS]
    path = write(tmp_path, dbf=dbf(fields, records, language=language), cpg=page)
    assert read(path)["PLACE"].to_pylist() == [text, text]


def encoded(folder: Path, texts: list[bytes], *, deleted: tuple[int, ...] = (), name: str = "PLACE") -> pa.Table:
    """Read a table with these texts, whose encoding nothing names."""
    records = [[*RECORDS[0], text] for text in texts]
    content = dbf([*SERIES, (name, "C", 8, 0)], records, deleted=deleted)
    return read(write(folder, dbf=content, shp=shp([POINTS[0]] * len(texts))))


@pytest.mark.parametrize(
    ("texts", "encoding"),
    [
        (["Łódź".encode(), b"plain", "ñ1".encode()], "utf-8"),
        (["Łódź".encode(), "ñ1".encode("latin-1")], "latin-1"),  # one for the whole file
        (["Łódź".encode(), "mañanaü".encode()[:8]], "utf-8"),  # cut within a character
        (["Łódź".encode(), b"caf\xc3"], "latin-1"),  # not cut: the field has room
        ([b"abcdefg\xc3", b"plain"], "latin-1"),  # cut, with no whole character that shows UTF-8
        (["ñ".encode() + b"\0\xff", b"plain"], "utf-8"),  # behind the end of a text
        ([b"plain\0\xc3\xa9", "café".encode("latin-1")], "latin-1"),
    ],
)
def test_where_no_encoding_is_named_the_bytes_show_utf8(tmp_path: Path, texts: list[bytes], encoding: str) -> None:
    wanted = [text.partition(b"\0")[0].decode(encoding, "ignore") for text in texts]
    assert encoded(tmp_path, texts)["PLACE"].to_pylist() == wanted


def test_the_encoding_is_that_of_all_blocks_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._input.readers.dbf_table._BLOCK", 100)
    texts = [b"plain"] * 9 + ["ñ1".encode()]
    assert encoded(tmp_path, texts)["PLACE"].to_pylist() == ["plain"] * 9 + ["ñ1"]
    texts = ["ñ1".encode()] + [b"plain"] * 8 + ["ñ1".encode("latin-1")]
    assert encoded(tmp_path, texts)["PLACE"].to_pylist() == ["Ã±1", *["plain"] * 8, "ñ1"]
    assert encoded(tmp_path, texts, deleted=(9,))["PLACE"].to_pylist() == ["ñ1", *["plain"] * 8]


def test_names_of_fields_show_the_encoding_too(tmp_path: Path) -> None:
    assert "Höhe" in encoded(tmp_path, [b"plain"], name="Höhe".encode().decode("latin-1")).schema.names
    assert "Höhe" in encoded(tmp_path, [b"plain"], name="Höhe").schema.names


def test_a_date_that_is_in_no_field_of_numbers(tmp_path: Path) -> None:
    fields = [("CODE", "C", 8, 0), ("NOTE", "I", 20, 0), ("D20200103", "I", 20, 0), ("D20200109", "N", 10, 3)]
    path = write(tmp_path, dbf=dbf(fields, [[b"a", b"", b"", b"1"]] * 2))
    message = (
        r"a\.dbf: field 'D20200103' is a date of the series by its name, but of type 'I' with 20 bytes, which holds"
    )
    with pytest.raises(DataError, match=message):
        read(path)
    fields[2] = ("D20200103", "I", 4, 0)
    path = write(tmp_path, dbf=dbf(fields, [[b"a", b"", b"\1\0\0\0", b"1"]] * 2))
    assert read(path)["D20200103"].to_pylist() == [1, 1]
    assert "left out: NOTE" in notes(path)


def test_a_zero_byte_ends_a_number(tmp_path: Path) -> None:
    cells = [b"1.5\0" + b" " * 6, b"1.5\0 -7.2", b"\0      1.5", b"   1.5\0**", b"1.5\0" + b"-7" * 3]
    records = [[b"A", b"1", cell, b"2"] for cell in cells]
    table = read(write(tmp_path, dbf=dbf(SERIES, records), shp=shp([POINTS[0]] * len(cells))))
    assert table["D20200103"].to_pylist() == [1.5, 1.5, None, 1.5, 1.5]


def test_a_text_that_is_cut_within_a_character(tmp_path: Path) -> None:
    fields = [*SERIES, ("PLACE", "C", 4, 0)]
    records = [[*RECORDS[0], "abcü".encode()[:4]], [*RECORDS[1], "ü".encode()]]
    assert read(write(tmp_path, dbf=dbf(fields, records), cpg=b"UTF-8"))["PLACE"].to_pylist() == ["abc", "ü"]


def test_texts_that_are_not_in_their_encoding(tmp_path: Path) -> None:
    fields = [*SERIES, ("PLACE", "C", 10, 0)]
    records = [[*cells, "Lübeck".encode("cp1252")] for cells in RECORDS]
    with pytest.raises(DataError, match=r"a\.dbf: field 'PLACE' holds b'L\\xfcbeck', which is no utf-8: write the enc"):
        read(write(tmp_path, dbf=dbf(fields, records), cpg=b"UTF-8"))
    with pytest.raises(DataError, match="names the encoding 'zip', which is not known: write UTF-8"):
        read(write(tmp_path, cpg=b"zip"))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"dbf": None}, r"a\.shp has no \.dbf beside it, which holds the table of a shapefile: put it there"),
        ({"shp": shp(POINTS[:1])}, r"a\.shp has 1 shapes, fewer than its \.dbf has records: both must be of one"),
        ({"shp": shp([None, None])[:-12] + shp(POINTS)[100:128]}, None),
        ({"shp": shp([*POINTS, *POINTS])}, r"has more than 2 shapes, which is what its \.dbf has: both must be of one"),
        ({"shp": shp(POINTS)[:-3]}, "shape 2 .* is damaged or cut"),
        ({"shp": shp([])}, r"a\.shp is too short for the 2 records of its \.dbf"),
        ({"shp": shp(POINTS)[:99]}, "is no shapefile by its content"),
        ({"shp": shp([])[:32] + struct.pack("<i", 5) + shp([])[36:]}, "holds polygons, and only points are read"),
        ({"shp": shp([])[:32] + struct.pack("<i", 99) + shp([])[36:]}, "unknown type 99"),
        ({"shx": b"\0" * 100 + b"\0" * 24}, r"a\.shp has 3 shapes and its \.dbf 2 records"),
        ({"dbf": dbf(SERIES, RECORDS)[:-30]}, r"a\.dbf has 1 of its 2 records: its end is missing"),
        ({"dbf": dbf(SERIES, RECORDS)[:80]}, "header does not hold together"),
        ({"dbf": b"\x03" + b"\0" * 100}, "is no dBASE table"),
        ({"dbf": dbf([SERIES[0], SERIES[0]], [[b"a", b"b"]])}, "field 'CODE' occurs twice"),
        ({"dbf": dbf(SERIES, [[b"A", b"1", b"x", b"2"]] * 2)}, "field 'D20200103' holds 'x', which is no number"),
        ({"dbf": dbf(SERIES, [[b"A", b"1", b"1,5", b"2"]] * 2)}, "field 'D20200103' holds '1,5', which is no number"),
        ({"dbf": dbf(SERIES, [[b"A", b"1", b"1\n5", b"2"]] * 2)}, "a number holds a control character"),
    ],
)
def test_what_is_refused(tmp_path: Path, parts: dict[str, Any], message: str | None) -> None:
    path = write(tmp_path, **parts)
    if message is None:
        assert places(read(path)) == [None, POINTS[0]]
        return
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 65


def test_systems_are_named_or_noted(tmp_path: Path) -> None:
    assert (
        notes(write(tmp_path, prj=None)) == "no .prj file names the coordinate system: the output's geometry has none"
    )
    path = write(tmp_path, prj=b'PROJCS["Some_Grid",GEOGCS["x"]]')
    assert "coordinate system 'Some_Grid' is not known here" in notes(path)
    with open_source(path) as source:
        assert json.loads(source.metadata["geo"])["columns"]["geometry"]["crs"] is None


def test_a_name_that_the_geometry_would_take(tmp_path: Path) -> None:
    fields = [*SERIES, ("Geometry", "C", 4, 0)]
    table = read(write(tmp_path, dbf=dbf(fields, [[*cells, b"x"] for cells in RECORDS])))
    assert table.schema.names[-2:] == ["Geometry", "geom"]


def test_rows_from_all_over_the_file(tmp_path: Path) -> None:
    records = [[f"A{i}".encode(), b"1", str(i).encode(), b"2"] for i in range(1000)]
    path = write(tmp_path, dbf=dbf(SERIES, records), shp=shp([POINTS[0]] * 1000))
    with open_source(path) as source:
        found = pa.Table.from_batches(spread_batches(source, ["CODE", "D20200103"], 100))
    values = found["D20200103"].to_pylist()
    assert len(values) <= 112
    assert values == sorted(set(values))
    assert values[0] == 0
    assert values[-1] == 999


def test_the_hash_of_a_shapefile_is_that_of_all_its_parts(tmp_path: Path) -> None:
    path = write(tmp_path)

    def value() -> str:
        with InputHash(path) as hashed:
            return hashed.value()

    before = value()
    assert value() == before
    (tmp_path / "a.dbf").write_bytes(dbf(SERIES, RECORDS[::-1]))
    assert value() != before


def test_blocks_of_a_few_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._input.readers.dbf_table._BLOCK", 100)
    records = [[f"A{i}".encode(), b"1", str(i).encode(), b"2"] for i in range(50)]
    points = [None if i % 7 == 3 else (7.0 + i, 45.0) for i in range(50)]
    table = read(write(tmp_path, dbf=dbf(SERIES, records, deleted=[5]), shp=shp(points)))
    assert table["D20200103"].to_pylist() == [i for i in range(50) if i != 5]
    assert places(table) == [point for i, point in enumerate(points) if i != 5]


NUMBERS = st.one_of(
    st.just(b""),
    st.just(b"*" * 12),
    st.integers(-99_999, 999_999).map(lambda number: str(number).encode()),
    st.decimals(-9999, 9999, places=4, allow_nan=False).map(lambda number: str(number).encode()),
    st.floats(-1e5, 1e5, width=32).map(lambda number: f"{number:.3e}".encode()),
)
TEXTS = st.text(st.characters(codec="cp1252", exclude_categories=["C"]), max_size=8).map(
    lambda t: t.encode("cp1252")[:8]
)
DAYS = st.one_of(st.just(b""), st.just(b"00000000"), st.dates(date(1900, 1, 1)).map(lambda d: f"{d:%Y%m%d}".encode()))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(TEXTS, NUMBERS, NUMBERS, DAYS, st.sampled_from([b"T", b"F", b"y", b"N", b"", b"?"])), max_size=20
    ),
    st.sets(st.integers(0, 19)),
    st.data(),
)
def test_tables_are_read_as_gdal_reads_them(
    rows: list[tuple[bytes, ...]], deleted: set[int], data: st.DataObject
) -> None:
    pyogrio = pytest.importorskip("pyogrio", reason="pyogrio is not installed (group neighbours)")
    fields = [("T", "C", 8, 0), ("A", "N", 12, 4), ("B", "F", 12, 3), ("D", "D", 8, 0), ("L", "L", 1, 0)]
    order = data.draw(st.permutations(range(5)))
    content = dbf(
        [fields[i] for i in order], [[row[i] for i in order] for row in rows], deleted=sorted(deleted), language=3
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.dbf"
        path.write_bytes(content)
        ours = read(path)
        theirs = pyogrio.read_dataframe(path, read_geometry=False)
    assert len(ours) == len(theirs)
    for name in "AB":
        mine = ours[name].to_numpy(zero_copy_only=False)
        assert np.array_equal(mine, theirs[name].to_numpy(dtype=np.float64), equal_nan=True)
    words = [None if not isinstance(word, str) else word.strip(" ") or None for word in theirs["T"]]
    assert ours["T"].to_pylist() == words
    days = [None if str(day) in {"NaT", "None", "nan"} else date.fromisoformat(str(day)[:10]) for day in theirs["D"]]
    assert ours["D"].to_pylist() == days


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=400), st.integers(0, 300), st.integers(1, 40))
def test_damage_never_ends_in_another_error(noise: bytes, place: int, length: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for part in ("dbf", "shp"):
            path = write(Path(folder))
            content = (Path(folder) / f"a.{part}").read_bytes()
            (Path(folder) / f"a.{part}").write_bytes(content[:place] + noise[:length] + content[place + length :])
            with contextlib.suppress(DataError):
                read(path)


@pytest.mark.parametrize("z", [False, True])
def test_what_gdal_writes(tmp_path: Path, z: bool) -> None:
    geopandas = pytest.importorskip("geopandas", reason="geopandas is not installed (group neighbours)")
    frame = geopandas.GeoDataFrame(
        {"CODE": ["Ä1", "B"], "D20200103": [0.1, None], "D20200109": [-2.5, 1e-3], "n": [1, 2]},
        geometry=geopandas.points_from_xy([600_000.0, 600_001.5], [5e6, 5e6], z=[1.0, 2.0] if z else None),
        crs=32632,
    )
    frame.to_file(tmp_path / "a.shp")
    table = read(tmp_path / "a.shp")
    assert table["CODE"].to_pylist() == ["Ä1", "B"]
    assert table["D20200103"].to_pylist() == [np.float32(0.1), None]
    assert table["n"].to_pylist() == [1, 2]
    assert places(table) == [(600_000.0, 5e6), (600_001.5, 5e6)]
    crs = json.loads((table.schema.metadata or {})[b"geo"])["columns"]["geometry"]["crs"]
    assert crs["id"] == {"authority": "EPSG", "code": 32632}
