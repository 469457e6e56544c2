"""The geometry of a table that is to be written, as the ``geo`` metadata of GeoParquet describe it."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.point_geometry import WKB_POINT
from insar_runtime._output.crs import SpatialReference, spatial_reference

_POINT_TYPES: Final = frozenset({1, 1001, 2001, 3001, 0x80000001, 0x40000001, 0xC0000001})
"""Point, with z and m as ISO and as EWKB number them."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The primary geometry of a table.

    Attributes
    ----------
    column : str
    encoding : str
        ``WKB``, or a name of GeoArrow.
    covering : str or None
        Column of the bounding boxes.
    crs : mapping or None
        PROJJSON.
    is_longitude_latitude : bool
        Whether no system is named, which means longitude and latitude.
    reference : SpatialReference
        For a GeoPackage.
    is_multipolygon : bool
        Whether the rows are multipolygons; points otherwise.
    """

    column: str
    encoding: str
    covering: str | None
    crs: Mapping[str, Any] | None
    is_longitude_latitude: bool
    reference: SpatialReference
    is_multipolygon: bool = False

    @property
    def is_in_degrees(self) -> bool:
        """Whether x and y are longitude and latitude, of whatever datum."""
        return self.is_longitude_latitude or (self.crs or {}).get("type") == "GeographicCRS"

    @property
    def system(self) -> str:
        """Name of the coordinate reference system, for people."""
        reference = self.reference
        return f"{reference.organization}:{reference.code}" if reference.code > 0 else reference.description

    @property
    def axes(self) -> tuple[str, str]:
        """Names of x and y, for people."""
        if self.is_in_degrees:
            return "longitude", "latitude"
        return ("x", "y") if self.crs is None else ("easting", "northing")


def find_geometry(schema: pa.Schema) -> Geometry | None:
    """Return the primary geometry of a table by its ``geo`` metadata; None if it has none that we can read."""
    try:
        geo = json.loads((schema.metadata or {})[b"geo"])
        name = geo["primary_column"]
        column = geo["columns"][name]
        encoding = str(column.get("encoding", "WKB"))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    if name not in schema.names or not _is_readable(schema.field(name).type, encoding):
        return None
    try:
        covering = column["covering"]["bbox"]["xmin"][0]
    except (KeyError, TypeError, IndexError):
        covering = None
    crs = column.get("crs")
    return Geometry(
        column=name,
        encoding=encoding,
        covering=covering if covering in schema.names else None,
        crs=crs if isinstance(crs, Mapping) else None,
        is_longitude_latitude="crs" not in column,
        reference=spatial_reference(column),
        is_multipolygon=column.get("geometry_types") == ["MultiPolygon"],
    )


def points_of(batch: pa.RecordBatch, geometry: Geometry) -> NDArray[np.float64]:
    """Return x and y of the points [N, 2] float64; NaN for a null and for what is no point."""
    column = batch.column(geometry.column)
    if geometry.encoding == "point":
        # Other than ``field``, ``flatten`` hands a null point on to its coordinates.
        axes = dict(zip((field.name for field in column.type), column.flatten(), strict=True))
        return np.stack([axes[axis].cast(pa.float64()).to_numpy(zero_copy_only=False) for axis in ("x", "y")], axis=1)
    points = np.full((len(column), 2), np.nan)
    if column.null_count == len(column):
        return points
    column = column.cast(pa.binary())
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    present = column.is_valid().to_numpy(zero_copy_only=False)
    plain = present & (np.diff(offsets) == WKB_POINT.itemsize)
    foreign = present & ~plain
    if plain.any():
        content = np.frombuffer(column.buffers()[2], np.uint8)
        places = offsets[:-1][plain][:, None] + np.arange(WKB_POINT.itemsize)
        records = content[places].view(WKB_POINT)[:, 0]
        points[plain] = np.stack([records["x"], records["y"]], axis=1)
        foreign[plain] = (records["order"] != 1) | (records["type"] != 1)
    for row in np.flatnonzero(foreign):
        points[row] = _parse_point(column[int(row)].as_py())
    return points


def _is_readable(data_type: pa.DataType, encoding: str) -> bool:
    t = pa.types
    if encoding == "point":
        numbers = {field.name for field in data_type if is_numeric(field.type)} if t.is_struct(data_type) else set()
        return {"x", "y"} <= numbers
    return encoding == "WKB" and bool(t.is_binary(data_type) or t.is_large_binary(data_type))


def _parse_point(wkb: bytes) -> tuple[float, float]:
    """Read the uncommon spellings: big endian, with z or m."""
    try:
        order = "<" if wkb[0] == 1 else ">"
        (kind,) = struct.unpack_from(f"{order}I", wkb, 1)
        x, y = struct.unpack_from(f"{order}dd", wkb, 5)
    except (struct.error, IndexError):
        return np.nan, np.nan
    return (x, y) if kind in _POINT_TYPES else (np.nan, np.nan)
