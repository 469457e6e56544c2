"""Where the pixels of a map lie: longitude and latitude from its corner and step, or from maps of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insar_runtime._convert.cube import Where, Window
from insar_runtime.errors import DataError, UnavailableError

Positions = Callable[[Window, Where], tuple[NDArray[np.float64], NDArray[np.float64]]]


def from_axes(x: NDArray[np.floating], y: NDArray[np.floating], crs: str | None = None) -> Positions:
    """Return the positions on a regular grid.

    Parameters
    ----------
    x, y : ndarray of float, shape [pixels], [lines]
        Centres of pixels and lines: degrees, or the unit of `crs`.
    crs : str, optional
        Projection of `x` and `y`, as WKT or an EPSG code; longitude and latitude if not given.

    Raises
    ------
    UnavailableError
        A projection without pyproj.
    DataError
        A projection that pyproj does not know.
    """
    project = None if crs is None else _to_degrees(crs)

    def positions(window: Window, where: Where) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        at = x[window.left + where[1]].astype(np.float64), y[window.top + where[0]].astype(np.float64)
        return at if project is None else project(*at)

    return positions


def from_maps(longitude: Callable[[Any], Any], latitude: Callable[[Any], Any]) -> Positions:
    """Return the positions that two maps hold, in degrees; 0, 0 and what is off the globe is no place."""

    def positions(window: Window, where: Where) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        lon, lat = (np.asarray(read(window.part), dtype=np.float64)[where] for read in (longitude, latitude))
        nowhere = ((lon == 0) & (lat == 0)) | ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
        lon[nowhere] = lat[nowhere] = np.nan
        return lon, lat

    return positions


def _to_degrees(
    crs: str,
) -> Callable[[NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    try:
        import pyproj  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UnavailableError(
            "the map is projected, which needs pyproj: pip install 'insar-runtime[convert]'"
        ) from error
    try:
        transformer = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except pyproj.exceptions.CRSError as error:
        raise DataError(f"projection {crs[:60]!r} is not known: correct it in the file") from error

    def project(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        lon, lat = transformer.transform(x, y)
        return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)

    return project
