"""Simulated events are measured with their true sizes, in noise of any kind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REAL

pytest.importorskip("matplotlib", reason="the train group is not installed")

from evaluation.realism.event_report import compare_events
from evaluation.realism.events import Events, measure_events
from insar_runtime import CLASS_NAMES
from training.labelled_rows.labels import load_labelled_files

DAYS = np.arange(0, 1800, 12, dtype=np.float32)
YEARS = DAYS / 365.25


def measured(motion: np.ndarray, scatter: float = 1.0, rows: int = 40) -> Events:
    """Events of a motion in white noise, with an annual cycle, a few missing values and a lone outlier."""
    rng = np.random.default_rng(0)
    values = motion + rng.normal(0, scatter, (rows, len(DAYS))) + 3 * np.sin(2 * np.pi * YEARS)
    values[:, 11] += 30
    values[::3, 40:43] = np.nan
    return measure_events(values.astype(np.float32), DAYS)


def test_rate_and_scatter_of_a_line_in_noise_are_measured() -> None:
    found = measured(-7 * YEARS, 2.0)
    np.testing.assert_allclose(np.median(found.rate), 7, atol=0.3)
    np.testing.assert_allclose(np.median(found.scatter), 2.0, rtol=0.15)
    assert np.median(found.jumps) == 0


@pytest.mark.parametrize(("first", "after"), [(60, 75), (20, 26), (90, 150)])
def test_size_and_duration_of_a_jump(first: int, after: int) -> None:
    epoch = np.arange(len(DAYS))
    found = measured(-14.0 * ((epoch >= first) & (epoch < after)) + 2 * YEARS)
    assert np.median(found.jump) == pytest.approx(14, abs=2)
    assert np.median(found.jump_over_scatter) == pytest.approx(14, rel=0.25)
    assert np.mean(found.lasting) == float(after == len(DAYS))
    if after < len(DAYS):
        # A median of three rounds the corners of short ones; values are missing in some rows.
        assert np.nanmedian(found.duration_epochs) == pytest.approx(after - first, abs=1)
        assert np.nanmedian(found.duration_days) == pytest.approx(12 * (after - first), abs=24)
    assert np.median(found.jumps) == 1
    assert np.median(found.between_epochs) < 1


def test_several_jumps_are_counted_and_slow_edges_are_seen() -> None:
    epoch = np.arange(len(DAYS))
    twice = 15.0 * ((epoch >= 20) & (epoch < 40)) - 18.0 * ((epoch >= 80) & (epoch < 110))
    assert np.median(measured(twice).jumps) == 2
    slow = np.clip((epoch - 69) / 4, 0, 1) * 16
    sharp = 16.0 * (epoch >= 71)
    assert np.mean(measured(slow).between_epochs) > np.mean(measured(sharp).between_epochs) + 1


def test_bends_are_measured_from_their_best_line() -> None:
    hinge = np.maximum(YEARS - 0.4 * YEARS[-1], 0)
    line = np.polynomial.Polynomial.fit(YEARS, hinge, 1)(YEARS)
    scale = 3 / np.std(hinge - line)
    found = measured(scale * hinge + 5 * YEARS)
    assert np.median(found.bend) == pytest.approx(3, rel=0.2)
    assert np.median(found.break_share) == pytest.approx(0.4, abs=0.05)
    assert np.median(measured(5 * YEARS).bend) < 0.5


def test_short_rows_are_not_measured() -> None:
    values = np.full((2, len(DAYS)), np.nan, dtype=np.float32)
    values[1, :30] = np.random.default_rng(1).normal(0, 1, 30)
    found = measure_events(values, DAYS)
    assert np.isnan(found.rate[0])
    assert np.isfinite(found.rate[1])


@pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")
def test_read_and_simulated_rows_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("_ROWS", 2), ("_COLUMNS", 1)):  # drawing takes long
        monkeypatch.setattr(f"evaluation.realism.event_report.{name}", few)
    files = load_labelled_files(REAL, files=["124_0770_IW3_VV", "Maoxian_PS"])
    compare_events(files, REAL, tmp_path, simulated=600, seed=1)
    numbers = json.loads((tmp_path / "events.json").read_text(encoding="utf-8"))
    assert set(numbers["classes"]) == set(CLASS_NAMES)
    wrong = numbers["classes"]["PUE"]
    assert wrong["labelled rows"] > 20
    assert wrong["simulated rows"] == 100
    for kind in ("labelled", "simulated"):
        low, middle, high = wrong["jump"][kind]
        assert 8 < low <= middle <= high < 70
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"events.json", "events.png", *(f"side-by-side-{name.lower()}.png" for name in CLASS_NAMES)}
    assert all(path.stat().st_size < 400_000 for path in tmp_path.iterdir())
