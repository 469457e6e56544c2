"""Offsets between two series of a point: median, error, and series that cannot be joined."""

from __future__ import annotations

import numpy as np
import pytest

from insar_runtime import DataError
from insar_runtime._releases.join.offsets import (
    JoinLimits,
    JoinStatus,
    correlation_of_changes,
    measure_offsets,
)
from insar_runtime._releases.join.reference import measure_reference

LIMITS = JoinLimits()
DATES = np.datetime64("2019-01-04") + 6 * np.arange(120)


def noise(points: int, epochs: int = 120, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (points, epochs))


def test_the_offset_is_the_median_of_the_differences() -> None:
    old = noise(5)
    new = old + np.linspace(0.0, 40.0, 5)[:, None]
    new[:, :7] += 40.0  # outliers of both signs do not move a median
    new[:, 113:] -= 40.0
    found = measure_offsets(old, new, LIMITS)
    np.testing.assert_allclose(found.mm, np.arange(5) * 10, atol=1e-9)
    assert (found.epochs == 120).all()
    assert (found.status == JoinStatus.JOINED).all()
    assert (found.std_mm == np.float64(0.03)).all(), "equal series are known as well as their rounding"


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_error_of_an_offset_is_as_stated(correlation: float) -> None:
    rng = np.random.default_rng(1)
    difference = rng.normal(0, 1, (4000, 150))
    for epoch in range(1, 150):
        difference[:, epoch] = (
            correlation * difference[:, epoch - 1] + (1 - correlation**2) ** 0.5 * difference[:, epoch]
        )
    found = measure_offsets(np.zeros_like(difference), difference, LIMITS)
    assert 0.85 < np.std(found.mm) / np.median(found.std_mm) < 1.2


def test_missing_epochs_are_counted_and_infinite_values_are_missing() -> None:
    old, new = noise(4), noise(4) + 3
    old[1, ::2] = np.nan
    new[1, 1::2] = np.inf
    old[2, 9:] = np.nan
    old[3] = np.nan
    found = measure_offsets(old, new, LIMITS)
    assert found.epochs.tolist() == [120, 0, 9, 0]
    assert found.status.tolist() == [
        JoinStatus.JOINED,
        JoinStatus.NO_COMMON_EPOCHS,
        JoinStatus.TOO_FEW_COMMON_EPOCHS,
        JoinStatus.NO_COMMON_EPOCHS,
    ]
    assert np.isnan(found.mm[[1, 3]]).all()


def test_a_jump_or_a_drift_of_one_release_alone_is_no_constant_difference() -> None:
    old = noise(4)
    new = old.copy()
    new[1, 90:] += 20.0  # a quarter of the epochs: no median of all shows it
    new[2] += np.linspace(-15, 15, 120)
    new[3] = noise(1, seed=5)[0] * 5
    status = measure_offsets(old, new, LIMITS).status
    assert status.tolist() == [JoinStatus.JOINED] + [JoinStatus.SERIES_DISAGREE] * 3
    wide = measure_offsets(old, new, JoinLimits(difference_mm=50.0))
    assert (wide.status == JoinStatus.JOINED).all()


def test_what_all_points_depart_by_is_no_disagreement() -> None:
    old = noise(3)
    drift = np.linspace(-15, 15, 120)
    assert (measure_offsets(old, old + drift, LIMITS, drift).status == JoinStatus.JOINED).all()


def test_points_matched_by_position_must_share_their_noise() -> None:
    motion = np.linspace(0, 30, 120)
    old, other = noise(2) + motion, noise(2, seed=9) + motion
    by_position = np.array([False, True])
    assert (measure_offsets(old, old + 4, LIMITS, by_position=by_position).status == JoinStatus.JOINED).all()
    status = measure_offsets(old, other, LIMITS, by_position=by_position).status
    assert status.tolist() == [JoinStatus.JOINED, JoinStatus.SERIES_DISAGREE]
    assert np.allclose(correlation_of_changes(old, old), 1)


def test_a_common_trend_and_a_common_step_are_told() -> None:
    old = noise(200).astype(np.float32)
    years = (DATES - DATES[0]).astype(float) / 365.25
    offsets = np.random.default_rng(3).normal(5, 2, (200, 1))
    new = (old + offsets + 3.0 * years).astype(np.float32)
    found, common = measure_reference(old, new, DATES, LIMITS)
    assert found.slope_mm_yr == pytest.approx(3.0, abs=1e-3)
    assert found.offset_spread_mm == pytest.approx(2.0, abs=0.4)
    assert found.step_mm == pytest.approx(-3.0 * years[-1] / 2, abs=0.3)
    np.testing.assert_allclose(common, 3.0 * (years - np.median(years)), atol=1e-3)
    text = " ".join(found.notes)
    assert "trend of +3 mm/yr" in text
    assert "all points step by -2." in text


def test_nothing_is_told_of_releases_that_differ_by_constants() -> None:
    old = noise(200).astype(np.float32)
    new = np.round(old + np.random.default_rng(3).normal(5, 2, (200, 1)), 1).astype(np.float32)
    found, common = measure_reference(old, new, DATES, LIMITS)
    assert found.notes == ()
    assert np.abs(common).max() < 0.05
    assert found.agreement == 1.0


def test_a_common_season_is_told() -> None:
    old = noise(200).astype(np.float32)
    years = (DATES - DATES[0]).astype(float) / 365.25
    found, _ = measure_reference(old, (old + 2.0 * np.sin(2 * np.pi * years)).astype(np.float32), DATES, LIMITS)
    assert found.season_mm == pytest.approx(2.0, abs=0.1)
    assert any("annual cycle of 2 mm" in note for note in found.notes)


def test_opposite_signs_and_other_units_are_refused() -> None:
    old = noise(100).astype(np.float32)
    with pytest.raises(DataError, match="opposite signs in OLD and NEW"):
        measure_reference(old, 3 - old, DATES, LIMITS)
    with pytest.raises(DataError, match="10 times as much in NEW as in OLD: other units"):
        measure_reference(old, 10 * old, DATES, LIMITS)
    measure_reference(old, noise(100, seed=7).astype(np.float32) * 10, DATES, LIMITS)  # unrelated series say nothing
