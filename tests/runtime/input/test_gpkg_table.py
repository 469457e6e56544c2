"""GeoPackages as input: our own and those of others, layers, geometries, and databases that mean harm."""

from __future__ import annotations

import json
import sqlite3
import struct
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime import classify_file
from insar_runtime._input.lookup import find_id
from insar_runtime._input.opening import open_source
from insar_runtime._input.sampling import estimate_rows, spread_batches
from insar_runtime._output.geometry import find_geometry, points_of
from insar_runtime._output.sinks import open_table
from insar_runtime.errors import DataError
from tests.runtime import tables


def read(path: Path) -> pa.Table:
    with open_source(path) as source:
        return pa.Table.from_batches(source.batches(), source.schema)


def notes(path: Path) -> list[str]:
    with open_source(path) as source:
        return list(source.origin.notes)


def places(table: pa.Table) -> list[Any]:
    geometry = find_geometry(table.schema)
    assert geometry is not None
    points = points_of(table.combine_chunks().to_batches()[0], geometry)
    return [None if np.isnan(x) else (x, y) for x, y in points]


def frame(count: int = 3, crs: int = 4326) -> Any:
    geopandas = pytest.importorskip("geopandas", reason="geopandas is not installed (group neighbours)")
    return geopandas.GeoDataFrame(
        {
            "CODE": [f"A{i}" for i in range(count)],
            "D20200103": [0.25 * i for i in range(count)],
            "D20200109": [None, *[1.5] * (count - 1)],
        },
        geometry=geopandas.points_from_xy(7 + np.arange(count) / 8, 45 + np.arange(count) / 8),
        crs=crs,
    )


def database(path: Path, *statements: str) -> Path:
    """Return a GeoPackage of one layer after some statements."""
    if not path.exists():
        frame().to_file(path, layer="points")
    with closing(sqlite3.connect(path)) as opened:
        opened.executescript(";\n".join(statements))
        opened.commit()
    return path


def test_a_layer_that_gdal_has_written(tmp_path: Path) -> None:
    frame(crs=32632).to_file(tmp_path / "a.gpkg")
    table = read(tmp_path / "a.gpkg")
    assert table.schema.names == ["CODE", "D20200103", "D20200109", "geometry"]
    assert table["D20200103"].type == pa.float32()
    assert table["D20200109"].to_pylist() == [None, 1.5, 1.5]
    assert places(table) == [(7, 45), (7.125, 45.125), (7.25, 45.25)]
    crs = json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]["crs"]
    assert crs["id"] == {"authority": "EPSG", "code": 32632}
    with open_source(tmp_path / "a.gpkg") as source:
        assert source.kind == "gpkg"
        assert estimate_rows(source) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gpkg"]


def test_types_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("tiny", pa.int8()),
            ("big", pa.int64()),
            ("yes", pa.bool_()),
            ("day", pa.date32()),
            ("time", pa.timestamp("ms", "UTC")),
            ("share", pa.float64()),
            ("raw", pa.binary()),
            ("D20200103", pa.float32()),
            ("D20200109", pa.float32()),
        ]
    )
    moment = datetime(2024, 2, 29, 12, 30, 1, 500_000, UTC)
    rows = [
        ["ä", -5, 1 << 60, True, date(2020, 2, 29), moment, 0.1, b"\0\1", np.float32(0.1), None],
        [None] * 10,
    ]
    batch = pa.RecordBatch.from_arrays(
        [pa.array(column, t) for column, t in zip(zip(*rows, strict=True), schema.types, strict=True)], schema=schema
    )
    with open_table(path, schema, dict, overwrite=False) as sink:
        sink.write(batch)
    assert read(path).equals(pa.Table.from_batches([batch]))


def test_our_own_outputs_come_back(tmp_path: Path) -> None:
    source = tables.write(tables.wide(*tables.series(points=40)), tmp_path / "in.parquet")
    for name in ("out.gpkg", "out.parquet"):
        classify_file(source, tmp_path / name, keep_series=True)
    ours, same = read(tmp_path / "out.gpkg"), read(tmp_path / "out.parquet")
    for name in same.schema.names:
        if name in {"geometry", "bbox"}:
            continue
        found = ours[name]
        # A FLOAT is a double of as many digits as float32 has.
        is_float = pa.types.is_floating(found.type)
        wanted = same[name].cast(pa.float32()) if is_float else same[name]
        assert (found.cast(pa.float32()) if is_float else found).to_pylist() == wanted.to_pylist(), name
    assert places(ours) == places(same)
    # Without the columns of classify, the file is classified to the same classes.
    with closing(sqlite3.connect(tmp_path / "out.gpkg")) as opened:
        names = [row[1] for row in opened.execute("PRAGMA table_info(out)")]
        drop = [n for n in names if n in {"class_id", "class_name", "class_top", "confidence", "status", "n_epochs"}]
        drop += [n for n in names if n.startswith(("p_", "max_gap"))]
        for name in drop:
            opened.execute(f"ALTER TABLE out DROP COLUMN {name}")
        opened.commit()
    classify_file(tmp_path / "out.gpkg", tmp_path / "again.parquet")
    again = read(tmp_path / "again.parquet")
    assert again["class_id"].to_pylist() == same["class_id"].to_pylist()
    assert again["confidence"].to_pylist() == same["confidence"].to_pylist()


