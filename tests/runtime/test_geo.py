"""Geometry as GeoParquet 1.1 has it, read back with the standard library's own eyes."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime import classify_file
from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._output.points import PointBounds, geo_metadata, point_columns

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


def test_filler_is_no_place(tmp_path: Path) -> None:
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
