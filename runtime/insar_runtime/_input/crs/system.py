"""Coordinate reference system of the points of an input, as its file names it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from insar_runtime._input.crs.from_wkt import projjson_from_wkt
from insar_runtime._input.crs.projjson import projjson_of
from insar_runtime._input.crs.wkt import Node, parse_wkt

_WGS84: Final = 4326
_GEOGRAPHIC: Final = frozenset({"GEOGCS", "GEOGCRS", "GEODCRS", "GEOGRAPHICCRS", "GEODETICCRS"})
_PROJECTED: Final = frozenset({"PROJCS", "PROJCRS", "PROJECTEDCRS"})
_WORDS: Final = re.compile(r"[^a-z0-9]+")
_UTM: Final = re.compile(r"(?:wgs_(?:19)?84|wgs84|(etrs_?(?:19)?89))_utm_zone_(\d{1,2})(n|s)?")
_NAMES: Final = {
    "gcs_wgs_1984": _WGS84,
    "wgs_84": _WGS84,
    "wgs84": _WGS84,
    "wgs_1984": _WGS84,
    "gcs_etrs_1989": 4258,
    "etrs89": 4258,
    "etrs_1989": 4258,
    "etrs_1989_laea": 3035,
    "etrs_1989_laea_europe": 3035,
    "etrs89_laea_europe": 3035,
    "etrs89_extended_laea_europe": 3035,
    "etrs_laea": 3035,
}
"""EPSG codes of names that ESRI and PROJ give, in small letters, words joined by ``_``."""
_LAEA_ORIGIN: Final = (4_321_000.0, 3_210_000.0)
_UTM_EAST: Final = 500_000.0


@dataclass(frozen=True, slots=True)
class ReferenceSystem:
    """A coordinate reference system.

    Attributes
    ----------
    name : str or None
        As the file names it; None if it names none.
    code : int or None
        Of EPSG.
    projjson : mapping or None
        As GeoParquet takes it; None for longitude and latitude of WGS 84, and for an unknown system.
    is_longitude_latitude : bool
        Whether it is WGS 84 in degrees.
    """

    name: str | None = None
    code: int | None = None
    projjson: Mapping[str, Any] | None = None
    is_longitude_latitude: bool = False

    @property
    def is_known(self) -> bool:
        """Whether an output can name it."""
        return self.is_longitude_latitude or self.projjson is not None

    def geo(self, column: str) -> str:
        """Return the ``geo`` value of a GeoParquet table whose points are in a column of well-known binary."""
        described: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"]}
        if not self.is_longitude_latitude:
            described["crs"] = self.projjson
        return json.dumps({"version": "1.1.0", "primary_column": column, "columns": {column: described}})

    def note(self, where: str) -> str | None:
        """Return what a person should know if an output cannot name the system; None if it can.

        Parameters
        ----------
        where : str
            What should have named it.
        """
        if self.is_known:
            return None
        if self.name is None:
            return f"{where} names the coordinate system: the output's geometry has none"
        code = "" if self.code is None else f" (EPSG:{self.code})"
        return f"coordinate system '{self.name}'{code} is not known here: the output's geometry names none"


UNKNOWN: Final = ReferenceSystem()
WGS84: Final = ReferenceSystem("WGS 84", _WGS84, None, is_longitude_latitude=True)


def system_of_epsg(code: int, name: str | None = None) -> ReferenceSystem:
    """Return a system by its EPSG code.

    Parameters
    ----------
    code : int
        Of EPSG.
    name : str, optional
        As the file names it.
    """
    if code == _WGS84:
        return WGS84
    return ReferenceSystem(name or f"EPSG:{code}", code, projjson_of(code))


def system_of_wkt(text: str) -> ReferenceSystem:
    """Return the system that well-known text defines.

    Its EPSG code is that of its authority, or follows from a name that ESRI or PROJ gives, where the parameters agree.
    Systems of other codes are described by their own parameters, if the method of projection is a usual one.
    """
    root = parse_wkt(text)
    if root is None:
        return UNKNOWN
    if root.keyword in {"COMPD_CS", "COMPOUNDCRS"}:
        root = next((part for part in root.parts if part.keyword in _GEOGRAPHIC | _PROJECTED), root)
    if root.keyword not in _GEOGRAPHIC | _PROJECTED:
        return ReferenceSystem(root.name or None)
    code = _code(root)
    known = None if code is None else system_of_epsg(code, root.name)
    if known is not None and known.is_known:
        return known
    return ReferenceSystem(root.name, code, projjson_from_wkt(root, code))


def _code(root: Node) -> int | None:
    named = root.find("AUTHORITY", "ID")
    if named is not None and named.name.upper() == "EPSG":
        text = named.texts[1] if len(named.texts) > 1 else next((f"{number:.0f}" for number in named.numbers), "")
        return int(text) if text.isdecimal() and len(text) < 10 else None
    name = _WORDS.sub("_", root.name.lower()).strip("_")
    utm = _UTM.fullmatch(name)
    if utm:
        return _code_of_utm(root, utm)
    code = _NAMES.get(name)
    if (code == 3035) != (root.keyword in _PROJECTED) or (code == 3035 and _origin(root) != _LAEA_ORIGIN):
        return None
    return code


def _code_of_utm(root: Node, match: re.Match[str]) -> int | None:
    zone, is_south = int(match[2]), match[3] == "s"
    parameters = {part.name.lower(): part.numbers for part in root.all("PARAMETER")}
    if not 1 <= zone <= 60 or parameters.get("central_meridian", [6.0 * zone - 183]) != [6.0 * zone - 183]:
        return None
    if _origin(root) not in {(None, None), (_UTM_EAST, 10_000_000.0 if is_south else 0.0)}:
        return None
    if match[1]:
        return 25800 + zone if 28 <= zone <= 38 and not is_south else None
    return (32700 if is_south else 32600) + zone


def _origin(root: Node) -> tuple[float | None, float | None]:
    parameters = {part.name.lower(): part.numbers for part in root.all("PARAMETER")}
    east, north = (next(iter(parameters.get(name, [])), None) for name in ("false_easting", "false_northing"))
    return east, north
