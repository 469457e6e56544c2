"""File of moving areas, as ``insar-rt areas`` writes it: GeoPackage, GeoParquet, GeoJSON or CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from insar_runtime._input.locations import refuse_irregular
from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._output.geometry import find_geometry
from insar_runtime._report.outlines import Ring, rings_of_geojson, rings_of_wkb, rings_of_wkt
from insar_runtime.errors import DataError, InputNotFoundError, InputOutputError

_ENVELOPES: Final = (0, 32, 48, 48, 64)
"""Bytes of the envelope of a geometry in a GeoPackage, by its code in the flags."""
_DEGREES: Final = frozenset({4326, 4258})
_MOST_STEPS: Final = 1_000_000_000
"""Instructions of SQLite that reading the areas may take; a view may have no end."""


@dataclass(frozen=True, slots=True)
class AreaFile:
    """Moving areas.

    Attributes
    ----------
    name : str
        Of the file.
    rows : list of dict
        Values by column, without the geometry; lists may be JSON text.
    outlines : list of list of ndarray
        Rings [V, 2] of each area, float64; a place is inside if it is in an odd number of them. Empty for null.
    system : str or None
        ``OGC:CRS84`` for longitude and latitude, ``EPSG:`` and a code, or None if the file does not say.
    """

    name: str
    rows: list[dict[str, Any]]
    outlines: list[list[Ring]]
    system: str | None


def read_area_file(path: Path) -> AreaFile:
    """Read a file of moving areas; its container follows from its first bytes.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    InputOutputError
        If it cannot be read, or is a folder.
    UsageError
        If it is no regular file.
    DataError
        If it holds no areas with outlines.
    """
    refuse_irregular(path)
    try:
        with path.open("rb") as file:
            magic = file.read(256)
    except FileNotFoundError as error:
        raise InputNotFoundError(f"no areas file {path}; check the path") from error
    except OSError as error:
        raise InputOutputError(f"areas file {path} cannot be read ({error.strerror}); check its access") from error
    with _readable(path):
        if magic.startswith(b"PAR1"):
            rows, geometries, system = _of_parquet(path)
        elif magic.startswith(b"SQLite format 3"):
            rows, geometries, system = _of_geopackage(path)
        elif magic.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            rows, geometries, system = _of_geojson(path)
        else:
            rows, geometries, system = _of_csv(path)
    if not all("area_id" in row for row in rows):
        raise DataError(f"{path} has no column area_id, so it is no areas file; insar-rt areas writes one")
    outlines = [_rings(path, row, geometry) for row, geometry in zip(rows, geometries, strict=True)]
    return AreaFile(path.name, rows, outlines, system)


_Content = tuple[list[dict[str, Any]], list[Any], str | None]
"""Rows, geometries, and the system."""


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import sqlite3  # noqa: PLC0415 - a table in Parquet needs none

    try:
        yield
    except (
        ArithmeticError,
        ValueError,
        KeyError,
        TypeError,
        OSError,
        RecursionError,
        sqlite3.Error,
        pa.ArrowException,
    ) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is no areas file that can be read ({error}); insar-rt areas writes one") from error


def _rings(path: Path, row: Mapping[str, Any], geometry: Any) -> list[Ring]:
    readers: dict[type, Callable[[Any], list[Ring]]] = {
        bytes: rings_of_wkb,
        str: rings_of_wkt,
        dict: rings_of_geojson,
        type(None): lambda _: [],
    }
    try:
        return readers[type(geometry)](geometry)
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path}: the outline of area {row.get('area_id')} cannot be read ({error})") from error


def _of_parquet(path: Path) -> _Content:
    with path.open("rb") as file:
        table = pq.read_table(file)
    geometry = find_geometry(table.schema)
    if geometry is None:
        raise DataError(f"{path} has no outlines (no geo metadata), so it is no areas file; insar-rt areas writes one")
    geometries = table[geometry.column].to_pylist()
    hidden = [name for name in (geometry.column, geometry.covering) if name]
    system = LONGITUDE_LATITUDE if geometry.is_in_degrees else geometry.system
    return table.drop_columns(hidden).to_pylist(), geometries, _named(system)


def _of_geopackage(path: Path) -> _Content:
    import sqlite3  # noqa: PLC0415 - as above

    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.set_progress_handler(lambda: 1, _MOST_STEPS)
        layers = database.execute("SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns").fetchall()
        if len(layers) != 1:
            raise DataError(f"{path} has {len(layers)} layers, and an areas file has one; insar-rt areas writes it")
        ((layer, column, number),) = layers
        query = "SELECT organization, organization_coordsys_id FROM gpkg_spatial_ref_sys WHERE srs_id = ?"
        organization, code = database.execute(query, (number,)).fetchone() or ("NONE", 0)
        found = database.execute('SELECT * FROM "' + str(layer).replace('"', '""') + '"')
        names = [one[0] for one in found.description]
        rows = [dict(zip(names, values, strict=True)) for values in found]
    geometries = [_well_known(row.pop(column)) for row in rows]
    is_degrees = code in _DEGREES
    return rows, geometries, LONGITUDE_LATITUDE if is_degrees else _named(f"{organization}:{code}".upper())


def _well_known(blob: Any) -> bytes | None:
    """Return the well-known binary of a geometry of a GeoPackage."""
    if blob is None:
        return None
    if not isinstance(blob, bytes) or blob[:2] != b"GP":
        raise ValueError("a geometry is damaged")
    return blob[8 + _ENVELOPES[(blob[3] >> 1) & 7] :]


def _of_geojson(path: Path) -> _Content:
    features = json.loads(path.read_text("utf-8-sig"))["features"]
    return [dict(one["properties"]) for one in features], [one["geometry"] for one in features], LONGITUDE_LATITUDE


def _of_csv(path: Path) -> _Content:
    with path.open("rb") as file:
        table = pacsv.read_csv(file, parse_options=pacsv.ParseOptions(newlines_in_values=True))
    name = next((name for name in ("geometry", "wkt", "geom") if name in table.schema.names), None)
    if name is None:
        raise DataError(f"{path} has no column geometry, so it is no areas file; insar-rt areas writes one")
    return table.drop_columns([name]).to_pylist(), [text or None for text in table[name].to_pylist()], None


def _named(system: str) -> str | None:
    return system if system == LONGITUDE_LATITUDE or system.startswith("EPSG:") else None
