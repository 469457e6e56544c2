"""Integer products with saturating sums of 16 bits, as x86 without VNNI computes them, in numpy.

Such a processor multiplies unsigned with signed bytes by ``vpmaddubsw``, which adds two neighbouring products and clips
the sum to 16 bits: 255 * 127 + 255 * 127 becomes 32,767 (Intel, "Intel 64 and IA-32 architectures software developer's
manual", PMADDUBSW). onnxruntime's matrix products use it for activations of uint8 and weights of int8
(``onnxruntime/core/mlas/lib/x86_64/QgemmU8X8KernelAvx2.S``); a convolution sums over positions and, within these, over
channels. A graph is cut before and behind each such product; the parts between run in onnxruntime, the products here.
So what the clipping changes is known on any machine. Held against onnxruntime 1.32 on an emulated Haswell (QEMU 7.2),
the probabilities have the same bits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from insar_runtime._engine.onnx_runtime import cpu_session_options, import_onnxruntime

Floats = NDArray[np.float32]
_LEAST, _MOST = -32768, 32767
_ROWS_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class Product:
    """A convolution, or a product of matrices, of bytes.

    Attributes
    ----------
    name, output : str
        Of the node, and of what it computes.
    source : str
        The activations, uint8.
    scale, zero : float, int
        Of the activations.
    weights : ndarray of int8
        [outputs, channels, 1, width] of a convolution, [inputs, outputs] of a matrix.
    weight_scale : ndarray of float32
        One for all outputs, or one for each.
    bias : ndarray of float32 or None
        In floating point, [outputs].
    dilation, stride, pads : int, int, tuple of int
        Of a convolution along its last axis.
    """

    name: str
    output: str
    source: str
    scale: float
    zero: int
    weights: NDArray[np.int8]
    weight_scale: Floats
    bias: Floats | None
    dilation: int = 1
    stride: int = 1
    pads: tuple[int, int] = (0, 0)

    @property
    def is_convolution(self) -> bool:
        """Whether it slides along an axis."""
        return self.weights.ndim == 4

    @property
    def may_saturate(self) -> bool:
        """Whether the sum of two neighbouring products may leave 16 bits, whatever the activations."""
        return bool(_may_leave(_even(self._matrix, axis=0)).any())

    def compute(self, values: NDArray[np.uint8], *, saturating: bool) -> Floats:
        """Compute the output of activations, with sums of 16 bits that saturate, or exactly."""
        rows, shape = self._rows(values)
        parts = range(0, len(rows), _ROWS_AT_ONCE)
        product = np.concatenate(
            [_multiply(rows[i : i + _ROWS_AT_ONCE], self._matrix, saturating=saturating) for i in parts]
        )
        sums = product - self.zero * self._matrix.sum(axis=0, dtype=np.int64)
        result = sums.astype(np.float32) * (np.float32(self.scale) * self.weight_scale)
        if self.bias is not None:
            result = result + self.bias
        result = result.reshape(*shape, -1)
        return np.ascontiguousarray(result.transpose(0, 3, 1, 2) if self.is_convolution else result)

    def nearness(self, values: NDArray[np.uint8], series: int) -> NDArray[np.float64]:
        """Return how near the activations of each series come to an output that saturation changes, float64 [N].

        Below 0, an output changes that stays below 0, which the Relu behind a convolution takes away; below -900,000,
        no sum of two products leaves 16 bits.
        """
        rows, matrix = self._rows(values)[0], self._matrix
        exact, clipped = (_multiply(rows, matrix, saturating=saturating) for saturating in (False, True))
        offset = self.zero * matrix.sum(axis=0, dtype=np.int64)
        result = (clipped - offset) * (self.scale * self.weight_scale.astype(np.float64))
        if self.bias is not None:
            result = result + self.bias
        best = np.where(clipped != exact, result, -np.inf).max(axis=1)
        best = np.where(np.isinf(best), -1e6 + _excess(rows, matrix), best)
        return np.asarray(best.reshape(series, -1).max(axis=1))

    @property
    def _matrix(self) -> NDArray[np.int8]:
        """The weights [summed over, outputs]."""
        if not self.is_convolution:
            return self.weights
        return self.weights[:, :, 0, :].transpose(0, 2, 1).reshape(len(self.weights), -1).T

    def _rows(self, values: NDArray[np.uint8]) -> tuple[NDArray[np.int32], tuple[int, ...]]:
        """Return the activations [positions, summed over], and the shape of the positions."""
        if not self.is_convolution:
            return values.reshape(-1, values.shape[-1]).astype(np.int32), values.shape[:-1]
        width = self.weights.shape[-1]
        padded = np.pad(values, ((0, 0), (0, 0), (0, 0), self.pads), constant_values=self.zero)
        places = (padded.shape[-1] - self.dilation * (width - 1) - 1) // self.stride + 1
        starts = np.arange(places) * self.stride
        taken = padded[..., starts[:, None] + np.arange(width) * self.dilation]  # [image, channel, row, place, width]
        turned = taken.transpose(0, 2, 3, 4, 1)
        return turned.reshape(int(np.prod(turned.shape[:3])), -1).astype(np.int32), turned.shape[:3]


class SaturatingGraph:
    """A quantized model whose products of bytes are computed here, each exactly or with saturating sums.

    Parameters
    ----------
    proto : onnx.ModelProto
        QDQ model.

    Raises
    ------
    ValueError
        If a convolution of bytes is not along one axis in one group.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.products = _find_products(proto)
        self._outputs = [product.output for product in self.products]
        self._stages = [
            _Stage(proto, given=self._outputs[:i], wanted=product.source, kind=onnx.TensorProto.UINT8)
            for i, product in enumerate(self.products)
        ]
        self._last = _Stage(proto, given=self._outputs, wanted=proto.graph.output[0].name, kind=onnx.TensorProto.FLOAT)

    def probabilities(self, displacement: Floats, days: Floats, saturating: Collection[str] = ()) -> Floats:
        """Return the probabilities [N, classes] of series [N, T] with days [1, T].

        Parameters
        ----------
        displacement, days : ndarray of float32
            As the model takes them.
        saturating : collection of str
            Names of the products whose sums saturate; the others are exact.
        """
        return self._finish({"displacement": displacement, "days": days}, saturating)[0]

    def effect(self, displacement: Floats, days: Floats, name: str) -> tuple[Floats, NDArray[np.float64]]:
        """Return what saturation in one product alone does to series [N, T].

        Returns
        -------
        difference : ndarray of float32, shape [N]
            Largest difference of a probability from that of exact sums.
        nearness : ndarray of float64, shape [N]
            See ``Product.nearness``.
        """
        exact, values = self._finish({"displacement": displacement, "days": days}, ())
        place = next(i for i, product in enumerate(self.products) if product.name == name)
        source = values[self.products[place].source]
        kept = {key: value for key, value in values.items() if key not in self._outputs[place:]}
        found = self._finish(kept, (name,))[0]
        return np.abs(found - exact).max(axis=1), self.products[place].nearness(source, len(displacement))

    def _finish(self, values: dict[str, Any], saturating: Collection[str]) -> tuple[Floats, dict[str, Any]]:
        """Compute the probabilities, and all activations and products that are not yet among the values."""
        values = dict(values)
        for product, stage in zip(self.products, self._stages, strict=True):
            if product.output not in values:
                values[product.source] = stage.run(values)
                values[product.output] = product.compute(values[product.source], saturating=product.name in saturating)
        return self._last.run(values), values


