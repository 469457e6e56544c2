"""The checks of an export pass what is right and stop what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.keras
keras = pytest.importorskip("keras", reason="the train group is not installed")
import onnx
from onnx import helper, numpy_helper

from export import prove
from export.convert import classes_of, describe, widen_channels
from export.golden import golden_series
from export.prove import Gates, ProofError
from export.tenths import decode, encode
from insar_runtime import CLASS_NAMES
from tests.conftest import ROOT
from training.dataset import simulated
from training.fit import predict
from training.networks import layers  # noqa: F401 - registers the layers that the Keras file names
from training.networks.trend_net import TrendNetConfig


@pytest.fixture(scope="module")
def record(artifacts: Path) -> Path:
    return artifacts / "paper-cnn"


@pytest.fixture
def fp32(record: Path) -> onnx.ModelProto:
    return onnx.load(record / "paper-cnn.fp32.onnx")


@pytest.fixture
def int8(record: Path) -> onnx.ModelProto:
    return onnx.load(record / "paper-cnn.int8.onnx")


def test_released_files_have_the_promised_structure(fp32: onnx.ModelProto, int8: onnx.ModelProto) -> None:
    histogram = prove.check_structure(fp32, quantized=False)
    assert (histogram["Conv"], histogram["MaxPool"]) == (3, 2)
    assert prove.check_structure(int8, quantized=True)["QuantizeLinear"] > 3
    metadata = {entry.key: entry.value for entry in fp32.metadata_props}
    assert metadata["name"] == "paper-cnn"
    assert metadata["classes"] == '["Stable", "Linear", "Quadratic", "Bilinear", "PUE"]'
    dimensions = [d.dim_param for d in fp32.graph.input[0].type.tensor_type.shape.dim]
    assert dimensions == ["batch", "epochs"]


def test_default_network_has_the_promised_structure(artifacts: Path) -> None:
    record = artifacts / "trend-net"
    fp32 = onnx.load(record / "trend-net.fp32.onnx")
    histogram = prove.check_structure(fp32, quantized=False)
    assert histogram["Conv"] == len(TrendNetConfig().convolutions)
    # Running sums and sums over an axis are slow, or add in an order that depends on where a row lies. Two numbers,
    # those of sine and cosine, have one order only.
    assert not {"CumSum", "ReduceMean"} & set(histogram)
    shapes = {
        entry.name: entry.type.tensor_type.shape for entry in onnx.shape_inference.infer_shapes(fp32).graph.value_info
    }
    for node in fp32.graph.node:
        if node.op_type == "ReduceSum":
            assert [dimension.dim_value for dimension in shapes[node.input[0]].dim][1:] == [2]
    weights = sum(int(np.prod(entry.dims)) for entry in fp32.graph.initializer)
    assert weights <= 60_000
    prove.check_structure(onnx.load(record / "trend-net.int8.onnx"), quantized=True)


@pytest.mark.parametrize("model", ["trend-net", "paper-cnn"])
def test_export_gives_the_same_bytes_again(artifacts: Path, tmp_path: Path, model: str) -> None:
    """In a fresh process, from the Keras file alone."""
    record, copies = artifacts / model, []
    for name in ("one", "two") if model == "trend-net" else ("one",):
        folder = tmp_path / name / model
        folder.mkdir(parents=True)
        for file in (f"{model}.keras", "report.json"):
            shutil.copy(record / file, folder)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONHASHSEED"}
        done = subprocess.run(
            [sys.executable, "-m", "export", "package", folder],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        copies.append(folder)
    written = (f"{model}.fp32.onnx", f"{model}.int8.onnx", f"{model}.int8.golden", "golden.npz")
    for name in (*written, "model.json", "MODEL_CARD.md"):
        assert (copies[0] / name).read_bytes() == (copies[-1] / name).read_bytes(), name
    # int8 ranges come from float sums whose order may differ on another processor; weights do not.
    assert (copies[0] / f"{model}.fp32.onnx").read_bytes() == (record / f"{model}.fp32.onnx").read_bytes()


def test_widened_channels_change_nothing(record: Path) -> None:
    model = keras.saving.load_model(record / "paper-cnn.keras")
    wide = widen_channels(model)
    filters = [layer.filters for layer in wide.get_layer("trunk").layers if hasattr(layer, "filters")]
    assert filters == [144, 64, 64]
    series = simulated(200, seed=77)
    np.testing.assert_allclose(predict(wide, series), predict(model, series), atol=2e-6)


def test_something_between_convolutions_is_found(fp32: onnx.ModelProto) -> None:
    pool = next(node for node in fp32.graph.node if node.op_type == "MaxPool")
    turned = [f"{pool.output[0]}_{i}" for i in range(2)]
    for node in fp32.graph.node:
        for i, name in enumerate(node.input):
            if name == pool.output[0]:
                node.input[i] = turned[1]
    place = list(fp32.graph.node).index(pool) + 1
    back = [
        helper.make_node("Transpose", [a], [b], perm=[0, 1, 3, 2]) for a, b in ((pool.output[0], turned[0]), turned)
    ]
    for node in reversed(back):
        fp32.graph.node.insert(place, node)
    with pytest.raises(ProofError, match="Transpose"):
        prove.check_structure(fp32, quantized=False)


def test_other_names_and_other_types_are_found(fp32: onnx.ModelProto, int8: onnx.ModelProto) -> None:
    with pytest.raises(ProofError, match="is not quantized"):
        prove.check_structure(fp32, quantized=True)
    with pytest.raises(ProofError, match="holds quantized values"):
        prove.check_structure(int8, quantized=False)
    fp32.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(ProofError, match=r"com\.microsoft"):
        prove.check_structure(fp32, quantized=False)


def test_changed_weight_is_found(fp32: onnx.ModelProto, record: Path) -> None:
    model = keras.saving.load_model(record / "paper-cnn.keras")
    series = simulated(300, seed=78)
    reference = predict(model, series)
    weights = max(fp32.graph.initializer, key=lambda entry: len(entry.raw_data))
    values = numpy_helper.to_array(weights).copy()
    values.flat[0] += 0.5
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    found = prove.run(prove.open_bytes(fp32.SerializeToString()), series.displacement, series.days)
    with pytest.raises(ProofError, match="differs from Keras"):
        prove.require_fp32(prove.compare(found, reference, series.label, Gates()))


@pytest.mark.parametrize(
    ("gates", "match"),
    [
        (Gates(agreement=1.01), "agreement is"),
        (Gates(confident_agreement=1.01), "high confidence in Keras"),
        (Gates(accuracy_loss=-1.0), "loss of accuracy"),
    ],
)
def test_a_missed_gate_is_an_error(gates: Gates, match: str) -> None:
    probabilities = np.eye(5, dtype=np.float32)[[0, 1, 2]]
    comparison = prove.compare(probabilities, probabilities, np.array([0, 1, 2], dtype=np.int8), gates)
    with pytest.raises(ProofError, match=match):
        prove.require_int8(comparison, gates)


class _AddsByAddress:
    """A session whose answers depend on where a row stands, as sums by aligned blocks make them."""

    def run(self, _: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        rows = len(inputs["displacement"])
        answer = np.full((rows, 5), 0.2, dtype=np.float32)
        answer[::4] += np.float32(1e-7)
        return [answer]


def test_bits_that_depend_on_the_place_are_found() -> None:
    rows = np.zeros((304, 40), dtype=np.float32)
    with pytest.raises(ProofError, match="shifted by 1"):
        prove.check_calls(_AddsByAddress(), rows, rows)


def test_nan_passes_no_gate() -> None:
    nothing = np.full((3, 5), np.nan, dtype=np.float32)
    comparison = prove.compare(nothing, np.eye(5, dtype=np.float32)[:3], np.zeros(3, dtype=np.int8), Gates())
    with pytest.raises(ProofError):
        prove.require_fp32(comparison)


@pytest.mark.parametrize("outputs", [5, 6])
def test_a_file_names_the_classes_that_it_gives(fp32: onnx.ModelProto, outputs: int) -> None:
    fp32.graph.output[0].type.tensor_type.shape.dim[-1].dim_value = outputs
    describe(fp32, name="made", version="1", precision="fp32")
    metadata = {entry.key: entry.value for entry in fp32.metadata_props}
    assert json.loads(metadata["classes"]) == list(CLASS_NAMES[:outputs])


def test_another_number_of_outputs_is_refused(fp32: onnx.ModelProto) -> None:
    fp32.graph.output[0].type.tensor_type.shape.dim[-1].dim_value = 4
    with pytest.raises(ProofError, match="has 4 outputs"):
        classes_of(fp32)


@pytest.mark.parametrize("classes", [5, 6])
def test_golden_series_are_of_every_class(classes: int) -> None:
    sets = golden_series(classes)
    assert set(np.concatenate([series.label for series in sets]).tolist()) == set(range(classes))


def test_golden_encoding_is_lossless() -> None:
    values = np.array([[0.1, -273.4, np.nan, 3276.7]], dtype=np.float32)
    assert np.array_equal(decode(encode(values)), values, equal_nan=True)
