"""The shipped files give the probabilities of the Keras networks, on fresh series in millimetres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.keras
keras = pytest.importorskip("keras", reason="the train group is not installed")

from insar_runtime import Classifier, RowStatus, list_models, load_model
from training.dataset import LabelledSeries, simulated
from training.fit import predict
from training.networks import layers, series_layers  # noqa: F401 - registers the layers that the Keras files name
from training.simulator import CALENDARS

SEED = 20_261_123
"""No seed of training, calibration or proof."""
PER_CALENDAR = 400
"""Below the simulator's block, so that a set has one time axis, as a file has."""


@pytest.fixture(scope="module", params=list_models())
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def fresh(model: str) -> list[LabelledSeries]:
    classes = len(load_model(model).classes)
    return [simulated(PER_CALENDAR, seed=SEED + i, calendar=name, classes=classes) for i, name in enumerate(CALENDARS)]


@pytest.fixture(scope="module")
def reference(model: str, fresh: list[LabelledSeries], artifacts: Path) -> np.ndarray:
    network = keras.saving.load_model(artifacts / model / f"{model}.keras")
    return np.concatenate([predict(network, series) for series in fresh])


def _ask(classifier: Classifier, fresh: list[LabelledSeries], rows_per_call: int) -> np.ndarray:
    """Probabilities of all series, asked for in calls of some rows."""
    answers = []
    for series in fresh:
        for start in range(0, len(series), rows_per_call):
            part = series.displacement[start : start + rows_per_call]
            answers.append(classifier.classify_matrix(part, series.days[0]))
    status = np.concatenate([answer.status for answer in answers])
    assert np.isin(status, (RowStatus.OK, RowStatus.ABSTAINED)).all()
    return np.concatenate([answer.probabilities for answer in answers])[:, : len(classifier.model.classes)]


@pytest.mark.parametrize("rows", [1, 7, 64, 256, 400])
def test_fp32_gives_the_probabilities_of_keras(
    model: str, fresh: list[LabelledSeries], reference: np.ndarray, rows: int
) -> None:
    found = _ask(Classifier(model, device="cpu", precision="fp32"), fresh if rows > 1 else fresh[:2], rows)
    # Sums of some thousand float32 products in another order; 1e-5 is the promise, 1e-6 is usual.
    np.testing.assert_allclose(found, reference[: len(found)], rtol=0, atol=1e-5)


def test_int8_agrees_with_keras(model: str, fresh: list[LabelledSeries], reference: np.ndarray) -> None:
    classifier = Classifier(model, device="cpu", precision="int8")
    gates: dict[str, Any] = classifier.model.card["thresholds"]["int8_against_keras"]
    assert gates["agreement"] >= (0.985 if model == "paper-cnn" else 0.995)
    assert gates["confident_agreement"] >= 0.998
    assert gates["confident"] <= 0.8
    found = _ask(classifier, fresh, 256)
    same = found.argmax(axis=1) == reference.argmax(axis=1)
    sure = reference.max(axis=1) > gates["confident"]
    # The gate holds on the series of the export; on these, two standard errors of a share below it are chance.
    chance = 2 * np.sqrt(gates["agreement"] * (1 - gates["agreement"]) / len(same))
    assert same.mean() >= gates["agreement"] - chance
    assert same[sure].mean() >= gates["confident_agreement"]
    label = np.concatenate([series.label for series in fresh])
    right, right_by_keras = (answer.argmax(axis=1) == label for answer in (found, reference))
    # Labels flip both ways; two standard errors of their sum on a set of this size are no loss.
    noise = 2 * np.sqrt(np.sum(right != right_by_keras)) / len(label)
    assert np.mean(right_by_keras) - np.mean(right) <= gates["accuracy_loss"] + noise


def test_int8_gives_the_same_bits_in_any_call(model: str, fresh: list[LabelledSeries]) -> None:
    classifier = Classifier(model, device="cpu", precision="int8")
    whole = _ask(classifier, fresh[:3], 400)
    for rows in (1, 7, 64):
        assert np.array_equal(_ask(classifier, fresh[:3], rows), whole)


def test_accuracy_of_the_default_model_is_what_its_card_says(artifacts: Path) -> None:
    card = load_model().card
    network = keras.saving.load_model(artifacts / card["name"] / card["keras"]["file"])
    series = simulated(10_240, seed=SEED + 100, classes=len(card["classes"]))
    found = np.mean(predict(network, series).argmax(axis=1) == series.label)
    low, high = card["metrics"]["test_accuracy_95"]
    # Ten thousand series of twenty files: files differ more than chance alone has it.
    assert low - 0.02 < found < high + 0.02