class _Stage:
    """The part of a graph from its inputs, and from products that are given, to one value."""

    def __init__(self, proto: onnx.ModelProto, *, given: list[str], wanted: str, kind: int) -> None:
        part = onnx.ModelProto.FromString(proto.SerializeToString())
        maker = {name: node for node in part.graph.node for name in node.output}
        waiting, needed = [wanted], set()
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                if name not in given and name in maker:
                    waiting += maker[name].input
        nodes = [node for node in part.graph.node if set(node.output) & needed - set(given)]
        inputs = [entry for entry in part.graph.input if entry.name in needed]
        taken = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in given if name in needed]
        constants = [entry for entry in part.graph.initializer if entry.name in needed]
        output = helper.make_tensor_value_info(wanted, kind, None)
        graph = helper.make_graph(nodes, "stage", [*inputs, *taken], [output], constants)
        model = helper.make_model(graph, opset_imports=part.opset_import, ir_version=part.ir_version)
        onnxruntime = import_onnxruntime()
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), cpu_session_options(onnxruntime), providers=["CPUExecutionProvider"]
        )
        self._names = [entry.name for entry in graph.input]

    def run(self, values: dict[str, Any]) -> Any:
        return self._session.run(None, {name: values[name] for name in self._names})[0]


def _multiply(rows: NDArray[np.int32], matrix: NDArray[np.int8], *, saturating: bool) -> NDArray[np.int64]:
    """Multiply [n, k] by [k, outputs], with sums of two neighbours that are clipped to 16 bits if wanted."""
    # Whole numbers below 2^53: exact, and by the fast product of floats.
    product = rows.astype(np.float64) @ matrix.astype(np.float64)
    if saturating:
        rows, whole = _even(rows, axis=1), _even(matrix, axis=0).astype(np.int32)
        for i, output in zip(*np.nonzero(_may_leave(whole)), strict=True):
            sums = _pair_sums(rows, whole, int(i), int(output))
            product[:, output] += np.clip(sums, _LEAST, _MOST) - sums
    return np.rint(product).astype(np.int64)


