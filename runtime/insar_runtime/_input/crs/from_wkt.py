"""PROJJSON of a system that WKT 1 defines by its own parameters, for the usual methods of projection.

Names and codes of methods and parameters are those of EPSG (IOGP 373-07-2); the WKT names are those of GDAL and ESRI.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, pi
from typing import Any, Final

from insar_runtime._input.crs.wkt import Node

_NATURAL: Final = {
    "latitude_of_origin": ("Latitude of natural origin", 8801, "degree"),
    "latitude_of_center": ("Latitude of natural origin", 8801, "degree"),
    "central_meridian": ("Longitude of natural origin", 8802, "degree"),
    "longitude_of_center": ("Longitude of natural origin", 8802, "degree"),
    "scale_factor": ("Scale factor at natural origin", 8805, "unity"),
    "false_easting": ("False easting", 8806, "metre"),
    "false_northing": ("False northing", 8807, "metre"),
}
_TWO_PARALLELS: Final = {
    "latitude_of_origin": ("Latitude of false origin", 8821, "degree"),
    "central_meridian": ("Longitude of false origin", 8822, "degree"),
    "standard_parallel_1": ("Latitude of 1st standard parallel", 8823, "degree"),
    "standard_parallel_2": ("Latitude of 2nd standard parallel", 8824, "degree"),
    "false_easting": ("Easting at false origin", 8826, "metre"),
    "false_northing": ("Northing at false origin", 8827, "metre"),
}
_METHODS: Final[Mapping[str, tuple[str, int, Mapping[str, tuple[str, int, str]]]]] = {
    "transverse_mercator": ("Transverse Mercator", 9807, _NATURAL),
    "gauss_kruger": ("Transverse Mercator", 9807, _NATURAL),
    "lambert_azimuthal_equal_area": ("Lambert Azimuthal Equal Area", 9820, _NATURAL),
    "lambert_conformal_conic_1sp": ("Lambert Conic Conformal (1SP)", 9801, _NATURAL),
    "lambert_conformal_conic_2sp": ("Lambert Conic Conformal (2SP)", 9802, _TWO_PARALLELS),
    "lambert_conformal_conic": ("Lambert Conic Conformal (2SP)", 9802, _TWO_PARALLELS),
    "albers_conic_equal_area": (
        "Albers Equal Area",
        9822,
        {
            **_TWO_PARALLELS,
            "latitude_of_center": _TWO_PARALLELS["latitude_of_origin"],
            "longitude_of_center": _TWO_PARALLELS["central_meridian"],
        },
    ),
    "oblique_stereographic": ("Oblique Stereographic", 9809, _NATURAL),
    "double_stereographic": ("Oblique Stereographic", 9809, _NATURAL),
}
_DEGREE: Final = pi / 180


def projjson_from_wkt(root: Node, code: int | None) -> Mapping[str, Any] | None:
    """Return the PROJJSON of a definition; None if it uses what is not known here.

    Parameters
    ----------
    root : Node
        ``GEOGCS`` or ``PROJCS`` of WKT 1.
    code : int or None
        Of EPSG.
    """
    if root.keyword == "GEOGCS":
        base = _geographic(root)
        return None if base is None else _with_id({"type": "GeographicCRS", **base}, code)
    geographic = root.find("GEOGCS")
    base = None if geographic is None else _geographic(geographic)
    conversion = _conversion(root)
    unit = _unit(root)
    if root.keyword != "PROJCS" or base is None or conversion is None or unit is None:
        return None
    axes = [("Easting", "E", "east"), ("Northing", "N", "north")]
    axis = [{"name": a, "abbreviation": b, "direction": c, "unit": unit} for a, b, c in axes]
    projected = {
        "type": "ProjectedCRS",
        "name": root.name,
        "base_crs": base,
        "conversion": conversion,
        "coordinate_system": {"subtype": "Cartesian", "axis": axis},
    }
    return _with_id(projected, code)


def _with_id(system: dict[str, Any], code: int | None) -> dict[str, Any]:
    return system if code is None else {**system, "id": {"authority": "EPSG", "code": code}}


def _geographic(node: Node) -> dict[str, Any] | None:
    datum, meridian = node.find("DATUM"), node.find("PRIMEM")
    spheroid = None if datum is None else datum.find("SPHEROID")
    unit = node.find("UNIT")
    if datum is None or spheroid is None or len(spheroid.numbers) < 2 or unit is None or not unit.numbers:
        return None
    if abs(unit.numbers[0] - _DEGREE) > 1e-9 or not all(map(isfinite, spheroid.numbers)):
        return None
    major, inverse = spheroid.numbers[:2]
    flattening = {"inverse_flattening": inverse} if inverse else {"semi_minor_axis": major}
    frame: dict[str, Any] = {
        "type": "GeodeticReferenceFrame",
        "name": datum.name,
        "ellipsoid": {"name": spheroid.name, "semi_major_axis": major, **flattening},
    }
    if meridian is not None and meridian.numbers and meridian.numbers[0]:
        frame["prime_meridian"] = {"name": meridian.name, "longitude": meridian.numbers[0]}
    axes = [("Geodetic latitude", "Lat", "north"), ("Geodetic longitude", "Lon", "east")]
    axis = [{"name": a, "abbreviation": b, "direction": c, "unit": "degree"} for a, b, c in axes]
    return {"name": node.name, "datum": frame, "coordinate_system": {"subtype": "ellipsoidal", "axis": axis}}


def _conversion(root: Node) -> dict[str, Any] | None:
    projection, unit = root.find("PROJECTION"), _unit(root)
    method = None if projection is None else _METHODS.get(projection.name.lower())
    if method is None or unit is None:
        return None
    name, number, known = method
    parameters = []
    for part in root.all("PARAMETER"):
        given = known.get(part.name.lower())
        if given is None or len(part.numbers) != 1 or not isfinite(part.numbers[0]):
            return None
        label, code, kind = given
        of_kind = unit if kind == "metre" else kind
        parameters.append(
            {"name": label, "value": part.numbers[0], "unit": of_kind, "id": {"authority": "EPSG", "code": code}}
        )
    return {
        "name": "unnamed",
        "method": {"name": name, "id": {"authority": "EPSG", "code": number}},
        "parameters": parameters,
    }


def _unit(root: Node) -> str | dict[str, Any] | None:
    unit = root.find("UNIT")
    if unit is None or not unit.numbers or not isfinite(unit.numbers[0]) or unit.numbers[0] <= 0:
        return None
    if unit.numbers[0] == 1:
        return "metre"
    return {"type": "LinearUnit", "name": unit.name, "conversion_factor": unit.numbers[0]}
