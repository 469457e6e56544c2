"""Sensors by any of their names, and their half wavelengths."""

from __future__ import annotations

import pytest

from insar_runtime._input.units.sensors import SENSORS, SENTINEL1_ROUNDED_MM, half_wavelength_of
from insar_runtime.errors import UsageError


@pytest.mark.parametrize(
    ("name", "half"),
    [
        ("sentinel-1", 27.733),
        ("ERS", 28.28),
        ("envisat", 28.12),
        ("TerraSAR-X", 15.53),
        ("PAZ", 15.53),
        ("COSMO-SkyMed", 15.61),
        ("RADARSAT-2", 27.73),
        ("ALOS-2", 121.2),
        ("ALOS", 118.0),
        ("SAOCOM", 117.6),
        ("NISAR-L", 119.2),
    ],
)
def test_half_wavelengths_of_the_field(name: str, half: float) -> None:
    assert half_wavelength_of(name) == pytest.approx(half, abs=0.05)


def test_all_lie_in_the_bands_of_radars() -> None:
    assert all(14 < half_wavelength_of(name) < 125 for name in SENSORS)
    assert half_wavelength_of("sentinel-1") == pytest.approx(SENTINEL1_ROUNDED_MM, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "same"), [("S1A", "sentinel-1"), ("csk", "cosmo skymed"), ("Cosmo_SkyMed", "csg"), ("TSX", "tandem-x")]
)
def test_a_sensor_has_one_wavelength_under_all_its_names(name: str, same: str) -> None:
    assert half_wavelength_of(name) == half_wavelength_of(same)


@pytest.mark.parametrize("name", ["", "landsat", "sentinel-2"])
def test_an_unknown_sensor_is_told_all_names(name: str) -> None:
    with pytest.raises(UsageError, match=r"unknown sensor.*sentinel-1, ers,.*--half-wavelength"):
        half_wavelength_of(name)
