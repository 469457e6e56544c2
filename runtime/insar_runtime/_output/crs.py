"""Coordinate reference systems of the points, as GeoParquet and GeoPackage spell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from insar_runtime._input.position import LAEA_EUROPE, LONGITUDE_LATITUDE
from insar_runtime._output.utm import axis, epsg, parameter, utm_projjson
from insar_runtime.errors import UnavailableError, UsageError

_FRAMES: Final = (
    (1989, 1178), (1990, 1179), (1991, 1180), (1992, 1181), (1993, 1182), (1994, 1183),
    (1996, 1184), (1997, 1185), (2000, 1186), (2005, 1204), (2014, 1206), (2020, 1382),
)  # fmt: skip
"""Year and EPSG code of the realisations that ETRS89 stands for."""


_ETRS89: Final[Mapping[str, Any]] = {
    "name": "ETRS89",
    "datum_ensemble": {
        "name": "European Terrestrial Reference System 1989 ensemble",
        "members": [
            {"name": f"European Terrestrial Reference Frame {year}", "id": epsg(code)} for year, code in _FRAMES
        ],
        "ellipsoid": {"name": "GRS 1980", "semi_major_axis": 6378137, "inverse_flattening": 298.257222101},
        "accuracy": "0.1",
        "id": epsg(6258),
    },
    "coordinate_system": {
        "subtype": "ellipsoidal",
        "axis": [
            axis("Geodetic latitude", "Lat", "north", "degree"),
            axis("Geodetic longitude", "Lon", "east", "degree"),
        ],
    },
    "id": epsg(4258),
}
_LAEA_EUROPE_PROJJSON: Final[Mapping[str, Any]] = {
    "type": "ProjectedCRS",
    "name": "ETRS89-extended / LAEA Europe",
    "base_crs": _ETRS89,
    "conversion": {
        "name": "Europe Equal Area 2001",
        "method": {"name": "Lambert Azimuthal Equal Area", "id": epsg(9820)},
        "parameters": [
            parameter("Latitude of natural origin", 52, "degree", 8801),
            parameter("Longitude of natural origin", 10, "degree", 8802),
            parameter("False easting", 4321000, "metre", 8806),
            parameter("False northing", 3210000, "metre", 8807),
        ],
    },
    "coordinate_system": {
        "subtype": "Cartesian",
        "axis": [axis("Northing", "Y", "north", "metre"), axis("Easting", "X", "east", "metre")],
    },
    "id": epsg(3035),
}
_WGS84_WKT: Final = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],'
    'AUTHORITY["EPSG","4326"]]'
)
_LAEA_EUROPE_WKT: Final = (
    'PROJCS["ETRS89-extended / LAEA Europe",GEOGCS["ETRS89",DATUM["European_Terrestrial_Reference_System_1989",'
    'SPHEROID["GRS 1980",6378137,298.257222101,AUTHORITY["EPSG","7019"]],AUTHORITY["EPSG","6258"]],'
    'PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],'
    'AUTHORITY["EPSG","4258"]],PROJECTION["Lambert_Azimuthal_Equal_Area"],PARAMETER["latitude_of_center",52],'
    'PARAMETER["longitude_of_center",10],PARAMETER["false_easting",4321000],PARAMETER["false_northing",3210000],'
    'UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Northing",NORTH],AXIS["Easting",EAST],AUTHORITY["EPSG","3035"]]'
)

_KNOWN: Final[Mapping[str, Mapping[str, Any] | None]] = {
    # GeoParquet takes longitude and latitude where no system is named.
    LONGITUDE_LATITUDE: None,
    LAEA_EUROPE: _LAEA_EUROPE_PROJJSON,
    "EPSG:4258": {"type": "GeographicCRS", **_ETRS89},
}


def projjson_of(crs: str) -> Mapping[str, Any] | None:
    """Return the ``crs`` of a GeoParquet column; None where it is left out, for longitude and latitude.

    Parameters
    ----------
    crs : str
        Name of the system. Zones of UTM and the systems of EGMS are known, all others are those of pyproj.

    Raises
    ------
    UnavailableError
        If the system is not known, and pyproj is not installed.
    UsageError
        If pyproj does not know it either.
    """
    if crs in _KNOWN:
        return _KNOWN[crs]
    known = utm_projjson(crs, _ETRS89)
    if known is not None:
        return known
    try:
        import pyproj  # noqa: PLC0415 - optional, and most systems need none
    except ImportError as error:
        raise UnavailableError(
            f"{crs} is known to pyproj only, which is not installed: pip install 'insar-runtime[convert]'"
        ) from error
    try:
        definition: Mapping[str, Any] = pyproj.CRS.from_user_input(crs).to_json_dict()
    except pyproj.exceptions.CRSError as error:
        raise UsageError(f"{crs} is no coordinate reference system of EPSG; name another one") from error
    return definition


@dataclass(frozen=True, slots=True)
class SpatialReference:
    """A row of a GeoPackage's ``gpkg_spatial_ref_sys``."""

    name: str
    srs_id: int
    organization: str
    code: int
    definition: str
    description: str


WGS84: Final = SpatialReference("WGS 84", 4326, "EPSG", 4326, _WGS84_WKT, "longitude and latitude in degrees")
ETRS89_LAEA: Final = SpatialReference(
    "ETRS89-extended / LAEA Europe", 3035, "EPSG", 3035, _LAEA_EUROPE_WKT, "easting and northing in metres"
)
UNDEFINED_CARTESIAN: Final = SpatialReference("Undefined Cartesian", -1, "NONE", -1, "undefined", "unknown plane")
UNDEFINED_GEOGRAPHIC: Final = SpatialReference("Undefined geographic", 0, "NONE", 0, "undefined", "unknown globe")


def spatial_reference(column: Mapping[str, Any]) -> SpatialReference:
    """Return the system of a column that the ``geo`` metadata of GeoParquet describes.

    A system that we do not know keeps its EPSG code, which GDAL and QGIS look up; one without is an unknown plane.
    """
    if "crs" not in column:
        return WGS84
    crs = column["crs"]
    identity = crs.get("id") if isinstance(crs, Mapping) else None
    if not isinstance(identity, Mapping):
        return UNDEFINED_CARTESIAN
    authority, code = str(identity.get("authority")).upper(), identity.get("code")
    if (authority, str(code)) in {("OGC", "CRS84"), ("EPSG", "4326")}:
        return WGS84
    if authority != "EPSG" or not isinstance(code, int) or not 0 < code < 1 << 31:
        return UNDEFINED_CARTESIAN
    if code == ETRS89_LAEA.code:
        return ETRS89_LAEA
    name = str(crs.get("name", code)).encode(errors="replace").decode()
    return SpatialReference(name, code, "EPSG", code, "undefined", "as the input names it")
