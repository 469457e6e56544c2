"""Outlines of areas: polygons and multipolygons of well-known binary, well-known text and GeoJSON."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float64]

_POLYGON: Final = 3
_COLLECTIONS: Final = frozenset({6, 7})
"""Multipolygon, and a collection."""
_MOST_DEPTH: Final = 4
_EXTENDED: Final = 0x80000000, 0x40000000, 0x20000000
"""Flags of z, of m, and of a number of the system, as PostGIS sets them."""
_WKT: Final = re.compile(r"\s*(?:SRID=\d+;)?\s*(?:MULTI)?POLYGON\b", re.IGNORECASE)
_RING: Final = re.compile(r"\(([^()]+)\)")


def rings_of_wkb(data: bytes) -> list[Ring]:
    """Return the rings of all parts of a geometry, x and y [V, 2]; holes are rings as well.

    Raises
    ------
    ValueError
        If it is damaged, or no polygon or multipolygon.
    """
    rings: list[Ring] = []
    try:
        _read(memoryview(data), 0, rings, 0)
    except (struct.error, IndexError) as error:
        raise ValueError("its end is missing") from error
    return rings


def rings_of_wkt(text: str) -> list[Ring]:
    """Return the rings of well-known text; see ``rings_of_wkb``."""
    if not _WKT.match(text):
        raise ValueError("it is no polygon")
    rings = [[place.split()[:2] for place in ring.split(",")] for ring in _RING.findall(text)]
    return [_ring(ring) for ring in rings]


def rings_of_geojson(geometry: Mapping[str, Any]) -> list[Ring]:
    """Return the rings of a geometry of GeoJSON; see ``rings_of_wkb``."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind not in {"Polygon", "MultiPolygon"} or not isinstance(coordinates, list):
        raise ValueError("it is no polygon")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    return [_ring([place[:2] for place in ring]) for polygon in polygons for ring in polygon]


def _ring(places: list[Any]) -> Ring:
    ring = np.asarray(places, dtype=np.float64)
    if ring.ndim != 2 or ring.shape[1] != 2:
        raise ValueError("a ring has no corners")
    return ring


def _read(data: memoryview, at: int, rings: list[Ring], depth: int) -> int:
    """Add the rings of the geometry that begins at a place, and return where it ends."""
    if depth > _MOST_DEPTH:
        raise ValueError("it is nested too deeply")
    order = "<" if data[at] else ">"
    (kind,) = struct.unpack_from(f"{order}I", data, at + 1)
    z, m, numbered = (bool(kind & flag) for flag in _EXTENDED)
    at += 9 if numbered else 5
    # ISO adds 1000 for z, 2000 for m, 3000 for both.
    iso, kind = divmod(kind & 0x0FFFFFFF, 1000)
    axes = 2 + z + m + (0, 1, 1, 2)[iso]
    if kind not in {_POLYGON, *_COLLECTIONS}:
        raise ValueError("it is no polygon")
    (parts,) = struct.unpack_from(f"{order}I", data, at)
    at += 4
    for _ in range(parts):
        if kind in _COLLECTIONS:
            at = _read(data, at, rings, depth + 1)
            continue
        (corners,) = struct.unpack_from(f"{order}I", data, at)
        values = np.frombuffer(data, f"{order}f8", corners * axes, at + 4)
        rings.append(values.reshape(corners, axes)[:, :2].astype(np.float64))
        at += 4 + 8 * corners * axes
    return at
