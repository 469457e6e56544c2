"""Golden vectors of int8: saturating sums as some processors compute them, and series that show them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")

from export.prove import ProofError, open_bytes
from export.saturation import Product, SaturatingGraph
from export.vectors import TOLERANCE, find_vectors, write_vectors
from insar_runtime import list_models, load_model
from insar_runtime._engine.golden import golden_vectors
from insar_runtime._engine.onnx_runtime import import_onnxruntime
from insar_runtime.devices import gather_facts
from tests.conftest import load_golden


def product(weights: np.ndarray, **facts: object) -> Product:
    ones = np.ones(1, np.float32)
    given = {"scale": 1.0, "zero": 0, "weight_scale": ones, "bias": None, **facts}
    return Product(name="p", output="o", source="s", weights=weights.astype(np.int8), **given)  # type: ignore[arg-type]


def brute_force(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum products of neighbours, clipped to 16 bits, one by one."""
    result = np.zeros((len(rows), weights.shape[1]), dtype=np.int64)
    for n, row in enumerate(rows.astype(int)):
        for output, column in enumerate(weights.T.astype(int)):
            terms = [a * b for a, b in zip(row, column, strict=True)]
            sums = [sum(terms[i : i + 2]) for i in range(0, len(terms), 2)]
            result[n, output] = sum(min(max(value, -32768), 32767) for value in sums)
    return result


@pytest.mark.parametrize("inputs", [2, 7, 16])
def test_saturating_sums_are_those_of_brute_force(inputs: int) -> None:
    rng = np.random.default_rng(inputs)
    rows = rng.choice([0, 1, 128, 254, 255], (40, inputs)).astype(np.uint8)
    weights = rng.choice([-128, -127, -3, 0, 64, 126, 127], (inputs, 9))
    made = product(weights)
    exact = rows.astype(np.int64) @ weights
    saturated = brute_force(rows, weights)
    assert (saturated != exact).any()
    assert np.array_equal(made.compute(rows, saturating=True), saturated.astype(np.float32))
    assert np.array_equal(made.compute(rows, saturating=False), exact.astype(np.float32))
    assert np.array_equal(made.nearness(rows, 40) > -9e5, (saturated != exact).any(axis=1))


def test_a_convolution_sums_over_channels_within_positions() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 256, (1, 4, 3, 20)).astype(np.uint8)
    weights = rng.choice([-127, 100, 127], (5, 4, 1, 3))
    made = product(weights, zero=7, dilation=2, stride=2, pads=(3, 1))
    padded = np.pad(values, ((0, 0), (0, 0), (0, 0), (3, 1)), constant_values=7)
    wanted = []
    for place in range(0, padded.shape[-1] - 4, 2):
        rows = padded[0, :, :, place : place + 5 : 2].transpose(1, 2, 0).reshape(3, -1)
        matrix = weights[:, :, 0, :].transpose(2, 1, 0).reshape(-1, 5)
        wanted.append(brute_force(rows, matrix) - 7 * matrix.sum(axis=0))
    found = made.compute(values, saturating=True)
    assert np.array_equal(found[0].transpose(1, 2, 0), np.stack(wanted, axis=1).astype(np.float32))


def test_seven_bits_never_saturate() -> None:
    assert not product(np.full((2, 1), 64)).may_saturate
    assert product(np.full((2, 1), 65)).may_saturate
    assert product(np.full((2, 1), -65)).may_saturate
    assert not product(np.array([[127], [-127]])).may_saturate


@pytest.fixture(params=list_models())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_exact_sums_are_those_of_onnxruntime(name: str, artifacts: Path) -> None:
    if not gather_facts(import_onnxruntime()).int8_dot_product:
        pytest.skip("onnxruntime's int8 may be wrong on this processor")
    content = load_model(name).read("int8")
    graph, session = SaturatingGraph(onnx.load_model_from_string(content)), open_bytes(content)
    for entry in load_golden(artifacts / name / "golden.npz")[:3]:
        rows, days = entry["displacement"], entry["days"][:1]
        found = session.run(None, {"displacement": rows, "days": days})[0]
        np.testing.assert_allclose(graph.probabilities(rows, days), found, atol=1e-6)


