"""Geometry as GeoParquet 1.1 has it: read back by the standard library, a validator, geopandas and DuckDB."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime import classify_file
from insar_runtime._input.position import LAEA_EUROPE, LONGITUDE_LATITUDE, Position, read_points
from insar_runtime._output.crs import projjson_of
from insar_runtime._output.geoparquet import PointBounds, geo_metadata, point_columns

DEGREES = st.one_of(st.just(float("nan")), st.floats(-180, 180))


@given(st.lists(st.tuples(DEGREES, DEGREES), max_size=20))
def test_points_are_well_known_binary(pairs: list[tuple[float, float]]) -> None:
    points = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    geometry, bbox = point_columns(points)
    geometry.validate(full=True)
    bbox.validate(full=True)
    bounds = PointBounds()
    bounds.add(points)
    seen = []
    for (x, y), wkb, box in zip(pairs, geometry.to_pylist(), bbox.to_pylist(), strict=True):
        if np.isnan(x) or np.isnan(y):
            assert wkb is None
            assert box is None
        else:
            assert struct.unpack("<BIdd", wkb) == (1, 1, x, y)
            assert box == {"xmin": x, "ymin": y, "xmax": x, "ymax": y}
            seen.append((x, y))
    column = geo_metadata(bounds, LONGITUDE_LATITUDE)["columns"]["geometry"]
    if seen:
        xs, ys = zip(*seen, strict=True)
        assert column["bbox"] == [min(xs), min(ys), max(xs), max(ys)]
    else:
        assert "bbox" not in column


def _table(**columns: object) -> pa.Table:
    rng = np.random.default_rng(0)
    dates = np.datetime64("2020-01-01") + 12 * np.arange(40)
    series = {str(d).replace("-", ""): rng.normal(0, 2, 3).round(1) for d in dates}
    return pa.table({"pid": ["a", "b", "c"], **columns, **series})


def test_file_with_positions_is_geoparquet(tmp_path: Path) -> None:
    pq.write_table(_table(latitude=[45.0, None, 46.0], longitude=[7.0, 8.0, 9.5]), tmp_path / "in.parquet")
    classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    file = pq.ParquetFile(tmp_path / "out.parquet")
    geo = json.loads(file.metadata.metadata[b"geo"])
    early = json.loads(file.schema_arrow.metadata[b"geo"])
    del early["columns"]["geometry"]["covering"]
    assert early["columns"]["geometry"] == {"encoding": "WKB", "geometry_types": ["Point"]}
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    column = geo["columns"]["geometry"]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"])
    assert column["bbox"] == [7.0, 45.0, 9.5, 46.0]
    assert "crs" not in column
    table = file.read()
    assert table["geometry"].null_count == 1
    assert struct.unpack("<BIdd", table["geometry"][2].as_py()) == (1, 1, 9.5, 46.0)


def test_file_without_positions_has_no_geometry(tmp_path: Path) -> None:
    pq.write_table(_table(), tmp_path / "in.parquet")
    classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert "geometry" not in schema.names
    assert b"geo" not in schema.metadata


def test_a_nodata_value_is_no_position(tmp_path: Path) -> None:
    pq.write_table(_table(latitude=[45.0, -9999.0, 46.0], longitude=[7.0, 8.0, 9.5]), tmp_path / "in.parquet")
    classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["geometry"].null_count == 1
    geo = json.loads(pq.read_metadata(tmp_path / "out.parquet").metadata[b"geo"])
    assert geo["columns"]["geometry"]["bbox"] == [7.0, 45.0, 9.5, 46.0]


def test_metres_are_no_degrees(tmp_path: Path) -> None:
    pq.write_table(_table(latitude=[4e6] * 3, longitude=[4e5, 4e5, 5e5]), tmp_path / "in.parquet")
    summary = classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert "geometry" not in pq.read_schema(tmp_path / "out.parquet").names
    assert any("no degrees" in note for note in summary.notes)


@pytest.mark.parametrize("name", ["geom", "geometry"])
def test_geometry_of_the_input_stays(tmp_path: Path, name: str) -> None:
    geometry = pa.array([struct.pack("<BIdd", 1, 1, x, 45.0) for x in (7.0, 8.0, 9.0)], pa.binary())
    table = _table(latitude=[45.0] * 3, longitude=[7.0, 8.0, 9.0], **{name: geometry})
    geo = json.dumps({"version": "1.1.0", "primary_column": name, "columns": {name: {}}})
    pq.write_table(table.replace_schema_metadata({"geo": geo}), tmp_path / "in.parquet")
    classify_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    out = pq.read_table(tmp_path / "out.parquet")
    assert out[name].to_pylist() == geometry.to_pylist()
    assert pq.read_metadata(tmp_path / "out.parquet").metadata[b"geo"].decode() == geo
    assert sum(field.type == pa.binary() for field in out.schema) == 1


EGMS_L3 = "egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv"
EGMS_L2B = "egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv"


def _egms(**columns: object) -> pa.Table:
    """As EGMS Ortho delivers it: no longitude and latitude."""
    easting, northing = [4_596_850, 4_597_950, None], [1_739_750, 1_740_050, 1_741_250]
    return _table(easting=easting, northing=northing, gnss_velocity_u=[0.1, 0.2, 0.3], **columns)


def _written(table: pa.Table, folder: Path) -> Path:
    pq.write_table(table, folder / "in.parquet")
    classify_file(folder / "in.parquet", folder / "out.parquet")
    return folder / "out.parquet"


def _crs_of(path: Path) -> Any:
    metadata = pq.read_metadata(path).metadata
    return json.loads(metadata[b"geo"])["columns"]["geometry"].get("crs") if b"geo" in metadata else "no geometry"


def test_easting_and_northing_of_egms_are_laea_europe(tmp_path: Path) -> None:
    path = _written(_egms(), tmp_path)
    assert _crs_of(path) == projjson_of(LAEA_EUROPE)
    geo = json.loads(pq.read_metadata(path).metadata[b"geo"])
    assert geo["columns"]["geometry"]["bbox"] == [4_596_850, 1_739_750, 4_597_950, 1_740_050]
    assert [row is None for row in pq.read_table(path)["geometry"].to_pylist()] == [False, False, True]
    block = json.loads(pq.read_metadata(path).metadata[b"insar_runtime"])
    assert block["input"]["position"] == {"x": "easting", "y": "northing", "crs": "EPSG:3035"}


def test_longitude_and_latitude_win(tmp_path: Path) -> None:
    path = _written(_egms(latitude=[38.7, 38.7, 38.7], longitude=[13.1, 13.2, 13.2]), tmp_path)
    assert _crs_of(path) is None
    assert pq.read_table(path)["geometry"].null_count == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"easting": [4_596_850.0] * 3, "northing": [1_739_750.0] * 3, "pid": None, "code": ["a", "b", "c"]},
        {"easting": [331_000.0] * 3, "northing": [4_290_000.0, 4.2e5, 4.2e5]},
        {"easting": [0.0] * 3, "northing": [0.0] * 3},
    ],
    ids=["of another producer", "of another system", "nowhere"],
)
def test_easting_and_northing_of_an_unknown_system_are_no_place(tmp_path: Path, columns: dict[str, Any]) -> None:
    table = _table(**{name: values for name, values in columns.items() if values})
    if "pid" in columns:
        table = table.drop_columns(["pid"])
    path = _written(table, tmp_path)
    assert _crs_of(path) == "no geometry"
    block = json.loads(pq.read_metadata(path).metadata[b"insar_runtime"])
    assert any("in which system easting and northing are" in note for note in block["notes"])


def test_projjson_is_that_of_proj() -> None:
    pyproj = pytest.importorskip("pyproj")
    ours = pyproj.CRS.from_json_dict(dict(projjson_of(LAEA_EUROPE) or {}))
    assert ours.to_epsg() == 3035
    assert ours.equals(pyproj.CRS("EPSG:3035"))


def test_bounds_hold_all_of_europe() -> None:
    """The corners of what EGMS covers, and then some: Azores, Canary Islands, Iceland, Svalbard, Cyprus."""
    pyproj = pytest.importorskip("pyproj")
    to_plane = pyproj.Transformer.from_crs(4326, 3035, always_xy=True)
    places = [(-31.3, 39.5), (-18.2, 27.6), (-24.5, 65.5), (33.5, 80.1), (34.6, 35.0), (29.6, 36.1), (13.2, 38.7)]
    points = np.array([to_plane.transform(*place) for place in places])
    batch = pa.RecordBatch.from_arrays([pa.array(points[:, 0]), pa.array(points[:, 1])], names=["e", "n"])
    assert np.isfinite(read_points(batch, Position("e", "n", LAEA_EUROPE))).all()


@pytest.mark.parametrize("name", [EGMS_L2B, EGMS_L3])
def test_validator_and_neighbours_agree(tmp_path: Path, real: Callable[[str], Path], name: str) -> None:
    _check_with_others(real(name), tmp_path / "o.parquet", 3035 if name == EGMS_L3 else 4326)


@pytest.mark.parametrize("epsg", [4326, 3035])
def test_validator_and_neighbours_agree_on_small_tables(tmp_path: Path, epsg: int) -> None:
    table = _egms() if epsg == 3035 else _table(latitude=[45.0, None, 46.0], longitude=[7.0, 8.0, 9.5])
    pq.write_table(table, tmp_path / "in.parquet")
    _check_with_others(tmp_path / "in.parquet", tmp_path / "o.parquet", epsg)


def _check_with_others(source: Path, output: Path, epsg: int) -> None:
    validator = pytest.importorskip("geoparquet_validator")
    geopandas = pytest.importorskip("geopandas")
    duckdb = pytest.importorskip("duckdb")
    rows = classify_file(source, output).rows
    report = validator.check(str(output))
    assert validator.failed(report) == []
    assert validator.conformant(report, "core")
    assert validator.conformant(report, "covering")
    frame = geopandas.read_parquet(output)
    assert len(frame) == rows
    assert (frame.crs.to_epsg() or 4326) == epsg
    assert (frame.crs.is_geographic, frame.geom_type.dropna().unique().tolist()) == (epsg == 4326, ["Point"])
    x, y = ("easting", "northing") if epsg == 3035 else ("longitude", "latitude")
    placed = frame[~frame.geometry.isna()]
    np.testing.assert_array_equal(placed.geometry.x, placed[x])
    np.testing.assert_array_equal(placed.geometry.y, placed[y])
    middle = float(placed.geometry.x.median())
    query = f"SELECT count(*), min(geometry IS NULL) FROM '{output}' WHERE bbox.xmin >= {middle}"
    assert duckdb.sql(query).fetchall()[0] == (int((placed.geometry.x >= middle).sum()), False)
    # A part of the file by its box, as geopandas reads it by way of the covering.
    low, bottom, _, top = placed.total_bounds
    assert len(geopandas.read_parquet(output, bbox=(low, bottom, middle, top))) == (placed.geometry.x <= middle).sum()
