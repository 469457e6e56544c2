"""From longitude and latitude to the plane of a map: LAEA Europe, zones of UTM, and what pyproj knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.position import ETRS89_UTM, LAEA_EUROPE, LONGITUDE_LATITUDE, WGS84_UTM

FloatArray = NDArray[np.float64]
Projection = Callable[[FloatArray], FloatArray]

_RADIUS: Final = 6_378_137.0
_FLATTENING: Final = 1 / 298.257222101
"""GRS80; that of WGS 84 differs by less than a millimetre."""
_SCALE: Final = 0.9996
_FALSE_EASTING: Final = 500_000.0
_FALSE_NORTHING: Final = 10_000_000.0
_FARTHEST: Final = 50.0
"""Degrees of longitude from the central meridian of a zone, within which its series converges well."""
_LAEA_ORIGIN: Final = (10.0, 52.0)
_LAEA_FALSE: Final = (4_321_000.0, 3_210_000.0)
_FARTHEST_COSINE: Final = 0.2
"""Cosine of the largest angle from the origin of LAEA; beyond it nothing is European."""
_EPSG: Final = re.compile(r"EPSG:\d+")


def projection_to(system: str) -> Projection | None:
    """Return the projection from longitude and latitude to a system; None if it is not known here.

    Parameters
    ----------
    system : str
        Name such as ``EPSG:3035``.

    Returns
    -------
    callable or None
        Takes longitude and latitude [N, 2] in degrees, float64, and returns easting and northing [N, 2] in the unit of
        the system, NaN where the projection does not reach.
    """
    if system == LAEA_EUROPE:
        return _laea_europe
    zone = WGS84_UTM.get(system) or ETRS89_UTM.get(system)
    if zone:
        return lambda places: _utm(places, *zone)
    return _of_pyproj(LONGITUDE_LATITUDE, system) if _EPSG.fullmatch(system) else None


def projection_between(source: str, target: str) -> Projection | None:
    """Return the way from one system to another one; None if it is not known here. See ``projection_to``."""
    return projection_to(target) if source == LONGITUDE_LATITUDE else _of_pyproj(source, target)


def _laea_europe(places: FloatArray) -> FloatArray:
    """Lambert azimuthal equal-area projection (Snyder 1987, Map Projections, equations 24-17 to 24-20)."""
    longitude, latitude = np.radians(places.T)
    lon0, lat0 = np.radians(_LAEA_ORIGIN)
    e2 = _FLATTENING * (2 - _FLATTENING)
    e = np.sqrt(e2)

    def q(lat: FloatArray) -> FloatArray:
        sine = np.sin(lat)
        return np.asarray((1 - e2) * (sine / (1 - e2 * sine**2) + np.arctanh(e * sine) / e))

    pole = q(np.array(np.pi / 2))
    beta, beta0 = (np.arcsin(np.clip(q(np.asarray(lat)) / pole, -1, 1)) for lat in (latitude, lat0))
    radius = _RADIUS * np.sqrt(pole / 2)
    d = _RADIUS * np.cos(lat0) / (np.sqrt(1 - e2 * np.sin(lat0) ** 2) * radius * np.cos(beta0))
    east = longitude - lon0
    cosine = np.sin(beta0) * np.sin(beta) + np.cos(beta0) * np.cos(beta) * np.cos(east)
    b = radius * np.sqrt(2 / (1 + np.where(cosine > _FARTHEST_COSINE, cosine, np.nan)))
    x = b * d * np.cos(beta) * np.sin(east)
    y = b / d * (np.cos(beta0) * np.sin(beta) - np.sin(beta0) * np.cos(beta) * np.cos(east))
    return np.stack([x + _LAEA_FALSE[0], y + _LAEA_FALSE[1]], axis=-1)


def _utm(places: FloatArray, zone: int, hemisphere: str) -> FloatArray:
    """Transverse Mercator projection by the series of Krüger (Karney 2011, J. Geodesy 85, equations 7 to 12 and 35)."""
    east = (places[:, 0] - (6 * zone - 183) + 180) % 360 - 180
    east = np.radians(np.where(np.abs(east) <= _FARTHEST, east, np.nan))
    sine = np.sin(np.radians(places[:, 1]))
    n = _FLATTENING / (2 - _FLATTENING)
    e = 2 * np.sqrt(n) / (1 + n)
    with np.errstate(divide="ignore"):  # at the poles
        t = np.sinh(np.arctanh(sine) - e * np.arctanh(e * sine))
    xi, eta = np.arctan2(t, np.cos(east)), np.arcsinh(np.sin(east) / np.hypot(t, np.cos(east)))
    series = (n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16, 13 * n**2 / 48 - 3 * n**3 / 5, 61 * n**3 / 240)
    x, y = eta.copy(), xi.copy()
    for j, alpha in enumerate(series, start=1):
        x += alpha * np.cos(2 * j * xi) * np.sinh(2 * j * eta)
        y += alpha * np.sin(2 * j * xi) * np.cosh(2 * j * eta)
    scale = _SCALE * _RADIUS / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    north = _FALSE_NORTHING if hemisphere == "S" else 0.0
    return np.stack([_FALSE_EASTING + scale * x, north + scale * y], axis=-1)


def _of_pyproj(source: str, target: str) -> Projection | None:
    try:
        import pyproj  # noqa: PLC0415 - optional, and few systems need it
    except ImportError:
        return None
    try:
        transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    except pyproj.exceptions.ProjError:
        return None

    def project(places: FloatArray) -> FloatArray:
        found = np.stack(transformer.transform(*places.T), axis=-1)
        return np.where(np.isfinite(found), found, np.nan)

    return project
