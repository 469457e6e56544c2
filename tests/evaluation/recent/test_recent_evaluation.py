"""The published rule, its comparison, power and calibration of recent changes, on small sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.diagnosis.scenes import Scene
from evaluation.diagnosis.sets import file_of
from evaluation.recent.comparison import compare
from evaluation.recent.measure import beside_rule, measure_scene
from evaluation.recent.power import PowerCase, measure_power, power_cases
from evaluation.recent.published_rule import READINGS, RULE_DAYS, Reading, rate_change
from evaluation.recent.report import write_report
from evaluation.recent.series import changed, unchanged
from insar_runtime import Classifier
from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._diagnosis.recent.recent_finder import RecentChangeFinder
from insar_runtime._diagnosis.recent.recent_spread import with_recent_spread
from tests.conftest import REAL
from training.real_files import one_by_one, real_bank

RECORD = Path(__file__).parents[3] / "artifacts" / "recent" / "recent.json"
DAYS = np.arange(0.0, 1200.0, 6.0, dtype=np.float64)
YEARS = DAYS / 365.25
RECENT = np.maximum(DAYS - (DAYS[-1] - RULE_DAYS), 0) / 365.25


@pytest.fixture(scope="module")
def scene() -> Scene:
    still = np.random.default_rng(0).normal(0, 4.0, (300, len(DAYS))).astype(np.float32)
    return Scene("white", "white", DAYS, still, still.std(axis=1))


@pytest.mark.parametrize("reading", READINGS)
def test_the_rule_finds_the_change_of_rate(reading: Reading) -> None:
    rows = np.array([[5.0], [-3.0], [0.0]]) * YEARS + np.array([[0.0], [25.0], [-40.0]]) * RECENT + 7.0
    np.testing.assert_allclose(rate_change(rows, DAYS, reading), [0, 25, -40], atol=1e-6)


def test_unchanged_series_have_old_motions_only(scene: Scene) -> None:
    quiet = Scene("quiet", "quiet", DAYS, 0 * scene.still, scene.scatter)
    for made in unchanged(quiet, 50, recent_days=180, seed=1).values():
        # Rounded to 0.1 mm; the curvature goes on.
        jerk = np.diff(made[:, -50:], n=3, axis=1)
        assert np.abs(jerk).max() < 0.45
    series, change = changed(quiet, 200, window_days=RULE_DAYS, seed=1)
    assert np.abs(np.diff(series[:, :170], n=2, axis=1)).max() < 0.25
    slope = (series[:, -1] - series[:, -11]) / (YEARS[-1] - YEARS[-11])
    before = (series[:, 160] - series[:, 0]) / YEARS[160]
    np.testing.assert_allclose(slope - before, change, atol=1.5)


def test_rule_and_diagnosis_are_compared_at_the_same_recall(scene: Scene) -> None:
    found = compare([beside_rule(scene, file=300, series=300, seed=2)])
    for name in ("all", "white"):
        for reading in READINGS:
            one = found[name][reading]
            assert 0.5 < one["recall"] <= 1
            # In white noise, lines that meet are as good as any estimate.
            assert one["false_alarms_of_diagnosis"] < one["false_alarms"] + 0.03 < 0.5
        two = found[name]["two lines"]
        assert two["false_alarms_of_diagnosis"] < two["false_alarms"] / 2
        assert found[name]["above 0.999"]["false_alarms"] <= found[name]["above 0.95"]["false_alarms"] < 0.12


def test_calibration_and_power_are_measured_and_reported(scene: Scene, tmp_path: Path) -> None:
    classifier = Classifier(device="cpu", threads=1)
    found = measure_scene(scene, file=300, series=400, jumps=24, seed=3, classifier=classifier)
    assert found["line"] < 0.11
    assert found["acceleration"] < 0.15
    (case,) = [one for one in power_cases() if one == PowerCase("white", 1.0, 12.0)]
    power = list(measure_power(case, 150, seed=4))
    sizes = [one["found_in_90_percent_mm_yr"] for one in power]
    assert sizes == sorted(sizes, reverse=True)
    assert 1 < sizes[1] < 8
    numbers = {
        "files": {"white": found},
        "together": {"**white**": found},
        "power": power,
        "rule": compare([beside_rule(scene, file=300, series=100, seed=5)]),
        "facts": {"recent_days": 180},
    }
    write_report(numbers, tmp_path)
    assert json.loads((tmp_path / "recent.json").read_text()) == numbers
    text = (tmp_path / "README.md").read_text()
    assert "| white | 1 | 12 days |" in text
    assert "| **white** |" in text


@pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")
def test_one_of_twenty_unchanged_series_in_real_noise_is_above_95_percent() -> None:
    for name, bank in one_by_one(real_bank(REAL, trained=False))[1:]:
        file = bank.files[0]
        scene = Scene(name, name, file.days.astype(np.float64), file.residual, file.residual.std(axis=1))
        rows = file_of(scene, 1000, seed=6)
        noise = with_recent_spread(estimate_noise(rows, scene.dates), rows, 180)
        still = unchanged(scene, 2000, recent_days=180, seed=7)["line"]
        found = RecentChangeFinder(noise, 180).find(still).probability
        assert 0.02 < np.mean(found > 0.95) < 0.08, name


def test_the_record_is_calibrated_and_better_than_the_rule() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    for name, file in record["files"].items():
        # Fewer points are too few for a share of one in twenty.
        if file["points"] >= 300:
            assert 0.015 < file["line"] < 0.1, name
    for name in ("**simulated**", "**plain noise**", "**semi-real**"):
        assert 0.035 < record["together"][name]["line"] < 0.065
        assert record["together"][name]["acceleration"] < 0.12
    for group in record["rule"].values():
        for reading in READINGS:
            assert group[reading]["false_alarms_of_diagnosis"] < group[reading]["false_alarms"]
    for one in record["power"]:
        assert 0.01 < one["unchanged_above"] < 0.075
