"""Positions in metres: known planes, degrees around the median, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from insar_runtime._spatial import require as require_module
from insar_runtime._spatial.metres import LocalPlane
from insar_runtime._spatial.require import require
from insar_runtime.errors import DataError, UnavailableError, UsageError

pyproj = pytest.importorskip("pyproj")

DEGREES = "OGC:CRS84"
NOWHERE = [np.nan, np.nan]


@pytest.mark.parametrize("system", ["EPSG:32633", "EPSG:25832", "EPSG:3035"])
def test_a_plane_in_metres_is_used_as_it_is(system: str) -> None:
    points = np.array([[400_000.0, 5_000_000.0], NOWHERE])
    plane = LocalPlane.around(points, system)
    np.testing.assert_array_equal(plane.to_metres(points), points)
    np.testing.assert_array_equal(plane.to_system(points), points)


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(13.2, 38.7), (24.0, 69.5), (-70.6, -33.4), (179.9, -17.0), (10, 89.99), (0, -90)]
)
def test_distances_of_degrees_are_right_to_a_thousandth_within_250_km(longitude: float, latitude: float) -> None:
    rng = np.random.default_rng(0)
    geod = pyproj.Geod(ellps="WGS84")
    azimuth, reach = rng.uniform(0, 360, 200), rng.uniform(0, 250_000, 200)
    lon, lat, _ = geod.fwd(np.full(200, longitude), np.full(200, latitude), azimuth, reach)
    points = np.stack([lon, lat], axis=1)
    # As many points at the centre as elsewhere, so that the median is there.
    plane = LocalPlane.around(np.concatenate([np.tile([[longitude, latitude]], (400, 1)), points]), DEGREES)
    metres = plane.to_metres(points)
    near = geod.fwd(lon, lat, rng.uniform(0, 360, 200), np.full(200, 1000.0))
    moved = plane.to_metres(np.stack(near[:2], axis=1))
    np.testing.assert_allclose(np.linalg.norm(moved - metres, axis=1), 1000, rtol=1e-3)


def test_degrees_come_back_and_points_without_position_stay_so() -> None:
    points = np.array([[13.1, 38.7], NOWHERE, [13.3, 38.6], [13.2, np.nan]])
    plane = LocalPlane.around(points, DEGREES)
    metres = plane.to_metres(points)
    assert np.isnan(metres[[1, 3]]).all()
    back = plane.to_system(metres)
    np.testing.assert_allclose(back[[0, 2]], points[[0, 2]], atol=1e-9)
    assert np.isnan(back[[1, 3]]).all()


def test_the_system_may_be_projjson() -> None:
    points = np.array([[3_500_000.0, 5_000_000.0], [3_500_100.0, 5_000_000.0]])
    system = pyproj.CRS("EPSG:31467").to_json_dict()
    del system["id"]
    plane = LocalPlane.around(points, system)
    assert np.ptp(plane.to_metres(points)[:, 0]) == pytest.approx(100)
    degrees = LocalPlane.around(np.array([[13.1, 38.7], [13.2, 38.7]]), pyproj.CRS("EPSG:4258").to_json_dict())
    assert np.ptp(degrees.to_metres(np.array([[13.1, 38.7], [13.2, 38.7]]))[:, 0]) == pytest.approx(8_700, rel=0.01)


def test_feet_become_metres() -> None:
    points = np.array([[6_000_000.0, 2_000_000.0], [6_000_100.0, 2_000_000.0]])
    plane = LocalPlane.around(points, "EPSG:2227")
    assert np.ptp(plane.to_metres(points)[:, 0]) == pytest.approx(30.48, rel=1e-4)
    np.testing.assert_allclose(plane.to_system(plane.to_metres(points)), points)


def test_web_mercator_is_no_plane_in_metres() -> None:
    points = np.array([[1_000_000.0, 5_621_521.0], [1_000_100.0, 5_621_521.0], NOWHERE])
    metres = LocalPlane.around(points, "EPSG:3857").to_metres(points)
    assert np.ptp(metres[:2, 0]) == pytest.approx(100 * np.cos(np.radians(45)), rel=0.005)
    assert np.isnan(metres[2]).all()


def test_no_position_is_refused() -> None:
    for points in (np.empty((0, 2)), np.array([NOWHERE, [1.0, np.nan]])):
        with pytest.raises(DataError, match="no point has coordinates"):
            LocalPlane.around(points, DEGREES)


def test_coordinates_without_a_system_are_refused() -> None:
    with pytest.raises(DataError, match=r"in degrees.* no coordinate system; name it with --crs"):
        LocalPlane.around(np.array([[13.0, 38.0]]), None)
    with pytest.raises(DataError, match="in an unknown unit have no coordinate system"):
        LocalPlane.around(np.array([[500_000.0, 38.0]]), None)


@pytest.mark.parametrize("system", ["EPSG:1", {"type": "nonsense"}, "EPSG:4978"])
def test_what_is_no_system_of_maps_is_refused(system: str) -> None:
    with pytest.raises(UsageError, match="name"):
        LocalPlane.around(np.array([[1.0, 2.0]]), system)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: str) -> None:
        raise ModuleNotFoundError(module)

    monkeypatch.setattr(require_module, "import_module", fail)
    with pytest.raises(UnavailableError, match=r"a search of neighbours needs scipy, .* 'insar-runtime\[spatial\]'"):
        require("scipy.spatial", "a search of neighbours")
