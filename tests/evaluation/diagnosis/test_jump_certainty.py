"""Probabilities of jumps are those that the command fits, and are calibrated."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evaluation.diagnosis.gradual_jumps import by_degrees_set
from evaluation.diagnosis.jump_certainty import MIX, RECORD
from evaluation.diagnosis.scenes import USUAL, simulated_scenes
from insar_runtime._diagnosis.jumps import jump_probability
from tests.conftest import ROOT

FOLDER = ROOT / "artifacts" / "diagnosis"


def test_certainty_holds_what_was_fitted() -> None:
    record = json.loads((FOLDER / RECORD).read_text(encoding="utf-8"))
    assert record["jump_weights"] == jump_probability.JUMP_WEIGHTS
    assert record["class_weights"] == jump_probability.CLASS_WEIGHTS
    assert record["cycle_weights"] == jump_probability.CYCLE_WEIGHTS
    # A class that denies jumps makes none more probable.
    assert jump_probability.CLASS_WEIGHTS["denied"] < 0
    assert "denied" not in jump_probability.JUMP_WEIGHTS
    assert record["mix"] == pytest.approx(MIX, abs=1e-4)
    assert sum(MIX.values()) == pytest.approx(1)


@pytest.mark.parametrize("group", ["semi-real", USUAL])
@pytest.mark.parametrize("what", ["jump", "told"])
@pytest.mark.parametrize("known", ["tested", "tested, class unknown"])
def test_stated_probabilities_are_true_on_other_files(group: str, what: str, known: str) -> None:
    record = json.loads((FOLDER / RECORD).read_text(encoding="utf-8"))
    bins = record["reliability"][known][group][what]
    assert sum(one["share"] for one in bins) == pytest.approx(1, abs=1e-3)
    assert sum(one["share"] * abs(one["stated"] - one["right"]) for one in bins) < 0.01
    for one in bins:
        if one["finds"] >= 200:
            assert one["right"] == pytest.approx(one["stated"], abs=0.08)


def test_jumps_that_fade_or_end_a_drift() -> None:
    scene = next(simulated_scenes(USUAL, 60, seed=3))
    made = by_degrees_set(scene, 40, seed=3)
    away = (made.displacement - made.clean).astype(np.float64)
    row, epoch = np.arange(40), made.changes.epoch
    # The change at the epoch is the jump; nothing else changes by as much at once.
    change = np.diff(away, axis=1)
    np.testing.assert_allclose(change[row, epoch - 1], made.changes.mm, atol=8)
    assert (np.abs(change).argmax(axis=1) == epoch - 1).mean() > 0.95
    # Far from it, nothing is left.
    assert np.median(np.abs(away[:, [0, -1]]).min(axis=1)) < 0.5
    np.testing.assert_array_equal(by_degrees_set(scene, 40, seed=3).displacement, made.displacement)
