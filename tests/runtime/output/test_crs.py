"""Positions in a system that the user names."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from insar_runtime._input.position import ETRS89_UTM, LAEA_EUROPE, LONGITUDE_LATITUDE, WGS84_UTM, parse_crs
from insar_runtime._output.crs import projjson_of
from insar_runtime.errors import DataError, InsarRuntimeError, UnavailableError, UsageError
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write

X, Y = 500_000 + np.arange(5.0), 4_100_000 + np.arange(5.0)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(threads=1)


def metres(x: str = "LON", y: str = "LAT") -> pa.Table:
    """Five points whose coordinates are metres, whatever the columns are called."""
    return wide(*series(5)).drop_columns(["longitude", "latitude"]).append_column(x, [X]).append_column(y, [Y])


def test_known_systems_are_those_of_epsg() -> None:
    pyproj = pytest.importorskip("pyproj")
    for crs in ["EPSG:4258", LAEA_EUROPE, *WGS84_UTM, *ETRS89_UTM]:
        found = pyproj.CRS.from_json_dict(dict(projjson_of(crs) or {}))
        assert found.to_epsg(100) == int(crs.removeprefix("EPSG:"))
    assert (len(WGS84_UTM), len(ETRS89_UTM)) == (120, 11)


@pytest.mark.parametrize("names", [("LON", "LAT"), ("easting", "northing")])
def test_geometry_is_in_the_system_that_is_named(
    tmp_path: Path, classifier: Classifier, names: tuple[str, str]
) -> None:
    source = write(metres(*names), tmp_path / "a.parquet")
    classify_file(source, tmp_path / "out.parquet", classifier=classifier, crs="epsg:32633")
    found = pq.read_table(tmp_path / "out.parquet")
    column = json.loads(pq.read_metadata(tmp_path / "out.parquet").metadata[b"geo"])["columns"]["geometry"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 32633}
    assert column["bbox"] == [X[0], Y[0], X[-1], Y[-1]]
    assert found["bbox"].combine_chunks().field("xmin").to_pylist() == X.tolist()
    block = json.loads(found.schema.metadata[b"insar_runtime"])
    assert block["input"]["position"] == {"x": names[0], "y": names[1], "crs": "EPSG:32633"}
    assert block["parameters"]["crs"] == "EPSG:32633"
    assert not any("--crs" in note for note in block["notes"])


def test_a_geopackage_names_the_system(tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    source = write(metres(), tmp_path / "a.csv")
    done = run("classify", source, "-o", tmp_path / "out.gpkg", "--crs", "EPSG:25832", "-q")
    assert done.returncode == 0, done.stderr
    frame = geopandas.read_file(tmp_path / "out.gpkg")
    assert frame.crs.to_epsg() == 25832
    assert frame.geometry.x.tolist() == X.tolist()


def test_any_system_of_pyproj(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(metres(), tmp_path / "a.parquet")
    done = run("convert", source, "-o", tmp_path / "list.parquet", "--crs", "EPSG:3044", "-q")
    assert done.returncode == 0, done.stderr
    geo = json.loads(pq.read_schema(tmp_path / "list.parquet").metadata[b"geo"])
    assert geo["columns"]["geometry"]["crs"]["id"]["code"] == 3044
    with pytest.raises(UsageError, match="EPSG:999999 is no coordinate reference system"):
        projjson_of("EPSG:999999")
    monkeypatch.setitem(sys.modules, "pyproj", None)
    with pytest.raises(UnavailableError, match=r"EPSG:3044 is known to pyproj only.*insar-runtime\[convert\]"):
        projjson_of("EPSG:3044")


def test_without_a_system_a_note_names_the_remedy(tmp_path: Path, classifier: Classifier) -> None:
    source = write(metres(), tmp_path / "a.parquet")
    summary = classify_file(source, tmp_path / "out.parquet", classifier=classifier)
    assert [note for note in summary.notes if "hold no degrees" in note and "--crs EPSG:32633" in note]
    assert "geometry" not in pq.read_schema(tmp_path / "out.parquet").names


@pytest.mark.parametrize(
    ("table", "crs", "error", "message"),
    [
        (wide(*series(5)), "EPSG:32633", DataError, "longitude and latitude hold degrees.*leave --crs out"),
        (metres(), "EPSG:4326", DataError, "LON and LAT hold no coordinates of OGC:CRS84"),
        (metres(), "EPSG:4258", DataError, "LON and LAT hold no coordinates of EPSG:4258"),
        (metres("a", "b"), "EPSG:32633", DataError, "needs columns of positions.*--lon-column and --lat-column"),
        (metres(), "utm33", UsageError, "'utm33' is no coordinate reference system.*EPSG:32633"),
    ],
)
def test_refusals(
    tmp_path: Path, classifier: Classifier, table: pa.Table, crs: str, error: type[InsarRuntimeError], message: str
) -> None:
    source = write(table, tmp_path / "a.parquet")
    with pytest.raises(error, match=message):
        classify_file(source, tmp_path / "out.parquet", classifier=classifier, crs=crs)
    assert not (tmp_path / "out.parquet").exists()


def test_spellings_of_a_system() -> None:
    assert parse_crs("4326") == parse_crs("EPSG:4326") == parse_crs("ogc:crs84") == LONGITUDE_LATITUDE
    assert parse_crs("32719") == parse_crs("epsg::32719") == parse_crs("urn:ogc:def:crs:EPSG::32719") == "EPSG:32719"


def test_the_command_refuses_a_wrong_system(tmp_path: Path) -> None:
    source = write(metres(), tmp_path / "a.parquet")
    refused(run("inspect", source, "--crs", "WGS84"), 2, "'WGS84'", "EPSG:32633")
