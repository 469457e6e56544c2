"""The curves drawn through series: what a class says, at the level of the data, whatever else the series have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._diagnosis.trend.curves import Shape, Shapes, fit_trends
from insar_runtime.classes import TrendClass

RATES = st.floats(-40, 40)
WITHOUT_TREND = (TrendClass.PUE, TrendClass.OTHER)


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, Shapes, np.ndarray]:
    """Series without noise, their days, what is known of them, and the curves that they were made from."""
    count, epochs = draw(st.integers(1, 6)), draw(st.integers(40, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    days = draw(st.sampled_from([0.0, 17_000.0])) + np.cumsum(rng.choice([6.0, 12.0, 24.0], epochs))
    years = (days - days[0]) / 365.25
    class_id = rng.choice([-1, *(kind for kind in TrendClass if kind not in WITHOUT_TREND)], count)
    known = {name: rng.uniform(-40, 40, count) for name in ("velocity", "acceleration", "before", "after")}
    break_day = rng.uniform(days[3], days[-4], count)
    shapes = Shapes.by_class(class_id, break_day=break_day, **known)
    since = years - (break_day[:, None] - days[0]) / 365.25
    slope = rng.uniform(-9, 9, count)
    curves = {
        Shape.LINE: known["velocity"][:, None] * years,
        Shape.PARABOLA: slope[:, None] * years + known["acceleration"][:, None] / 2 * years**2,
        Shape.BROKEN: np.where(since < 0, known["before"][:, None], known["after"][:, None]) * since,
    }
    truth = np.stack([curves[Shape(int(kind))][row] for row, kind in enumerate(shapes.shape)])
    truth += rng.uniform(-100, 100, (count, 1))
    cycle = rng.uniform(0, 8, (count, 1)) * np.sin(2 * np.pi * years + rng.uniform(0, 6, (count, 1)))
    series = truth + (cycle if years[-1] >= 1 else 0)
    series[rng.random(series.shape) < draw(st.sampled_from([0.0, 0.2]))] = np.nan
    return series, days, shapes, truth


@given(rows())
def test_curves_are_what_the_series_were_made_from(drawn: tuple[np.ndarray, np.ndarray, Shapes, np.ndarray]) -> None:
    series, days, shapes, truth = drawn
    trends = fit_trends(series, days, shapes)
    for row in range(len(series)):
        there = np.flatnonzero(np.isfinite(series[row]))
        corners, mm = trends.curve(row, most=400)
        assert corners[0] == days[there[0]]
        assert corners[-1] == days[there[-1]]
        found = np.interp(days[there], corners, mm)
        np.testing.assert_allclose(found, truth[row, there], atol=0.02)


@given(rows(), st.integers(0, 5))
def test_curves_do_not_depend_on_other_rows(drawn: tuple[np.ndarray, np.ndarray, Shapes, np.ndarray], row: int) -> None:
    series, days, shapes, _ = drawn
    row %= len(series)
    alone = Shapes(*(getattr(shapes, name)[row : row + 1] for name in Shapes.__slots__))
    np.testing.assert_allclose(
        fit_trends(series, days, shapes).mm[row], fit_trends(series[row : row + 1], days, alone).mm[0], atol=1e-6
    )


@pytest.mark.parametrize(
    ("class_id", "missing", "shape"),
    [
        (TrendClass.BILINEAR, (), Shape.BROKEN),
        (TrendClass.BILINEAR, ("break_day",), Shape.NONE),
        (TrendClass.BILINEAR, ("before", "velocity"), Shape.NONE),
        (TrendClass.QUADRATIC, (), Shape.PARABOLA),
        (TrendClass.QUADRATIC, ("acceleration",), Shape.LINE),
        (TrendClass.STABLE, (), Shape.LINE),
        (TrendClass.PUE, (), Shape.NONE),
        (TrendClass.OTHER, (), Shape.NONE),
        (-1, (), Shape.LINE),
        (-1, ("velocity",), Shape.NONE),
    ],
)
def test_shapes_follow_the_class_as_far_as_its_numbers_are_known(
    class_id: int, missing: tuple[str, ...], shape: Shape
) -> None:
    names = ("velocity", "acceleration", "break_day", "before", "after")
    known = {name: np.array([np.nan if name in missing else 1.0]) for name in names}
    assert Shapes.by_class(np.array([class_id]), **known).shape.tolist() == [shape]


@pytest.mark.parametrize("values", [[np.nan] * 5, [np.inf] * 5, [3.0, *[np.nan] * 4], [1.0, 2.0, np.nan, np.nan, 2.0]])
def test_hardly_any_values(values: list[float]) -> None:
    """Nothing, or a curve of numbers; never an error."""
    series = np.array([values] * 4)
    one = np.ones(4)
    shapes = Shapes.by_class(np.arange(4), velocity=one, acceleration=one, break_day=9 * one, before=one, after=-one)
    trends = fit_trends(series, np.array([0.0, 6, 12, 18, 24]), shapes)
    if np.isfinite(values).any():
        assert np.isfinite(trends.mm).all()
    else:
        assert (trends.shape == Shape.NONE).all()
        assert np.isnan(trends.mm).all()
