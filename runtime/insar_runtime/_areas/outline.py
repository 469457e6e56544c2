"""Outlines of clusters: concave hulls, with holes where points inside do not move."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._spatial.require import require
from insar_runtime.errors import DataError

Floats = NDArray[np.float64]

_PURPOSE: Final = "an outline"
_EDGE: Final = 1.5
"""Longest edge of a triangle of neighbours inside an outline, in distances of neighbours (our choice)."""
_MARGIN: Final = 0.5
"""Distance of an outline from its outermost points, in spacings of the points."""
_HOLE_POINTS: Final = 5
"""Fewest points in a hole; one with fewer, or one where many move, is closed."""
_HOLE_MOVING: Final = 0.2
"""Largest share of moving points in a hole."""
_MOST_POINTS: Final = 20_000
"""Points of a cluster from which an outline is made; of more, one in each square of a grid is taken."""
_QUADRANT_SEGMENTS: Final = 3
_SIMPLER: Final = 0.1
"""Tolerance of the simplification, in spacings of the points."""


def outline(members_m: Floats, distance_m: float, spacing_m: float) -> Any:
    """Return the outline of a cluster, a shapely polygon or multipolygon in metres, with all its gaps as holes.

    The concave hull is what is left of the Delaunay triangulation without its triangles with long edges, as far as it
    stays connected (shapely's ``concave_hull``). It is widened by half the spacing of the points.

    Parameters
    ----------
    members_m : ndarray of float64, shape [K, 2]
        Points of the cluster.
    distance_m : float
        Distance within which points of the cluster are neighbours.
    spacing_m : float
        Spacing of the points.
    """
    shapely = require("shapely", _PURPOSE)
    places = _thinned(np.unique(members_m, axis=0))
    points = shapely.MultiPoint(places)
    hull = shapely.concave_hull(points, ratio=_ratio(places, _EDGE * distance_m), allow_holes=True)
    # Points at the tips of long triangles are still inside.
    area = shapely.union(hull, points).buffer(_MARGIN * spacing_m, quad_segs=_QUADRANT_SEGMENTS)
    return _polygons(shapely, area.simplify(_SIMPLER * spacing_m))


def without_false_holes(area: Any, still_m: Floats, moving_m: Floats) -> Any:
    """Return an outline with only those holes that hold points that do not move.

    Parameters
    ----------
    area : shapely geometry
        As ``outline`` returns it.
    still_m, moving_m : ndarray of float64, shape [S, 2] and [M, 2]
        Points near the area that do not move, and that move, in metres.
    """
    shapely = require("shapely", _PURPOSE)
    parts = []
    for polygon in shapely.get_parts(area):
        rings = [ring for ring in polygon.interiors if _is_real(shapely, shapely.Polygon(ring), still_m, moving_m)]
        parts.append(shapely.Polygon(polygon.exterior, rings))
    return _polygons(shapely, shapely.union_all(parts))


def inside(area: Any, points_m: Floats) -> NDArray[np.bool_]:
    """Return which points [N, 2] lie inside an area, as bool [N]."""
    shapely = require("shapely", _PURPOSE)
    shapely.prepare(area)
    found: NDArray[np.bool_] = shapely.contains_xy(area, points_m[:, 0], points_m[:, 1])
    return found


def _is_real(shapely: Any, hole: Any, still_m: Floats, moving_m: Floats) -> bool:
    still, moving = (np.count_nonzero(shapely.contains_xy(hole, *points.T)) for points in (still_m, moving_m))
    return bool(still >= _HOLE_POINTS and moving <= _HOLE_MOVING * (still + moving))


def _thinned(places: Floats) -> Floats:
    """Return at most about 20,000 of many places: the first in each square of a grid, and the outermost ones."""
    if len(places) <= _MOST_POINTS:
        return places
    extent = np.ptp(places, axis=0)
    step = np.sqrt(max(float(np.prod(extent)), float(extent.max()) ** 2 / _MOST_POINTS) / _MOST_POINTS)
    cells = np.floor((places - places.min(axis=0)) / step).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return places[first]


def _ratio(places: Floats, longest: float) -> float:
    """Return GEOS's measure of concaveness, by which edges above a length are removed: 0 for all, 1 for none."""
    spatial = require("scipy.spatial", _PURPOSE)
    try:
        triangles = spatial.Delaunay(places - places.mean(axis=0)).simplices
    except (spatial.QhullError, ValueError):
        return 1.0  # fewer than three places, or all on one line
    edges = places[triangles] - places[np.roll(triangles, 1, axis=1)]
    lengths = np.linalg.norm(edges, axis=2)
    low, high = float(lengths.min()), float(lengths.max())
    return float(np.clip((longest - low) / (high - low), 0, 1)) if high > low else 1.0


def cut_at_antimeridian(shape: Any) -> Any:
    """Return an outline in degrees in two parts if it crosses the meridian of 180 degrees, as RFC 7946 asks.

    Its ring would go around the globe otherwise.

    Raises
    ------
    DataError
        If it lies around a pole, so that no two such parts are the area.
    """
    west, _, east, _ = shape.bounds
    if not east - west > 180:
        return shape
    shapely = require("shapely", _PURPOSE)
    whole = shapely.transform(shape, lambda xy: np.stack([xy[:, 0] % 360, xy[:, 1]], axis=1))
    west, _, east, _ = whole.bounds
    if east - west > 180:
        raise DataError(
            "an area lies around a pole, where no outline is in degrees: give the points in metres, such as those of "
            "EPSG:3413 or EPSG:3031 (--crs), and an output other than GeoJSON"
        )
    before = shapely.intersection(whole, shapely.box(0, -90, 180, 90))
    beyond = shapely.intersection(whole, shapely.box(180, -90, 360, 90))
    return _polygons(shapely, shapely.union(before, shapely.transform(beyond, lambda xy: xy - np.array([360.0, 0.0]))))


def _polygons(shapely: Any, area: Any) -> Any:
    """Return a polygon or multipolygon that is valid."""
    area = shapely.make_valid(area)
    parts = [part for part in shapely.get_parts(area) if part.geom_type in {"Polygon", "MultiPolygon"}]
    return shapely.union_all(parts) if parts else area
