"""Fewer and faster operators for the same numbers, where tf2onnx writes slow ones for onnxruntime."""

from __future__ import annotations

from typing import Any, Final

import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_ELEMENTWISE: Final = ("Add", "Div", "Max", "Min", "Mul", "Sub")


def simplify(proto: onnx.ModelProto) -> None:
    """Simplify a graph in place; the values stay the same.

    Nodes and constants that nothing needs any longer stay, for ``canonicalize`` to drop.
    """
    _join_to_clips(proto.graph)
    _give_numbers_a_rank(proto)


def _join_to_clips(graph: onnx.GraphProto) -> None:
    """Put one Clip in place of a Min with one number and a Max with another: one pass over the values, not two."""
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
    """Reshape a number that meets a tensor to the rank of the tensor.

    onnxruntime spends ten times as long on a tensor [batch, 1] and a number without axes as on the same tensor and a
    number [1, 1]: it goes through the last axis value by value.
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
    """Return the names of the values and of the number that an operator compares; None if it is another one."""
    if node is None or node.op_type != operator or len(node.input) != 2:
        return None
    numbers = [name for name in node.input if name in constants and constants[name].ndim == 0]
    values = [name for name in node.input if name not in constants]
    return (values[0], numbers[0]) if values and numbers else None
