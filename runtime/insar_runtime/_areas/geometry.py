"""Outlines as columns of a table: well-known binary with a bounding box (GeoParquet 1.1), and well-known text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._output.crs import projjson_of
from insar_runtime._output.geoparquet import BBOX, GEOMETRY, GEOMETRY_FIELDS
from insar_runtime._spatial.metres import System
from insar_runtime._spatial.require import require

AREA_GEOMETRY: Final = GEOMETRY
_PURPOSE: Final = "an outline"


def geometry_columns(outlines: Sequence[Any], *, multi: bool) -> list[tuple[pa.Field, pa.Array]]:
    """Return the geometry and its bounding boxes.

    Parameters
    ----------
    outlines : sequence of shapely geometry
        Polygons and multipolygons.
    multi : bool
        Whether all become multipolygons, as a layer of a GeoPackage has one type.
    """
    shapely = require("shapely", _PURPOSE)
    shapes = [_as_multi(shapely, shape) if multi else shape for shape in outlines]
    geometry = pa.array(shapely.to_wkb(np.array(shapes, dtype=object)).tolist() if shapes else [], pa.binary())
    corners = np.array([shape.bounds for shape in shapes]).reshape(-1, 4)
    fields = list(GEOMETRY_FIELDS[1].type)
    boxes = pa.StructArray.from_arrays([pa.array(corners[:, place]) for place in range(4)], fields=fields)
    return list(zip(GEOMETRY_FIELDS, (geometry, boxes), strict=True))


def well_known_text(outlines: Sequence[Any]) -> pa.Array:
    """Return outlines as text, in the system of the table."""
    shapely = require("shapely", _PURPOSE)
    return pa.array([shapely.to_wkt(shape, rounding_precision=7) for shape in outlines], pa.string())


def geo_metadata(outlines: Sequence[Any], system: System, *, multi: bool) -> dict[str, Any]:
    """Return the value of the file's ``geo`` key (GeoParquet 1.1)."""
    types = {"MultiPolygon"} if multi or not outlines else {shape.geom_type for shape in outlines}
    corners = list(GEOMETRY_FIELDS[1].type)
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(types),
        "covering": {"bbox": {corner.name: [BBOX, corner.name] for corner in corners}},
    }
    projjson = projjson_of(system) if isinstance(system, str) else system
    if projjson is not None and system != LONGITUDE_LATITUDE:
        column["crs"] = projjson
    if outlines:
        bounds = np.array([shape.bounds for shape in outlines])
        column["bbox"] = [*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist()]
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def _as_multi(shapely: Any, shape: Any) -> Any:
    return shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
