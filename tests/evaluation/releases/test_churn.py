"""The churn of releases is measured by comparing two releases of points that do not change."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.releases.churn import churn_table, found_table, measure_churn
from evaluation.releases.unchanged import CUTS, Cut, Points, cut_releases


def test_releases_are_cut_from_one_file() -> None:
    rng = np.random.default_rng(0)
    dates = np.datetime64("2020-01-03") + 6 * np.arange(200)
    displacement = np.round(rng.normal(0, 2, (50, 200)), 1).astype(np.float32)
    points = Points("made", displacement, dates, np.ones(50, dtype=np.bool_))
    old, new = cut_releases(points, Cut("", last_days=60, first_days=90), seed=1)
    names = [str(date).replace("-", "") for date in dates]
    assert old.schema.names[3:] == names[:190]
    assert new.schema.names[3:] == names[15:]
    both = names[15:190]
    apart = np.stack([new[name].to_numpy() - old[name].to_numpy() for name in both])
    # One shift a point, but for rounding.
    assert np.ptp(apart, axis=0).max() < 0.11
    assert np.std(apart.mean(axis=0)) > 1
    assert apart.mean() == pytest.approx(30, abs=2)


def test_churn_is_written_as_tables(tmp_path: Path) -> None:
    lines: list[str] = []
    numbers = measure_churn(tmp_path, real=None, count=300, seed=3, announce=lines.append)
    assert json.loads((tmp_path / "churn.json").read_text()) == numbers
    assert (tmp_path / "churn.md").read_text() == churn_table(numbers) + "\n" + found_table(numbers)
    found = numbers["churn"]["simulated noise"]
    assert list(found) == [cut.name for cut in CUTS]
    assert len(lines) == len(CUTS)
    for one in found.values():
        assert one["points"] == 300
        assert one["class changes of 0.8 or more, %"] <= one["class changes of 0.5 or more, %"]
        assert one["class changes of 0.5 or more, %"] <= one["class changes, %"] < 30
    changes = numbers["true changes"]["simulated noise"]
    assert changes["40 mm/yr"]["any"] > changes["10 mm/yr"]["any"]
