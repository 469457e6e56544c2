"""Tables as the files of geographic programs: shapefile in a zip, dBASE, GeoPackage, GeoJSON; and compressed CSV."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import sqlite3
import struct
import zipfile
from contextlib import closing
from typing import Any, Final

import numpy as np
import pyarrow as pa

from hostile.chance import happens, pick

_MOST_FIELDS: Final = 255
_WIDTH: Final = 20
_WGS84: Final = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)


def pack_csv(rng: np.random.Generator, content: bytes, kind: str) -> bytes:
    """Return text compressed, at times in several members."""
    cut = len(content) // 2 if happens(rng, 0.2) else len(content)
    return b"".join(_compress(part, kind) for part in (content[:cut], content[cut:]) if part)


def _compress(content: bytes, kind: str) -> bytes:
    if kind == "csv.gz":
        return gzip.compress(content, mtime=0)
    if kind == "csv.bz2":
        return bz2.compress(content)
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


def write_dbf(rng: np.random.Generator, table: pa.Table, encoding: str = "latin-1") -> bytes:
    """Return a table as dBASE: numbers as text of N or F, all else as C; names have at most ten characters.

    Nothing in a dBASE table itself names UTF-8, so alone it is of Latin-1.
    """
    names = _short_names(table.schema.names)
    fields, columns = [], []
    for name, column in zip(names, table.columns[:_MOST_FIELDS], strict=False):
        is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
        kind, decimals = (pick(rng, ("N", "F")), 6) if is_number else ("C", 0)
        cells = [_cell(value, encoding) for value in column.to_pylist()]
        width = _WIDTH if is_number else max([1, *map(len, cells)])
        fields.append((name, kind, min(width, 254), decimals))
        columns.append([cell[:254] for cell in cells])
    begin, size = 33 + 32 * len(fields), 1 + sum(field[2] for field in fields)
    head = struct.pack("<BBBBIHH17xB2x", 3, 124, 1, 1, len(table), begin, size, 0)
    for name, kind, width, decimals in fields:
        head += struct.pack("<11sc4xBB14x", name.encode()[:10], kind.encode(), width, decimals)
    rows = [
        b" " + b"".join(c.rjust(f[2]) if f[1] in "NF" else c.ljust(f[2]) for c, f in zip(row, fields, strict=True))
        for row in zip(*columns, strict=True)
    ]
    return head + b"\r" + b"".join(rows) + b"\x1a"


def _short_names(names: list[str]) -> list[str]:
    short = [
        name if len(name) <= 10 else "D" + name[:10].replace("-", "") if name[:1].isdigit() else name[:10]
        for name in names
    ]
    return [name if short.index(name) == place else f"f{place}" for place, name in enumerate(short)]


def _cell(value: Any, encoding: str) -> bytes:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN
        return b""
    return (f"{value:.8g}" if isinstance(value, float) else str(value)).encode(encoding, "replace")


def write_shapefile(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a zip with a shapefile: points, at times with z or without a place."""
    kind, size = pick(rng, ((1, 20), (1, 20), (11, 36), (21, 28)))
    body = b""
    for number in range(len(table)):
        content = struct.pack("<idd", kind, 7 + number / 100, 45.0).ljust(size, b"\0")
        if happens(rng, 0.05):
            content = b"\0" * 4
        body += struct.pack(">ii", number + 1, len(content) // 2) + content
    head = struct.pack(">i20xi", 9994, (100 + len(body)) // 2) + struct.pack("<ii", 1000, kind) + b"\0" * 64
    parts = {"shp": head + body, "dbf": write_dbf(rng, table, "utf-8"), "cpg": b"UTF-8", "prj": _WGS84.encode()}
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", pick(rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for suffix, content in parts.items():
            archive.writestr(zipfile.ZipInfo(f"points.{suffix}", (2024, 1, 1, 0, 0, 0)), content)
    return sink.getvalue()


def write_geopackage(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a table as a GeoPackage of one layer of points."""
    names, taken = [], set[str]()
    for place, name in enumerate(table.schema.names[:1000]):
        names.append(name if name.lower() not in taken | {"fid", "geom"} else f"{name}_{place}")
        taken.add(names[-1].lower())
    types = [_sql_type(column.type) for column in table.columns[: len(names)]]
    with closing(sqlite3.connect(":memory:")) as database, database:
        database.execute(f"PRAGMA page_size = {pick(rng, (1024, 4096))}")
        database.executescript(_TABLES)
        columns = "".join(
            f', "{name.replace(chr(34), chr(34) * 2)}" {kind}' for name, kind in zip(names, types, strict=True)
        )
        database.execute(f"CREATE TABLE points (fid INTEGER PRIMARY KEY, geom POINT{columns})")
        cells = [[_plain(value) for value in column.to_pylist()] for column in table.columns[: len(names)]]
        shapes = [_blob(7 + number / 100) for number in range(len(table))]
        rows = zip(range(1, len(table) + 1), shapes, *cells, strict=True)
        database.executemany(f"INSERT INTO points VALUES ({', '.join('?' * (len(names) + 2))})", rows)
        database.commit()
        return database.serialize()


_TABLES: Final = """
CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, srs_id INTEGER);
CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER);
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, organization_coordsys_id INTEGER, definition TEXT
);
CREATE TABLE gpkg_metadata (id INTEGER, md_standard_uri TEXT, metadata TEXT);
INSERT INTO gpkg_contents VALUES ('points', 'features', 4326);
INSERT INTO gpkg_geometry_columns VALUES ('points', 'geom', 'POINT', 4326);
INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'undefined');
"""


def _sql_type(data_type: pa.DataType) -> str:
    if pa.types.is_integer(data_type):
        return "INTEGER"
    return "DOUBLE" if pa.types.is_floating(data_type) else "TEXT"


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float, str, bytes)) else str(value)


def _blob(x: float) -> bytes:
    return b"GP\0\1" + struct.pack("<iBIdd", 4326, 1, 1, x, 45.0)


def write_geojson(rng: np.random.Generator, table: pa.Table) -> bytes:
    """Return a table as GeoJSON, one collection or one feature per line."""
    features = [
        {
            "type": "Feature",
            "properties": {name: _finite(value) for name, value in row.items()},
            "geometry": {"type": "Point", "coordinates": [7 + number / 100, 45.0]},
        }
        for number, row in enumerate(table.to_pylist())
    ]
    if happens(rng, 0.5):
        return "\n".join(json.dumps(feature, default=str) for feature in features).encode()
    return json.dumps({"type": "FeatureCollection", "features": features}, default=str).encode()


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