def _excess(rows: NDArray[np.int32], matrix: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return by how much the largest sum of two products of each row leaves 16 bits; negative if none does."""
    rows, whole = _even(rows, axis=1), _even(matrix, axis=0).astype(np.int32)
    most = np.full(len(rows), _LEAST, dtype=np.int64)
    for i, output in zip(*np.nonzero(_may_leave(whole)), strict=True):
        sums = _pair_sums(rows, whole, int(i), int(output))
        np.maximum(most, np.maximum(sums - _MOST, _LEAST - sums), out=most)
    return most


def _pair_sums(rows: NDArray[np.int32], matrix: NDArray[np.int32], pair: int, output: int) -> NDArray[np.int32]:
    sums = rows[:, 2 * pair] * matrix[2 * pair, output] + rows[:, 2 * pair + 1] * matrix[2 * pair + 1, output]
    return np.asarray(sums)


def _may_leave(matrix: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pairs of neighbouring weights [pairs, outputs] may leave 16 bits."""
    pairs = matrix.astype(np.int64).reshape(len(matrix) // 2, 2, -1)
    most, least = np.maximum(pairs, 0).sum(axis=1) * 255, np.minimum(pairs, 0).sum(axis=1) * 255
    result: NDArray[np.bool_] = (most > _MOST) | (least < _LEAST)
    return result


def _even(values: NDArray[Any], *, axis: int) -> NDArray[Any]:
    """Add zeros to an axis of odd length."""
    widths = [(0, values.shape[axis] % 2) if i == axis else (0, 0) for i in range(values.ndim)]
    return np.pad(values, widths)


def _find_products(proto: onnx.ModelProto) -> list[Product]:
    """Return the products of dequantized uint8 with dequantized constant int8, in the order of the graph."""
    constants = {entry.name: numpy_helper.to_array(entry) for entry in proto.graph.initializer}
    maker = {name: node for node in proto.graph.node for name in node.output}
    found = []
    for node in proto.graph.node:
        made = [maker.get(name) for name in node.input[:2]]
        if node.op_type not in ("Conv", "MatMul") or any(m is None or m.op_type != "DequantizeLinear" for m in made):
            continue
        values, weights = made
        assert values is not None
        assert weights is not None
        zero, kernel = constants[values.input[2]], constants[weights.input[0]]
        if zero.dtype != np.uint8 or kernel.dtype != np.int8:
            continue
        facts = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if kernel.ndim == 4 and (
            kernel.shape[2] != 1 or facts.get("group", 1) != 1 or any(facts.get("pads", [0])[::2])
        ):
            raise ValueError(f"{node.name} is no convolution along one axis in one group")
        found.append(
            Product(
                name=node.name,
                output=node.output[0],
                source=values.input[0],
                scale=float(constants[values.input[1]]),
                zero=int(zero),
                weights=kernel,
                weight_scale=constants[weights.input[1]].astype(np.float32),
                bias=_bias(node, maker, constants),
                dilation=int(facts.get("dilations", [1, 1])[-1]),
                stride=int(facts.get("strides", [1, 1])[-1]),
                pads=(int(facts["pads"][1]), int(facts["pads"][3])) if any(facts.get("pads", [])) else (0, 0),
            )
        )
    return found


def _bias(node: onnx.NodeProto, maker: dict[str, onnx.NodeProto], constants: dict[str, Any]) -> Floats | None:
    if len(node.input) < 3:
        return None
    if node.input[2] in constants:
        return np.asarray(constants[node.input[2]], dtype=np.float32)
    quantized = maker[node.input[2]]
    whole = constants[quantized.input[0]].astype(np.float32) * constants[quantized.input[1]].astype(np.float32)
    return np.asarray(whole, dtype=np.float32)
