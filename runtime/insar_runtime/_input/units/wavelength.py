"""Half the wavelength of the radar that a table comes from: declared, or proven by its producer and its dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.producers import Producer
from insar_runtime._input.units.sensors import SENTINEL1_MM
from insar_runtime.errors import UsageError

Evidence = Literal["declared", "producer", "dates", "projected", "unknown"]

_SENTINEL1_SERVICES: Final = ("EGMS L2", "EGMS L2a", "EGMS L2b", "InSAR Norway")
"""Producers of series along the line of sight that process Sentinel-1. (Norway has RADARSAT-2 besides, whose wavelength
is the same.)"""

_FIRST_ACQUISITION: Final = np.datetime64("2014-10-03")
"""Of Sentinel-1A after its commissioning."""
_NISAR: Final = np.datetime64("2025-07-30")
"""Its launch; it repeats its orbit every 12 days, as one Sentinel-1 does."""
_CYCLE_DAYS: Final = 6
_OTHER_CYCLES_DAYS: Final = (8, 11, 14, 28)
"""Of radars of other wavelengths since 2014: COSMO-SkyMed and SAOCOM (8 and 16), TerraSAR-X and PAZ, ALOS-2, KOMPSAT-5.
RADARSAT-2 and RCM have the wavelength of Sentinel-1."""
_LEAST_EPOCHS: Final = 10
"""Fewer dates fit a cycle by chance."""


@dataclass(frozen=True, slots=True)
class Wavelength:
    """Half the wavelength of a table's radar, and how it is known.

    Attributes
    ----------
    half_mm : float or None
        None where it is unknown, or means nothing to the series.
    evidence : {"declared", "producer", "dates", "projected", "unknown"}
        Declared by the user; known of a service that processes Sentinel-1; only Sentinel-1 has acquired on such dates;
        the series are projected and mix tracks, so that no jump is a multiple of it; or none of these.
    """

    half_mm: float | None
    evidence: Evidence

    @property
    def note(self) -> str | None:
        """One line for people about why jumps get no cycles, and what they can do; None where jumps get them."""
        if self.evidence == "unknown":
            return (
                "neither producer nor dates prove the radar, so jumps get no cycles and are not repaired as multiples "
                "of half its wavelength: name it with --sensor"
            )
        if self.evidence == "projected":
            return "the series are projected, so jumps get no cycles and are not repaired as multiples of a wavelength"
        return None


def find_wavelength(
    dates: NDArray[np.datetime64], made_by: Producer | None = None, declared_mm: float | None = None
) -> Wavelength:
    """Find half the wavelength that jumps of a table are multiples of.

    Parameters
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    made_by : Producer, optional
        Of the table.
    declared_mm : float, optional
        What the user says; wins over all, but where series are projected.

    Raises
    ------
    UsageError
        If the declared length is not positive.
    """
    if declared_mm is not None and not (np.isfinite(declared_mm) and declared_mm > 0):
        raise UsageError(f"half wavelength of {declared_mm} mm: give a positive length")
    if made_by is not None and (made_by.level == "L3" or made_by.domain in {"vertical", "east"}):
        return Wavelength(None, "projected")
    if declared_mm is not None:
        return Wavelength(float(declared_mm), "declared")
    if made_by is not None and made_by.name in _SENTINEL1_SERVICES and _repeats(dates, _CYCLE_DAYS):
        return Wavelength(SENTINEL1_MM, "producer")
    if _is_sentinel1(dates):
        return Wavelength(SENTINEL1_MM, "dates")
    return Wavelength(None, "unknown")


def _is_sentinel1(dates: NDArray[np.datetime64]) -> bool:
    """Whether no other radar can have acquired on these dates, and Sentinel-1 can."""
    return (
        len(dates) >= _LEAST_EPOCHS
        and bool(dates[0] >= _FIRST_ACQUISITION)
        and _repeats(dates, _CYCLE_DAYS)
        and not any(_repeats(dates, cycle) for cycle in _OTHER_CYCLES_DAYS)
        and (bool(dates[0] < _NISAR) or not _repeats(dates, 2 * _CYCLE_DAYS))
    )


def _repeats(dates: NDArray[np.datetime64], cycle: int) -> bool:
    """Whether all dates are a whole number of cycles apart; a pass around midnight falls on either of two days."""
    places = np.unique((dates - dates[:1]).astype(np.int64) % cycle)
    steps = np.diff(places, append=places[:1] + cycle)
    return len(places) < 2 or bool(len(places) == 2 and steps.min() == 1)
