"""Position of the points: the columns of coordinates, and their coordinate reference system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.layout import Layout

Crs = Literal["OGC:CRS84", "EPSG:3035"]
LONGITUDE_LATITUDE: Final[Crs] = "OGC:CRS84"
LAEA_EUROPE: Final[Crs] = "EPSG:3035"
"""ETRS89 / LAEA Europe, the plane of EGMS: easting and northing in metres."""

_LOW: Final = {LONGITUDE_LATITUDE: (-180.0, -90.0), LAEA_EUROPE: (0.9e6, 0.9e6)}
_HIGH: Final = {LONGITUDE_LATITUDE: (180.0, 90.0), LAEA_EUROPE: (7.5e6, 6.9e6)}
"""The globe; Europe from the Azores and the Canary Islands to Svalbard and Cyprus."""


@dataclass(frozen=True, slots=True)
class Position:
    """Columns that say where a point lies.

    Attributes
    ----------
    x, y : str
        Columns of longitude and latitude in degrees, or of easting and northing in metres.
    crs : {"OGC:CRS84", "EPSG:3035"}
    """

    x: str
    y: str
    crs: Crs


def find_position(head: pa.RecordBatch | None, layout: Layout) -> Position | None:
    """Find the columns of a table that place its points; None if there are none that hold such coordinates.

    Longitude and latitude win. Easting and northing name no system of their own: only those of EGMS are known.
    """
    candidates = []
    if layout.longitude and layout.latitude:
        candidates.append(Position(layout.longitude, layout.latitude, LONGITUDE_LATITUDE))
    if layout.easting and layout.northing and (layout.producer or "").startswith("EGMS"):
        candidates.append(Position(layout.easting, layout.northing, LAEA_EUROPE))
    return next((position for position in candidates if head is None or _is_plausible(head, position)), None)


def read_points(batch: pa.RecordBatch, position: Position) -> NDArray[np.float64]:
    """Return the positions [N, 2] float64, NaN where one of the two is missing or outside what the system covers."""
    # Unsafe means: whole numbers beyond 2**53 are rounded; they are no places anyway.
    columns = [batch.column(name).cast(pa.float64(), safe=False) for name in (position.x, position.y)]
    points = np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1)
    # A filler such as -9999 is no place.
    inside = ((points >= _LOW[position.crs]) & (points <= _HIGH[position.crs])).all(axis=1)
    points[~inside] = np.nan
    return points


def _is_plausible(head: pa.RecordBatch, position: Position) -> bool:
    """Tell metres under the names of degrees, and the like, from a filler here and there: most places are outside."""
    known = ~(head.column(position.x).is_null().to_numpy(zero_copy_only=False))
    placed = np.isfinite(read_points(head, position)[known]).all(axis=1)
    return not known.any() or bool(placed.mean() > 0.5)
