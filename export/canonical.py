"""Canonical order and names of the nodes and constants of a graph, so that equal models give equal files.

TensorFlow merges equal constants and operations before tf2onnx reads them; which of the names is kept, and the order of
the nodes, differ from run to run. The names have no meaning for users, so nodes and constants are numbered in the order
of a depth-first search from the outputs.
"""

from __future__ import annotations

import onnx


def canonicalize(proto: onnx.ModelProto) -> None:
    """Sort and rename the nodes and constants of a graph by its structure, in place.

    Names of inputs and outputs are kept. Nodes that no output needs are removed.
    """
    graph = proto.graph
    maker = {name: node for node in graph.node for name in node.output}
    constants = {entry.name: entry for entry in graph.initializer}
    fixed = {entry.name for entry in (*graph.input, *graph.output)}

    nodes: list[onnx.NodeProto] = []
    used: list[onnx.TensorProto] = []
    new_name: dict[str, str] = {name: name for name in ("", *fixed)}
    seen: set[str] = set()
    # Depth-first search from the outputs: when a node is visited for the second time, all its inputs are in the list.
    stack = [(entry.name, False) for entry in reversed(graph.output)]
    while stack:
        name, ready = stack.pop()
        node = maker.get(name)
        if node is None:
            if name in constants and name not in new_name:
                new_name[name] = f"constant_{len(used)}"
                used.append(constants[name])
        elif ready:
            node.name = f"{node.op_type}_{len(nodes)}"
            for i, output in enumerate(node.output):
                new_name.setdefault(output, f"{node.name}:{i}")
            nodes.append(node)
        elif node.output[0] not in seen:
            seen.add(node.output[0])
            stack.append((name, True))
            stack.extend((needed, False) for needed in reversed(node.input))

    for node in nodes:
        # tf2onnx writes the default domain explicitly for some nodes in some runs.
        if not node.domain:
            node.ClearField("domain")
        node.input[:] = [new_name[name] for name in node.input]
        node.output[:] = [new_name[name] for name in node.output]
        attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
        copies = [onnx.AttributeProto.FromString(attribute.SerializeToString()) for attribute in attributes]
        del node.attribute[:]
        node.attribute.extend(copies)
    for entry in used:
        entry.name = new_name[entry.name]
    sorted_nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    sorted_constants = [onnx.TensorProto.FromString(entry.SerializeToString()) for entry in used]
    del graph.node[:]
    del graph.initializer[:]
    graph.node.extend(sorted_nodes)
    graph.initializer.extend(sorted_constants)
