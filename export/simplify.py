"""Fewer passes over large tensors: what tf2onnx spells with several operators and ONNX has one for."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper


def simplify(proto: onnx.ModelProto) -> None:
    """Put one Clip in place of a Min with one number and a Max with another; the values stay the same.

    Nodes that nothing needs any longer stay, for ``canonicalize`` to drop.
    """
    graph = proto.graph
    constants = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
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


def _with_number(
    node: onnx.NodeProto | None, operator: str, constants: dict[str, NDArray[np.generic]]
) -> tuple[str, str] | None:
    """Return the names of the values and of the number that an operator compares; None if it is another one."""
    if node is None or node.op_type != operator or len(node.input) != 2:
        return None
    numbers = [name for name in node.input if name in constants and constants[name].ndim == 0]
    values = [name for name in node.input if name not in constants]
    return (values[0], numbers[0]) if values and numbers else None
