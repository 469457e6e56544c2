"""Areas as GeoJSON (RFC 7946), in longitude and latitude."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from insar_runtime._areas.outline import cut_at_antimeridian
from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._output.run_metadata import METADATA_KEY
from insar_runtime._spatial.metres import System
from insar_runtime._spatial.require import require

_DECIMALS: Final = 7
"""Of a degree: one centimetre."""


def geojson_parts(
    table: pa.Table, outlines: Sequence[Any], system: System, block: Mapping[str, Any]
) -> Iterator[bytes]:
    """Yield the parts of a collection of features, one area a line; the metadata of the run are a member of it."""
    yield b'{"type": "FeatureCollection",\n'
    yield f'"{METADATA_KEY}": {json.dumps(block)},\n"features": ['.encode()
    shapely = require("shapely", "an outline")
    for place, row in enumerate(table.to_pylist()):
        shape = shapely.geometry.mapping(_in_degrees(shapely, outlines[place], system))
        properties = {name: _single(value) for name, value in row.items()}
        feature = {"type": "Feature", "id": row["area_id"], "properties": properties, "geometry": shape}
        yield (",\n" if place else "\n").encode() + json.dumps(feature, default=str).encode()
    yield b"\n]}\n"


def _single(value: Any) -> Any:
    """Return a value with no more digits than single precision has."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    return [_single(one) for one in value] if isinstance(value, list) else value


def _in_degrees(shapely: Any, shape: Any, system: System) -> Any:
    if system != LONGITUDE_LATITUDE:
        pyproj = require("pyproj", "GeoJSON of a projected table")
        source = system if isinstance(system, str) else dict(system)
        transformer = pyproj.Transformer.from_crs(source, LONGITUDE_LATITUDE, always_xy=True)
        shape = shapely.transform(shape, lambda xy: np.stack(transformer.transform(xy[:, 0], xy[:, 1]), axis=1))
        shape = cut_at_antimeridian(shape)
    shape = shapely.transform(shape, lambda xy: np.round(xy, _DECIMALS))
    # Outer rings run anticlockwise.
    parts = [shapely.geometry.polygon.orient(part) for part in shapely.get_parts(shape)]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
