"""GeoPackages as other programs read them: SQLite, GDAL, the rules of the standard."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insar_runtime import DataError, classify_file
from tests.conftest import need_program
from tests.runtime.outputs import BLOCK, columns, described, placed, query, save
from tests.runtime.tables import series, wide, write


def _points(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform((13, 38), (14, 39), (count, 2))


def _numbered(count: int) -> pa.Table:
    return pa.table({"pid": [f"p{i}" for i in range(count)], "class_name": pa.nulls(count, pa.string())})


def test_sqlite_finds_no_fault(tmp_path: Path) -> None:
    path = save(placed(_numbered(500), _points(500)), tmp_path / "o.gpkg")
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []
    assert query(path, "PRAGMA application_id") == [(0x47504B47,)]
    assert query(path, "PRAGMA user_version") == [(10400,)]
    assert query(path, "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.parametrize("count", [0, 1, 51, 52, 51 * 51, 51 * 51 + 1, 140_000])
def test_index_holds_every_point(tmp_path: Path, count: int) -> None:
    """From an empty root over one leaf to a third level; the last one in more than one block."""
    points = _points(count)
    path = save(placed(_numbered(count), points), tmp_path / "o.gpkg", rows=20_000)
    assert query(path, "SELECT rtreecheck('rtree_o_geom')") == [("ok",)]
    assert query(path, "SELECT count(*) FROM rtree_o_geom") == [(count,)]
    inside = np.flatnonzero(((points > (13.2, 38.3)) & (points < (13.5, 38.4))).all(axis=1)) + 1
    found = query(path, "SELECT id FROM rtree_o_geom WHERE maxx > 13.2 AND minx < 13.5 AND maxy > 38.3 AND miny < 38.4")
    # Boxes are points in float32, rounded outwards: none is lost, one at the edge may be too many.
    assert set(inside) <= {row for (row,) in found}
    assert len(found) <= len(inside) + 2


COORDINATES = st.floats(-180, 180, width=64)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(places=st.lists(st.none() | st.tuples(COORDINATES, COORDINATES), max_size=120), rows=st.integers(1, 70))
def test_boxes_hold_their_points(places: list[tuple[float, float] | None], rows: int, tmp_path: Path) -> None:
    points = np.array([place or (np.nan, np.nan) for place in places], dtype=np.float64).reshape(-1, 2)
    path = save(placed(_numbered(len(points)), points), tmp_path / "o.gpkg", rows, overwrite=True)
    assert query(path, "SELECT rtreecheck('rtree_o_geom')") == [("ok",)]
    boxes = query(path, "SELECT id, minx, maxx, miny, maxy FROM rtree_o_geom ORDER BY id")
    there = [(i, *place) for i, place in enumerate(places, 1) if place]
    assert [box[0] for box in boxes] == [i for i, *_ in there]
    assert all(
        low <= x <= high and bottom <= y <= top
        for (_, low, high, bottom, top), (_, x, y) in zip(boxes, there, strict=True)
    )


def test_triggers_are_those_of_gdal(tmp_path: Path) -> None:
    """Word for word but for spaces, as the standard prints them."""
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.GeoDataFrame({"a": [1]}, geometry=geopandas.points_from_xy([1], [2]), crs=4326)
    frame.to_file(tmp_path / "gdal.gpkg", layer="o", driver="GPKG")
    ours = save(placed(_numbered(1), _points(1)), tmp_path / "o.gpkg")
    select = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'rtree%'"

    def words(path: Path) -> dict[str, str]:
        return {name: re.sub(r"\s", "", sql).replace('"', "").lower() for name, sql in query(path, select)}

    assert words(ours) == words(tmp_path / "gdal.gpkg")


def test_gdal_reads_types_values_and_system(tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    pyogrio = pytest.importorskip("pyogrio")
    displacement, dates = series(200, 40)
    displacement[7] = np.nan
    table = wide(displacement, dates, latitude=pa.array([None, *np.linspace(45, 46, 199)]))
    source = write(table, tmp_path / "in.parquet")
    classify_file(source, tmp_path / "o.gpkg", keep_series=True, units="mm")
    classify_file(source, tmp_path / "o.parquet", keep_series=True, units="mm")
    frame = geopandas.read_file(tmp_path / "o.gpkg", layer="o")
    wanted = geopandas.read_parquet(tmp_path / "o.parquet")
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry.iloc[0] is None
    assert frame.geometry.to_wkt().tolist()[1:] == wanted.geometry.to_wkt().tolist()[1:]
    np.testing.assert_array_equal(frame.total_bounds, wanted.total_bounds)
    assert frame["pid"].tolist() == wanted["pid"].tolist()
    assert frame["class_name"].fillna("").tolist() == wanted["class_name"].astype(object).fillna("").tolist()
    for name in [*wanted.columns[3:43], "confidence", "p_pue", "class_id", "n_epochs"]:
        np.testing.assert_array_equal(frame[name].astype("f4"), wanted[name].astype("f4"), err_msg=name)
    info = pyogrio.read_info(tmp_path / "o.gpkg", layer="o")
    assert (info["geometry_type"], info["features"], info["fid_column"]) == ("Point", 200, "fid")
    boxed = geopandas.read_file(tmp_path / "o.gpkg", layer="o", bbox=(7.0505, 40, 7.1005, 50))
    assert boxed["pid"].tolist() == [f"p{i:04d}" for i in range(51, 101)]


def test_edits_of_others_keep_the_index_in_step(tmp_path: Path) -> None:
    need_program("ogrinfo")
    path = save(placed(_numbered(1000), _points(1000)), tmp_path / "o.gpkg")
    for sql in (
        "DELETE FROM o WHERE fid % 3 = 0",
        "UPDATE o SET geom = NULL WHERE fid = 1",
        "UPDATE o SET geom = (SELECT geom FROM o WHERE fid = 5) WHERE fid IN (1, 2)",
        "INSERT INTO o (pid, geom) SELECT 'new', geom FROM o WHERE fid < 500",
    ):
        subprocess.run(["ogrinfo", "-q", path, "-sql", sql], check=True, capture_output=True)
    assert query(path, "SELECT rtreecheck('rtree_o_geom')") == [("ok",)]
    assert query(path, "SELECT count(*) FROM rtree_o_geom") == query(path, "SELECT count(*) FROM o")
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


def test_contents_metadata_and_extensions(tmp_path: Path) -> None:
    points = np.array([[7.5, 45], [np.nan, np.nan], [8.5, 44]])
    path = save(placed(_numbered(3), points, name="x"), tmp_path / "o.gpkg")
    row = query(path, "SELECT data_type, min_x, min_y, max_x, max_y, srs_id FROM gpkg_contents WHERE table_name = 'o'")
    assert row == [("features", 7.5, 44.0, 8.5, 45.0, 4326)]
    ((block,),) = query(
        path,
        "SELECT metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r ON r.md_file_id = m.id "
        "WHERE r.table_name = 'o' AND m.mime_type = 'application/json'",
    )
    assert json.loads(block) == {**BLOCK, "name": "x"}
    extensions = query(path, "SELECT table_name, column_name, extension_name, scope FROM gpkg_extensions")
    assert set(extensions) == {
        ("o", "geom", "gpkg_rtree_index", "write-only"),
        ("gpkg_metadata", None, "gpkg_metadata", "read-write"),
        ("gpkg_metadata_reference", None, "gpkg_metadata", "read-write"),
    }
    assert {row[0] for row in query(path, "SELECT srs_id FROM gpkg_spatial_ref_sys")} == {-1, 0, 4326, 3035}
    ((style, default),) = query(path, "SELECT styleQML, useAsDefault FROM layer_styles WHERE f_table_name = 'o'")
    assert default == 1
    assert 'type="categorizedSymbol"' in style


def test_systems_are_those_of_pyproj(tmp_path: Path) -> None:
    pyproj = pytest.importorskip("pyproj")
    path = save(placed(_numbered(1), np.array([[4.5e6, 1.7e6]]), "EPSG:3035"), tmp_path / "o.gpkg")
    assert query(path, "SELECT srs_id FROM gpkg_geometry_columns") == [(3035,)]
    for code, definition in query(path, "SELECT srs_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id > 0"):
        assert pyproj.CRS(definition).to_epsg() == code
        place = (13.2, 38.7) if code == 4326 else (4.6e6, 1.7e6)
        same = pyproj.Transformer.from_crs(definition, code, always_xy=True).transform(*place)
        assert same == pytest.approx(place, abs=1e-9)


@pytest.mark.parametrize(
    ("crs", "srs_id"),
    [
        ({}, 4326),
        ({"crs": None}, -1),
        ({"crs": {"id": {"authority": "OGC", "code": "CRS84"}}}, 4326),
        ({"crs": {"id": {"authority": "EPSG", "code": 3035}}}, 3035),
        ({"crs": {"name": "UTM", "id": {"authority": "EPSG", "code": 32633}}}, 32633),
        ({"crs": {"name": "home-made"}}, -1),
    ],
)
def test_system_of_an_input_goes_along(tmp_path: Path, crs: dict[str, Any], srs_id: int) -> None:
    table = placed(_numbered(1), np.array([[4.5e5, 1.7e6]]))
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"].update(crs)
    path = save(described(table, geo=json.dumps(geo)), tmp_path / "o.gpkg")
    assert query(path, "SELECT srs_id FROM gpkg_geometry_columns") == [(srs_id,)]
    geopandas = pytest.importorskip("geopandas")
    found = geopandas.read_file(path, layer="o").crs
    assert (found.to_epsg() if found else None) == (srs_id if srs_id > 0 else found and found.to_epsg())


def test_rows_without_any_position_are_attributes(tmp_path: Path) -> None:
    path = save(described(_numbered(10)), tmp_path / "o.gpkg")
    assert query(path, "SELECT table_name, data_type FROM gpkg_contents") == [("o", "attributes")]
    assert query(path, "SELECT count(*) FROM o") == [(10,)]
    pyogrio = pytest.importorskip("pyogrio")
    assert len(pyogrio.read_dataframe(path)) == 10


def test_names_that_sqlite_takes_for_one(tmp_path: Path) -> None:
    table = pa.table({"Code": [1], "code": [2], "FID": [3], "geom": [4], 'a"b': [5], "select": [6]})
    path = save(placed(table, _points(1)), tmp_path / "o.gpkg")
    names = [row[1] for row in query(path, "PRAGMA table_info(o)")]
    assert names == ["fid_2", "geom_2", "Code", "code_2", "FID", "geom", 'a"b', "select"]
    assert query(path, "SELECT * FROM o")[0][2:] == (1, 2, 3, 4, 5, 6)
    assert query(path, "SELECT rtreecheck('rtree_o_geom_2')") == [("ok",)]


@pytest.mark.parametrize(
    ("stem", "layer"),
    [("a b.classified", "a b.classified"), ('qu"ote', 'qu"ote'), ("gpkg_x", "points_gpkg_x"), ("ø", "ø")],
)
def test_layer_is_named_like_the_file(tmp_path: Path, stem: str, layer: str) -> None:
    path = save(placed(_numbered(60), _points(60)), tmp_path / f"{stem}.gpkg")
    assert query(path, "SELECT table_name FROM gpkg_contents WHERE data_type = 'features'") == [(layer,)]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    pyogrio = pytest.importorskip("pyogrio")
    assert pyogrio.read_info(path, layer=layer)["features"] == 60


def test_more_columns_than_sqlite_holds(tmp_path: Path) -> None:
    table = placed(pa.table({f"c{i}": [1] for i in range(1998)}), _points(1))
    save(table, tmp_path / "o.gpkg")
    more = placed(pa.table({f"c{i}": [1] for i in range(1999)}), _points(1))
    with pytest.raises(DataError, match=r"2001 columns .*2000"):
        save(more, tmp_path / "more.gpkg")
    assert [p.name for p in tmp_path.iterdir()] == ["o.gpkg"]


def test_equal_runs_give_equal_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    table = placed(_numbered(300), _points(300))
    contents = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        contents.append(save(table, tmp_path / folder / "o.gpkg").read_bytes())
    assert contents[0] == contents[1]
    ((change,),) = query(tmp_path / "a" / "o.gpkg", "SELECT last_change FROM gpkg_contents WHERE table_name = 'o'")
    assert change == "2023-11-14T22:13:20.000Z"


def test_kept_series_of_a_geopackage_are_plotted(tmp_path: Path) -> None:
    """What InSAR Explorer looks for: fields of numbers named so, and one of three names of the velocity."""
    displacement, dates = series(60, 40)
    table = wide(displacement, dates, "d", mean_velocity=pa.array(np.zeros(60)))
    classify_file(write(table, tmp_path / "in.parquet"), tmp_path / "o.gpkg", units="mm", keep_series=True)
    dated = [name for name in columns(tmp_path / "o.gpkg") if re.fullmatch(r"D\d{8}", name)]
    assert dated == [f"D{day}".replace("-", "") for day in dates]
    types = {row[1]: row[2] for row in query(tmp_path / "o.gpkg", "PRAGMA table_info(o)")}
    assert {types[name] for name in dated} == {"DOUBLE"}
    assert "mean_velocity" in types