def test_rows_are_in_the_order_of_the_file_whatever_indices_there_are(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    shuffled = frame(50).sample(frac=1, random_state=0)
    shuffled.to_file(path, layer="points")
    database(path, "CREATE INDEX by_code ON points (CODE)")
    with open_source(path) as source:
        column = source.column("CODE")
        assert column is not None
        alone = [value for piece in column for value in piece.to_pylist()]
        assert alone == shuffled["CODE"].tolist()
        hit = find_id(source, source.batches(), "CODE", "A7")
        assert hit.row == alone.index("A7")


def test_rows_from_all_over_the_layer(tmp_path: Path) -> None:
    frame(1000).to_file(tmp_path / "a.gpkg")
    with open_source(tmp_path / "a.gpkg") as source:
        found = pa.Table.from_batches(spread_batches(source, ["D20200103"], 160))
    values = found["D20200103"].to_pylist()
    assert values == sorted(set(values))
    assert len(values) == 160
    assert values[-1] > 230


def test_of_several_layers_the_one_with_series(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame().to_file(path, layer="points")
    frame().drop(columns=["D20200103", "D20200109"]).to_file(path, layer="towns")
    assert len(read(path)) == 3
    assert notes(path) == ["layer 'points' was read; left out: 'towns'"]
    frame().to_file(path, layer="more")
    with pytest.raises(DataError, match=r"has 2 layers with series \('points', 'more'\): write one of them into"):
        read(path)


def test_no_layer_with_series(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    for name in ("roads", "towns"):
        frame()[["CODE", "geometry"]].to_file(path, layer=name)
    with pytest.raises(DataError, match=r"2 layers, none of them with series \('roads', 'towns'\)"):
        read(path)


def blob(wkb: bytes, *, flags: int = 1, envelope: bytes = b"") -> str:
    return (b"GP\0" + bytes([flags]) + struct.pack("<i", 4326) + envelope + wkb).hex()


POINT = struct.pack("<BIdd", 1, 1, 7.5, 45.5)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (blob(POINT), (7.5, 45.5)),
        (blob(POINT, flags=3, envelope=b"\0" * 32), (7.5, 45.5)),
        (blob(struct.pack("<BIddd", 1, 1001, 7.5, 45.5, 3)), (7.5, 45.5)),
        (blob(struct.pack("<BIdddd", 1, 3001, 7.5, 45.5, 3, 4)), (7.5, 45.5)),
        (blob(struct.pack(">BIdd", 0, 1, 7.5, 45.5), flags=0), (7.5, 45.5)),
        (blob(struct.pack("<BII", 1, 4, 1) + POINT), (7.5, 45.5)),
        (blob(struct.pack("<BII", 1, 4, 0)), None),
        (blob(POINT, flags=0x11), None),
        (blob(struct.pack("<BIdd", 1, 1, np.nan, np.nan)), None),
        (None, None),
    ],
)
def test_geometries(tmp_path: Path, content: str | None, place: Any) -> None:
    value = "NULL" if content is None else f"X'{content}'"
    path = database(tmp_path / "a.gpkg", *_no_triggers(), f"UPDATE points SET geom = {value}")
    assert places(read(path)) == [place] * 3
    path = database(path, f"UPDATE points SET geom = X'{blob(POINT)}' WHERE fid = 2")
    assert places(read(path)) == [place, (7.5, 45.5), place]


_ENDLESS = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n)"


