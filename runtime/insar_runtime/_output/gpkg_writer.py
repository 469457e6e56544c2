"""GeoPackage 1.4 with the standard library's SQLite: points or areas, their index, metadata, and a style for QGIS."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.point_geometry import WKB_POINT
from insar_runtime._output.atomic import check_count, flush_file
from insar_runtime._output.crs import ETRS89_LAEA, UNDEFINED_CARTESIAN, UNDEFINED_GEOGRAPHIC, WGS84
from insar_runtime._output.flatten import FlatField, flatten
from insar_runtime._output.geometry import Geometry, points_of
from insar_runtime._output.geoparquet import PointBounds
from insar_runtime._output.gpkg_schema import (
    APPLICATION_ID,
    LAYER_STYLES,
    METADATA_EXTENSION,
    RTREE_EXTENSION,
    TABLES,
    USER_VERSION,
    quoted,
    rtree_name,
    rtree_triggers,
)
from insar_runtime._output.gpkg_values import sql_type, sqlite_values
from insar_runtime._output.rtree import RTree
from insar_runtime._output.run_metadata import METADATA_KEY, METADATA_URI
from insar_runtime._output.style import STYLE_NAME, make_style
from insar_runtime.errors import DataError, UsageError

_MOST_COLUMNS: Final = 2000
"""Of a table in SQLite as it is built everywhere."""
_CACHE_KB: Final = 16_384
_MOST_CELLS: Final = 500_000
"""Values that are Python objects at a time, some 20 MB."""
_BLOB: Final = np.dtype([("magic", "S2"), ("version", "u1"), ("flags", "u1"), ("srs_id", "<i4"), ("wkb", WKB_POINT)])
"""A geometry: a header without an envelope, in little endian, and well-known binary."""


class GeoPackageWriter:
    """Writes one table of points; one of multipolygons with a covering, or one of attributes without a geometry.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
        Of the batches, with its ``geo`` metadata.
    layer : str
        Name of the table.
    style : tuple of str, optional
        Name and QML of the style; by default those of points with a class.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, layer: str, style: tuple[str, str] | None = None) -> None:
        plan = flatten(schema, plotted_names=True)
        self._path = path
        self._layer = _layer_name(layer)
        self._fields = plan.fields
        self._geometry = plan.geometry
        self._style = style
        names = _names(self._fields)
        self._key, self._geometry_name = _free("fid", names), _free("geom", names)
        columns = len(names) + 1 + bool(self._geometry)
        if columns > _MOST_COLUMNS:
            raise DataError(
                f"{columns} columns are too many for a GeoPackage ({_MOST_COLUMNS}); drop some, or leave the series out"
            )
        self._bounds = PointBounds()
        self._rows = 0
        # What is wrong with the folder is the system's to say, in more words than SQLite has.
        path.open("wb").close()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with _sqlite_errors():
            self._begin(names)
            self._index = self._make_index()
        self._insert = f"INSERT INTO {quoted(self._layer)} VALUES ({', '.join('?' * columns)})"

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        step = max(1, _MOST_CELLS // (len(self._fields) + 1))
        for start in range(0, batch.num_rows, step):
            self._write(batch.slice(start, step))

    def close(self, metadata: Mapping[str, str]) -> None:
        """Write the index, the bounds, the block and the style."""
        with _sqlite_errors():
            if self._index:
                self._index.finish()
            self._describe(metadata)
            self._database.execute("COMMIT")
            (found,) = self._database.execute(f"SELECT count(*) FROM {quoted(self._layer)}").fetchone()
            self._database.close()
        check_count(found, self._rows)
        flush_file(self._path)

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""
        with contextlib.suppress(sqlite3.Error):
            self._database.close()

    def _write(self, batch: pa.RecordBatch) -> None:
        rows = np.arange(self._rows + 1, self._rows + batch.num_rows + 1)
        columns: list[list[Any]] = [rows.tolist()]
        points = None
        if self._geometry and self._geometry.is_multipolygon:
            columns.append(_area_blobs(batch, self._geometry))
        elif self._geometry:
            points = points_of(batch, self._geometry)
            columns.append(_blobs(points, self._geometry))
        columns += [sqlite_values(field.read(batch)) for field in self._fields]
        with _sqlite_errors():
            self._database.executemany(self._insert, zip(*columns, strict=True))
            if points is not None:
                self._place(rows, points)
            elif self._geometry:
                self._place_areas(rows, batch.column(str(self._geometry.covering)))
        self._rows += batch.num_rows

    def _begin(self, names: list[str]) -> None:
        execute = self._database.execute
        # A file that is hidden until it is whole needs no journal.
        for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "temp_store = MEMORY"):
            execute(f"PRAGMA {setting}")
        execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        execute(f"PRAGMA application_id = {APPLICATION_ID}")
        execute(f"PRAGMA user_version = {USER_VERSION}")
        execute("BEGIN")
        for statement in filter(str.strip, TABLES.split(";\n")):
            execute(statement)
        columns = [f"{quoted(self._key)} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"]
        if self._geometry:
            columns.append(f"{quoted(self._geometry_name)} {self._geometry_type}")
        columns += [f"{quoted(name)} {sql_type(field.type)}" for name, field in zip(names, self._fields, strict=True)]
        execute(f"CREATE TABLE {quoted(self._layer)} ({', '.join(columns)})")

    def _make_index(self) -> RTree | None:
        options = {option for (option,) in self._database.execute("PRAGMA compile_options")}
        if not self._geometry or "ENABLE_RTREE" not in options:
            return None
        return RTree(self._database, rtree_name(self._layer, self._geometry_name))

    def _place(self, rows: NDArray[np.int64], points: NDArray[np.float64]) -> None:
        self._bounds.add(points)
        if self._index:
            there = np.isfinite(points).all(axis=1)
            self._index.add(rows[there], points[there])

    @property
    def _geometry_type(self) -> str:
        return "MULTIPOLYGON" if self._geometry and self._geometry.is_multipolygon else "POINT"

    def _place_areas(self, rows: NDArray[np.int64], boxes: pa.StructArray) -> None:
        corners = np.stack([boxes.field(place).to_numpy(zero_copy_only=False) for place in range(4)], axis=1)
        self._bounds.add(corners.reshape(-1, 2))
        if self._index:
            self._index.add(rows, corners[:, :2], corners[:, 2:])

    def _describe(self, metadata: Mapping[str, str]) -> None:
        execute, now = self._database.execute, _timestamp()
        reference = self._geometry.reference if self._geometry else None
        systems = {s.srs_id: s for s in (reference, UNDEFINED_CARTESIAN, UNDEFINED_GEOGRAPHIC, WGS84, ETRS89_LAEA) if s}
        for system in systems.values():
            row = (system.name, system.srs_id, system.organization, system.code, system.definition, system.description)
            execute("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", row)
        box: list[float] | list[None] = self._bounds.to_list() or [None] * 4
        kind = "features" if reference else "attributes"
        described = (self._layer, kind, self._layer, "", now, *box, reference.srs_id if reference else None)
        execute("INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", described)
        for table in ("gpkg_metadata", "gpkg_metadata_reference"):
            execute("INSERT INTO gpkg_extensions VALUES (?, NULL, ?, ?, ?)", (table, *METADATA_EXTENSION))
        execute(
            "INSERT INTO gpkg_metadata VALUES (1, 'dataset', ?, 'application/json', ?)",
            (METADATA_URI, metadata.get(METADATA_KEY, "null")),
        )
        execute("INSERT INTO gpkg_metadata_reference VALUES ('table', ?, NULL, NULL, ?, 1, NULL)", (self._layer, now))
        if reference:
            place = (self._layer, self._geometry_name)
            described = (*place, self._geometry_type, reference.srs_id)
            execute("INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, 0, 0)", described)
            if self._index:
                execute("INSERT INTO gpkg_extensions VALUES (?, ?, ?, ?, ?)", (*place, *RTREE_EXTENSION))
                for statement in rtree_triggers(*place, self._key):
                    execute(statement)
            self._add_style(now, metadata)

    def _add_style(self, now: str, metadata: Mapping[str, str]) -> None:
        execute = self._database.execute
        execute(LAYER_STYLES)
        contents = ("layer_styles", "attributes", "layer_styles", "", now)
        execute("INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, NULL)", contents)
        name, text = self._style or (STYLE_NAME, make_style(*_shown(metadata)))
        style = (self._layer, self._geometry_name, name, text, name, now)
        execute("INSERT INTO layer_styles VALUES (1, '', '', ?, ?, ?, ?, '', 1, ?, '', NULL, ?)", style)


