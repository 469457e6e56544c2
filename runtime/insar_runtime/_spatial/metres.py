"""Positions of points in metres, whatever their coordinate reference system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.position import ETRS89_UTM, LAEA_EUROPE, LONGITUDE_LATITUDE, WGS84_UTM
from insar_runtime._spatial.require import require
from insar_runtime.errors import DataError, UsageError

Points = NDArray[np.float64]
System = str | Mapping[str, Any]
"""Name of a system (``OGC:CRS84``, ``EPSG:32633``), or its PROJJSON."""

PLANES: Final = frozenset({LAEA_EUROPE, *WGS84_UTM, *ETRS89_UTM})
"""Systems that are known to be in metres, without pyproj."""
DEGREES: Final = frozenset({LONGITUDE_LATITUDE, "EPSG:4326", "EPSG:4258"})
"""WGS 84 and ETRS89, whose ellipsoids differ by 0.1 mm."""
_SCALE_ERROR: Final = 0.01
"""Deviation of the map scale from 1 up to which a projected system is used as it is (our choice). Conformal and
equal-area systems of countries deviate by less; web Mercator by 41 % at a latitude of 45 degrees."""
_PURPOSE: Final = "a distance in metres"


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """A plane in metres around the points of a table.

    Attributes
    ----------
    system : str or mapping
        The system of the points, as it was given.
    """

    system: System
    _unit_m: float = 1.0
    """Length of a unit of a projected system that is used as it is."""
    _mercator: Any = field(default=None, repr=False)
    """pyproj's transformation from the system to a transverse Mercator projection around the median."""

    @classmethod
    def around(cls, points: Points, system: System | None) -> LocalPlane:
        """Choose the plane for points.

        A projected system is used as it is where its map scale is right to 1 %. Otherwise, and for longitude and
        latitude, it is a transverse Mercator projection (ellipsoid WGS 84, scale 1) around the median of the points: to
        250 km from its central meridian, distances are right to 0.1 %.

        Parameters
        ----------
        points : ndarray of float64, shape [N, 2]
            Longitude and latitude in degrees, or easting and northing; NaN = no position.
        system : str or mapping or None
            Their system; None if it is not known.

        Raises
        ------
        DataError
            If no point has a position, the system is not known, or it is in metres and the points are in degrees.
        UsageError
            If the system is none that pyproj knows.
        UnavailableError
            If pyproj is needed and not installed.
        """
        there = np.isfinite(points).all(axis=1)
        if not there.any():
            of = "" if system is None else f" of {system_name(system) or 'its system'}"
            raise DataError(
                f"no point has coordinates{of}; name their columns with --lon-column and --lat-column, or their system "
                "with --crs"
            )
        placed = points[there]
        if system is None:
            degrees = bool((np.abs(placed) <= (360.0, 90.0)).all())
            what = "in degrees, or in an unknown unit," if degrees else "in an unknown unit"
            raise DataError(f"coordinates {what} have no coordinate system; name it with --crs, such as EPSG:32633")
        name = system_name(system)
        if name in PLANES:
            if (np.abs(placed) <= (180.0, 90.0)).all():
                raise DataError(f"the coordinates are in degrees, and {name} is in metres; leave --crs out")
            return cls(system)
        if name in DEGREES:
            return cls(system, _mercator=_from_degrees(*_middle(placed)))
        return _by_pyproj(system, placed)

    @property
    def is_in_degrees(self) -> bool:
        """Whether the system is one of longitude and latitude that is known by its name."""
        return system_name(self.system) in DEGREES

    def to_metres(self, points: Points) -> Points:
        """Return positions [N, 2] of the system in metres, float64; NaN where there is none."""
        if self._mercator is None:
            return points * self._unit_m
        return _transformed(self._mercator, points, "FORWARD")

    def to_system(self, points_m: Points) -> Points:
        """Return positions [N, 2] in metres in the system of the points, float64; NaN where there is none."""
        if self._mercator is None:
            return points_m / self._unit_m
        return _transformed(self._mercator, points_m, "INVERSE")


def system_name(system: System) -> str | None:
    """Return the name of a system, from its PROJJSON if need be; None if that names none."""
    if isinstance(system, str):
        return system
    identity = system.get("id")
    if not isinstance(identity, Mapping) or identity.get("code") is None:
        return None
    return f"{str(identity.get('authority')).upper()}:{identity['code']}"


def _middle(degrees: Points) -> tuple[float, float]:
    """Return the median longitude and latitude, also of points on both sides of the meridian of 180 degrees."""
    first = degrees[0, 0]
    longitude = first + np.median((degrees[:, 0] - first + 180) % 360 - 180)
    return float(longitude), float(np.median(degrees[:, 1]))


def _mercator_text(longitude: float, latitude: float) -> str:
    return f"+proj=tmerc +lat_0={latitude:.6f} +lon_0={longitude:.6f} +k=1 +ellps=WGS84 +units=m +type=crs"


def _from_degrees(longitude: float, latitude: float) -> Any:
    """Return the transformation from longitude and latitude of any datum: a shift of datum moves all points alike."""
    pyproj = require("pyproj", _PURPOSE)
    geographic = "+proj=longlat +ellps=WGS84 +type=crs"
    return pyproj.Transformer.from_crs(geographic, _mercator_text(longitude, latitude), always_xy=True)


def _by_pyproj(system: System, placed: Points) -> LocalPlane:
    pyproj = require("pyproj", _PURPOSE)
    try:
        crs = pyproj.CRS.from_user_input(system if isinstance(system, str) else dict(system))
    except pyproj.exceptions.CRSError as error:
        name = system if isinstance(system, str) else system.get("name", "of the file")
        raise UsageError(
            f"coordinate system {name} is unknown to pyproj; name it with --crs, such as EPSG:32633"
        ) from error
    if crs.is_geographic:
        return LocalPlane(system, _mercator=_from_degrees(*_middle(placed)))
    unit_m = float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 0.0
    if not crs.is_projected or unit_m <= 0:
        raise UsageError(f"coordinate system {crs.name} is no map projection; name another one with --crs")
    to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    longitude, latitude = to_degrees.transform(*np.median(placed, axis=0))
    factors = pyproj.Proj(crs).get_factors(longitude, latitude)
    scales = np.array([factors.meridional_scale, factors.parallel_scale])
    if (np.abs(scales - 1) <= _SCALE_ERROR).all():
        return LocalPlane(system, unit_m)
    mercator = pyproj.Transformer.from_crs(crs, _mercator_text(longitude, latitude), always_xy=True)
    return LocalPlane(system, _mercator=mercator)


def _transformed(transformer: Any, points: Points, direction: str) -> Points:
    """Return transformed points [N, 2]; pyproj has infinity where there is no position."""
    x, y = transformer.transform(points[:, 0], points[:, 1], direction=direction)
    moved = np.stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)], axis=1)
    moved[~np.isfinite(moved).all(axis=1)] = np.nan
    return moved
