"""GeoJSON, JSON lines and lists of JSON objects as record batches: read once for the columns, and once for the rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.column_types import refuse_too_many
from insar_runtime._input.crs.system import UNKNOWN, WGS84, ReferenceSystem, system_of_epsg
from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.origin import Origin
from insar_runtime._input.point_geometry import geometry_name, wkb_points
from insar_runtime._input.readers.json_elements import JsonElements
from insar_runtime._input.source import Source, guess_row_bytes
from insar_runtime.errors import DataError

_MOST_CELLS: Final = 250_000
"""Values that are Python objects at a time, some 20 MB."""
_MOST_SIGNATURES: Final = 100
HELD_BYTES: Final = 96 << 20
"""The text of an element, and the rows that become a batch."""
_EPSG: Final = re.compile(r"(?:urn:ogc:def:crs:)?EPSG:[0-9.]*:?(\d{4,6})", re.IGNORECASE)
_CRS84: Final = re.compile(r"(?:urn:ogc:def:crs:)?OGC:[0-9.]*:?CRS84", re.IGNORECASE)
_NUMBERS: Final = frozenset({int, float})
_NONE: Final = type(None)


@dataclass(slots=True)
class _Columns:
    """What the first reading finds: types of the values by name, whether there are geometries and ids of features."""

    kinds: dict[str, set[type]]
    items: dict[str, set[type]]
    """Types within lists."""
    rows: int = 0
    has_geometry: bool = False
    has_ids: bool = False


def is_json(magic: bytes) -> bool:
    """Return whether text begins like an object, or a list of them."""
    text = magic.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x1e")
    return text.startswith(b"{") or (text.startswith(b"[") and text[1:].lstrip()[:1] in {b"{", b""})


def holds_json(path: Path) -> bool:
    """Return whether a file is one of JSON; False if it cannot be read, which is said when it is opened."""
    if not path.is_file():
        return False  # a pipe would wait for its writer
    try:
        with path.open("rb") as file:
            return is_json(file.read(4096))
    except OSError:
        return False


def open_json(path: Path, date_format: str | None) -> Source:
    """Open a file of JSON as a table, a row for each feature or object.

    Parameters
    ----------
    path : Path
        Of the file.
    date_format : str, optional
        Spelling of dates that the user named.

    Raises
    ------
    DataError
        It is no JSON, or holds what is no point.
    """
    elements = JsonElements(path)
    found = _scan(elements, path)
    if not found.kinds:
        raise DataError(f"{path} has no features or objects with properties: fetch or write it again")
    names = list(found.kinds)
    search = DateSearch.among(names, date_format)
    fields = [pa.field(name, _type_of(found, name, name in search.names)) for name in names]
    metadata, notes = dict[str, str](), list[str]()
    geometry = geometry_name(names) if found.has_geometry else None
    if geometry is not None:
        system = _system(elements.crs)
        metadata = {"geo": system.geo(geometry)}
        fields.append(pa.field(geometry, pa.binary()))
        notes += filter(None, [system.note("nothing in member 'crs'")])
    schema = pa.schema(fields, metadata=metadata)
    reading = _Reading(path, schema, geometry, has_ids=found.has_ids)
    return Source(
        str(path),
        "json",
        schema,
        found.rows,
        metadata,
        guess_row_bytes(schema),
        HELD_BYTES,
        Origin((path.name,), notes=tuple(notes)),
        lambda *_: reading.batches(schema.names),
        reading.batches,
        search=search,
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """Read the rows of a file."""

    path: Path
    schema: pa.Schema
    geometry: str | None
    has_ids: bool

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Return all rows of some columns."""
        step = max(_MOST_CELLS // len(self.schema.names), 1)
        rows: list[dict[str, Any]] = []
        shapes: list[Any] = []
        first = 0
        for element in JsonElements(self.path):
            properties, shape = _parts(element, self.path, first + len(rows), has_ids=self.has_ids)
            rows.append(properties)
            shapes.append(shape)
            if len(rows) == step:
                yield self._batch(rows, shapes, names, first)
                first += len(rows)
                rows, shapes = [], []
        if rows:
            yield self._batch(rows, shapes, names, first)

    def _batch(self, rows: list[dict[str, Any]], shapes: list[Any], names: Sequence[str], first: int) -> pa.RecordBatch:
        arrays = []
        # Row by row, as the values of a row lie together in memory.
        cells = dict(zip(names, zip(*(map(row.get, names) for row in rows), strict=True), strict=True))
        for name in names:
            if name == self.geometry:
                points = [_point(shape, self.path, first + row) for row, shape in enumerate(shapes)]
                arrays.append(wkb_points(np.array(points, dtype=np.float64).reshape(-1, 2)))
            else:
                arrays.append(self._column(cells[name], self.schema.field(name)))
        schema = pa.schema([self.schema.field(name) for name in names])
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema if schema.names == self.schema.names else schema)

    def _column(self, values: tuple[Any, ...], field: pa.Field) -> pa.Array:
        t = pa.types
        try:
            if t.is_string(field.type):
                return pa.array([None if value is None else _text(value) for value in values], pa.string())
            if t.is_floating(field.type):
                # Read as double and then rounded, as in a CSV: the same bits from both.
                return pa.array(_doubles(values), from_pandas=True).cast(field.type, safe=False)
            return pa.array(values, field.type)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise DataError(
                f"{self.path}: property '{field.name}' holds what is no {field.type} ({' '.join(str(error).split())}): "
                "correct it or leave it out"
            ) from error


