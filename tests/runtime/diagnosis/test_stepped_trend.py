"""Lines and parabolas with steps: what they find, and whether they lie on the points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from insar_runtime import Classifier, classify_file
from insar_runtime._diagnosis.trend.curves import Shape
from insar_runtime._diagnosis.trend.stepped_trend import MOST_SCATTER_RATIO, fit_stepped, stepped_trend
from insar_runtime._show.find_point import find_point
from insar_runtime._show.point_plot import PointPlot
from insar_runtime.classes import NO_CLASS, TrendClass

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "real"
DAYS = np.arange(0, 1500, 6.0) + 17_000
YEARS = (DAYS - DAYS[0]) / 365.25
Floats = NDArray[np.float64]


def step(epoch: int) -> Floats:
    return np.asarray(np.arange(len(DAYS)) >= epoch, dtype=np.float64)


def noise(*, seed: int, scatter: float = 1.5) -> Floats:
    return scatter * np.random.default_rng(seed).normal(size=len(DAYS))


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.booleans())
def test_without_noise_everything_is_found(seed: int, count: int, curved: bool) -> None:
    rng = np.random.default_rng(seed)
    places = np.sort(rng.choice(np.arange(10, len(DAYS) - 10, 10), count, replace=False))
    sizes = rng.uniform(10, 30, count) * rng.choice([-1, 1], count)
    rate, bend = rng.uniform(-20, 20), rng.uniform(2, 6) * rng.choice([-1, 1]) if curved else 0.0
    trend = 3 + rate * YEARS + bend * YEARS**2
    steps = (DAYS[:, None] >= DAYS[places]) @ sizes
    values = trend + steps + 4 * np.sin(2 * np.pi * YEARS + 1)
    values[rng.random(len(DAYS)) < 0.1] = np.nan
    values[places] = (trend + steps + 4 * np.sin(2 * np.pi * YEARS + 1))[places]
    found = fit_stepped(values, DAYS, DAYS[places], curved=None)
    assert found is not None
    assert found.fits
    np.testing.assert_allclose(found.steps, sizes, atol=0.05)
    np.testing.assert_allclose(found.polynomial(DAYS) - trend, 0, atol=0.1)


def test_rates_are_as_good_as_they_say() -> None:
    errors = []
    for seed in range(200):
        values = noise(seed=seed) + 5 * YEARS + 15 * step(100)
        found = fit_stepped(values, DAYS, DAYS[[100]], curved=False)
        assert found is not None
        errors.append((found.rate - 5) / found.rate_std)
    assert 0.8 < np.std(errors) < 1.25


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_what_misses_the_points_is_told(missing: float) -> None:
    """An S, and segments without one of the jumps."""
    rng = np.random.default_rng(1)
    wave = 8 * np.sin(2 * np.pi * (YEARS - 2) / 3)
    stepped = 14.0 * step(80) - 14.0 * step(180)
    lost = rng.random(len(DAYS)) < missing
    for values, jumps, lies in (
        (noise(seed=2) + wave + 12 * step(200), [200], False),
        (noise(seed=3) + stepped, [80], False),
        (noise(seed=4) + stepped, [80, 180], True),
        (noise(seed=5) + stepped + 4 * YEARS, [80, 180], True),
    ):
        values[lost] = np.nan
        mm = np.array([14.0, -14.0])[: len(jumps)]
        found = stepped_trend(values, DAYS, DAYS[jumps], mm, TrendClass.PUE)
        assert (found is not None) == lies


def test_what_goes_the_other_way_than_its_jump_is_not_drawn() -> None:
    values = noise(seed=6) + 14 * step(100)
    assert stepped_trend(values, DAYS, DAYS[[100]], np.array([14.0]), TrendClass.PUE) is not None
    assert stepped_trend(values, DAYS, DAYS[[100]], np.array([-14.0]), TrendClass.PUE) is None


@pytest.mark.parametrize(
    ("class_id", "powers"),
    [
        (TrendClass.OTHER, None),
        (TrendClass.STABLE, 2),
        (TrendClass.LINEAR, 2),
        (TrendClass.QUADRATIC, 3),
        (TrendClass.PUE, 3),
        (NO_CLASS, 3),
    ],
)
def test_the_class_says_which_curve_it_is(class_id: int, powers: int | None) -> None:
    """Of a parabola with little curvature a line is not far away, and with a clear one it misses the points."""
    values = noise(seed=7) + 14 * step(100) + 1.1 * YEARS**2
    found = stepped_trend(values, DAYS, DAYS[[100]], np.array([14.0]), class_id)
    assert (None if found is None else len(found.coefficients)) == powers


def test_hardly_any_values() -> None:
    values = np.full(len(DAYS), np.nan)
    assert fit_stepped(values, DAYS, DAYS[[5]], curved=None) is None
    values[:3] = [1, 2, 9]
    assert fit_stepped(values, DAYS, DAYS[[2]], curved=None) is None
    values[:12] = 3.0
    found = fit_stepped(values, DAYS, DAYS[[5]], curved=None)
    assert found is not None
    assert np.isfinite([found.rate, found.rate_std, found.scatter_ratio]).all()


def _rough(values: Floats) -> float:
    """Return the RMS of a series about its running median of nine epochs: the least that a smooth curve leaves."""
    half = 4
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * half + 1)
    return float(np.sqrt(np.mean((values[half:-half] - np.median(windows, axis=1)) ** 2)))


@pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")
def test_trends_of_real_rows_lie_on_their_points(tmp_path: Path) -> None:
    """Rows of class PUE, as ``show`` draws them: segments that are near all points, or nothing."""
    path = tmp_path / "classified.parquet"
    classify_file(REAL / "egms_l2_wroclaw/124_0770_IW3_VV.csv", path, diagnose=True, keep_series=True)
    names = pq.read_table(path, columns=["class_name", "n_jumps"]).to_pylist()
    rows = [row for row, one in enumerate(names) if one["class_name"] == "PUE"]
    drawn = 0
    for row in rows:
        point = find_point(path, row=row, open_classifier=_never)
        assert point.series is not None
        plot = PointPlot.of(point.series, point.answer, point.diagnosis)
        repaired = plot.diagnosis is not None and plot.diagnosis.class_after_repair not in {None, "PUE", "Other"}
        if plot.shape is Shape.NONE:
            assert not len(plot.trend)
            continue
        if not repaired:
            assert plot.jumps
        drawn += 1
        days = plot.series.dates.astype(np.float64)
        there = np.isfinite(plot.shown)
        left = plot.shown[there] - np.interp(days[there], plot.trend_dates.astype(np.float64), plot.trend)
        years = days[there] / 365.25
        cycle = np.stack([np.ones_like(years), np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)], axis=1)
        left -= cycle @ np.linalg.lstsq(cycle, left, rcond=None)[0]
        if not repaired:
            # Of a running median of nine less is left than of a mean of eleven.
            assert np.sqrt(np.mean(left**2)) < 1.25 * MOST_SCATTER_RATIO * _rough(plot.shown[there])
    assert drawn > 0.6 * len(rows)


def _never() -> Classifier:
    raise AssertionError("no model is needed")
