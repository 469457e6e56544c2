"""Files of moving areas, made by hand as the page on areas describes them, in each of their formats."""

from __future__ import annotations

import json
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from insar_runtime._output.gpkg_schema import TABLES

Polygons = list[list[list[tuple[float, float]]]]


def square(west: float, south: float, side: float) -> list[tuple[float, float]]:
    """A closed ring."""
    east, north = west + side, south + side
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def wkb(polygons: Polygons) -> bytes:
    """A multipolygon in well-known binary; a polygon if there is one."""
    parts = [
        struct.pack("<BII", 1, 3, len(rings))
        + b"".join(
            struct.pack(f"<I{2 * len(ring)}d", len(ring), *(v for place in ring for v in place)) for ring in rings
        )
        for rings in polygons
    ]
    return parts[0] if len(parts) == 1 else struct.pack("<BII", 1, 6, len(parts)) + b"".join(parts)


def wkt(polygons: Polygons) -> str:
    """The same as text."""
    texts = [
        "(" + ", ".join("(" + ", ".join(f"{x!r} {y!r}" for x, y in ring) + ")" for ring in rings) + ")"
        for rings in polygons
    ]
    return f"POLYGON {texts[0]}" if len(texts) == 1 else f"MULTIPOLYGON ({', '.join(texts)})"


OUTLINES: list[Polygons] = [
    [[square(7.001, 45.001, 0.008), square(7.003, 45.003, 0.003)]],
    [[square(7.012, 45.012, 0.004)], [square(7.017, 45.002, 0.002)]],
    [[square(7.014, 45.006, 0.003)]],
]
"""One with a hole, one of two parts, a plain one; among the points of the fixture ``classified``."""


def rows(dates: list[str] | None = None) -> list[dict[str, Any]]:
    """Values of the three areas by column; with mean series at some dates, if wanted."""
    named = [
        ("Linear", -8.25, 1.5, None, 1),
        ("Quadratic", 12.5, None, None, 3),
        ("Bilinear", -3.0, 0.5, "2021-03-04", 2),
    ]
    found: list[dict[str, Any]] = []
    for number, (name, rate, spread, broken, quality) in enumerate(named, start=1):
        row = {
            "area_id": number, "class_name": name, "quality": quality, "moving_points": 10 * number, "points": 40,
            "moving_share": 0.25 * number, "area_m2": 1e5 * number, "rate_mm_yr": rate, "rate_spread_mm_yr": spread,
            "acceleration_mm_yr2": None, "break_date": broken, "break_spread_days": 12.0 if broken else None,
            "displacement_mm": 5 * rate,
        }  # fmt: skip
        if dates:
            middle = [rate * k / len(dates) for k in range(len(dates))]
            row |= {"dates": dates, "median_mm": middle, "lower_quartile_mm": [v - 2 for v in middle]}
            row |= {"upper_quartile_mm": [v + 3 for v in middle]}
        found.append(row)
    return found


def write_areas(path: Path, dates: list[str] | None = None, outlines: list[Polygons] | None = None) -> Path:
    """Write the areas, longitude and latitude, in the format of the extension."""
    outlines, table = OUTLINES if outlines is None else outlines, rows(dates)
    table = table[: len(outlines)]
    texts = [{name: json.dumps(v) if isinstance(v, list) else v for name, v in row.items()} for row in table]
    if path.suffix == ".parquet":
        columns: dict[str, Any] = {name: [row[name] for row in table] for name in rows(dates)[0]}
        columns["geometry"] = pa.array([wkb(one) for one in outlines], pa.binary())
        described = {"encoding": "WKB", "geometry_types": ["Polygon", "MultiPolygon"]}
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": described}}
        pq.write_table(pa.table(columns).replace_schema_metadata({"geo": json.dumps(geo)}), path)
    elif path.suffix == ".geojson":
        geometries = [{"type": "MultiPolygon", "coordinates": one} for one in outlines]
        features = [
            {"type": "Feature", "geometry": geometry, "properties": row}
            for geometry, row in zip(geometries, table, strict=True)
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    elif path.suffix == ".csv":
        names = [*rows(dates)[0], "geometry"]
        quoted = [[*row.values(), wkt(one)] for row, one in zip(texts, outlines, strict=True)]
        cells = [['"' + ("" if v is None else str(v)).replace('"', '""') + '"' for v in line] for line in quoted]
        path.write_text("\n".join(",".join(line) for line in [names, *cells]) + "\n")
    else:
        _write_geopackage(path, texts, outlines)
    return path


def _write_geopackage(path: Path, table: list[dict[str, Any]], outlines: list[Polygons]) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TABLES)
        database.execute("INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'undefined', '')")
        names = list(table[0])
        database.execute(f"CREATE TABLE areas (fid INTEGER PRIMARY KEY, geom BLOB, {', '.join(names)})")
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('areas', 'features', 'areas')"
        )
        database.execute("INSERT INTO gpkg_geometry_columns VALUES ('areas', 'geom', 'MULTIPOLYGON', 4326, 0, 0)")
        for number, (row, one) in enumerate(zip(table, outlines, strict=True), start=1):
            # The second one has an envelope.
            places = [place for rings in one for ring in rings for place in ring]
            x, y = zip(*places, strict=True)
            box = struct.pack("<4d", min(x), max(x), min(y), max(y)) if number == 2 else b""
            blob = b"GP" + struct.pack("<BBi", 0, 3 if box else 1, 4326) + box + wkb(one)
            marks = ", ".join("?" * (len(names) + 2))
            database.execute(f"INSERT INTO areas VALUES ({marks})", (number, blob, *row.values()))
        database.commit()