def _no_triggers() -> list[str]:
    """Return what drops the triggers of the index, which need functions of GDAL."""
    names = ["insert", "update1", "update2", "update3", "update4", "update5", "update6", "update7", "delete"]
    return [f"DROP TRIGGER IF EXISTS rtree_points_geom_{name}" for name in names]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (blob(struct.pack("<BII", 1, 2, 0)), "a row has a line, and only points are read"),
        (blob(struct.pack("<BII", 1, 3, 0)), "a row has a polygon"),
        (blob(struct.pack("<BII", 1, 4, 2) + POINT * 2), "a row has 2 points: write one point per row"),
        (blob(POINT[:-3]), "a geometry is damaged"),
        (blob(POINT, flags=0x0F), "a geometry is damaged"),
        ("00", "a geometry is damaged"),
        (blob(b""), "a geometry is damaged"),
    ],
)
def test_geometries_that_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = database(tmp_path / "a.gpkg", *_no_triggers(), f"UPDATE points SET geom = X'{content}' WHERE fid = 2")
    with pytest.raises(DataError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            ["UPDATE gpkg_geometry_columns SET geometry_type_name = 'POLYGON'"],
            "holds POLYGON, and only points are read",
        ),
        (["DROP TABLE gpkg_contents"], "without the tables of a GeoPackage"),
        (["DELETE FROM gpkg_contents"], "has no layer with rows"),
        (["UPDATE points SET D20200103 = 'x' WHERE fid = 2"], "column 'D20200103' holds 'x', which is no float"),
        (["UPDATE points SET D20200103 = X'00' WHERE fid = 2"], "column 'D20200103' holds"),
        (["UPDATE points SET CODE = zeroblob(20000000)"], "a value has more than 16 MiB"),
        (
            [
                "ALTER TABLE points RENAME TO hidden",
                f"CREATE VIEW points AS {_ENDLESS} SELECT i FROM n",
            ],
            "has no layer with rows: views are not read",
        ),
        (
            ["DROP TABLE points", "CREATE VIRTUAL TABLE points USING rtree(id, a, b)"],
            "has no layer with rows: views are not read",
        ),
        (
            [
                "DROP TABLE gpkg_contents",
                f"CREATE VIEW gpkg_contents AS {_ENDLESS} "
                "SELECT 'points' AS table_name, 'features' AS data_type, i AS rowid FROM n",
            ],
            "without the tables of a GeoPackage",
        ),
    ],
)
def test_databases_that_are_refused(tmp_path: Path, statements: list[str], message: str) -> None:
    path = database(tmp_path / "a.gpkg", "PRAGMA legacy_alter_table = ON", *_no_triggers(), *statements)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_table_without_row_numbers(tmp_path: Path) -> None:
    """Keys of text order the rows; there is no number of the last row."""
    path = database(
        tmp_path / "a.gpkg",
        "CREATE TABLE plain (CODE TEXT PRIMARY KEY, D20200103 DOUBLE, D20200109 DOUBLE) WITHOUT ROWID",
        "INSERT INTO plain VALUES ('b', 1, 2), ('a', 3, 4)",
        "UPDATE gpkg_contents SET table_name = 'plain', data_type = 'attributes'",
    )
    assert read(path).to_pydict() == {"CODE": ["a", "b"], "D20200103": [3, 1], "D20200109": [4, 2]}


def test_computed_columns_are_left_out(tmp_path: Path) -> None:
    """A file of some kilobytes may hold gigabytes in them."""
    path = database(
        tmp_path / "t.gpkg",
        "ALTER TABLE points ADD COLUMN g TEXT GENERATED ALWAYS AS (printf('%9000000d', fid)) VIRTUAL",
    )
    assert "g" not in read(path).column_names
    assert notes(path) == ["columns of layer 'points' that SQLite computes are left out: 'g'"]


def test_a_cut_file(tmp_path: Path) -> None:
    path = database(tmp_path / "a.gpkg")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="a GeoPackage whose end is missing"):
        read(path)


@pytest.mark.parametrize("place", range(0, 90_000, 9_973))
def test_damaged_pages(tmp_path: Path, place: int) -> None:
    path = database(tmp_path / "a.gpkg")
    content = bytearray(path.read_bytes())
    content[100 + place : 400 + place] = b"\xa5" * 300
    path.write_bytes(content)
    try:
        assert len(read(path)) <= 3
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017 - some pages are not needed


def test_changes_that_are_not_in_it_yet(tmp_path: Path) -> None:
    path = database(tmp_path / "a.gpkg", *_no_triggers())
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("UPDATE points SET CODE = 'new'")
        other.commit()
        with pytest.raises(DataError, match=r"has changes in a\.gpkg-wal that are not in it yet: close the program"):
            read(path)
    assert read(path)["CODE"].to_pylist() == ["new"] * 3
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.gpkg"]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    path = database(tmp_path / "a.gpkg", "PRAGMA journal_mode = WAL")
    tmp_path.chmod(0o500)
    try:
        assert len(read(path)) == 3
    finally:
        tmp_path.chmod(0o700)
