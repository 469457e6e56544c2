"""Positions of the points of a release, with their coordinate reference system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from insar_runtime._input.column_roles import Role
from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.position import LAEA_EUROPE, LONGITUDE_LATITUDE, Position
from insar_runtime._output.geometry import find_geometry
from insar_runtime._pipeline.table_points import TablePoints

_PLACED: Final = 0.5
"""Columns that place more of the first rows are used without a look at others."""


def find_place(
    schema: pa.Schema,
    roles: Mapping[Role, str | None],
    head: pa.RecordBatch | None,
    *,
    stated: Mapping[str, Any] | None = None,
    producer: str | None = None,
    crs: str | None = None,
) -> TablePoints | None:
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
    TablePoints or None
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
) -> Iterator[TablePoints]:
    degrees, metres = (roles.get("longitude"), roles.get("latitude")), (roles.get("easting"), roles.get("northing"))
    if crs is not None:
        pairs = [degrees, metres] if crs == LONGITUDE_LATITUDE else [metres, degrees]
        yield from (TablePoints.of_columns(Position(x, y, crs)) for x, y in pairs if x and y)
        return
    if stated and all(_is_number(schema, stated.get(axis)) for axis in ("x", "y")) and stated.get("crs"):
        yield TablePoints.of_columns(Position(stated["x"], stated["y"], stated["crs"]))
    if degrees[0] and degrees[1]:
        yield TablePoints.of_columns(Position(degrees[0], degrees[1], LONGITUDE_LATITUDE))
    geometry = find_geometry(schema)
    if geometry:
        yield TablePoints.of_geometry(geometry)
    if metres[0] and metres[1] and (producer or "").startswith("EGMS"):
        yield TablePoints.of_columns(Position(metres[0], metres[1], LAEA_EUROPE))
    elif metres[0] and metres[1]:
        yield replace(TablePoints.of_columns(Position(metres[0], metres[1], "")), system=None)


def _is_number(schema: pa.Schema, name: object) -> bool:
    return isinstance(name, str) and name in schema.names and is_numeric(schema.field(name).type)
