"""Numbers of an area: displacement, noise, coherence, quality, breaks."""

from __future__ import annotations

import numpy as np
import pytest

from insar_runtime._areas.alike import Motion
from insar_runtime._areas.measures import area_numbers
from insar_runtime._areas.member_series import MemberSeries, lag_one_autocorrelation, total_displacement
from insar_runtime._areas.quality import coherence, quality_of
from insar_runtime._areas.read_points import AreaPoints

RNG = np.random.default_rng(0)
EPOCHS = 100
LINE = np.linspace(0, 30, EPOCHS, dtype=np.float32)


def test_displacement_is_that_between_the_ends() -> None:
    series = np.stack([LINE, -LINE, np.where(np.arange(EPOCHS) == 99, 500, LINE), np.full(EPOCHS, np.nan)])
    series[1, :50] = np.nan
    found = total_displacement(series.astype(np.float32))
    step = LINE[1]
    np.testing.assert_allclose(found[:2], [LINE[97] - LINE[2], -(LINE[97] - LINE[52])], rtol=1e-5)
    assert found[2] == pytest.approx(found[0], abs=float(2 * step))
    assert np.isnan(found[3])
    short = total_displacement(np.array([[1.0, 3.0, np.nan], [1.0, np.nan, np.nan]], dtype=np.float32))
    np.testing.assert_array_equal(short, [2, np.nan])


def test_autocorrelation_is_1_of_a_line_and_0_of_noise() -> None:
    series = np.stack([LINE, RNG.normal(0, 1, EPOCHS), np.tile([1.0, -1.0], EPOCHS // 2), np.ones(EPOCHS)])
    found = lag_one_autocorrelation(series.astype(np.float32))
    np.testing.assert_allclose(found[:3], [1, 0, -1], atol=0.2)
    assert np.isnan(found[3])
    holes = np.where(RNG.random((1, EPOCHS)) < 0.3, np.nan, LINE).astype(np.float32)
    assert lag_one_autocorrelation(holes)[0] == pytest.approx(1, abs=0.15)


def test_coherence_is_high_where_series_share_a_motion() -> None:
    noise = RNG.normal(0, 1, (30, EPOCHS)).astype(np.float32)
    assert coherence(LINE * np.linspace(0.5, 2, 30, dtype=np.float32)[:, None] + noise) > 0.95
    assert abs(coherence(noise)) < 0.2
    assert np.isnan(coherence(noise[:1]))
    half = LINE + noise
    half[:15, 60:] = np.nan
    assert coherence(half) > 0.9


@pytest.mark.parametrize(
    ("noise", "coherent", "quality"),
    [(0.1, 0.9, 1), (0.3, 0.7, 1), (0.5, 0.9, 2), (0.1, 0.5, 2), (0.1, 0.2, 3), (0.9, 0.5, 3), (0.9, 0.1, 4)],
)
def test_quality_needs_little_noise_and_much_coherence(noise: float, coherent: float, quality: int) -> None:
    assert quality_of(noise, coherent) == quality


def test_quality_is_unknown_without_series() -> None:
    assert quality_of(float("nan"), 0.9) is None


def points_of(rate: np.ndarray, days: np.ndarray, half: float = 20.0) -> AreaPoints:
    count = len(rate)
    return AreaPoints(
        points=np.zeros((count, 2)),
        class_id=np.resize([1, 3, 3], count).astype(np.int8),
        moving=np.ones(count, dtype=bool),
        motion=Motion(rate, np.ones(count)),
        acceleration=np.full(count, np.nan, dtype=np.float32),
        break_day=days,
        break_half_days=np.full(count, half, dtype=np.float32),
        rates_from="diagnosis",
    )


def test_numbers_are_medians_of_the_moving_points() -> None:
    rate = np.array([-4.0, -5.0, -6.0, -5.5, -4.5, np.nan])
    days = np.array(["2021-03-01", "2021-03-11", "NaT", "2021-03-05", "NaT", "2021-03-03"], dtype="datetime64[D]")
    numbers = area_numbers(points_of(rate, days), np.arange(6), None, np.arange(6), with_series=False)
    assert numbers["class_name"] == "Bilinear"
    assert (numbers["share_linear"], numbers["share_bilinear"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert numbers["rate_mm_yr"] == -5
    assert numbers["rate_spread_mm_yr"] == pytest.approx(1.4826 * 0.5)
    assert str(numbers["break_date"]) == "2021-03-04"
    assert numbers["acceleration_mm_yr2"] is None
    assert "quality" not in numbers


def test_breaks_that_disagree_or_are_few_are_none() -> None:
    spread = np.datetime64("2021-01-01") + 150 * np.arange(6)
    one = np.full(6, np.datetime64("NaT", "D"))
    one[0] = np.datetime64("2021-01-01")
    for days in (spread, one):
        numbers = area_numbers(points_of(np.ones(6), days), np.arange(6), None, np.arange(6), with_series=False)
        assert numbers["break_date"] is None
        assert numbers["break_spread_days"] is None


def test_series_begin_together_also_where_points_lack_the_first_epochs() -> None:
    count = 20
    series = np.tile(-LINE, (count, 1)).astype(np.float32)
    series[:5, :40] = np.nan
    series[:5] += 12  # series refer to their own first value
    dates = np.datetime64("2020-01-01") + 12 * np.arange(EPOCHS)
    held = MemberSeries(dates, total_displacement(series), lag_one_autocorrelation(series), np.arange(count), series)
    points = points_of(np.full(count, -9.0), np.full(count, np.datetime64("NaT", "D")))
    numbers = area_numbers(points, np.arange(count), held, np.arange(count), with_series=True)
    np.testing.assert_allclose(numbers["median_mm"], -LINE, atol=0.01)
    np.testing.assert_allclose(numbers["upper_quartile_mm"], -LINE, atol=0.5)
    assert numbers["quality"] == 1
    assert numbers["displacement_mm"] == pytest.approx(-(LINE[97] - LINE[2]), abs=0.01)
    assert numbers["acceleration_mm_yr2"] == pytest.approx(0, abs=0.05)
