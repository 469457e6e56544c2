"""Position of the points: the columns of coordinates, and their coordinate reference system."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.layout import Layout
from insar_runtime.errors import DataError, UsageError

LONGITUDE_LATITUDE: Final = "OGC:CRS84"
LAEA_EUROPE: Final = "EPSG:3035"
"""ETRS89 / LAEA Europe, the plane of EGMS: easting and northing in metres."""

_LOW: Final = {LONGITUDE_LATITUDE: (-180.0, -90.0), LAEA_EUROPE: (0.9e6, 0.9e6)}
_HIGH: Final = {LONGITUDE_LATITUDE: (180.0, 90.0), LAEA_EUROPE: (7.5e6, 6.9e6)}
"""The globe; Europe from the Azores and the Canary Islands to Svalbard and Cyprus."""
_FARTHEST: Final = 1e8
"""Coordinates of any other system lie within it: planes are measured in metres or feet."""
_EPSG: Final = re.compile(r"(?:EPSG:{1,2}|urn:ogc:def:crs:EPSG:[0-9.]*:)?([0-9]{4,6})", re.IGNORECASE)
_DEGREES: Final = frozenset({LONGITUDE_LATITUDE, "EPSG:4258"})
"""Systems of longitude and latitude that are known by their names alone."""
WGS84_UTM: Final = {
    f"EPSG:{base + zone}": (zone, hemisphere)
    for base, hemisphere in ((32600, "N"), (32700, "S"))
    for zone in range(1, 61)
}
ETRS89_UTM: Final = {f"EPSG:{25800 + zone}": (zone, "N") for zone in range(28, 39)}
"""Zones of UTM, by the names of the systems: number and hemisphere."""
_PLANES: Final = frozenset({LAEA_EUROPE, *WGS84_UTM, *ETRS89_UTM})
"""Systems that are known to be in metres."""


@dataclass(frozen=True, slots=True)
class Position:
    """Columns that say where a point lies.

    Attributes
    ----------
    x, y : str
        Columns of longitude and latitude in degrees, or of easting and northing in metres.
    crs : str
        ``OGC:CRS84`` for longitude and latitude, otherwise ``EPSG:`` and a code.
    """

    x: str
    y: str
    crs: str


def parse_crs(text: str) -> str:
    """Return the name of a system that the user names, such as ``EPSG:32633``; 4326 is longitude and latitude.

    Raises
    ------
    UsageError
        If it is no code of EPSG.
    """
    match = _EPSG.fullmatch(text.strip())
    if text.strip().upper() == LONGITUDE_LATITUDE or (match and match[1] == "4326"):
        return LONGITUDE_LATITUDE
    if not match:
        raise UsageError(f"{text!r} is no coordinate reference system; name it by its code, such as EPSG:32633")
    return f"EPSG:{match[1]}"


def find_position(head: pa.RecordBatch | None, layout: Layout, crs: str | None = None) -> Position | None:
    """Find the columns of a table that place its points; None if there are none that hold such coordinates.

    Longitude and latitude win. Easting and northing name no system of their own: only those of EGMS are known.

    Parameters
    ----------
    head : pyarrow.RecordBatch or None
        The first rows.
    layout : Layout
        Of the columns.
    crs : str, optional
        System that the user names, as ``parse_crs`` returns it. In one that is not that of longitude and latitude,
        easting and northing win; otherwise the columns that are named as degrees hold its coordinates.

    Raises
    ------
    DataError
        If a system is named and the table has no columns of positions, or those hold other coordinates.
    """
    degrees = (layout.longitude, layout.latitude)
    metres = (layout.easting, layout.northing)
    if crs is not None:
        pairs = [degrees, metres] if crs in _DEGREES else [metres, degrees]
        found = next(((x, y) for x, y in pairs if x and y), None)
        if found is None:
            raise DataError(
                f"{crs} needs columns of positions, and there are none; name them with --lon-column and --lat-column"
            )
        declared = Position(*found, crs)
        _refuse_other_coordinates(head, declared)
        return declared
    candidates = []
    if layout.longitude and layout.latitude:
        candidates.append(Position(layout.longitude, layout.latitude, LONGITUDE_LATITUDE))
    if layout.easting and layout.northing and (layout.producer or "").startswith("EGMS"):
        candidates.append(Position(layout.easting, layout.northing, LAEA_EUROPE))
    return next((position for position in candidates if head is None or _is_plausible(head, position)), None)


def read_points(batch: pa.RecordBatch, position: Position) -> NDArray[np.float64]:
    """Return the positions [N, 2] float64, NaN where one of the two is missing or outside what the system covers.

    Raises
    ------
    DataError
        If the columns hold something else than numbers.
    """
    points = read_plane(batch, (position.x, position.y))
    # A filler such as -9999 is no place.
    known = LONGITUDE_LATITUDE if position.crs in _DEGREES else position.crs
    low, high = _LOW.get(known, -_FARTHEST), _HIGH.get(known, _FARTHEST)
    inside = ((points >= low) & (points <= high)).all(axis=1)
    points[~inside] = np.nan
    return points


def read_plane(batch: pa.RecordBatch, names: tuple[str, str]) -> NDArray[np.float64]:
    """Return two columns of coordinates [N, 2] float64 as they are, NaN = missing.

    Raises
    ------
    DataError
        If the columns hold something else than numbers.
    """
    try:
        # Unsafe means: whole numbers beyond 2**53 are rounded; they are no places anyway.
        columns = [batch.column(name).cast(pa.float64(), safe=False) for name in names]
    except pa.ArrowException as error:
        raise DataError(
            f"columns {' and '.join(names)} hold something that is no coordinate ({error}); "
            "name others with --lon-column, --lat-column"
        ) from error
    return np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1)


def _refuse_other_coordinates(head: pa.RecordBatch | None, position: Position) -> None:
    """Refuse metres for a system of degrees, and degrees for one of metres: they would be places in the sea."""
    if head is None:
        return
    names = f"columns {position.x} and {position.y}"
    try:
        if not _is_plausible(head, position):
            raise DataError(f"{names} hold no coordinates of {position.crs}; name their system, or leave --crs out")
        in_degrees = _is_plausible(head, Position(position.x, position.y, LONGITUDE_LATITUDE))
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{names} hold text that is no coordinate ({error}); name others with --lon-column, --lat-column"
        ) from error
    known = _is_known(head, position.x)
    if in_degrees and known.any() and position.crs in _PLANES:
        raise DataError(f"{names} hold degrees, and {position.crs} is in metres; leave --crs out")


def _is_plausible(head: pa.RecordBatch, position: Position) -> bool:
    """Distinguish metres under the names of degrees from a filler here and there: most places are outside."""
    known = _is_known(head, position.x)
    placed = np.isfinite(read_points(head, position)[known]).all(axis=1)
    return not known.any() or bool(placed.mean() > 0.5)


def _is_known(head: pa.RecordBatch, name: str) -> NDArray[np.bool_]:
    """Return which rows have a value, plausible or not; NaN is none."""
    missing: NDArray[np.bool_] = head.column(name).is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    return ~missing
