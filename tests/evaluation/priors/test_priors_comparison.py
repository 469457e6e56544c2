"""Comparison of rules for the mix of classes: errors by hand, weights of read rows, and the committed record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.priors.left_out_store import LeftOutFile, read_left_out, write_left_out
from evaluation.priors.measure import Rows, classes_under, errors_of
from evaluation.priors.rules import RULES, SHIPPED, with_dirichlet
from insar_runtime import CLASS_NAMES, InputNotFoundError, load_model
from insar_runtime._engine.priors import estimated_mix
from tests.conftest import REAL

TRAINING = load_model().training_priors
COUNT = len(CLASS_NAMES)


def _probabilities(rows: int, seed: int = 0, power: float = 0.3) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(COUNT, power), rows).astype(np.float32)


def test_the_shipped_rule_is_that_of_the_package() -> None:
    rows = _probabilities(500)
    wanted = estimated_mix(rows, TRAINING)
    np.testing.assert_allclose(RULES[SHIPPED](rows, TRAINING.array), wanted.array, rtol=1e-9)
    assert wanted.estimate is not None
    undamped = RULES["estimated, undamped"](rows, TRAINING.array)
    np.testing.assert_allclose(undamped, list(wanted.estimate.values()), rtol=1e-9)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_gives_shares(name: str) -> None:
    mix = RULES[name](_probabilities(300), TRAINING.array)
    assert mix.shape == (COUNT,)
    assert (mix > 0).all()
    assert mix.sum() == pytest.approx(1)


def test_a_dirichlet_prior_of_all_weight_is_the_training() -> None:
    rows = _probabilities(300)
    np.testing.assert_allclose(with_dirichlet(rows, TRAINING.array, weight=1), TRAINING.array)
    none = with_dirichlet(rows, TRAINING.array, weight=0)
    np.testing.assert_allclose(none, RULES["estimated, undamped"](rows, TRAINING.array), atol=1e-3)


def test_errors_by_hand() -> None:
    label = np.array([0, 0, 0, 0, 1, 1, 4, 4, 5, -1], dtype=np.int8)
    said = np.array([0, 4, -1, 1, 0, 1, 0, -1, 4, 3])
    either = np.zeros(10, dtype=bool)
    either[[3, 4]] = True
    weight = np.array([1, 2, 1, 1, 1, 1, 2, 1, 1, 9.0])
    rows = Rows(_probabilities(10), label, weight, either, label >= 0)
    errors = errors_of(rows, said)
    assert errors.false_alarms == pytest.approx(2 / 5)
    assert errors.still_without_class == pytest.approx(1 / 5)
    assert errors.called_stable == pytest.approx(2 / 6)
    assert errors.moving_without_class == pytest.approx(1 / 6)
    assert errors.wrong == pytest.approx((2 + 1 + 2 + 1 + 1) / 11)
    assert errors.cost == pytest.approx((0.4 + 0.1 + 2 / 6 + 1 / 12) / 2)


def test_classes_abstain_as_the_package_does() -> None:
    rows = np.array(
        [
            [0.55, 0.30, 0.05, 0.05, 0.03, 0.02],  # steady: Stable and Linear count together
            [0.05, 0.05, 0.10, 0.10, 0.55, 0.15],
            [0.34, 0.06, 0.15, 0.15, 0.15, 0.15],  # the network does not know it
        ],
        dtype=np.float32,
    )
    thresholds = {"abstain_below": 0.6, "unsure_below": 0.35}
    assert classes_under(rows, TRAINING.array, TRAINING.array, **thresholds).tolist() == [0, -1, -1]
    all_stable = np.array([0.99, *[0.002] * 5])
    assert classes_under(rows, all_stable, TRAINING.array, **thresholds).tolist() == [0, 0, -1]


def test_stored_probabilities_return(tmp_path: Path) -> None:
    rows = _probabilities(40)
    rows[3] = np.nan
    rows[4] = [1, 0, 0, 0, 0, 0]
    label = np.arange(12, dtype=np.int8) % 6
    file = LeftOutFile("a", rows, label, _probabilities(12, seed=1))
    write_left_out(tmp_path / "new" / "p.npz", [file, LeftOutFile("b", rows[:5], label[:2], rows[5:7])])
    first, second = read_left_out(tmp_path / "new" / "p.npz")
    assert (first.name, second.name) == ("a", "b")
    np.testing.assert_allclose(first.probabilities, rows, rtol=0.03, atol=1e-7)
    np.testing.assert_allclose(first.known, file.known, rtol=0.03, atol=1e-7)
    assert first.known_label.tolist() == label.tolist()
    with pytest.raises(InputNotFoundError, match="left-out-files"):
        read_left_out(tmp_path / "nothing.npz")


@pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")
def test_weights_make_read_rows_stand_for_the_file() -> None:
    from evaluation.priors.read_rows import read_rows
    from training.labelled_rows.labels import READ_FILES, load_labelled_files

    (labelled,) = load_labelled_files(REAL, files=["124_0770_IW3_VV"])
    rows = read_rows(REAL, READ_FILES[labelled.name], labelled)
    assert rows.weight.sum() == pytest.approx(1)
    # Rows that were chosen move more often than those drawn at random.
    moving = rows.label > 0
    assert rows.weight[moving].sum() < moving.mean()
    assert rows.weight.max() / rows.weight.min() > 5


def test_the_record_holds_what_the_pages_state(artifacts: Path) -> None:
    found = json.loads((artifacts / "priors" / "priors.json").read_text(encoding="utf-8"))
    rules = {name: rule["mean cost"] for name, rule in found["rules"].items() if name in RULES}
    assert set(rules) == set(RULES)
    # A fixed mix is as good where most points are Stable, but not on whole files.
    estimates = {name: cost for name, cost in rules.items() if name.startswith("estimated") or name == "trained"}
    assert min(estimates, key=estimates.__getitem__) == SHIPPED
    whole = {name: found["rules"][name]["whole files"]["cost"] for name in RULES}
    assert whole[SHIPPED] < min(whole["trained"], whole["fixed, 60 % Stable"]) - 0.01
    assert set(found["chosen on other files"]["rules"].values()) == {SHIPPED}
