"""Outputs of any format opened again, for tests."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._output.geoparquet import GEOMETRY_FIELDS, PointBounds, geo_metadata, point_columns
from insar_runtime._output.sinks import open_table

BLOCK: Mapping[str, Any] = {"package": "insar-runtime", "input": {"position": {"x": "x", "y": "y"}}}


def placed(table: pa.Table, points: np.ndarray, crs: str = LONGITUDE_LATITUDE, **block: Any) -> pa.Table:
    """A table as a run hands it to a sink: with geometry and metadata."""
    for field, column in zip(GEOMETRY_FIELDS, point_columns(points), strict=True):
        table = table.append_column(field, column)
    geo = json.dumps(geo_metadata(PointBounds(), crs))
    return described(table, geo=geo, **block)


def described(table: pa.Table, geo: str | None = None, dates: list[str] | None = None, **block: Any) -> pa.Table:
    metadata = {"insar_runtime": json.dumps({**BLOCK, **block})}
    if geo:
        metadata["geo"] = geo
    if dates:
        metadata["insar_runtime:dates"] = json.dumps(dates)
    return table.replace_schema_metadata(metadata)


def save(table: pa.Table, path: Path, rows: int = 97, *, overwrite: bool = False) -> Path:
    """Write by way of a sink, in batches."""
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    with open_table(path, table.schema, lambda: metadata, overwrite=overwrite) as sink:
        for batch in table.to_batches(max_chunksize=rows):
            sink.write(batch)
    return path


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.execute(sql))


def columns(path: Path, layer: str | None = None) -> list[str]:
    """Names of a GeoPackage's columns, without key and geometry."""
    names = [row[1] for row in query(path, f'PRAGMA table_info("{layer or path.stem}")')]
    return [name for name in names if name not in {"fid", "geom"}]
