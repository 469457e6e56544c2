"""Files of moving areas: read alike in each format, placed on the page, refused in one line."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import DataError, InputNotFoundError, InputOutputError, UsageError
from insar_runtime._report.area_file import AreaFile, read_area_file
from insar_runtime._report.area_page import area_page
from insar_runtime._report.outlines import rings_of_wkb, rings_of_wkt
from insar_runtime.classes import CLASS_NAMES
from tests.runtime.report.made_areas import OUTLINES, rows, square, wkb, wkt, write_areas
from tests.runtime.report.pages import page_of, read_page, unpack, unzigzag

DATES = ["2020-01-01", "2020-01-07", "2020-02-01"]
WHERE = {
    "kind": "degrees",
    "system": "x",
    "steps": 1_000_000,
    "x0": 7_000_000,
    "y0": 45_000_000,
    "size": [20_000, 20_000],
}


@pytest.mark.parametrize("ending", ["parquet", "geojson", "gpkg", "csv"])
def test_each_format_is_read_alike(tmp_path: Path, ending: str) -> None:
    areas = read_area_file(write_areas(tmp_path / f"areas.{ending}", DATES))
    assert areas.system == (None if ending == "csv" else "OGC:CRS84")
    facts, arrays = area_page(areas, WHERE)
    assert facts["dates"] == DATES
    assert [one["id"] for one in facts["list"]] == ["1", "2", "3"]
    assert [(one["group"], one["rate"], one["spread"], one["break"]) for one in facts["list"]] == [
        (1, -8.25, 1.5, None),
        (2, 12.5, None, None),
        (3, -3.0, 0.5, "2021-03-04"),
    ]
    assert unpack("uint32", arrays["areaParts"].text).tolist() == [2, 2, 1]
    places = unpack("uint32", arrays["areaPlaces"].text).reshape(-1, 2) + facts["corner"]
    wanted = [place for polygons in OUTLINES for rings in polygons for ring in rings for place in ring]
    np.testing.assert_allclose(np.add(places, (7e6, 45e6)) / 1e6, wanted, atol=1e-6)
    series = unzigzag(unpack("uint16", arrays["areaSeries"].text)).reshape(3, 3, 3)
    expected = [[row[name] for name in ("lower_quartile_mm", "median_mm", "upper_quartile_mm")] for row in rows(DATES)]
    np.testing.assert_allclose(series, expected, atol=0.051)


def test_binary_of_other_writers() -> None:
    """Big endian, with z, with the number of a system."""
    ring = square(0, 0, 2)
    values = [v for x, y in ring for v in (x, y, 5.0)]
    big = struct.pack(f">BIII{len(values)}d", 0, 1003, 1, len(ring), *values)
    postgis = struct.pack(f"<BIIII{len(values)}d", 1, 0xA0000003, 4326, 1, len(ring), *values)
    for data in (big, postgis):
        (found,) = rings_of_wkb(data)
        assert found.tolist() == [list(place) for place in ring]
    (found,) = rings_of_wkt(f"SRID=4326;{wkt([[ring]])}")
    assert found.tolist() == [list(place) for place in ring]


@pytest.mark.parametrize(
    "data",
    [b"", b"\1", wkb([[square(0, 0, 1)]])[:-3], struct.pack("<BIdd", 1, 1, 0, 0), struct.pack("<BII", 1, 3, 1 << 31)],
)
def test_damaged_binary_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"missing|no polygon|buffer"):
        rings_of_wkb(data)


def test_areas_in_metres_of_points_in_degrees(tmp_path: Path) -> None:
    pyproj = pytest.importorskip("pyproj")
    x, y = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:32632", always_xy=True).transform(7.01, 45.01)
    (ring,) = rings_of_wkb(wkb([[square(x, y, 100.0)]]))
    facts, _ = area_page(AreaFile("a", rows()[:1], [[ring]], "EPSG:32632"), WHERE)
    np.testing.assert_allclose(facts["corner"], (10_000, 10_000), atol=100)


def test_what_is_no_file_of_these_areas_is_refused(tmp_path: Path) -> None:
    far = write_areas(tmp_path / "far.geojson", outlines=[[[square(100, 10, 1)]]])
    with pytest.raises(DataError, match=r"none of its 1 areas lies among the points; give the areas of this table"):
        area_page(read_area_file(far), WHERE)
    near = read_area_file(write_areas(tmp_path / "near.geojson"))
    with pytest.raises(UsageError, match="no positions"):
        area_page(near, None)
    unknown = AreaFile("a", near.rows, near.outlines, "EPSG:999999")
    with pytest.raises(DataError, match="is in EPSG:999999 and the points are in OGC:CRS84"):
        area_page(unknown, WHERE)
    (tmp_path / "points.csv").write_text("a,b\n1,2\n")
    (tmp_path / "broken.geojson").write_text("{")
    (tmp_path / "broken.gpkg").write_bytes(b"SQLite format 3\0" + bytes(200))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + bytes(200))
    for name in ("points.csv", "broken.geojson", "broken.gpkg", "broken.parquet"):
        with pytest.raises(DataError, match=rf"{name}.*insar-rt areas writes one"):
            read_area_file(tmp_path / name)
    with pytest.raises(InputNotFoundError, match="no areas file"):
        read_area_file(tmp_path / "gone.gpkg")


def forged_areas(path: Path, **values: Any) -> Path:
    """Write a GeoJSON whose second area has other values; ``...`` leaves one out."""
    content = json.loads(write_areas(path, DATES).read_text())
    properties = content["features"][1]["properties"]
    properties.update(values)
    content["features"][1]["properties"] = {name: value for name, value in properties.items() if value is not ...}
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("strange", ["x", 10**400, {}, [1], True, float("nan"), "[" * 100_000])
def test_values_of_any_type_are_numbers_or_none(tmp_path: Path, strange: Any) -> None:
    named = dict.fromkeys(("rate_mm_yr", "quality", "class_name", "break_date"), strange)
    lists = {name: [1.0, strange, 2.0] for name in ("lower_quartile_mm", "median_mm")}
    areas = read_area_file(forged_areas(tmp_path / "a.geojson", **named, **lists, upper_quartile_mm=[1, 2, 3]))
    facts, arrays = area_page(areas, WHERE)
    second = facts["list"][1]
    assert second["group"] == len(CLASS_NAMES)
    assert second["rate"] in {None, 1.0}
    series = unzigzag(unpack("uint16", arrays["areaSeries"].text)).reshape(3, 3, 3)
    np.testing.assert_allclose(series[1, 2], [1, 2, 3])
    assert np.isnan(series[1, 0, 1]) or strange is True
    json.dumps(facts, allow_nan=False)
    text = read_area_file(forged_areas(tmp_path / "b.geojson", dates="[" * 100_000))
    assert area_page(text, WHERE)[0]["dates"] == DATES


def test_an_area_without_its_id_is_refused(tmp_path: Path) -> None:
    path = forged_areas(tmp_path / "a.geojson", area_id=...)
    with pytest.raises(DataError, match="no column area_id"):
        read_area_file(path)


def test_a_date_beyond_the_years_of_python_is_refused(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "a.parquet", DATES)
    table = pq.read_table(path)
    far = pa.array([(1 << 31) - 1] * table.num_rows, pa.int32()).view(pa.date32())
    place = table.schema.get_field_index("break_date")
    pq.write_table(table.set_column(place, "break_date", far), path)
    with pytest.raises(DataError, match="no areas file that can be read"):
        read_area_file(path)


def test_more_dates_than_a_page_takes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insar_runtime._report.area_page._MOST_VALUES", 8)
    with pytest.raises(DataError, match="series of 3 dates in all"):
        area_page(read_area_file(write_areas(tmp_path / "a.geojson", DATES)), WHERE)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a POSIX file system")
def test_what_is_no_file_is_no_areas_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="is not a regular file"):
        read_area_file(tmp_path / "pipe")
    for name in ("folder", "loop"):
        with pytest.raises(InputOutputError, match="cannot be read"):
            read_area_file(tmp_path / name)
    with pytest.raises(InputNotFoundError):
        read_area_file(tmp_path / "none")
    with pytest.raises(InputOutputError, match="cannot be read"):
        read_area_file(tmp_path / ("n" * 300))


def test_a_page_without_areas_in_the_file(classified: Path, tmp_path: Path) -> None:
    (tmp_path / "none.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    page_of(classified, tmp_path / "page.html", areas=tmp_path / "none.geojson")
    facts = read_page(tmp_path / "page.html").facts
    assert (facts["areas"]["file"], facts["areas"]["list"]) == ("none.geojson", [])
