"""Time of each step of an exported graph within a call, and arithmetic speed in comparison with the peak."""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from benchmarks.speed.timing import in_turns, timed
from export.prove import open_bytes
from insar_runtime._engine.onnx_runtime import cpu_session_options, import_onnxruntime

STEPS: Final = ("preparation", "positions and features", "convolutions", "pooling", "dense layers")
"""Steps: from millimetres to the input of the convolutions; other inputs of pooling and dense layers; convolutions with
their changes of type and layout; means over parts of the span; the rest."""

_CALLS: Final = 60
_CONVOLUTIONS: Final = frozenset({"QLinearConv", "Conv", "FusedConv"})
_CHANGES: Final = frozenset({"QuantizeLinear", "DequantizeLinear", "ReorderInput", "ReorderOutput", "Transpose"})
_PRODUCTS: Final = frozenset({"MatMul", "Gemm", "FusedGemm", "FusedMatMul", "MatMulIntegerToFloat"})
_SIDE: Final = 1024

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Step:
    """Step of the graph: time per series, share of the whole, and number of nodes."""

    microseconds: float
    share: float
    nodes: int


def profile(path: Path, displacement: Floats, days: Floats) -> dict[str, Step]:
    """Return the steps of a model from onnxruntime's profiler, on one thread.

    Parameters
    ----------
    path : Path
        Exported file of the default network.
    displacement : ndarray of float32, shape [N, T]
        Series of one call.
    days : ndarray of float32, shape [1, T]
        Their days.

    Returns
    -------
    dict of str to Step
        Steps by name; times are those of the kernels, medians over the calls.
    """
    onnxruntime = import_onnxruntime()
    with tempfile.TemporaryDirectory() as folder:
        options = cpu_session_options(onnxruntime)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        options.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        for _ in range(_CALLS):
            session.run(None, {"displacement": displacement, "days": days})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        graph = onnx.load(Path(folder) / "optimized.onnx").graph
    taken: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            taken[event["name"].removesuffix("_kernel_time")].append(event["dur"])
    step_of = _steps(graph)
    spent: dict[str, float] = defaultdict(float)
    nodes: Counter[str] = Counter()
    for name, times in taken.items():
        spent[step_of[name]] += float(median(times))
        nodes[step_of[name]] += 1
    total = sum(spent.values())
    return {step: Step(spent[step] / len(displacement), spent[step] / total, nodes[step]) for step in STEPS}


def _steps(graph: onnx.GraphProto) -> dict[str, str]:
    """Return the step of each node, by the nodes before and after it."""
    maker = {name: node for node in graph.node for name in node.output}
    constants = {entry.name for entry in graph.initializer}

    def before(names: Iterable[str]) -> set[str]:
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            node = maker.get(waiting.pop())
            if node is not None and node.name not in seen:
                seen.add(node.name)
                waiting += node.input
        return seen

    convolutions = [node for node in graph.node if node.op_type in _CONVOLUTIONS]
    first = convolutions[0]
    image = before(first.input)
    behind, reached = set(), set(first.output)
    for node in graph.node:
        if not reached.isdisjoint(node.input):
            behind.add(node.name)
            reached |= set(node.output)
    dense = next(n for n in graph.node if n.name in behind and n.op_type in _PRODUCTS and n.input[1] in constants)
    before_dense = before(dense.input)
    near = {name for node in convolutions for name in (*node.input, *node.output)}

    def step(node: Any) -> str:
        if node.op_type in _CONVOLUTIONS:
            return "convolutions"
        if node.op_type in _CHANGES and (node.name in behind or not near.isdisjoint(node.output)):
            return "convolutions"
        if node.name not in behind:
            return "preparation" if node.name in image else "positions and features"
        return "pooling" if node.name in before_dense else "dense layers"

    return {node.name: step(node) for node in graph.node}


def peaks() -> dict[str, float]:
    """Return the peak speed of one core for large matrix products in onnxruntime, in multiply-adds per second."""
    jobs, most = {}, {}
    rng = np.random.default_rng(0)
    for precision, operator in (("fp32", "MatMul"), ("int8", "MatMulInteger")):
        types = (TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.FLOAT)
        left = rng.normal(size=(_SIDE, _SIDE)).astype(np.float32)
        right = left
        if precision == "int8":
            types = (TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32)
            left = rng.integers(0, 255, (_SIDE, _SIDE)).astype(np.uint8)
            right = rng.integers(-127, 127, (_SIDE, _SIDE)).astype(np.int8)
        shape = [_SIDE, _SIDE]
        graph = helper.make_graph(
            [helper.make_node(operator, ["a", "b"], ["c"])],
            "peak",
            [helper.make_tensor_value_info("a", types[0], shape)],
            [helper.make_tensor_value_info("c", types[2], shape)],
            [helper.make_tensor("b", types[1], shape, right.tobytes(), raw=True)],
        )
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        session = open_bytes(proto.SerializeToString())

        def job(count: int, session: Any = session, left: Any = left) -> None:
            for _ in range(max(count // _SIDE, 1)):
                session.run(None, {"a": left})

        jobs[precision], most[precision] = timed(job), 64 * _SIDE
    # A "series" of the timing is here a row of the product.
    return {name: pace.per_core_second * _SIDE**2 for name, pace in in_turns(jobs, most, turns=7).items()}
