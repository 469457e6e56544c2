"""PROJJSON of the systems that are known by their EPSG codes: ETRS89, its LAEA and UTM zones, those of WGS 84."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FRAMES: Final = (
    (1989, 1178), (1990, 1179), (1991, 1180), (1992, 1181), (1993, 1182), (1994, 1183),
    (1996, 1184), (1997, 1185), (2000, 1186), (2005, 1204), (2014, 1206), (2020, 1382),
)  # fmt: skip
"""Year and EPSG code of the realisations that ETRS89 stands for."""


def _epsg(code: int) -> dict[str, Any]:
    return {"authority": "EPSG", "code": code}


def _axis(name: str, abbreviation: str, direction: str, unit: str) -> dict[str, str]:
    return {"name": name, "abbreviation": abbreviation, "direction": direction, "unit": unit}


def _parameter(name: str, value: float, unit: str, code: int) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "id": _epsg(code)}


_ETRS89: Final[Mapping[str, Any]] = {
    "name": "ETRS89",
    "datum_ensemble": {
        "name": "European Terrestrial Reference System 1989 ensemble",
        "members": [
            {"name": f"European Terrestrial Reference Frame {year}", "id": _epsg(code)} for year, code in _FRAMES
        ],
        "ellipsoid": {"name": "GRS 1980", "semi_major_axis": 6378137, "inverse_flattening": 298.257222101},
        "accuracy": "0.1",
        "id": _epsg(6258),
    },
    "coordinate_system": {
        "subtype": "ellipsoidal",
        "axis": [
            _axis("Geodetic latitude", "Lat", "north", "degree"),
            _axis("Geodetic longitude", "Lon", "east", "degree"),
        ],
    },
    "id": _epsg(4258),
}
LAEA_EUROPE_PROJJSON: Final[Mapping[str, Any]] = {
    "type": "ProjectedCRS",
    "name": "ETRS89-extended / LAEA Europe",
    "base_crs": _ETRS89,
    "conversion": {
        "name": "Europe Equal Area 2001",
        "method": {"name": "Lambert Azimuthal Equal Area", "id": _epsg(9820)},
        "parameters": [
            _parameter("Latitude of natural origin", 52, "degree", 8801),
            _parameter("Longitude of natural origin", 10, "degree", 8802),
            _parameter("False easting", 4321000, "metre", 8806),
            _parameter("False northing", 3210000, "metre", 8807),
        ],
    },
    "coordinate_system": {
        "subtype": "Cartesian",
        "axis": [_axis("Northing", "Y", "north", "metre"), _axis("Easting", "X", "east", "metre")],
    },
    "id": _epsg(3035),
}
_WGS84: Final[Mapping[str, Any]] = {
    "name": "WGS 84",
    "datum": {
        "type": "GeodeticReferenceFrame",
        "name": "World Geodetic System 1984",
        "ellipsoid": {"name": "WGS 84", "semi_major_axis": 6378137, "inverse_flattening": 298.257223563},
    },
    "coordinate_system": _ETRS89["coordinate_system"],
    "id": _epsg(4326),
}
_UTM: Final = (
    (32600, _WGS84, "WGS 84", 1, 60, "N"),
    (32700, _WGS84, "WGS 84", 1, 60, "S"),
    (25800, _ETRS89, "ETRS89", 28, 38, "N"),
)
"""EPSG code before the number of the zone, base, its name, first and last zone, hemisphere."""


def projjson_of(code: int) -> Mapping[str, Any] | None:
    """Return the PROJJSON of an EPSG code; None if it is none of those that are known here.

    Parameters
    ----------
    code : int
        Of ETRS89 (4258), ETRS89 / LAEA Europe (3035), or a UTM zone of WGS 84 or ETRS89.
    """
    if code == LAEA_EUROPE_PROJJSON["id"]["code"]:
        return LAEA_EUROPE_PROJJSON
    if code == _ETRS89["id"]["code"]:
        return {"type": "GeographicCRS", **_ETRS89}
    for before, base, name, first, last, half in _UTM:
        if first <= code - before <= last:
            return _utm(code, base, f"{name} / UTM zone {code - before}{half}", code - before, half)
    return None


def _utm(code: int, base: Mapping[str, Any], name: str, zone: int, half: str) -> Mapping[str, Any]:
    south = half == "S"
    return {
        "type": "ProjectedCRS",
        "name": name,
        "base_crs": base,
        "conversion": {
            "name": f"UTM zone {zone}{half}",
            "method": {"name": "Transverse Mercator", "id": _epsg(9807)},
            "parameters": [
                _parameter("Latitude of natural origin", 0, "degree", 8801),
                _parameter("Longitude of natural origin", 6 * zone - 183, "degree", 8802),
                _parameter("Scale factor at natural origin", 0.9996, "unity", 8805),
                _parameter("False easting", 500_000, "metre", 8806),
                _parameter("False northing", 10_000_000 if south else 0, "metre", 8807),
            ],
            "id": _epsg((16100 if south else 16000) + zone),
        },
        "coordinate_system": {
            "subtype": "Cartesian",
            "axis": [_axis("Easting", "E", "east", "metre"), _axis("Northing", "N", "north", "metre")],
        },
        "id": _epsg(code),
    }
