"""Model folders that a stranger might offer: any bytes with the right SHA-256, and graphs of a few nodes."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insar_runtime import Classifier, InputOutputError, ModelIntegrityError, UnavailableError
from insar_runtime.models import DEFAULT_MODEL

SHIPPED = Path(str(files("insar_runtime"))) / "models" / DEFAULT_MODEL
CARD: dict[str, Any] = json.loads((SHIPPED / "model.json").read_text())


def folder_with(folder: Path, data: bytes) -> Path:
    """Write a model folder whose only file holds these bytes, with the right SHA-256."""
    entry = {"file": "a.onnx", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    card = {key: value for key, value in CARD.items() if key != "golden"}
    (folder / "model.json").write_text(json.dumps({**card, "files": {"fp32": entry}}))
    (folder / "a.onnx").write_bytes(data)
    return folder


def released() -> bytes:
    return (SHIPPED / str(CARD["files"]["fp32"]["file"])).read_bytes()


Line = tuple[str, list[str], str, dict[str, Any]]
"""Operator, inputs, output and attributes of a node."""


def graph_of(*lines: Line, output: str = "probabilities", **kinds: Any) -> bytes:
    """Return an ONNX file of nodes, with constants ``zeros`` [1, 6], ``last``, and a shape that is left open."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    names = kinds.get("inputs", ("displacement", "days"))
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [to], **attributes) for kind, inputs, to, attributes in lines],
        "forged",
        [helper.make_tensor_value_info(name, real, [None, None]) for name in names],
        [helper.make_tensor_value_info(output, kinds.get("output_type", real), kinds.get("shape"))],
        [
            onnx.numpy_helper.from_array(np.zeros((1, 6), np.float32), "zeros"),
            onnx.numpy_helper.from_array(np.array([1], np.int64), "last"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


MEAN: Line = ("ReduceMean", ["displacement", "last"], "mean", {})
SCORES: Line = ("MatMul", ["mean", "zeros"], "scores", {})
PROBABILITIES: Line = ("Softmax", ["scores"], "probabilities", {})


def check_refused(folder: Path, what: str) -> None:
    """Check that a model folder is refused in one line."""
    with pytest.raises((ModelIntegrityError, UnavailableError, InputOutputError)) as caught:
        Classifier(folder, device="cpu")
    message = str(caught.value)
    assert what in message
    assert message.isprintable()
    assert len(message) < 500