def _shown(metadata: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the columns of ids and of velocities that the metadata of a classified table state."""
    block = json.loads(metadata.get(METADATA_KEY, "null")) or {}
    read = block.get("input") or {}
    return read.get("id"), read.get("velocity")


def _layer_name(wanted: str) -> str:
    """Keep clear of the names that SQLite, GeoPackage and QGIS use themselves."""
    text = wanted.encode(errors="replace").decode()
    taken = text.lower().startswith(("sqlite_", "gpkg_", "rtree_")) or text.lower() == "layer_styles"
    return f"points_{text}" if taken else text


def _names(fields: list[FlatField]) -> list[str]:
    """Return names that SQLite holds apart: it does not mind the case."""
    names: list[str] = []
    for field in fields:
        names.append(_free(field.name, names))
    return names


def _free(wanted: str, taken: list[str]) -> str:
    lower = {name.lower() for name in taken}
    if wanted.lower() not in lower:
        return wanted
    return next(name for i in range(2, len(lower) + 3) if (name := f"{wanted}_{i}").lower() not in lower)


def _blobs(points: NDArray[np.float64], geometry: Geometry) -> list[bytes | None]:
    records = np.empty(len(points), dtype=_BLOB)
    records["magic"], records["version"], records["flags"] = b"GP", 0, 1
    records["srs_id"] = geometry.reference.srs_id
    records["wkb"]["order"], records["wkb"]["type"] = 1, 1
    records["wkb"]["x"], records["wkb"]["y"] = points[:, 0], points[:, 1]
    missing = ~np.isfinite(points).all(axis=1)
    size, content = _BLOB.itemsize, records.tobytes()
    blobs: list[bytes | None] = [content[start : start + size] for start in range(0, len(content), size)]
    for row in np.flatnonzero(missing):
        blobs[row] = None
    return blobs


def _area_blobs(batch: pa.RecordBatch, geometry: Geometry) -> list[bytes]:
    header = b"GP" + struct.pack("<BBi", 0, 1, geometry.reference.srs_id)
    return [header + well_known for well_known in batch.column(geometry.column).to_pylist()]


def _timestamp() -> str:
    """Return the time in UTC; that of SOURCE_DATE_EPOCH, so that equal runs can give equal files."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        now = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH is '{epoch}'; give whole seconds since 1970, or unset it") from error
    return now.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@contextmanager
def _sqlite_errors() -> Iterator[None]:
    """Turn SQLite's errors into the system's."""
    try:
        yield
    except sqlite3.Error as error:
        full = error.sqlite_errorcode == sqlite3.SQLITE_FULL if hasattr(error, "sqlite_errorcode") else False
        number = errno.ENOSPC if full else errno.EIO
        raise OSError(number, os.strerror(number) if full else str(error)) from error
