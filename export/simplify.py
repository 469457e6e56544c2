"""Replacement of operators from tf2onnx that are slow in onnxruntime; the values do not change."""

from __future__ import annotations

from typing import Any, Final

import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_ELEMENTWISE: Final = ("Add", "Div", "Max", "Min", "Mul", "Sub")


def simplify(proto: onnx.ModelProto) -> None:
    """Simplify a graph in place; its values do not change.

    Unused nodes and constants remain; ``canonicalize`` removes them.
    """
    _join_to_clips(proto.graph)
    _give_numbers_a_rank(proto)


def _join_to_clips(graph: onnx.GraphProto) -> None:
    """Replace a Min and a Max with constants by one Clip."""
    constants = _constants(graph)
    maker = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        upper = _with_number(node, "Max", constants)
        if upper is None:
            continue
        limited, least = upper
        lower = _with_number(maker.get(limited), "Min", constants)
        if lower is None:
            continue
        values, most = lower
        if constants[least] <= constants[most]:
            node.CopyFrom(helper.make_node("Clip", [values, least, most], list(node.output), name=node.name))


def _give_numbers_a_rank(proto: onnx.ModelProto) -> None:
    """Reshape a scalar operand to the rank of the other operand.

    onnxruntime takes ten times as long for a tensor [batch, 1] and a scalar as for the same tensor and a tensor [1, 1],
    because it loops over the last axis.
    """
    graph = proto.graph
    constants = _constants(graph)
    inferred = onnx.shape_inference.infer_shapes(proto).graph
    rank = {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in (*inferred.value_info, *inferred.input)
        if value.type.tensor_type.HasField("shape")
    }
    made: set[str] = set()
    for node in graph.node:
        if node.op_type not in _ELEMENTWISE or len(node.input) != 2:
            continue
        for i, name in enumerate(node.input):
            number, axes = constants.get(name), rank.get(node.input[1 - i], 0)
            if number is None or number.ndim or axes < 2:
                continue
            ranked = f"{name}_of_rank_{axes}"
            if ranked not in made:
                made.add(ranked)
                graph.initializer.append(numpy_helper.from_array(number.reshape([1] * axes), ranked))
            node.input[i] = ranked


def _constants(graph: onnx.GraphProto) -> dict[str, NDArray[Any]]:
    return {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}


def _with_number(
    node: onnx.NodeProto | None, operator: str, constants: dict[str, NDArray[Any]]
) -> tuple[str, str] | None:
    """Return the names of the tensor and of the constant operand of an operator; None if there is no constant."""
    if node is None or node.op_type != operator or len(node.input) != 2:
        return None
    numbers = [name for name in node.input if name in constants and constants[name].ndim == 0]
    values = [name for name in node.input if name not in constants]
    return (values[0], numbers[0]) if values and numbers else None
