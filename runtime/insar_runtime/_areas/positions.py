"""Where the points of a classified table lie, and in which coordinate reference system."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import pyarrow as pa

from insar_runtime._input.column_roles import Role
from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.position import LAEA_EUROPE, LONGITUDE_LATITUDE, Position, read_plane
from insar_runtime._output.geometry import find_geometry
from insar_runtime._pipeline.table_points import TablePoints
from insar_runtime.errors import DataError

_PAIRS: Final[tuple[tuple[Role, Role], ...]] = (("longitude", "latitude"), ("easting", "northing"))


def find_positions(
    schema: pa.Schema,
    roles: Mapping[Role, str | None],
    block: Mapping[str, Any],
    producer: str | None,
    crs: str | None,
) -> TablePoints | None:
    """Find the positions of a table: as the user names them, as the run that classified it did, geometry, columns.

    Parameters
    ----------
    schema : pyarrow.Schema
        Schema of the table, with its GeoParquet metadata.
    roles : mapping of str to str or None
        Columns by their roles.
    block : mapping
        Metadata of the run that classified the table.
    producer : str or None
        Producer of the table.
    crs : str, optional
        System that the user names.

    Returns
    -------
    TablePoints or None
        None if the table has no columns of positions.

    Raises
    ------
    DataError
        If the user names a system and there are no such columns.
    """
    pairs = [(x, y) for one, other in _PAIRS if (x := roles.get(one)) and (y := roles.get(other))]
    if crs is not None:
        if not pairs:
            raise DataError(f"{crs} needs columns of positions; name them with --lon-column and --lat-column")
        return _of_columns(*(pairs[0] if crs == LONGITUDE_LATITUDE else pairs[-1]), crs)
    read = block.get("input") or {}
    stored = read.get("position") or {}
    x, y, system = (stored.get(name) for name in ("x", "y", "crs"))
    if x and y and system and all(name in schema.names and is_numeric(schema.field(name).type) for name in (x, y)):
        return _of_columns(x, y, system)
    geometry = find_geometry(schema)
    if geometry is not None and (geometry.is_longitude_latitude or geometry.crs is not None):
        return TablePoints.of_geometry(geometry)
    if roles.get("longitude") and roles.get("latitude"):
        return _of_columns(*pairs[0], LONGITUDE_LATITUDE)
    # A run that found no position has seen that the coordinates are not those of EGMS.
    if pairs and (producer or "").startswith("EGMS") and "position" not in read:
        return _of_columns(*pairs[0], LAEA_EUROPE)
    return TablePoints(None, pairs[0], partial(read_plane, names=pairs[0])) if pairs else None


def _of_columns(x: str, y: str, crs: str) -> TablePoints:
    return TablePoints.of_columns(Position(x, y, crs))
