"""Zones of UTM as PROJJSON: WGS 84 (EPSG:326xx and 327xx) and ETRS89 (EPSG:25828 to 25838), as EPSG defines them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from insar_runtime._input.position import ETRS89_UTM, WGS84_UTM

_WGS84_MEMBERS: Final = (
    ("Transit", 1166), ("G730", 1152), ("G873", 1153), ("G1150", 1154), ("G1674", 1155), ("G1762", 1156),
    ("G2139", 1309), ("G2296", 1383),
)  # fmt: skip
"""Realisations that WGS 84 stands for, with their EPSG codes."""


def epsg(code: int) -> dict[str, Any]:
    """Return the identity of an entry of the EPSG registry."""
    return {"authority": "EPSG", "code": code}


def axis(name: str, abbreviation: str, direction: str, unit: str) -> dict[str, str]:
    """Return an axis of a coordinate system."""
    return {"name": name, "abbreviation": abbreviation, "direction": direction, "unit": unit}


def parameter(name: str, value: float, unit: str, code: int) -> dict[str, Any]:
    """Return a parameter of a projection."""
    return {"name": name, "value": value, "unit": unit, "id": epsg(code)}


def utm_projjson(crs: str, etrs89: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a zone of UTM as PROJJSON; None for any other system.

    Parameters
    ----------
    crs : str
        ``EPSG:`` and a code.
    etrs89 : mapping
        PROJJSON of ETRS89, longitude and latitude.
    """
    found = WGS84_UTM.get(crs) or ETRS89_UTM.get(crs)
    if found is None:
        return None
    zone, hemisphere = found
    base = _WGS84 if crs in WGS84_UTM else etrs89
    scale = {"name": "Scale factor at natural origin", "value": 0.9996, "unit": "unity", "id": epsg(8805)}
    return {
        "type": "ProjectedCRS",
        "name": f"{base['name']} / UTM zone {zone}{hemisphere}",
        "base_crs": base,
        "conversion": {
            "name": f"UTM zone {zone}{hemisphere}",
            "method": {"name": "Transverse Mercator", "id": epsg(9807)},
            "parameters": [
                parameter("Latitude of natural origin", 0, "degree", 8801),
                parameter("Longitude of natural origin", 6 * zone - 183, "degree", 8802),
                scale,
                parameter("False easting", 500_000, "metre", 8806),
                parameter("False northing", 0 if hemisphere == "N" else 10_000_000, "metre", 8807),
            ],
        },
        "coordinate_system": {
            "subtype": "Cartesian",
            "axis": [axis("Easting", "E", "east", "metre"), axis("Northing", "N", "north", "metre")],
        },
        "id": epsg(int(crs.removeprefix("EPSG:"))),
    }


_WGS84: Final[Mapping[str, Any]] = {
    "name": "WGS 84",
    "datum_ensemble": {
        "name": "World Geodetic System 1984 ensemble",
        "members": [
            {"name": f"World Geodetic System 1984 ({member})", "id": epsg(code)} for member, code in _WGS84_MEMBERS
        ],
        "ellipsoid": {"name": "WGS 84", "semi_major_axis": 6378137, "inverse_flattening": 298.257223563},
        "accuracy": "2.0",
        "id": epsg(6326),
    },
    "coordinate_system": {
        "subtype": "ellipsoidal",
        "axis": [
            axis("Geodetic latitude", "Lat", "north", "degree"),
            axis("Geodetic longitude", "Lon", "east", "degree"),
        ],
    },
    "id": epsg(4326),
}
