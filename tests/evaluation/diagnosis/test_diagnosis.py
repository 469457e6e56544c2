"""The evaluation of the diagnosis: figures of merit by hand, a small run, and the committed record."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.diagnosis import metrics
from evaluation.diagnosis.goals import goals_of
from evaluation.diagnosis.known_noise import KNOWN, known_file
from evaluation.diagnosis.measure import look_for_breaks, look_for_jumps, scatter_around
from evaluation.diagnosis.report import markdown
from evaluation.diagnosis.results import of_others
from evaluation.diagnosis.run import FULL, QUICK, run
from evaluation.diagnosis.scenes import KINDS, Scene, simulated_scenes
from evaluation.diagnosis.sets import BreakSet, JumpSet, break_set, damped_set, jump_free_set, jump_set, with_gaps
from insar_runtime import Classifier
from insar_runtime._diagnosis.results import Breaks, Jumps
from tests.conftest import REAL
from training.simulator import HALF_WAVELENGTH_MM


def _pairs(found: list[tuple[int, int]], true: list[tuple[int, int]]) -> list[int]:
    columns = [tuple(np.array(pairs, dtype=np.int64).reshape(-1, 2).T) for pairs in (found, true)]
    return metrics.match(columns[0], columns[1]).tolist()  # type: ignore[arg-type]


def test_finds_are_matched_one_to_one_within_an_epoch() -> None:
    assert _pairs([(0, 5)], [(0, 6)]) == [0]
    assert _pairs([(0, 5)], [(0, 7)]) == [-1]
    assert _pairs([(0, 5)], [(1, 5)]) == [-1]
    # Two finds of one truth: one of them is wrong.
    assert sorted(_pairs([(0, 5), (0, 6)], [(0, 5)])) == [-1, 0]
    # A find between two truths takes the earlier one, so that both are found.
    assert _pairs([(0, 6), (0, 8)], [(0, 7), (0, 5)]) == [1, 0]
    assert _pairs([(2, 9), (0, 3)], [(0, 3), (2, 9)]) == [1, 0]
    assert _pairs([], [(0, 1)]) == []
    assert _pairs([(0, 1)], []) == [-1]


def _most_pairs(found: list[int], true: list[int]) -> int:
    """Count by trying everything."""
    if not found:
        return 0
    first, rest = found[0], found[1:]
    best = _most_pairs(rest, true)
    for place, truth in enumerate(true):
        if abs(first - truth) <= 1:
            best = max(best, 1 + _most_pairs(rest, true[:place] + true[place + 1 :]))
    return best


@given(st.lists(st.integers(0, 12), max_size=5), st.lists(st.integers(0, 12), max_size=5))
def test_as_many_are_matched_as_can_be(found: list[int], true: list[int]) -> None:
    pair = _pairs([(0, epoch) for epoch in found], [(0, epoch) for epoch in true])
    matched = [place for place in pair if place >= 0]
    assert len(set(matched)) == len(matched) == _most_pairs(found, true)
    assert all(abs(found[i] - true[place]) <= 1 for i, place in enumerate(pair) if place >= 0)


def test_breaks_are_counted_where_there_is_an_answer() -> None:
    table = {
        "answered": np.array([True, True, True, False]),
        "covered": np.array([True, True, False, False]),
        "error_epochs": np.array([1.0, -2.0, 9.0, np.nan]),
        "width_epochs": np.array([4.0, 6.0, 8.0, np.nan]),
        "z_before": np.array([1.0, -1.0, 2.0, np.nan]),
        "z_after": np.array([0.0, 0.0, 3.0, np.nan]),
        "explains": np.array([True, False, True, True]),
    }
    numbers = metrics.break_numbers(table)
    assert numbers["coverage"] == pytest.approx(2 / 3, abs=1e-5)
    assert (numbers["answered"], numbers["median_error_epochs"], numbers["median_width_epochs"]) == (0.75, 2.0, 6.0)
    assert (numbers["variance_before"], numbers["variance_after"]) == (2.0, 3.0)
    assert numbers["rates_in_90"] == pytest.approx(4 / 6, abs=1e-5)
    assert metrics.break_numbers(metrics.where(table, ~table["answered"]))["coverage"] is None


def test_figures_of_jumps_are_those_counted_by_hand() -> None:
    true = {
        "found": np.array([True, True, False, True]),
        "cycles": np.array([1, -1, 2, 1]),
        "cycles_found": np.array([1, 0, 0, 1]),
        "z_mm": np.array([1.0, -1.0, np.nan, 2.0]),
    }
    found = {"matched": np.array([True, True, True, False, False]), "cycles_found": np.array([1, 0, 1, 1, 0])}
    numbers = metrics.jump_numbers(true, found)
    assert (numbers["recall"], numbers["precision"]) == (0.75, 0.6)
    assert numbers["variance_mm"] == 2
    assert numbers["precision_with_cycles"] == numbers["cycles_right"] == pytest.approx(2 / 3, abs=1e-5)


def test_probabilities_are_held_against_what_is_right() -> None:
    found = {"probability": np.array([0.8, 0.8, 1.0, 1.0, 0.2]), "right": np.array([True, False, True, True, False])}
    assert [one["finds"] for one in metrics.calibration(found)] == [1, 0, 2, 0, 0, 2]
    assert metrics.calibration_error(found) == pytest.approx((0.2 + 2 * 0.3 + 0) / 5)
    assert math.isnan(metrics.calibration_error(metrics.where(found, found["right"] & ~found["right"])))


def test_figures_of_repairs_are_those_counted_by_hand() -> None:
    rows = {"before": np.array([16.0, 0.0]), "after": np.array([0.0, 4.0]), "changed": np.array([True, True])}
    numbers = metrics.repair_numbers(rows)
    assert numbers["factor"] == 2
    assert (numbers["right"], numbers["worse"], numbers["changed"]) == (0.5, 0.5, 1.0)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return next(simulated_scenes("simulated", 40, seed=1))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(device="cpu", threads=1)


class _KnowsBreaks:
    def __init__(self, made: BreakSet, error: float) -> None:
        self.made, self.error = made, error

    def find(self, displacement: NDArray[np.float32]) -> Breaks:
        assert displacement is self.made.displacement
        made, one = self.made, np.ones(len(self.made), dtype=np.float32)
        day = made.day + self.error
        rates = made.v_before.astype(np.float32), one, (made.v_after + 2).astype(np.float32), one
        return Breaks(day, day - 5, day + 5, *rates, one, one > 0, np.zeros(len(made), dtype=np.int8))


def test_a_finder_of_breaks_that_knows(scene: Scene, classifier: Classifier) -> None:
    made = break_set(scene, 20, seed=3)
    numbers = metrics.break_numbers(look_for_breaks(_KnowsBreaks(made, 0.0), classifier, scene, made))
    assert (numbers["coverage"], numbers["median_error_epochs"], numbers["answered"]) == (1, 0, 1)
    assert numbers["variance_before"] == pytest.approx(0, abs=1e-6)
    assert numbers["variance_after"] == pytest.approx(4, abs=1e-3)
    numbers = metrics.break_numbers(look_for_breaks(_KnowsBreaks(made, 6.0), classifier, scene, made))
    assert numbers["coverage"] == 0
    assert 0.4 < numbers["median_error_epochs"] <= 1


class _KnowsJumps:
    """Finds every jump, but of some says something else."""

    def __init__(self, made: JumpSet, *, late: int = 0, cycles: int | None = None, sign: int = 1) -> None:
        self.made, truth = made, made.changes
        count = len(truth.epoch)
        told = truth.cycles if cycles is None else np.full(count, cycles)
        self.found = Jumps(
            begins=truth.begins,
            epoch=(truth.epoch + late).astype(np.int32),
            mm=(sign * truth.mm).astype(np.float32),
            mm_std=np.ones(count, dtype=np.float32),
            cycles=(sign * told).astype(np.int8),
            distance=np.zeros(count, dtype=np.float32),
            probability=np.ones(count, dtype=np.float32),
            status=np.zeros(len(made), dtype=np.int8),
            **_wavelength(),
        )

    def find(self, displacement: NDArray[np.float32], p_pue: NDArray[np.floating], called: NDArray[np.bool_]) -> Jumps:
        assert displacement is self.made.displacement
        assert len(p_pue) == len(called) == len(displacement)
        assert (p_pue[called] > 0.2).all()
        return self.found


def _wavelength() -> dict[str, Any]:
    named = "half_wavelength_mm" in Jumps.__dataclass_fields__
    return {"half_wavelength_mm": HALF_WAVELENGTH_MM} if named else {}


def test_a_finder_of_jumps_that_knows(scene: Scene, classifier: Classifier) -> None:
    made = jump_set(scene, 16, seed=3)
    tables = look_for_jumps(_KnowsJumps(made), classifier, scene, made)
    numbers = metrics.jump_numbers(tables.true, tables.found)
    assert [numbers[key] for key in ("recall", "precision", "cycles_right")] == [1, 1, 1]
    repaired = metrics.repair_numbers(tables.rows)
    assert (repaired["right"], repaired["changed"]) == (1, 1)
    assert repaired["rms_after_mm"] < 0.01
    # All but the rounding is as it was.
    assert np.mean(tables.rows["class_after"] == tables.rows["class_clean"]) >= 0.9
    assert tables.found["right"].all()


def test_finds_that_are_wrong_count_as_wrong(scene: Scene, classifier: Classifier) -> None:
    made = jump_set(scene, 16, seed=3)
    for finder, recall, cycles in (
        (_KnowsJumps(made, late=1), 1.0, 1.0),
        (_KnowsJumps(made, late=2), 0.0, None),
        (_KnowsJumps(made, sign=-1), 0.0, None),
        (_KnowsJumps(made, cycles=0), 1.0, 0.0),
    ):
        tables = look_for_jumps(finder, classifier, scene, made)
        numbers = metrics.jump_numbers(tables.true, tables.found)
        # Two epochs late may be one before the next jump.
        assert [numbers[key] for key in ("recall", "precision")] == pytest.approx([recall, recall], abs=0.02)
        assert cycles is None or numbers["cycles_right"] == cycles
    damped = damped_set(scene, 16, seed=3)
    tables = look_for_jumps(_KnowsJumps(damped, cycles=1), classifier, scene, damped)
    assert not tables.found["right"].any()
    # A series is worse without a whole cycle up at every jump that was a part of one, so it is left alone.
    assert not tables.rows["changed"].any()
    nothing = jump_free_set(scene, 16, seed=3)
    tables = look_for_jumps(_KnowsJumps(nothing), classifier, scene, nothing)
    assert not tables.rows["changed"].any()
    assert len(tables.true["found"]) == 0


def test_a_jump_meets_the_definition_by_the_scatter_around_it(scene: Scene, classifier: Classifier) -> None:
    made = damped_set(scene, 40, seed=3)
    scatter = scatter_around(made)
    assert scatter.shape == made.changes.mm.shape
    # What is around a change knows nothing of the jumps.
    quiet = JumpSet("quiet", made.displacement, 0 * made.clean, made.background, made.changes)
    assert (scatter_around(quiet) < 1e-9).all()
    tables = look_for_jumps(_KnowsJumps(made), classifier, scene, made)
    size = np.abs(tables.true["mm"])
    np.testing.assert_array_equal(tables.true["defined"], (size >= 10) & (size >= 3 * scatter))
    found = of_others(tables)["damped"]
    assert (found["recall_small"], found["recall_small_short"], found["recall_small_defined"]) == (1, 1, 1)
    small = (size >= 10) & (size <= 20)
    assert found["small_defined"] == pytest.approx(np.mean(tables.true["defined"][small]), abs=1e-4)


def test_with_gaps_every_level_keeps_three_values(scene: Scene) -> None:
    made = with_gaps(jump_set(scene, 16, seed=3), 12, seed=3)
    assert len(made) == 12
    assert np.isnan(made.displacement).mean() == pytest.approx(0.1, abs=0.02)
    index = np.arange(made.displacement.shape[1])
    for row in range(12):
        there = np.isfinite(made.displacement[row])
        epochs = made.changes.of_row(row)
        assert there[epochs].all()
        level = np.searchsorted(epochs, index, side="right")
        assert np.bincount(level[there]).min() >= 3
        step = made.displacement[row].astype(float) - made.clean[row]
        np.testing.assert_allclose(step[there], made.changes.steps(len(index))[row][there], atol=0.101)


@pytest.mark.parametrize("name", KNOWN)
def test_known_noise_is_as_it_says(name: str) -> None:
    known = KNOWN[name]
    displacement, days, scatter = known_file(name, 300, seed=1)
    assert displacement.shape == (300, known.epochs)
    assert known.white + known.short + known.slow == pytest.approx(1)
    assert np.median(scatter) == pytest.approx(known.scatter_mm, rel=0.06)
    # Differences of neighbours leave the white part, and what little of the others changes within some days.
    apart = np.diff(days)
    rest = known.short * (1 - np.exp(-apart / known.short_days)) + known.slow * (1 - np.exp(-apart / known.slow_days))
    factor = known.white_factor**2
    wanted = known.white * (factor[:-1] + factor[1:]) + 2 * rest
    steps = np.diff(displacement, axis=1) / scatter[:, None]
    quiet = np.arange(1, known.epochs) != known.step_epoch
    # Rates and the yearly cycle add some of their own.
    found = np.median(steps[:, quiet] ** 2, axis=0) / 0.4549
    assert np.median(found / wanted[quiet]) == pytest.approx(1.05, abs=0.12)


def _numbers() -> dict[str, Any]:
    breaks = {"coverage": 0.9, "variance_before": 1.0, "variance_after": 1.3}
    return {
        "breaks": {"simulated": {"all": breaks, "3 sigmas": {"median_error_epochs": 2.5}}},
        "jumps": {"semi-real": {"all": {"recall": 0.95, "precision": None, "cycles_right": 0.99}}},
        "repair": {"semi-real": {"all": {"factor": 4.1}}},
        "others": {
            "semi-real": {
                "none": {"changed": 0.02},
                "damped": {"recall_small": 0.86, "recall_small_short": 0.64, "precision": 0.96},
            }
        },
    }


def test_goals_are_met_or_missed() -> None:
    met = {goal.what.split(",")[0]: goal.met for goal in goals_of(_numbers())}
    assert met == {
        "breaks inside their interval of 90 %": True,
        "median error of the date at 3 sigmas": False,
        "variance of the normalised error of v_before": True,
        "variance of the normalised error of v_after": False,
        "recall of jumps": True,
        "precision of jumps": False,
        "cycles right": True,
        "recall of damped jumps of 10 to 20 mm": True,
        "recall of damped jumps of 10 to 20 mm and 3 to 5 epochs": False,
        "precision of damped jumps": True,
        "RMS error before repair over that after": True,
        "series without a jump that are changed": False,
    }


@pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")
def test_small_run_from_end_to_end(tmp_path: Path) -> None:
    numbers = run(tmp_path, real=REAL, sizes=QUICK, announce=lambda line: None)
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8")) == json.loads(json.dumps(numbers))
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == markdown(numbers)
    assert len(numbers["goals"]) == 24
    assert len(numbers["jumps"]) == 8
    for group in ("simulated", "semi-real"):
        assert numbers["jumps"][group]["all"]["recall"] > 0.9
        assert 0.75 < numbers["breaks"][group]["all"]["coverage"] <= 1


def _values(numbers: Any) -> Iterator[float]:
    if isinstance(numbers, dict):
        for value in numbers.values():
            yield from _values(value)
    elif isinstance(numbers, float):
        yield numbers


def test_record_holds_together(artifacts: Path) -> None:
    folder = artifacts / "diagnosis"
    numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert (folder / "README.md").read_text(encoding="utf-8") == markdown(numbers)
    assert [goal.to_dict() for goal in goals_of(numbers)] == numbers["goals"]
    assert numbers["facts"]["sizes"]["breaks"] == FULL.breaks
    assert set(KINDS) <= set(numbers["jumps"])
    assert set(numbers["noise"]) == set(KNOWN)
    assert all(math.isfinite(value) for value in _values(numbers))