def _scan(elements: JsonElements, path: Path) -> _Columns:
    """Read the whole file for the names and types of its columns."""
    found = _Columns({}, {})
    kinds, items = found.kinds, found.items
    seen: set[tuple[tuple[str, ...], tuple[type, ...]]] = set()
    for element in elements:
        is_feature = _is_feature(element)
        found.has_geometry |= is_feature and element.get("geometry") is not None
        found.has_ids |= is_feature and "id" in element
        properties, _ = _parts(element, path, found.rows, has_ids=False)
        found.rows += 1
        # Most rows have the names and the types of one before.
        signature = (tuple(properties), tuple(map(type, properties.values())))
        if signature in seen and list not in signature[1]:
            continue
        if len(seen) < _MOST_SIGNATURES:
            seen.add(signature)
        for name, value in properties.items():
            kind = type(value)
            try:
                kinds[name].add(kind)
            except KeyError:
                refuse_too_many(len(kinds) + 1, str(path))
                kinds[name] = {kind}
            if kind is list:
                items.setdefault(name, set()).update(map(type, value))
    found.has_ids &= "id" not in kinds
    if found.has_ids:
        found.kinds = {"id": {str}, **kinds}
    return found


def _is_feature(element: Any) -> bool:
    return isinstance(element, dict) and element.get("type") == "Feature" and "properties" in element


def _parts(element: Any, path: Path, row: int, *, has_ids: bool) -> tuple[dict[str, Any], Any]:
    """Return the properties of a feature, or of an object, and its geometry."""
    if not isinstance(element, dict):
        raise DataError(f"{path}: element {row + 1} is no object: write one object or feature per point")
    if not _is_feature(element):
        return element, None
    properties = element["properties"]
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        raise DataError(f"{path}: the properties of feature {row + 1} are no object: write the file again")
    if has_ids:
        properties = {"id": element.get("id"), **properties}
    return properties, element.get("geometry")


def _point(shape: Any, path: Path, row: int) -> tuple[float, float]:
    """Return x and y of a geometry; NaN for null and for an empty point."""
    if shape is None:
        return np.nan, np.nan
    kind = shape.get("type") if isinstance(shape, dict) else None
    place = shape.get("coordinates") if kind in {"Point", "MultiPoint"} else None
    if kind == "MultiPoint" and isinstance(place, list):
        if len(place) > 1:
            raise DataError(f"{path}: feature {row + 1} has {len(place)} points: write one point per feature")
        place = place[0] if place else []
    if not isinstance(place, list):
        what = f"is a {kind}" if isinstance(kind, str) else "has no geometry that can be read"
        raise DataError(f"{path}: feature {row + 1} {what}, and only points are read: write centroids as points")
    if not place:
        return np.nan, np.nan
    if len(place) < 2 or not all(type(value) in _NUMBERS for value in place[:2]):
        raise DataError(f"{path}: feature {row + 1} has coordinates that are not numbers: write the file again")
    return float(place[0]), float(place[1])


def _type_of(found: _Columns, name: str, is_date: bool) -> pa.DataType:
    kinds = found.kinds[name] - {_NONE}
    if is_date and kinds and kinds <= {int, float, str}:
        return pa.float32()
    if not kinds or kinds == {str}:
        return pa.string()
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    if kinds <= _NUMBERS:
        return pa.float64()
    items = found.items.get(name, set()) - {_NONE}
    if kinds == {list} and items <= _NUMBERS:
        return pa.list_(pa.float64())
    if kinds == {list} and items == {str}:
        return pa.list_(pa.string())
    return pa.string()


def _doubles(values: tuple[Any, ...]) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except ValueError:  # an empty text in place of null
        return np.array([None if value == "" else value for value in values], dtype=np.float64)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _system(crs: Any) -> ReferenceSystem:
    """Return the system that a collection names as GeoJSON of 2008 could; longitude and latitude otherwise."""
    if crs is None:
        return WGS84
    try:
        name = str(crs["properties"]["name"])
    except (TypeError, KeyError):
        return UNKNOWN
    if _CRS84.fullmatch(name):
        return WGS84
    code = _EPSG.fullmatch(name)
    return ReferenceSystem(name) if code is None else system_of_epsg(int(code[1]), name)