@pytest.mark.parametrize("channels", [24, 32, 48, 58])
@pytest.mark.parametrize("rows", [8, 31, 32, 33, 72])
def test_convolutions_of_bytes_are_exact_from_32_rows_on(channels: int, rows: int) -> None:
    """What AMX got wrong before onnxruntime 1.25, with weights of seven bits, which no processor saturates."""
    rng = np.random.default_rng(channels * rows)
    helper, kinds = onnx.helper, onnx.TensorProto
    weights = rng.integers(-64, 65, (channels, 24, 1, 3)).astype(np.int8)
    values = rng.integers(0, 256, (1, 24, rows, 22)).astype(np.uint8)
    # A sum that lies half-way between two steps may be rounded up or down.
    step, zeros = np.float32(1000.0), {"x_zero": np.uint8(9), "w_zero": np.int8(0), "y_zero": np.uint8(120)}
    constants = {"w": weights, "one": np.float32(1), "step": step, **zeros}
    inputs = ["x", "one", "x_zero", "w", "one", "w_zero", "step", "y_zero"]
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", inputs, ["y"], kernel_shape=[1, 3])],
        "convolution",
        [helper.make_tensor_value_info("x", kinds.UINT8, values.shape)],
        [helper.make_tensor_value_info("y", kinds.UINT8, None)],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    found = open_bytes(proto.SerializeToString()).run(None, {"x": values})[0].astype(int)
    sums = product(weights, zero=9).compute(values, saturating=False)
    wanted = np.clip(np.rint(sums / step) + 120, 0, 255).astype(int)
    assert len(np.unique(wanted)) > 50
    assert np.abs(found - wanted).max() <= 1
    assert np.mean(found != wanted) < 0.01


def test_vectors_show_saturation_in_every_product_that_they_name(name: str) -> None:
    """Whatever processor this is: the products are computed here."""
    model = load_model(name)
    vectors = golden_vectors(model, "int8")
    assert vectors is not None
    graph = SaturatingGraph(onnx.load_model_from_string(model.read("int8")))
    named = model.card["golden"]["int8"]["changed_by_saturation"]
    able = [made.name for made in graph.products if made.may_saturate]
    assert list(named) == able
    rows, days = vectors.displacement, vectors.days[None]
    np.testing.assert_allclose(graph.probabilities(rows, days), vectors.probabilities, atol=TOLERANCE / 4)
    for made, change in named.items():
        found = np.abs(graph.probabilities(rows, days, [made]) - vectors.probabilities).max()
        assert found >= change - TOLERANCE / 4
    if able:
        # A processor that saturates does so everywhere.
        found = np.abs(graph.probabilities(rows, days, able) - vectors.probabilities).max()
        assert found > 5 * vectors.tolerance


def test_the_same_file_has_the_same_vectors_again(tmp_path: Path, artifacts: Path) -> None:
    folder = tmp_path / "paper-cnn"
    folder.mkdir()
    for file in ("model.json", "paper-cnn.int8.onnx"):
        shutil.copy(artifacts / "paper-cnn" / file, folder)
    lines: list[str] = []
    written = []
    for _ in range(2):
        entry = write_vectors(folder, announce=lines.append)["golden"]["int8"]
        written.append(((folder / "model.json").read_bytes(), (folder / entry["file"]).read_bytes()))
    assert written[0] == written[1]
    assert lines[-1] == "vectors: 48 series of 60 epochs, 6960 bytes"
    assert golden_vectors(load_model(folder), "int8") is not None


def test_a_folder_without_int8_needs_none(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"files": {"fp32": {}}}')
    with pytest.raises(ProofError, match="no int8 file"):
        write_vectors(tmp_path, announce=lambda line: None)


def test_answers_that_depend_on_rounding_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.vectors._NUDGE_MM", 50.0)
    with pytest.raises(ProofError, match="however numbers are rounded"):
        find_vectors(load_model("paper-cnn").read("int8"), classes=5, announce=lambda line: None)
