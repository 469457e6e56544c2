"""Channels of about the same range, so that one scale for all of them does each justice.

Activations are quantized with one scale for a whole layer. A channel whose values are a tenth of another's would keep a
tenth of the 256 steps. A ReLU lets a positive factor through, so a convolution's output channel may be multiplied by
one if the next convolution divides by it (Nagel et al., "Data-free quantization through weight equalization and bias
correction", ICCV 2019; ranges of activations are measured here).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from insar_runtime._inference.engine import cpu_session_options, import_onnxruntime

Floats = NDArray[np.float32]

_SERIES: Final = 2048
_SHARE: Final = 0.9999
"""Of the activations of a channel, whose range is looked at."""
_EXPONENT: Final = 0.25
"""Of the ratio of what the next convolution's weights and a channel's values reach. At 0.5 both come to reach the same;
half the way lost least on the network 1.2.0, as weights of one output share a scale as well [ours]."""
_LEAST: Final = 1e-3
"""Range of a channel that is never used, a share of the largest."""


def equalize(proto: onnx.ModelProto, displacement: Floats, days: Floats) -> None:
    """Equalize the channels between convolutions that follow one another, in place.

    Parameters
    ----------
    proto : onnx.ModelProto
        fp32 model.
    displacement, days : ndarray of float32, shape [N, T]
        Series on which the ranges are measured.
    """
    weights = {entry.name: entry for entry in proto.graph.initializer}
    for first, second, between in _pairs(proto.graph):
        activations = values_of(proto, between, displacement[:_SERIES], days[:_SERIES])
        # [batch, C, 1, L] or, as one image, [1, C, batch, L].
        ranges = np.quantile(np.moveaxis(activations, 1, 0).reshape(activations.shape[1], -1), _SHARE, axis=1)
        kernel, reader = (numpy_helper.to_array(weights[node.input[1]]) for node in (first, second))
        read = np.abs(reader).max(axis=(0, 2, 3))
        factor = ((_above_zero(read) / _above_zero(ranges)) ** _EXPONENT).astype(np.float32)
        _set(weights[first.input[1]], kernel * factor[:, None, None, None])
        _set(weights[first.input[2]], numpy_helper.to_array(weights[first.input[2]]) * factor)
        _set(weights[second.input[1]], reader / factor[None, :, None, None])


def values_of(proto: onnx.ModelProto, name: str, displacement: Floats, days: Floats, rows: int = 256) -> Floats:
    """Return the values that a graph computes on the way, calls put together along their first axis of many rows."""
    whole = onnx.ModelProto.FromString(proto.SerializeToString())
    del whole.graph.output[:]
    whole.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    onnxruntime = import_onnxruntime()
    options = cpu_session_options(onnxruntime)
    session = onnxruntime.InferenceSession(whole.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: list[Any] = [
        session.run(None, {"displacement": displacement[i : i + rows], "days": days[i : i + rows]})[0]
        for i in range(0, len(displacement), rows)
    ]
    return np.concatenate(found, axis=2 if found[0].ndim == 4 and len(found[0]) == 1 else 0)


def _pairs(graph: onnx.GraphProto) -> list[tuple[onnx.NodeProto, onnx.NodeProto, str]]:
    """Return the ungrouped convolutions that follow one another with nothing but a ReLU between, and what it gives."""
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    pairs = []
    for first in graph.node:
        if not _is_plain(first):
            continue
        relus = users.get(first.output[0], [])
        if len(relus) != 1 or relus[0].op_type != "Relu":
            continue
        readers = users.get(relus[0].output[0], [])
        if len(readers) == 1 and _is_plain(readers[0]):
            pairs.append((first, readers[0], relus[0].output[0]))
    return pairs


def _is_plain(node: onnx.NodeProto) -> bool:
    groups = [attribute.i for attribute in node.attribute if attribute.name == "group"]
    return node.op_type == "Conv" and len(node.input) == 3 and groups in ([], [1])


def _above_zero(ranges: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    return np.maximum(ranges, max(_LEAST * float(ranges.max()), 1e-30))


def _set(entry: onnx.TensorProto, values: Floats) -> None:
    entry.CopyFrom(numpy_helper.from_array(values, entry.name))
