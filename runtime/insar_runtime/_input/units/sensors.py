"""Half the wavelength of radars: the displacement along the line of sight that is one turn of phase."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from insar_runtime.errors import UsageError

_LIGHT_MM_GHZ: Final = 299.792458
"""Speed of light in vacuum in mm times GHz: the wavelength in mm is this over the frequency in GHz."""

# Centre frequencies in GHz as the agencies state them: ESA's Sentinel-1 product definition (5.405) and annotation of
# the products (5.405000454), ERS (5.300) and ASAR (5.331) product handbooks; CSA for RADARSAT-1 (5.300), RADARSAT-2 and
# RCM (5.405); DLR for TerraSAR-X, TanDEM-X (9.650) and Hisdesat for PAZ (the same); ASI for COSMO-SkyMed, of both
# generations (9.600); KARI for KOMPSAT-5 (9.660); JAXA for ALOS (1.270) and for ALOS-2 (1.2365 in the modes that stacks
# are made of; its finest ones have 1.2575, which is 1.7 % less wavelength); CONAE for SAOCOM (1.275); NASA for NISAR's
# L band (1.257) and S band (3.200).
_GHZ: Final[Mapping[str, float]] = {
    "sentinel-1": 5.405,
    "ers": 5.300,
    "envisat": 5.331,
    "radarsat-1": 5.300,
    "radarsat-2": 5.405,
    "rcm": 5.405,
    "terrasar-x": 9.650,
    "tandem-x": 9.650,
    "paz": 9.650,
    "cosmo-skymed": 9.600,
    "kompsat-5": 9.660,
    "alos": 1.270,
    "alos-2": 1.2365,
    "saocom": 1.275,
    "nisar-l": 1.257,
    "nisar-s": 3.200,
}
_OTHER_NAMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("s1", "s1a", "s1b", "s1c", "s1d", "sentinel1a", "sentinel1b", "sentinel1c"), "sentinel-1"),
    **dict.fromkeys(("ers1", "ers2"), "ers"),
    **dict.fromkeys(("asar", "env"), "envisat"),
    "rsat1": "radarsat-1",
    **dict.fromkeys(("rsat2", "rs2"), "radarsat-2"),
    **dict.fromkeys(("tsx", "tsx1"), "terrasar-x"),
    **dict.fromkeys(("tdx", "tdx1"), "tandem-x"),
    **dict.fromkeys(("csk", "csg", "cosmo"), "cosmo-skymed"),
    **dict.fromkeys(("alos1", "palsar"), "alos"),
    "palsar2": "alos-2",
    **dict.fromkeys(("saocom1", "saocom1a", "saocom1b"), "saocom"),
    "nisar": "nisar-l",
}

SENSORS: Final = tuple(_GHZ)
"""Names of the sensors."""


def half_wavelength_of(name: str) -> float:
    """Return half the wavelength of a sensor in mm.

    Parameters
    ----------
    name : str
        E.g. ``sentinel-1``, ``TerraSAR-X`` or ``csk``; neither case nor hyphens, blanks and underscores matter.

    Raises
    ------
    UsageError
        No such sensor is known; the message lists all.
    """
    plain = _plain(name)
    known = {_plain(sensor): sensor for sensor in SENSORS}
    sensor = known.get(plain) or _OTHER_NAMES.get(plain)
    if sensor is None:
        raise UsageError(
            f"unknown sensor '{name}': one of {', '.join(SENSORS)}; give --half-wavelength in mm for another"
        )
    return _LIGHT_MM_GHZ / _GHZ[sensor] / 2


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name.lower())


SENTINEL1_MM: Final = half_wavelength_of("sentinel-1")
"""Half the wavelength of Sentinel-1, whose multiples unwrapping errors are: 27.73288 mm."""
SENTINEL1_ROUNDED_MM: Final = 27.733
"""The same as the simulator of the training rounds it, and hence the released models and their ``model.json``. It says
what a radian is where neither the user nor a model names a radar; another last digit would change the bits of results
that are recorded."""
