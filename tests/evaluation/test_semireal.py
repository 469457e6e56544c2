"""Semi-real series: known motions on real noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.semireal import CLEARLY_STABLE_MM_YR, LEAST_DEPARTURE, semi_real, semi_real_sets
from tests.conftest import REAL
from training.real_files import REAL_FILES, one_by_one, real_bank


@pytest.fixture
def real() -> Path:
    if not REAL.is_dir():
        pytest.skip("real files not present: shared/data/real")
    return REAL


def test_semi_real_series_follow_the_recipe(real: Path) -> None:
    (name, bank), *_ = one_by_one(real_bank(real, trained=False))
    series = semi_real(bank, 500, seed=1)
    assert np.bincount(series.label).tolist() == [100] * 5
    assert set(series.facts["calendar"].tolist()) == {name}
    curved = np.isin(series.label, (2, 3))
    assert series.facts["departure"][curved].min() >= LEAST_DEPARTURE - 1e-3
    rate = _rates(series.displacement[series.label == 0], series.days[0])
    # The residual has no line, so the rate of a stable row is the one that was added, but for rounding.
    assert np.abs(rate).max() < CLEARLY_STABLE_MM_YR + 0.1


def test_semi_real_sets_know_what_was_trained_on(real: Path) -> None:
    tested = semi_real_sets(real, 100, seed=1, trained=False)
    assert set(tested) == {file.name for file in REAL_FILES if not file.trained}
    for series in tested.values():
        assert series.facts["damped"].mean() == pytest.approx(0.5)


def _rates(displacement: np.ndarray, days: np.ndarray) -> np.ndarray:
    time = (days - days.mean()) / 365.25
    return displacement @ time / (time @ time)
