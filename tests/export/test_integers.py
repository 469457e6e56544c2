"""The exported default design has the promised operators and agrees with Keras, also in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.keras
keras = pytest.importorskip("keras", reason="the train group is not installed")
import onnx
from onnx import TensorProto, helper

from export import prove
from export.convert import convert, describe, in_one_image
from export.quantize import quantize
from export.simplify import simplify
from training.dataset import simulated
from training.fit import predict
from training.networks.trend_net import TrendNetConfig, build_trend_net
from training.simulator import simulate
from training.trend_fit import scores_of


@pytest.fixture(scope="module", params=[False, True], ids=["of positions", "of parts"])
def network(request: pytest.FixtureRequest) -> Any:
    """A network without training, whose outputs are far from alike."""
    keras.utils.set_random_seed(5)
    model = build_trend_net(TrendNetConfig(largest_of_parts=request.param))
    rng = np.random.default_rng(5)
    for layer in model.layers:
        if hasattr(layer, "bias"):
            layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    scores = model.get_layer("scores")
    scores.kernel.assign(8 * scores.kernel)
    series = simulate(256, seed=4)
    usual = scores_of(model)([series.displacement, np.asarray(series.days)])
    scores.bias.assign_sub(np.mean(usual, axis=0))
    return model


@pytest.fixture(scope="module")
def files(network: Any) -> dict[str, onnx.ModelProto]:
    fp32 = convert(network, name="made", version="1")
    series = simulate(512, seed=6)
    int8 = quantize(fp32, series.displacement, np.asarray(series.days), percentile=99.999, reduce_range=False)
    describe(int8, name="made", version="1", precision="int8")
    return {"fp32": fp32, "int8": int8}


def test_exported_files_have_the_promised_operators(files: dict[str, onnx.ModelProto]) -> None:
    plain = prove.check_structure(files["fp32"], quantized=False)
    integers = prove.check_structure(files["int8"], quantized=True)
    assert plain["Clip"] >= 3
    assert integers["MatMulInteger"] == 1
    # Bytes and the rest of the dense layer, and the scores.
    proto = files["int8"].graph
    maker = {name: node.op_type for node in proto.node for name in node.output}
    products = [[maker.get(name) for name in node.input] for node in proto.node if node.op_type == "MatMul"]
    assert products.count(["DequantizeLinear", "DequantizeLinear"]) == 1
    assert integers["Gemm"] == 2


def test_exported_files_agree_with_keras(network: Any, files: dict[str, onnx.ModelProto]) -> None:
    series = simulated(1024, seed=7)
    days = np.asarray(series.days)
    reference = predict(network, series)
    assert np.abs(reference - reference.mean(axis=0)).mean() > 0.05  # else an agreement would mean nothing
    found = {
        name: prove.run(prove.open_bytes(f.SerializeToString()), series.displacement, days) for name, f in files.items()
    }
    np.testing.assert_allclose(found["fp32"], reference, rtol=0, atol=1e-5)
    difference = np.abs(found["int8"] - reference)
    assert difference.mean() < 0.004
    assert np.quantile(difference, 0.99) < 0.06


def test_bits_do_not_depend_on_the_call(files: dict[str, onnx.ModelProto]) -> None:
    series = simulate(304, seed=8)
    for proto in files.values():
        prove.check_calls(prove.open_bytes(proto.SerializeToString()), series.displacement, np.asarray(series.days))


def test_padding_has_no_say_in_integers(files: dict[str, onnx.ModelProto]) -> None:
    series = simulate(64, seed=9, calendar="paper")
    days = np.asarray(series.days)
    longer = np.pad(series.displacement, ((0, 0), (0, 37)), constant_values=np.nan)
    later = np.pad(days, ((0, 0), (0, 37)), mode="edge")
    session = prove.open_bytes(files["int8"].SerializeToString())
    found, wanted = prove.run(session, longer, later), prove.run(session, series.displacement, days)
    np.testing.assert_array_equal(found, wanted)


def test_one_image_changes_nothing(network: Any) -> None:
    series = simulate(40, seed=10)
    inputs = [series.displacement, np.asarray(series.days)]
    np.testing.assert_allclose(in_one_image(network)(inputs), network(inputs), rtol=0, atol=1e-6)


def test_numbers_have_the_rank_of_their_partners(files: dict[str, onnx.ModelProto]) -> None:
    for proto in files.values():
        numbers = {entry.name for entry in proto.graph.initializer if not entry.dims}
        met = [
            node.name
            for node in proto.graph.node
            if node.op_type in ("Add", "Div", "Max", "Min", "Mul", "Sub") and numbers & set(node.input)
        ]
        # Those that compute with sizes have numbers on both sides.
        assert len(met) < 10
        assert len(proto.graph.node) > 100


@pytest.mark.parametrize(("low", "high", "clips"), [(-2.5, 2.5, 1), (3.0, 1.0, 0)])
def test_a_minimum_and_a_maximum_become_one_clip(low: float, high: float, clips: int) -> None:
    values = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    numbers = [
        helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in (("low", low), ("high", high))
    ]
    nodes = [helper.make_node("Min", ["x", "high"], ["y"]), helper.make_node("Max", ["low", "y"], ["z"])]
    graph = helper.make_graph(
        nodes, "clip", [values], [helper.make_tensor_value_info("z", TensorProto.FLOAT, [4])], numbers
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    values = {"x": np.array([-9, -1, 2, 9], dtype=np.float32)}
    (before,) = prove.open_bytes(proto.SerializeToString()).run(None, values)
    simplify(proto)
    assert sum(node.op_type == "Clip" for node in proto.graph.node) == clips
    (after,) = prove.open_bytes(proto.SerializeToString()).run(None, values)
    np.testing.assert_array_equal(after, before)
