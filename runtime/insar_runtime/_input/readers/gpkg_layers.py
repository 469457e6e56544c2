"""Layers of a GeoPackage: which tables it has, and which of them is read."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from insar_runtime._input.column_types import refuse_too_many
from insar_runtime._input.crs.system import UNKNOWN, ReferenceSystem, system_of_epsg, system_of_wkt
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.readers.long_table import find_long_columns
from insar_runtime._input.result_tables import refuse_result_table
from insar_runtime.errors import DataError

_POINTS: Final = frozenset({"POINT", "MULTIPOINT", "GEOMETRY", "POINTZ", "POINTM", "POINTZM"})
_ROW_NUMBERS: Final = frozenset({"fid", "ogc_fid", "pk_uid"})
"""Names of the key that writers add."""
_STYLES: Final = "layer_styles"
_COMPUTED: Final = 2
_STORED: Final = 3
"""What ``PRAGMA table_xinfo`` says of generated columns."""
_MOST_LAYERS: Final = 1000
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Layer:
    """A table of a GeoPackage.

    Attributes
    ----------
    name : str
    columns : dict of str to str
        Declared types of its columns, without the geometry and a key that only numbers the rows.
    geometry : str or None
        Column of the geometry.
    geometry_type : str
        As the GeoPackage states it; empty without a geometry.
    system : ReferenceSystem
    where : str
        What should have named the system, for a note.
    key : str or None
        Column of whole numbers that is the row's number.
    count : int or None
        Rows that a program has noted; may be out of date.
    computed : tuple of str
        Columns that SQLite computes while they are read: a small file may hold any number of bytes in them. Not read.
    """

    name: str
    columns: dict[str, str]
    geometry: str | None
    geometry_type: str
    system: ReferenceSystem
    where: str
    key: str | None
    count: int | None
    computed: tuple[str, ...]


def find_layer(database: sqlite3.Connection, path: str, date_format: str | None) -> tuple[Layer, tuple[str, ...]]:
    """Return the layer that is read: the only one, or the only one with series; and the names of those left aside.

    Parameters
    ----------
    database : sqlite3.Connection
        Open for reading.
    path : str
        Of the file, for messages.
    date_format : str, optional
        Spelling of dates that the user named.

    Raises
    ------
    DataError
        It is not a GeoPackage, has no layer that can be read, or several with series.
    """
    # Views may have no end, and virtual tables run code of extensions: only plain tables are layers.
    plain = dict(
        database.execute(
            "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND typeof(name) = 'text' "
            "AND sql NOT LIKE 'CREATE VIRTUAL%'"
        ).fetchall()
    )
    if "gpkg_contents" not in plain:
        raise DataError(
            f"{path} is a SQLite database without the tables of a GeoPackage: write one, e.g. ogr2ogr OUT.gpkg {path}"
        )
    named = [
        name
        for (name,) in database.execute(
            "SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes', 'aspatial') "
            "ORDER BY rowid LIMIT ?",
            (_MOST_LAYERS,),
        )
    ]
    names = [name for name in named if name in plain and name != _STYLES]
    if not names:
        views = ": views are not read, write their rows into a table" if set(named) - {_STYLES} else ""
        raise DataError(f"{path} has no layer with rows{views or ': give a GeoPackage with a layer of points'}")
    layers = [_read_layer(database, name, path) for name in names]
    if len(layers) == 1:
        return _checked(layers[0], path), ()
    with_series = [layer for layer in layers if _has_series(layer, date_format)]
    if len(with_series) != 1:
        what = "layers with series" if with_series else "layers, none of them with series"
        found = with_series or layers
        shown = ", ".join(f"'{layer.name}'" for layer in found[:_MOST_NAMED]) + (", ..." if found[_MOST_NAMED:] else "")
        raise DataError(
            f"{path} has {len(found)} {what} ({shown}): write one of them into a file, e.g. ogr2ogr OUT.gpkg {path} "
            f"{found[0].name}"
        )
    chosen = with_series[0]
    return _checked(chosen, path), tuple(layer.name for layer in layers if layer is not chosen)


def quoted(name: str) -> str:
    """Return a name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def _has_series(layer: Layer, date_format: str | None) -> bool:
    search = DateSearch.among(layer.columns, date_format)
    return bool(search.names) or find_long_columns(list(layer.columns), {}, search) is not None


def _checked(layer: Layer, path: str) -> Layer:
    if layer.geometry is not None and layer.geometry_type not in _POINTS:
        refuse_result_table(layer.columns, f"layer '{layer.name}' of {path}")
        raise DataError(
            f"layer '{layer.name}' of {path} holds {layer.geometry_type}, and only points are read: write their "
            "centroids as points"
        )
    if not layer.columns:
        raise DataError(f"layer '{layer.name}' of {path} has no columns beside its geometry: give a table with series")
    return layer


def _read_layer(database: sqlite3.Connection, name: str, path: str) -> Layer:
    info = database.execute(f"PRAGMA main.table_xinfo({quoted(name)})").fetchall()
    refuse_too_many(len(info), f"layer '{name}' of {path}")
    types = {str(row[1]): str(row[2] or "") for row in info if row[6] in {0, _STORED}}
    computed = tuple(str(row[1]) for row in info if row[6] == _COMPUTED)
    keys = [str(row[1]) for row in info if row[5]]
    key = keys[0] if len(keys) == 1 and types.get(keys[0], "").upper() == "INTEGER" else None
    geometry, kind, srs_id = _geometry(database, name, types)
    hidden = {geometry, key if key is not None and key.lower() in _ROW_NUMBERS else None}
    system, where = _system(database, srs_id, path)
    columns = {column: kind for column, kind in types.items() if column not in hidden}
    return Layer(name, columns, geometry, kind, system, where, key, _noted_count(database, name), computed)


def _geometry(database: sqlite3.Connection, name: str, types: dict[str, str]) -> tuple[str | None, str, Any]:
    try:
        row = database.execute(
            "SELECT column_name, geometry_type_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?", (name,)
        ).fetchone()
    except sqlite3.OperationalError:
        return None, "", None  # a GeoPackage of attributes alone
    if row is None or str(row[0]) not in types:
        return None, "", None
    return str(row[0]), str(row[1]).upper(), row[2]


def _system(database: sqlite3.Connection, srs_id: Any, path: str) -> tuple[ReferenceSystem, str]:
    """Return the system of a geometry, and where it is defined."""
    where = f"no system {srs_id} of {path}"
    if srs_id is None:
        return UNKNOWN, where
    try:
        row = database.execute(
            "SELECT organization, organization_coordsys_id, definition, srs_name FROM gpkg_spatial_ref_sys "
            "WHERE srs_id = ?",
            (srs_id,),
        ).fetchone()
    except sqlite3.OperationalError:
        return UNKNOWN, where
    if row is None:
        return UNKNOWN, where
    organization, code, definition, name = row
    is_epsg = str(organization).upper() == "EPSG" and isinstance(code, int) and 0 < code < 1 << 31
    of_code = system_of_epsg(code, str(name)) if is_epsg else UNKNOWN
    if of_code.is_known or not isinstance(definition, str) or definition == "undefined":
        return of_code, where
    defined = system_of_wkt(definition)
    return defined if defined.is_known or not is_epsg else of_code, where


def _noted_count(database: sqlite3.Connection, name: str) -> int | None:
    try:
        row = database.execute("SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?", (name,)).fetchone()
    except sqlite3.OperationalError:
        return None
    return row[0] if row and isinstance(row[0], int) and row[0] >= 0 else None
