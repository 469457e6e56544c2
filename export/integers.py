"""Integer arithmetic before and after the convolutions, where onnxruntime's quantizer leaves floating point.

The default network pools its features by a matrix product for each series, followed by a dense layer. In floating
point, this takes as long as two of its convolutions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from export.activations import Floats, values_of
from export.canonical import canonicalize

_LEVELS: Final = 255
_WEIGHT_LEVELS: Final = 64
"""Seven bits, as in the convolutions (``training.weight_grid``): sums of pairs fit into 16 bits."""
_SHARE: Final = 0.9999
"""Share of the means that their int8 range covers."""


def use_integers(proto: onnx.ModelProto, displacement: Floats, days: Floats) -> None:
    """Replace floating-point operations of a quantized model of the default design, in place.

    A model of another design is not changed.

    - The channels of the image are quantized separately, and bytes are concatenated instead of floats.
    - The means of the parts are integer products of the features and the weights of the parts, which lie in [0, 1].
    - If the maximum of a feature is over the positions, the mask of the padding is the scale of its dequantization.
    - The dense layer reads the means, and the maxima of the means if they are used, in eight bits. Its other inputs
      remain in floating point.

    Parameters
    ----------
    proto : onnx.ModelProto
        Model in QDQ format with weights of 8 bits and a scale for each output channel.
    displacement, days : ndarray of float32, shape [N, T]
        Series for the range of the means.

    Raises
    ------
    ValueError
        If pooling or dense layer do not have the operators that tf2onnx writes for ``PoolInTime``.
    """
    graph = _Graph(proto)
    pooling = _find_pooling(graph)
    if pooling is None:
        return
    # Types and shapes are removed, because values get other names.
    del proto.graph.value_info[:]
    means = values_of(proto, pooling.scaled.output[0], displacement, days)
    scale = graph.constant(np.float32(np.quantile(means, _SHARE) / _LEVELS))
    dense = _find_dense(graph, pooling)
    widths = [values_of(proto, name, displacement[:8], days[:8]).shape[1] for name in dense.inputs]
    _quantize_parts_of_image(graph)
    _read_in_bytes(graph, pooling, dense, widths, scale, *_pool(graph, pooling, scale))
    canonicalize(proto)


class _Graph:
    """Graph with the producer and the users of each value, and the constants."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.proto, self.nodes = proto, proto.graph.node
        self.maker = {name: node for node in self.nodes for name in node.output}
        self.users: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.users[name].append(node)
        self.constants = {entry.name: numpy_helper.to_array(entry) for entry in proto.graph.initializer}
        self.convolutions = [node for node in self.nodes if node.op_type == "Conv"]

    def user(self, name: str, operator: str) -> onnx.NodeProto | None:
        """Return the node with this operator that uses a value, if there is exactly one."""
        users = [node for node in self.users[name] if node.op_type == operator]
        return users[0] if len(users) == 1 else None

    def constant(self, value: Any) -> str:
        """Add a constant, and return its name."""
        name = f"integer_constant_{len(self.proto.graph.initializer)}"
        self.proto.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def shape(self, *shape: int) -> str:
        """Add a shape, and return its name."""
        return self.constant(np.array(shape, dtype=np.int64))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output, and return the name of the output."""
        name = f"integer_value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name


@dataclass(frozen=True)
class _Pooling:
    """Nodes after the last convolution.

    Attributes
    ----------
    quantized, turned, shaped : onnx.NodeProto
        Nodes that reshape the features to [batch, positions, channels].
    mask : str or None
        Name of the factor of the features, [batch, positions, 1].
    product, scaled, flat : onnx.NodeProto
        Sums over the parts, means, and means as [batch, parts * channels].
    largest : onnx.NodeProto
        Maxima over positions or over parts.
    channels : int
    scale : float
        Scale of the quantized features.
    """

    quantized: onnx.NodeProto
    turned: onnx.NodeProto
    shaped: onnx.NodeProto
    mask: str | None
    product: onnx.NodeProto
    scaled: onnx.NodeProto
    flat: onnx.NodeProto
    largest: onnx.NodeProto
    channels: int
    scale: float

    @property
    def of_parts(self) -> bool:
        """Whether the maxima are over the means of the parts."""
        return self.largest.input[0] == self.scaled.output[0]


@dataclass(frozen=True)
class _Dense:
    """Dense layer that reads the pooled features, and its other inputs."""

    node: onnx.NodeProto
    inputs: list[str]


def _find_pooling(graph: _Graph) -> _Pooling | None:
    """Return the nodes from the last convolution to the means; None for a network without this pooling."""
    steps = _follow(
        graph, graph.convolutions[-1].output[0], "QuantizeLinear", "DequantizeLinear", "Transpose", "Reshape"
    )
    if steps is None:
        return None
    quantized, _, turned, shaped = steps
    features, mask = shaped.output[0], None
    masked = graph.user(features, "Mul")
    if masked is not None:
        (mask,) = (name for name in masked.input if name != features)
        features = masked.output[0]
    steps = _follow(graph, features, "MatMul", "Mul", "Reshape")
    if steps is None or steps[0].input[0] in graph.constants:
        return None
    product, scaled, flat = steps
    largest = graph.user(features, "ReduceMax") or graph.user(scaled.output[0], "ReduceMax")
    scale, zero = (graph.constants[name] for name in quantized.input[1:])
    if largest is None or zero != 0 or graph.maker[product.input[0]].op_type != "Transpose":
        raise ValueError("the pooling does not have the operators that export.integers expects")
    weights = graph.constants[graph.maker[graph.convolutions[-1].input[1]].input[0]]
    return _Pooling(quantized, turned, shaped, mask, product, scaled, flat, largest, len(weights), float(scale))


def _follow(graph: _Graph, name: str, *operators: str) -> list[onnx.NodeProto] | None:
    """Return the chain of nodes with these operators that begins with a value."""
    steps = []
    for operator in operators:
        node = graph.user(name, operator)
        if node is None:
            return None
        steps.append(node)
        name = node.output[0]
    return steps


def _quantize_parts_of_image(graph: _Graph) -> None:
    dequantize = graph.maker[graph.convolutions[0].input[0]]
    quantize = graph.maker[dequantize.input[0]]
    joined = graph.maker[quantize.input[0]]
    while joined.op_type in ("Transpose", "Reshape"):
        joined = graph.maker[joined.input[0]]
    if joined.op_type != "Concat":
        raise ValueError("the image is not a concatenation of channels as export.integers expects it")
    joined.input[:] = [_quantized(graph, name, quantize) for name in joined.input]
    dequantize.input[0] = quantize.input[0]


def _quantized(graph: _Graph, name: str, quantize: onnx.NodeProto) -> str:
    """Quantize a channel [batch, 1, T]; clipping and scaling by constants become part of the quantization."""
    scale, zero = (graph.constants[name] for name in quantize.input[1:])
    unsqueeze = graph.maker[name]
    clip = graph.maker[unsqueeze.input[0]]
    if unsqueeze.op_type != "Unsqueeze" or clip.op_type != "Clip":
        return graph.add("QuantizeLinear", name, *quantize.input[1:])
    low, high = (np.round(graph.constants[name] / scale) + zero for name in clip.input[1:])
    if low > 0 or high < _LEVELS:
        return graph.add("QuantizeLinear", name, *quantize.input[1:])
    # Beyond the ends of the clip a byte has its ends, too.
    values = clip.input[0]
    product = graph.maker[values]
    factors = [graph.constants[name] for name in product.input if name in graph.constants]
    if product.op_type == "Mul" and len(factors) == 1 and factors[0].size == 1:
        (values,) = (name for name in product.input if name not in graph.constants)
        scale = scale / factors[0].item()
    values = graph.add("QuantizeLinear", values, graph.constant(np.float32(scale)), quantize.input[2])
    return graph.add("Unsqueeze", values, unsqueeze.input[1])


def _pool(graph: _Graph, pooling: _Pooling, scale_of_means: str) -> tuple[str, str | None]:
    """Add the pooling in integers; return the names of means [batch, parts * channels] and maxima [batch, channels].

    Both are bytes; without maxima of means the second is None. Maxima over positions remain in floating point, under
    their name.
    """
    rows = graph.shape(-1, pooling.channels)
    parts = int(graph.constants[pooling.flat.input[1]][-1]) // pooling.channels
    features = graph.add("Transpose", pooling.quantized.output[0], perm=_permutation(pooling.turned))
    features = graph.add("Reshape", features, pooling.shaped.input[1])

    hats = graph.maker[pooling.product.input[0]]
    step, zero = graph.constant(np.float32(1 / _LEVELS)), graph.constant(np.uint8(0))
    weights = graph.add("QuantizeLinear", hats.input[0], step, zero)
    weights = graph.add("Transpose", weights, perm=_permutation(hats))
    sums = graph.add("Reshape", graph.add("MatMulInteger", weights, features), rows)
    (share,) = (name for name in pooling.scaled.input if name != pooling.product.output[0])
    # A scale for each part of each series: dequantization of the sum gives the mean.
    share = graph.add("Mul", graph.add("Reshape", share, graph.shape(-1)), graph.constant(_scale(pooling) / _LEVELS))
    means = graph.add("DequantizeLinear", sums, share, axis=0)
    means = graph.add("QuantizeLinear", means, scale_of_means, zero)
    flat = graph.add("Reshape", means, graph.shape(-1, parts * pooling.channels))

    if pooling.of_parts:
        image = graph.add("Reshape", means, graph.shape(1, -1, parts, pooling.channels))
        image = graph.add("Transpose", image, perm=[0, 3, 1, 2])
        image = graph.add("MaxPool", image, kernel_shape=[1, parts])
        return flat, graph.add("Reshape", graph.add("Transpose", image, perm=[0, 2, 3, 1]), rows)
    real = graph.add("Reshape", features, rows)
    if pooling.mask is None:
        raise ValueError("positions of the padding are not masked as export.integers expects it")
    mask = graph.add("Mul", graph.add("Reshape", pooling.mask, graph.shape(-1)), graph.constant(_scale(pooling)))
    real = graph.add("DequantizeLinear", real, mask, axis=0)
    pooling.largest.input[0] = graph.add("Reshape", real, pooling.shaped.input[1])
    return flat, None


def _scale(pooling: _Pooling) -> NDArray[np.float32]:
    return np.asarray(pooling.scale, dtype=np.float32)


def _permutation(node: onnx.NodeProto) -> list[int]:
    return next(list(attribute.ints) for attribute in node.attribute if attribute.name == "perm")


def _find_dense(graph: _Graph, pooling: _Pooling) -> _Dense:
    joined = graph.user(pooling.flat.output[0], "Concat")
    # A dense layer without bias is a MatMul.
    node = joined and (graph.user(joined.output[0], "Gemm") or graph.user(joined.output[0], "MatMul"))
    if joined is None or node is None:
        raise ValueError("the dense layer does not have the operators that export.integers expects")
    return _Dense(node, list(joined.input))


def _read_in_bytes(
    graph: _Graph,
    pooling: _Pooling,
    dense: _Dense,
    widths: list[int],
    scale_of_means: str,
    means: str,
    largest: str | None,
) -> None:
    """Split the dense layer into one that reads bytes and one for its other inputs."""
    kernel, *bias = (graph.constants[name] for name in dense.node.input[1:])
    part = dict(zip(dense.inputs, np.split(kernel, np.cumsum(widths)[:-1]), strict=True))

    in_bytes = part.pop(pooling.flat.output[0])
    if largest is not None:
        means = graph.add("Concat", means, largest, axis=1)
        in_bytes = np.concatenate([in_bytes, part.pop(pooling.largest.output[0])])
    scale = (np.abs(in_bytes).max(axis=0) / _WEIGHT_LEVELS).astype(np.float32)
    rounded = np.round(in_bytes / np.where(scale > 0, scale, 1)).astype(np.int8)
    values = graph.add("DequantizeLinear", means, scale_of_means, graph.constant(np.uint8(0)))
    zeros = graph.constant(np.zeros(len(scale), np.int8))
    weights = graph.add("DequantizeLinear", graph.constant(rounded), graph.constant(scale), zeros, axis=1)
    products = graph.add("MatMul", values, weights)

    rest = graph.add("Concat", *part, axis=1)
    others = [np.concatenate(list(part.values())), *bias]
    rest = graph.add(dense.node.op_type, rest, *(graph.constant(value) for value in others))
    dense.node.CopyFrom(helper.make_node("Add", [products, rest], list(dense.node.output)))
