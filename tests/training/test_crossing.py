"""The line between Stable and Linear is found where a classifier draws it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from insar_runtime.classes import TrendClass
from training.crossing import crossing_of


def by_slope(least: float) -> Any:
    """Return a classifier that is sure of Linear from a least-squares rate on."""

    def ask(series: np.ndarray, days: np.ndarray) -> np.ndarray:
        years = days[0].astype(float) / 365.25
        time = years - years.mean()
        rate = np.abs(series @ time / (time @ time))
        out = np.zeros((len(series), 6), dtype=np.float32)
        out[:, TrendClass.LINEAR] = 1 / (1 + np.exp(-4 * (rate - least)))
        return out

    return ask


@pytest.mark.parametrize("least", [0.9, 2.0, 5.3])
def test_the_rate_at_which_linear_takes_over(least: float) -> None:
    found = crossing_of(by_slope(least), (2.0, 8.0), (0.1, 1.0))
    for row in found.rate_mm_yr:
        assert row[0] == pytest.approx(least, abs=0.05)
        assert row[1] == pytest.approx(least, abs=0.25)
    assert found.to_dict()["rate_mm_yr"] == [list(row) for row in found.rate_mm_yr]


def test_a_line_out_of_reach_is_none() -> None:
    assert crossing_of(by_slope(40.0), (2.0,), (1.0,)).rate_mm_yr == ((None,),)
    assert crossing_of(by_slope(-40.0), (2.0,), (1.0,)).rate_mm_yr == ((0.0,),)
