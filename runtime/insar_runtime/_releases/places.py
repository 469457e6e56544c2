"""Positions of the points of a release, with their coordinate reference system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.column_roles import Role
from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.position import LAEA_EUROPE, LONGITUDE_LATITUDE, Position, read_points
from insar_runtime._output.geometry import Geometry, find_geometry, points_of
from insar_runtime._spatial.metres import System

_PLACED: Final = 0.5
"""Columns that place more of the first rows are used without a look at others."""


@dataclass(frozen=True, slots=True)
class Place:
    """Reader of the positions of a table.

    Attributes
    ----------
    system : str, mapping or None
        Coordinate reference system; None if it is not known.
    read : callable
        Returns the positions [N, 2] of a batch, float64, NaN = missing.
    """

    system: System | None
    read: Callable[[pa.RecordBatch], NDArray[np.float64]]


def find_place(
    schema: pa.Schema,
    roles: Mapping[Role, str | None],
    head: pa.RecordBatch | None,
    *,
    stated: Mapping[str, Any] | None = None,
    producer: str | None = None,
    crs: str | None = None,
) -> Place | None:
    """Find the positions of a table; None if it has none.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table, with its GeoParquet metadata.
    roles : mapping of str to str or None
        Columns by their roles.
    head : pyarrow.RecordBatch or None
        First rows: columns that place most of them are preferred, and those that place none are not used.
    stated : mapping, optional
        Columns and system that the run metadata state.
    producer : str, optional
        Producer of the table.
    crs : str, optional
        System that the user names, as ``parse_crs`` returns it.

    Returns
    -------
    Place or None
        The first of: columns in the named system; those of the metadata; longitude and latitude; the geometry; easting
        and northing, whose system is known of EGMS only.
    """
    best, most = None, 0.0
    for place in _candidates(schema, roles, stated, producer, crs):
        if head is None or not head.num_rows:
            return place
        placed = float(np.isfinite(place.read(head)).all(axis=1).mean())
        if placed > _PLACED:
            return place
        if placed > most:
            best, most = place, placed
    return best


def _candidates(
    schema: pa.Schema,
    roles: Mapping[Role, str | None],
    stated: Mapping[str, Any] | None,
    producer: str | None,
    crs: str | None,
) -> Iterator[Place]:
    degrees, metres = (roles.get("longitude"), roles.get("latitude")), (roles.get("easting"), roles.get("northing"))
    if crs is not None:
        pairs = [degrees, metres] if crs == LONGITUDE_LATITUDE else [metres, degrees]
        yield from (_of_columns(x, y, crs) for x, y in pairs if x and y)
        return
    if stated and all(_is_number(schema, stated.get(axis)) for axis in ("x", "y")) and stated.get("crs"):
        yield _of_columns(stated["x"], stated["y"], stated["crs"])
    if degrees[0] and degrees[1]:
        yield _of_columns(degrees[0], degrees[1], LONGITUDE_LATITUDE)
    geometry = find_geometry(schema)
    if geometry:
        yield Place(_system(geometry), partial(points_of, geometry=geometry))
    if metres[0] and metres[1] and (producer or "").startswith("EGMS"):
        yield _of_columns(metres[0], metres[1], LAEA_EUROPE)
    elif metres[0] and metres[1]:
        yield Place(None, _of_columns(metres[0], metres[1], "").read)


def _of_columns(x: str, y: str, crs: str) -> Place:
    return Place(crs, partial(read_points, position=Position(x, y, crs)))


def _is_number(schema: pa.Schema, name: object) -> bool:
    return isinstance(name, str) and name in schema.names and is_numeric(schema.field(name).type)


def _system(geometry: Geometry) -> System | None:
    return LONGITUDE_LATITUDE if geometry.is_longitude_latitude else geometry.crs
