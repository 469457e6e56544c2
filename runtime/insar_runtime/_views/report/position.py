"""Where the points of a table lie: degrees or metres, from columns or from well-known binary."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.layout import Role
from insar_runtime._output.points import read_points

Kind = Literal["degrees", "metres"]

STEPS: Final[Mapping[Kind, int]] = {"degrees": 1_000_000, "metres": 10}
"""Steps a unit in which positions are stored: some 0.1 m, finer than any persistent scatterer is placed."""

NOWHERE: Final = np.iinfo(np.int32).min
"""Stored coordinate of a point without a position."""

_WKB_POINT: Final = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
_PLACED: Final = 0.5
"""Share of the first rows that must have a position, for columns to be taken for positions at all."""


@dataclass(frozen=True, slots=True)
class Position:
    """How to read positions.

    Attributes
    ----------
    kind : {"degrees", "metres"}
        Longitude and latitude, or easting and northing.
    system : str
        Coordinate reference system, as a person names it.
    read : callable
        Gives the positions [N, 2] float64 of a batch, NaN where there is none.
    """

    kind: Kind
    system: str
    read: Callable[[pa.RecordBatch], NDArray[np.float64]]

    def steps(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        """Give the positions [N, 2] in whole steps, ``NOWHERE`` where there is none."""
        points = np.round(self.read(batch) * STEPS[self.kind])
        # False for NaN as well.
        placed = (np.abs(points) <= np.iinfo(np.int32).max).all(axis=1, keepdims=True)
        return np.where(placed, points, NOWHERE).astype(np.int32)


def find_position(
    schema: pa.Schema,
    metadata: Mapping[str, str],
    roles: Mapping[Role, str | None],
    head: pa.RecordBatch | None,
) -> Position | None:
    """Find where a table says that its points lie.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table.
    metadata : mapping of str to str
        Of the file; ``geo`` as GeoParquet has it.
    roles : mapping of str to str or None
        Columns by what they mean.
    head : pyarrow.RecordBatch, optional
        First rows, to see whether the columns hold positions; None if there are none.

    Returns
    -------
    Position or None
        The first of longitude and latitude, geometry, easting and northing that most of the first rows have.
    """
    for position in _candidates(schema, metadata, roles):
        if head is None or np.isfinite(position.read(head)).all(axis=1).mean() > _PLACED:
            return position
    return None


def _candidates(schema: pa.Schema, metadata: Mapping[str, str], roles: Mapping[Role, str | None]) -> Iterator[Position]:
    longitude, latitude = roles.get("longitude"), roles.get("latitude")
    if longitude and latitude:
        yield Position("degrees", "longitude, latitude", lambda batch: read_points(batch, longitude, latitude))
    geometry = _geometry(schema, metadata)
    if geometry:
        yield geometry
    easting, northing = roles.get("easting"), roles.get("northing")
    if easting and northing:
        # EGMS is the one producer that uses these names in one system; for others they are what they are called.
        egms = {"pid", "rmse_ts"} <= set(schema.names) or {"pid", "mean_velocity_std"} <= set(schema.names)
        system = "EPSG:3035" if egms else "easting, northing"
        yield Position("metres", system, lambda batch: _read_columns(batch, easting, northing))


def _geometry(schema: pa.Schema, metadata: Mapping[str, str]) -> Position | None:
    try:
        geo = json.loads(metadata["geo"])
        name = geo["primary_column"]
        column = geo["columns"][name]
    except (KeyError, ValueError, TypeError):
        return None
    if name not in schema.names or not pa.types.is_binary(schema.field(name).type):
        return None
    # GeoParquet: no crs means longitude and latitude, null means unknown.
    crs: Any = column.get("crs", {"type": "GeographicCRS"})
    if not isinstance(crs, dict):
        return Position("metres", "unknown system", lambda batch: _read_binary(batch, name))
    if crs.get("type") == "GeographicCRS":
        return Position("degrees", "longitude, latitude", lambda batch: _read_binary(batch, name))
    return Position("metres", str(crs.get("name", "projected")), lambda batch: _read_binary(batch, name))


def _read_columns(batch: pa.RecordBatch, easting: str, northing: str) -> NDArray[np.float64]:
    columns = [batch.column(name).cast(pa.float64(), safe=False) for name in (easting, northing)]
    return np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1)


def _read_binary(batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    """Read little-endian points; what is anything else has no position."""
    column = batch.column(name)
    points = np.full((len(column), 2), np.nan)
    sized = pc.fill_null(pc.equal(pc.binary_length(column), _WKB_POINT.itemsize), pa.scalar(value=False))
    records = np.frombuffer(b"".join(column.filter(sized).to_pylist()), dtype=_WKB_POINT)
    right = (records["order"] == 1) & (records["type"] == 1)
    found = np.stack([np.where(right, records[axis], np.nan) for axis in ("x", "y")], axis=1)
    points[sized.to_numpy(zero_copy_only=False)] = found
    return points
