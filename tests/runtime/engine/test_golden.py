"""The shipped models against what Keras said, without Keras.

The vectors come from ``python -m export package``: every calendar of the simulator, and corners that an
interpolation or a mask may get wrong (30 to 512 epochs, cut, scattered and missing middles, constants).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from insar_runtime import Classifier, RowStatus, list_models, load_model
from tests.conftest import load_golden

Golden = list[dict[str, NDArray[Any]]]


@pytest.fixture(scope="module", params=list_models())
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def golden(model: str, artifacts: Path) -> Golden:
    return load_golden(artifacts / model / "golden.npz")


def _ask(classifier: Classifier, golden: Golden) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities found and wanted, of the rows that the classifier answers."""
    found, wanted = [], []
    for entry in golden:
        result = classifier.classify_matrix(entry["displacement"], entry["days"][0])
        answered = np.isin(result.status, (RowStatus.OK, RowStatus.ABSTAINED))
        found.append(result.probabilities[answered, : len(classifier.model.classes)])
        wanted.append(entry["probabilities"][answered])
    return np.concatenate(found), np.concatenate(wanted)


def test_golden_vectors_cover_all_classes_and_lengths(model: str, golden: Golden) -> None:
    labels = np.concatenate([entry["probabilities"].argmax(axis=1) for entry in golden])
    assert set(labels.tolist()) == set(range(len(load_model(model).classes)))
    epochs = {entry["displacement"].shape[1] for entry in golden}
    assert {30, 139, 512} <= epochs
    assert any(np.isnan(entry["displacement"]).any() for entry in golden)


def test_fp32_is_keras_to_five_decimals(model: str, golden: Golden) -> None:
    found, wanted = _ask(Classifier(model, device="cpu", precision="fp32"), golden)
    assert len(found) > 200
    # Sums of some thousand float32 products in another order: 1e-6 is usual, 1e-5 is promised.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_int8_gives_keras_labels(model: str, golden: Golden) -> None:
    classifier = Classifier(model, device="cpu", precision="int8")
    found, wanted = _ask(classifier, golden)
    gates = classifier.model.card["thresholds"]["int8_against_keras"]
    same = found.argmax(axis=1) == wanted.argmax(axis=1)
    # Few vectors: a gate of 99 % may be missed by a handful of near ties, so each miss must be one.
    margin = np.diff(np.sort(wanted, axis=1)[:, -2:], axis=1)[:, 0]
    assert same.mean() >= gates["agreement"] - 0.01
    assert (margin[~same] < 0.25).all()
    assert same[wanted.max(axis=1) > gates["confident"]].mean() >= gates["confident_agreement"]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_labels_do_not_depend_on_the_reference_epoch(model: str, golden: Golden, precision: Any) -> None:
    classifier = Classifier(model, device="cpu", precision=precision, abstain_below=0)
    for entry in golden[:4]:
        days = entry["days"][0]
        plain = classifier.classify_matrix(entry["displacement"], days)
        moved = classifier.classify_matrix(entry["displacement"] + np.float32(64), days)
        sure = plain.confidence > 0.6
        assert np.array_equal(moved.class_id[sure], plain.class_id[sure])
