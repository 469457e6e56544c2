"""The coast of a page: what is cut from the package's file, and where it lies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime._report.coast import coast_of, cut, lines_of
from insar_runtime._report.projections import projection_to
from tests.runtime.report.browsing import Browser, complaints, open_report, text_of
from tests.runtime.report.pages import classified_table, page_of, read_page, unpack

STEPS = 1_000_000


def position(west: float, south: float, width: float, height: float, kind: str = "degrees") -> dict[str, Any]:
    x0, y0, *size = (round(value * STEPS) for value in (west, south, width, height))
    return {"kind": kind, "system": "easting, northing", "steps": STEPS, "x0": x0, "y0": y0, "size": size}


def coast(west: float, south: float, width: float, height: float) -> list[np.ndarray]:
    """Longitudes and latitudes of the lines."""
    facts, arrays = coast_of(position(west, south, width, height))
    assert facts is not None
    places = unpack("uint32", arrays["coast"].text).reshape(-1, 2) * facts["scale"] + facts["corner"]
    return np.split(places, np.cumsum(unpack("uint32", arrays["coastLengths"].text))[:-1])


def test_an_island_is_whole_and_alone() -> None:
    (ustica,) = coast(13.15, 38.69, 0.05, 0.03)
    np.testing.assert_array_equal(ustica[0], ustica[-1])
    np.testing.assert_allclose(ustica.min(axis=0), (13.15, 38.69), atol=0.01)
    np.testing.assert_allclose(ustica.max(axis=0), (13.20, 38.72), atol=0.01)


def test_a_page_has_what_is_near_and_little_more() -> None:
    lines = coast(12.1, 45.2, 0.4, 0.4)  # the lagoon of Venice
    ends = np.concatenate(lines)
    assert 10 < len(ends) < 500
    assert (np.abs(ends - (12.3, 45.4)) < 2).all()
    _, arrays = coast_of(position(8.0, 44.0, 3.0, 2.0))
    assert sum(len(array.text) for array in arrays.values()) < 20_000


def test_longitudes_may_be_counted_to_360_degrees() -> None:
    plain, turned = (np.concatenate(coast(west, 19.0, 0.5, 0.5)) for west in (-155.5, 204.5))
    np.testing.assert_allclose(turned, np.add(plain, (360, 0)), atol=1e-3)


@pytest.mark.parametrize("where", [None, position(103.0, 31.0, 0.1, 0.1), position(13.15, 38.69, 0.05, 0.03, "metres")])
def test_inland_and_in_an_unknown_plane_there_is_none(where: dict[str, Any] | None) -> None:
    assert coast_of(where) == (None, {})


@pytest.mark.parametrize("system", ["EPSG:3035", "EPSG:32633", "EPSG:32733", "EPSG:25832"])
def test_planes_are_those_of_pyproj(system: str) -> None:
    pyproj = pytest.importorskip("pyproj")
    places = np.array([[13.17, 38.7], [-9.1, 38.7], [30.0, 69.9], [10.0, 52.0], [15.0, -33.0], [8.9, 90.0]])
    project = projection_to(system)
    assert project is not None
    expected = np.stack(pyproj.Transformer.from_crs("OGC:CRS84", system, always_xy=True).transform(*places.T), axis=-1)
    found = project(places)
    reached = np.asarray(np.isfinite(found).all(axis=1))
    assert reached[:4].all()
    np.testing.assert_allclose(found[reached], expected[reached], atol=0.01)
    assert np.isnan(project(np.array([[-150.0, -20.0]]))).all()


@pytest.mark.parametrize("system", ["EPSG:3035", "EPSG:32633", "EPSG:2154"])
def test_an_island_in_metres(system: str) -> None:
    """Ustica again, in a plane; Lambert-93 is one that only pyproj knows."""
    pyproj = pytest.importorskip("pyproj")
    transformer = pyproj.Transformer.from_crs("OGC:CRS84", system, always_xy=True)
    east, north = transformer.transform(13.18, 38.70)
    x0, y0 = (round(10 * (value - 2000)) for value in (east, north))
    where = {"kind": "metres", "system": system, "steps": 10, "x0": x0, "y0": y0, "size": [40_000, 40_000]}
    facts, arrays = coast_of(where)
    assert facts is not None
    places = unpack("uint32", arrays["coast"].text).reshape(-1, 2) * facts["scale"] + facts["corner"]
    expected = np.stack(transformer.transform(*np.concatenate(coast(13.15, 38.69, 0.05, 0.03)).T), axis=-1)
    np.testing.assert_allclose(places, expected, atol=0.6)


def test_without_pyproj_few_planes_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyproj", None)
    assert projection_to("EPSG:2154") is None
    assert projection_to("EPSG:3035") is not None
    assert projection_to("unknown plane") is None


def test_lines_are_made_of_steps_and_cut_by_segments() -> None:
    starts = np.array([[0, 0], [100, 100]], dtype=np.int32)
    lengths = np.array([3, 2], dtype=np.int32)
    deltas = np.array([[10, 10, 10, 1, 1], [0, 0, 0, 5, 5]], dtype=np.int8)
    vertices = lines_of(starts, lengths, deltas)
    assert vertices.tolist() == [[0, 0], [10, 0], [20, 0], [30, 0], [100, 100], [101, 105], [102, 110]]
    # The segment that crosses the box has both ends outside of it; nothing leads from line to line.
    assert [part.tolist() for part in cut(vertices, lengths + 1, np.array([[12.0, -5.0], [18.0, 5.0]]))] == [
        [[10, 0], [20, 0]]
    ]
    assert [len(part) for part in cut(vertices, lengths + 1, np.array([[-1.0, -1.0], [200.0, 200.0]]))] == [4, 3]
    assert cut(vertices, lengths + 1, np.array([[40.0, 20.0], [60.0, 60.0]])) == []
    partly = vertices.astype(float)
    partly[1] = np.nan
    assert [len(part) for part in cut(partly, lengths + 1, np.array([[-1.0, -1.0], [200.0, 200.0]]))] == [2, 3]


def test_a_page_carries_its_coast(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    places = {"longitude": 13.15 + rng.random(300) / 20, "latitude": 38.69 + rng.random(300) / 30}
    output = tmp_path / "page.html"
    page_of(classified_table(tmp_path, **{name: pa.array(values) for name, values in places.items()}), output)
    page = read_page(output)
    assert page.facts["coast"]["source"].startswith("Natural Earth")
    assert page.arrays["coastLengths"].sum() * 2 == len(page.arrays["coast"])


@pytest.mark.browser
def test_the_coast_is_drawn_under_the_points(browser: Browser, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    places = {"longitude": 13.15 + rng.random(300) / 20, "latitude": 38.69 + rng.random(300) / 30}
    source = classified_table(tmp_path, **{name: pa.array(values) for name, values in places.items()})
    open_report(browser, source)
    drawn = browser.execute_script(
        """const { map } = report;
        map.draw();
        const copy = document.createElement("canvas");
        [copy.width, copy.height] = [map.under.width, map.under.height];
        const context = copy.getContext("2d", { willReadFrequently: true });
        context.drawImage(map.under, 0, 0);
        const { places } = map.coast[0];
        let drawn = 0;
        for (let at = 0; at < places.length; at += 2) {
          const [x, y] = map.pixelsAt(places[at], places[at + 1]).map((one, k) => one - [78, 1][k]);
          drawn += context.getImageData(x - 1, y - 1, 3, 3).data.some((value) => value > 0);
        }
        return [map.coast.length, drawn, places.length / 2];"""
    )
    assert drawn[0] == 1
    assert drawn[1] == drawn[2] > 5
    assert "Natural Earth" in text_of(browser, "#map-note")
    assert complaints(browser) == []
