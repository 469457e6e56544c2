"""Networks that answer rightly at first, and later not: other shapes, other types, values that are no probabilities."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hostile.chance import pick

_CLASSES: Final = 6
_FIRST_ROWS: Final = 8
"""Series of the first call: with more of them, the network answers otherwise."""
_FACTORS: Final = (float("nan"), float("inf"), -1.0, 0.0, 0.5, 3.0)

Node = tuple[str, list[str], str]
"""Operator, inputs and output."""

_PROBABILITIES: Final[list[Node]] = [
    ("IsNaN", ["displacement"], "missing"),
    ("Where", ["missing", "zero", "displacement"], "filled"),
    ("ReduceMean", ["filled", "one"], "mean"),
    ("MatMul", ["mean", "weights"], "scores"),
    ("Softmax", ["scores"], "right"),
    ("Shape", ["displacement"], "shape"),
    ("Slice", ["shape", "none", "one"], "rows"),
    ("Greater", ["rows", "first_rows"], "many"),
]


def network_of_wrong_answers(rng: np.random.Generator) -> tuple[bytes, str]:
    """Return an ONNX file that a run must not take, and what it answers to more than 8 series."""
    constants: dict[str, Any] = {
        "zero": np.float32(0),
        "none": np.array([0]),
        "one": np.array([1]),
        "first_rows": np.array([_FIRST_ROWS]),
        "all": np.array([_CLASSES]),
        "weights": rng.normal(0, 0.3, (1, _CLASSES)).astype(np.float32),
    }
    how = pick(rng, ("rows", "classes", "values", "a failure", "memory", "an output more"))
    outputs = ["probabilities"]
    if how == "rows":
        constants["other"] = np.array([pick(rng, (1, 2, 8, 9))])
        nodes = [
            ("Where", ["many", "other", "first_rows"], "end"),
            ("Slice", ["right", "none", "end", "none"], "probabilities"),
        ]
    elif how == "classes":
        constants["other"] = np.array([pick(rng, (1, 5))])
        nodes = [
            ("Where", ["many", "other", "all"], "end"),
            ("Slice", ["right", "none", "end", "one"], "probabilities"),
        ]
    elif how == "values":
        constants |= {"other": np.float32(pick(rng, _FACTORS)), "same": np.float32(1)}
        nodes = [("Where", ["many", "other", "same"], "factor"), ("Mul", ["right", "factor"], "probabilities")]
    elif how == "a failure":
        constants |= {"other": np.array([7]), "same": np.array([1])}
        nodes = [
            ("Where", ["many", "other", "same"], "length"),
            ("Concat", ["length", "all"], "wanted"),
            ("Expand", ["right", "wanted"], "probabilities"),
        ]
    elif how == "memory":
        constants["other"] = np.array([pick(rng, (1 << 35, 1 << 50, 1 << 62, -1))])
        nodes = [
            ("Where", ["many", "other", "one"], "length"),
            ("ConstantOfShape", ["length"], "zeros"),
            ("ReduceMax", ["zeros"], "nothing"),
            ("Add", ["right", "nothing"], "probabilities"),
        ]
    else:
        nodes = [("Identity", ["right"], "probabilities")]
        outputs.append("mean")
    return _file_of([*_PROBABILITIES, *nodes], constants, outputs), f"{how} {constants.get('other', '')}".strip()


def _file_of(nodes: list[Node], constants: dict[str, Any], outputs: list[str]) -> bytes:
    made = [
        # Names of nodes stand in the errors of onnxruntime.
        helper.make_node(kind, inputs, [to], name=f"\x1b[31m\n{to}", **({"axis": 0} if kind == "Concat" else {}))
        for kind, inputs, to in nodes
    ]
    graph = helper.make_graph(
        made,
        "forged",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in ("displacement", "days")],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())
