"""The benchmark of the diagnosis: the methods it is compared with work, and the record holds together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("scipy", reason="the train group is not installed")

from benchmarks.diagnosis.other_methods import CurveFit, Gls, Lstsq, Scan
from benchmarks.diagnosis.report import markdown
from insar_runtime._diagnosis.noise.noise_model import NoiseKind
from insar_runtime._diagnosis.rates.egms_rates import estimate_rates
from training.simulator import HALF_WAVELENGTH_MM

Series = NDArray[np.float32]
DAYS: NDArray[np.float64] = np.arange(90, dtype=np.float64) * 12
YEARS: NDArray[np.float64] = DAYS / 365.25


@pytest.fixture
def noise() -> Series:
    return np.random.default_rng(1).normal(0, 1, (4, len(DAYS))).astype(np.float32)


@pytest.mark.parametrize("rival", [Lstsq, CurveFit])
def test_loops_find_the_same_rates(noise: Series, rival: type[Lstsq | CurveFit]) -> None:
    moving = (noise + 5 * YEARS + YEARS**2 + 3 * np.sin(2 * np.pi * YEARS)).astype(np.float32)
    own, theirs = estimate_rates(moving, DAYS), rival(DAYS).rates(moving)
    np.testing.assert_allclose(theirs[:, 0], own.velocity, rtol=1e-3)
    np.testing.assert_allclose(theirs[:, 1], own.acceleration, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(theirs[:, 2], own.season_amp, rtol=1e-3)
    # EGMS divides by all epochs, least squares by those beyond the unknowns.
    np.testing.assert_allclose(theirs[:, 4], own.velocity_std, rtol=0.03)


def test_scans_find_breaks_and_jumps(noise: Series) -> None:
    covariance = NoiseKind(1.0, 0.0, 0.0, annual=0.3).covariance(DAYS)
    broken = (noise + 30 * np.maximum(YEARS - YEARS[40], 0)).astype(np.float32)
    for days in (Scan(DAYS).breaks(broken), Gls(DAYS, covariance).breaks(broken), CurveFit(DAYS).breaks(broken)):
        assert np.abs(days - DAYS[40]).max() <= 24
    index = np.arange(len(DAYS))
    jumping = (noise + HALF_WAVELENGTH_MM * ((index >= 30) & (index < 60))).astype(np.float32)
    for jumps in (Scan(DAYS).jumps(jumping), Gls(DAYS, covariance).jumps(jumping)):
        assert all({30, 60} <= set(found) for found in jumps)
        assert max(len(found) for found in jumps) <= 5


def test_record_holds_together(artifacts: Path) -> None:
    folder = artifacts / "diagnosis"
    facts = json.loads((folder / "speed.json").read_text(encoding="utf-8"))
    assert (folder / "speed.md").read_text(encoding="utf-8") == markdown(facts)
    assert facts["epochs"] == 243
    assert {"rates", "breaks", "jumps"} <= set(facts["fits"])
