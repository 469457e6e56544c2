"""Coordinate reference systems of the points, as GeoParquet and GeoPackage spell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from insar_runtime._input.crs.projjson import projjson_of as known_projjson
from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime.errors import UnavailableError, UsageError

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
    if crs == LONGITUDE_LATITUDE:
        return None
    known = known_projjson(int(crs.removeprefix("EPSG:")))
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
        is_geographic = isinstance(crs, Mapping) and crs.get("type") == "GeographicCRS"
        return UNDEFINED_GEOGRAPHIC if is_geographic else UNDEFINED_CARTESIAN
    authority, code = str(identity.get("authority")).upper(), identity.get("code")
    if (authority, str(code)) in {("OGC", "CRS84"), ("EPSG", "4326")}:
        return WGS84
    if authority != "EPSG" or not isinstance(code, int) or not 0 < code < 1 << 31:
        return UNDEFINED_CARTESIAN
    if code == ETRS89_LAEA.code:
        return ETRS89_LAEA
    name = str(crs.get("name", code)).encode(errors="replace").decode()
    return SpatialReference(name, code, "EPSG", code, "undefined", "as the input names it")
