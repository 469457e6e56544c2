"""Intermediate values of a graph, on the way from series to probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from insar_runtime._engine.onnx_runtime import cpu_session_options, import_onnxruntime

Floats = NDArray[np.float32]


def values_of(proto: onnx.ModelProto, name: str, displacement: Floats, days: Floats, rows: int = 256) -> Floats:
    """Return the intermediate values of this name, concatenated over calls of ``rows`` series."""
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
