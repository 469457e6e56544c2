"""Point geometry for GeoParquet 1.1, written with pyarrow and numpy alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.point_geometry import wkb_points
from insar_runtime._input.position import Position
from insar_runtime._output.crs import projjson_of

GEOMETRY: Final = "geometry"
BBOX: Final = "bbox"
_CORNERS: Final = ("xmin", "ymin", "xmax", "ymax")
GEOMETRY_FIELDS: Final = (
    pa.field(GEOMETRY, pa.binary()),
    pa.field(BBOX, pa.struct([pa.field(corner, pa.float64()) for corner in _CORNERS])),
)


class PointBounds:
    """Bounding box of all points so far; empty until there is one."""

    def __init__(self) -> None:
        self._low = np.full(2, np.inf)
        self._high = np.full(2, -np.inf)

    def add(self, points: NDArray[np.float64]) -> None:
        """Widen the box by points [N, 2]; rows with NaN do not count."""
        seen = points[np.isfinite(points).all(axis=1)]
        if len(seen):
            self._low = np.minimum(self._low, seen.min(axis=0))
            self._high = np.maximum(self._high, seen.max(axis=0))

    def to_list(self) -> list[float] | None:
        """Return [xmin, ymin, xmax, ymax], or None if there was no point."""
        return [*self._low.tolist(), *self._high.tolist()] if np.isfinite(self._low).all() else None


def kept_geometry(metadata: Mapping[str, str], kept: Sequence[str]) -> str | None:
    """Return the ``geo`` value of a GeoParquet input if its geometry is among the kept columns."""
    try:
        primary = json.loads(metadata["geo"])["primary_column"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return None
    return metadata["geo"] if primary in kept else None


def choose_geometry(
    metadata: Mapping[str, str], kept: Sequence[str], position: Position | None
) -> tuple[str | None, Position | None]:
    """Choose the geometry of an output: the geometry of the input, or points made from columns of positions.

    Parameters
    ----------
    metadata : mapping of str to str
        Of the input.
    kept : sequence of str
        Columns of the output before a geometry is added.
    position : Position or None
        Columns that place the points.

    Returns
    -------
    geo : str or None
        The ``geo`` value of the input, if its geometry is kept.
    position : Position or None
        Given if points are to be added; None if there is a geometry, or a column of its name is taken.
    """
    geo = kept_geometry(metadata, kept)
    return geo, None if geo is not None or {GEOMETRY, BBOX} & set(kept) else position


def point_columns(points: NDArray[np.float64]) -> tuple[pa.Array, pa.Array]:
    """Make the geometry and the covering of points.

    Parameters
    ----------
    points : ndarray of float64, shape [N, 2]
        x and y; a row with NaN becomes null in both columns.

    Returns
    -------
    geometry : pyarrow.BinaryArray
        Well-known binary.
    bbox : pyarrow.StructArray
        xmin, ymin, xmax, ymax of each point.
    """
    missing = ~np.isfinite(points).all(axis=1)
    x, y = pa.array(points[:, 0]), pa.array(points[:, 1])
    bbox = pa.StructArray.from_arrays([x, y, x, y], fields=list(GEOMETRY_FIELDS[1].type), mask=pa.array(missing))
    return wkb_points(points), bbox


def geo_metadata(bounds: PointBounds, crs: str) -> Mapping[str, Any]:
    """Make the value of the file's ``geo`` key (GeoParquet 1.1)."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "covering": {"bbox": {corner: [BBOX, corner] for corner in _CORNERS}},
    }
    projjson = projjson_of(crs)
    if projjson is not None:
        column["crs"] = projjson
    box = bounds.to_list()
    if box is not None:
        column["bbox"] = box
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
