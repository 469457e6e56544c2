"""Positions of pixels: longitude and latitude from the axes of a grid, or from maps of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insar_runtime._convert.cube import PixelIndices, Window
from insar_runtime.errors import DataError, UnavailableError

Positions = Callable[[Window, PixelIndices], tuple[NDArray[np.float64], NDArray[np.float64]]]


def from_axes(x: NDArray[np.floating], y: NDArray[np.floating], crs: str | None = None) -> Positions:
    """Return a function that computes positions on a regular grid.

    Parameters
    ----------
    x, y : ndarray of float, shape [pixels], [lines]
        Centres of the pixels and of the lines, in degrees or in the unit of `crs`.
    crs : str, optional
        Projection of `x` and `y`, as WKT or an EPSG code; longitude and latitude if not given.

    Raises
    ------
    UnavailableError
        `crs` is given, and pyproj is not installed.
    DataError
        pyproj does not know the projection.
    """
    project = None if crs is None else _to_degrees(crs)

    def positions(window: Window, where: PixelIndices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        at = x[window.left + where[1]].astype(np.float64), y[window.top + where[0]].astype(np.float64)
        return at if project is None else project(*at)

    return positions


def from_maps(longitude: Callable[[Any], Any], latitude: Callable[[Any], Any]) -> Positions:
    """Return a function that reads positions from two maps in degrees; NaN for 0, 0 and for impossible values."""

    def positions(window: Window, where: PixelIndices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
