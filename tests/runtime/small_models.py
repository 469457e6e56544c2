"""Models of a few lines, for what a released one does not show: six outputs, or a number of them left open."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insar_runtime.classes import CLASS_NAMES
from insar_runtime.definitions import STABLE_RATE_MM_YR

WEIGHTS = np.array(
    [
        # Stable, Linear, Quadratic, Bilinear, PUE, Other
        [4.0, 0.0, 1.0, 0.5, -12.0, -4.0],  # always
        [0.0, 0.3, 0.0, 0.0, 0.0, 0.0],  # mm from the first to the last epoch of the best line
        [0.0, 0.0, 0.0, 0.0, 1.0, 0.0],  # largest step between two neighbours, mm
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],  # RMS about the best line, mm
    ],
    dtype=np.float32,
)


def small_model(folder: Path, outputs: int = 6, *, open_width: bool = False, **card: Any) -> Path:
    """Write a model folder whose probabilities follow from a line, its scatter and its largest step.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    outputs : int
        Of the graph: the probabilities of the first classes.
    open_width : bool
        Whether the graph does not say how many outputs it has.
    **card
        Entries of ``model.json`` that are to be others.
    """
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    lines = [
        ("IsNaN", ["displacement"], "missing"),
        ("Where", ["missing", "zero", "displacement"], "filled"),
        ("ReduceMean", ["filled", "last"], "mean"),
        ("Sub", ["filled", "mean"], "values"),
        ("ReduceMean", ["days", "last"], "middle"),
        ("Sub", ["days", "middle"], "time"),
        ("Mul", ["time", "time"], "squared"),
        ("ReduceSum", ["squared", "last"], "spread"),
        ("Mul", ["values", "time"], "crossed"),
        ("ReduceSum", ["crossed", "last"], "moment"),
        ("Div", ["moment", "spread"], "slope"),
        ("ReduceMax", ["days", "last"], "end"),
        ("Mul", ["slope", "end"], "signed"),
        ("Abs", ["signed"], "rise"),
        ("Mul", ["slope", "time"], "line"),
        ("Sub", ["values", "line"], "rest"),
        ("Mul", ["rest", "rest"], "power"),
        ("ReduceMean", ["power", "last"], "variance"),
        ("Sqrt", ["variance"], "scatter"),
        ("Slice", ["filled", "one", "far", "axis"], "later"),
        ("Slice", ["filled", "none", "before", "axis"], "earlier"),
        ("Sub", ["later", "earlier"], "steps"),
        ("Abs", ["steps"], "sizes"),
        ("ReduceMax", ["sizes", "last"], "step"),
        ("Mul", ["rise", "zero"], "nothing"),
        ("Add", ["nothing", "unit"], "always"),
    ]
    nodes = [helper.make_node(kind, inputs, [output]) for kind, inputs, output in lines]
    nodes += [
        helper.make_node("Concat", ["always", "rise", "step", "scatter"], ["features"], axis=1),
        helper.make_node("MatMul", ["features", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    constants = {
        "zero": np.zeros((), np.float32),
        "unit": np.ones((), np.float32),
        "last": np.array([1], np.int64),
        "axis": np.array([1], np.int64),
        "none": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "far": np.array([1 << 30], np.int64),
        "before": np.array([-1], np.int64),
        "weights": WEIGHTS[:, :outputs],
    }
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info("displacement", real, ["batch", "epochs"]),
            helper.make_tensor_value_info("days", real, ["batch_or_1", "epochs"]),
        ],
        [helper.make_tensor_value_info("probabilities", real, ["batch", "classes" if open_width else outputs])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    data = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small.onnx").write_bytes(data)
    described = {
        "schema": 1,
        "name": "small",
        "version": "2.0.0",
        "classes": list(CLASS_NAMES[:outputs]),
        "stable_rate_mm_yr": STABLE_RATE_MM_YR,
        "half_wavelength_mm": 27.733,
        "limits": {"min_epochs": 30, "max_epochs": 512, "max_gap_days": 240, "max_range_mm": 1500},
        "thresholds": {"abstain_below": 0.6, "unsure_below": 0.3},
        "training_priors": [0.16] * 5 + [0.2] * (outputs - 5),
        "metrics": {"test_accuracy": 0.5},
        "files": {
            "fp32": {"file": "small.onnx", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()},
        },
        **card,
    }
    (folder / "model.json").write_text(json.dumps(described))
    return folder
