"""Coordinates of two releases in one space, in which the distance of two points is in metres."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._releases.points import ReleasePoints
from insar_runtime._spatial.metres import DEGREES, PLANES, System, system_name
from insar_runtime._spatial.require import require
from insar_runtime.errors import DataError

_AXIS_M: Final = 6_378_137.0
_FLATTENING: Final = 1 / 298.257223563
"""Ellipsoid of WGS 84."""


def common_coordinates(
    old: ReleasePoints, new: ReleasePoints
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the positions of both releases in one space.

    Two releases in one plane in metres stay in it. All others become geocentric: the straight line between two points
    of the ellipsoid is shorter than the way on it by less than 1 mm in 5 km, and neither release is its centre.

    Parameters
    ----------
    old, new : ReleasePoints

    Returns
    -------
    tuple of ndarray of float64, shapes [N, D] and [M, D], or None
        Metres; NaN = no position. None if a release has no positions.

    Raises
    ------
    DataError
        If the system of a release is not known, or is in metres and its points are in degrees.
    UnavailableError
        If a system is known to pyproj only, which is not installed.
    """
    if old.positions is None or new.positions is None:
        return None
    systems = [_name(release) for release in (old, new)]
    for release, system in zip((old, new), systems, strict=True):
        if system in PLANES and bool((np.abs(_placed(release)) <= (180.0, 90.0)).all()):
            raise DataError(f"the coordinates of {release.name} are in degrees, and {system} is in metres")
    if systems[0] == systems[1] and systems[0] in PLANES:
        return old.positions, new.positions
    first, second = (_geocentric(_to_degrees(one, name)) for one, name in zip((old, new), systems, strict=True))
    return first, second


def positions_in(release: ReleasePoints, system: System) -> NDArray[np.float64]:
    """Return the positions of a release in another system [N, 2] float64; NaN = no position.

    Raises
    ------
    DataError
        If one of the systems is not known.
    UnavailableError
        If pyproj is needed and not installed.
    """
    assert release.positions is not None
    names = _name(release), system_name(system)
    if release.system == system or (names[0] is not None and names[0] == names[1]) or set(names) <= DEGREES:
        return release.positions
    return _transform(release.positions, names[0] or _described(release.system), release.name, names[1] or system)


def is_in_degrees(system: System) -> bool:
    """Return whether a system is one of longitude and latitude."""
    return system_name(system) in DEGREES or (not isinstance(system, str) and system.get("type") == "GeographicCRS")


def lengths(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths of vectors [N, D]."""
    length: NDArray[np.float64] = np.sqrt((differences**2).sum(axis=1))
    return length


def _placed(release: ReleasePoints) -> NDArray[np.float64]:
    """Return the positions of the points that have one; infinity if none has."""
    assert release.positions is not None
    there = np.isfinite(release.positions).all(axis=1)
    return release.positions[there] if there.any() else np.full((1, 2), np.inf)


def _name(release: ReleasePoints) -> str | None:
    """Return the name of the system of a release; None if only PROJJSON describes it."""
    system = release.system
    if system is None:
        raise DataError(
            f"the coordinates of {release.name} have no known system; name it with --crs, or match by id (--match id)"
        )
    return system_name(system)


def _to_degrees(release: ReleasePoints, name: str | None) -> NDArray[np.float64]:
    """Return longitude and latitude of the points of a release [N, 2]."""
    assert release.positions is not None
    if name in DEGREES:
        return release.positions
    return _transform(release.positions, name or _described(release.system), release.name)


def _described(system: System | None) -> System:
    assert system is not None
    return system


def _transform(
    positions: NDArray[np.float64], system: System, name: str, to: System = LONGITUDE_LATITUDE
) -> NDArray[np.float64]:
    pyproj = require("pyproj", f"the coordinate system of {name}")
    try:
        convert = pyproj.Transformer.from_crs(*map(_plain, (system, to)), always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise DataError(
            f"the coordinate reference system of {name} is unknown; name it with --crs, or match by id (--match id)"
        ) from error
    moved = np.stack(convert.transform(positions[:, 0], positions[:, 1]), axis=1)
    moved[~np.isfinite(moved).all(axis=1)] = np.nan
    return moved


def _plain(system: System) -> Any:
    return system if isinstance(system, str) else dict(system)


def _geocentric(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points of the ellipsoid as geocentric coordinates [N, 3] in metres, from longitude and latitude [N, 2]."""
    longitude, latitude = np.radians(degrees).T
    squared = _FLATTENING * (2 - _FLATTENING)
    normal = _AXIS_M / np.sqrt(1 - squared * np.sin(latitude) ** 2)
    across = normal * np.cos(latitude)
    up = normal * (1 - squared) * np.sin(latitude)
    return np.stack([across * np.cos(longitude), across * np.sin(longitude), up], axis=1)
