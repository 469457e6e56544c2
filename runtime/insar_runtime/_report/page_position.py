"""Positions of the points of a table as integers: degrees or metres, from columns or from the geometry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.column_roles import Role
from insar_runtime._input.position import LAEA_EUROPE, LONGITUDE_LATITUDE, read_plane, read_points
from insar_runtime._input.position import Position as Columns
from insar_runtime._output.geometry import find_geometry, points_of

Kind = Literal["degrees", "metres"]

STEPS: Final[Mapping[Kind, int]] = {"degrees": 1_000_000, "metres": 10}
"""Stored steps in one unit: some 0.1 m each, finer than the positions of persistent scatterers."""

NOWHERE: Final = np.iinfo(np.int32).min
"""Stored coordinate of a point without a position."""

_PLACED: Final = 0.5
"""Least share of the first rows with a position, for columns to be used."""


@dataclass(frozen=True, slots=True)
class PagePosition:
    """Reader of the positions of a table.

    Attributes
    ----------
    kind : {"degrees", "metres"}
        Longitude and latitude, or easting and northing.
    system : str
        Name of the coordinate reference system, for people.
    read : callable
        Returns the positions [N, 2] of a batch, float64, NaN = missing.
    """

    kind: Kind
    system: str
    read: Callable[[pa.RecordBatch], NDArray[np.float64]]

    def steps(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        """Return the positions [N, 2] in whole steps; ``NOWHERE`` for a missing one."""
        points = np.round(self.read(batch) * STEPS[self.kind])
        # False for NaN as well.
        placed = (np.abs(points) <= np.iinfo(np.int32).max).all(axis=1, keepdims=True)
        return np.where(placed, points, NOWHERE).astype(np.int32)


def find_page_position(
    schema: pa.Schema,
    roles: Mapping[Role, str | None],
    producer: str | None,
    head: pa.RecordBatch | None,
) -> PagePosition | None:
    """Return the positions of a table; None if it has none.

    Unlike an output, which needs a reference system, a page also shows easting and northing in an unknown projection.

    Parameters
    ----------
    schema : pyarrow.Schema
        Schema of the table, with its GeoParquet metadata.
    roles : mapping of str to str or None
        Columns by their roles.
    producer : str or None
        Producer of the table.
    head : pyarrow.RecordBatch, optional
        First rows, to check that they have positions; None if there are none.

    Returns
    -------
    PagePosition or None
        The first of longitude and latitude, geometry, easting and northing that most of the first rows have.
    """
    for position in _candidates(schema, roles, producer):
        if head is None or np.isfinite(position.read(head)).all(axis=1).mean() > _PLACED:
            return position
    return None


def _candidates(schema: pa.Schema, roles: Mapping[Role, str | None], producer: str | None) -> Iterator[PagePosition]:
    longitude, latitude = roles.get("longitude"), roles.get("latitude")
    if longitude and latitude:
        columns = Columns(longitude, latitude, LONGITUDE_LATITUDE)
        yield PagePosition("degrees", "longitude, latitude", partial(read_points, position=columns))
    geometry = find_geometry(schema)
    if geometry:
        kind: Kind = "degrees" if geometry.is_in_degrees else "metres"
        yield PagePosition(kind, geometry.system, partial(points_of, geometry=geometry))
    easting, northing = roles.get("easting"), roles.get("northing")
    if easting and northing and (producer or "").startswith("EGMS"):
        yield PagePosition(
            "metres", LAEA_EUROPE, partial(read_points, position=Columns(easting, northing, LAEA_EUROPE))
        )
    elif easting and northing:
        yield PagePosition("metres", "easting, northing", partial(read_plane, names=(easting, northing)))
