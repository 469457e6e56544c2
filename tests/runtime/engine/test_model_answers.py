"""The answers of a model of a stranger are probabilities of its classes, at first and later, within a time limit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insar_runtime import Classifier, ModelIntegrityError, UnavailableError
from insar_runtime._engine import first_call
from insar_runtime._engine.onnx_runtime import import_onnxruntime
from tests.runtime.forged_models import MEAN, PROBABILITIES, SCORES, Line, check_refused, folder_with, graph_of


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([MEAN, ("MatMul", ["mean", "zeros"], "probabilities", {})], "sums such as 0"),
        ([MEAN, SCORES, ("Exp", ["scores"], "probabilities", {})], "sums such as 6"),
        ([MEAN, SCORES, ("Log", ["scores"], "probabilities", {})], "not between 0 and 1"),
        ([MEAN, SCORES, ("Div", ["scores", "scores"], "probabilities", {})], "not between 0 and 1"),
        ([MEAN, SCORES, ("Softmax", ["scores"], "p", {}), ("Unsqueeze", ["p", "last"], "probabilities", {})], "shape"),
        ([MEAN, SCORES, ("Softmax", ["scores"], "p", {}), ("Cast", ["p"], "probabilities", {"to": 11})], "float64"),
        ([("Softmax", ["zeros"], "probabilities", {})], "shape"),
        ([("Softmax", ["displacement"], "probabilities", {})], "gives 30 probabilities"),
        ([("ReduceSum", ["zeros"], "probabilities", {"keepdims": 0})], "gives 0 probabilities"),
    ],
)
def test_answers_are_checked_on_opening(tmp_path: Path, lines: list[Any], what: str) -> None:
    kind = 11 if what == "float64" else 1
    check_refused(folder_with(tmp_path, graph_of(*lines, output_type=kind)), what)


ROWS: Line = ("Shape", ["displacement"], "shape", {})
NEXT: Line = ("Add", ["last", "last"], "two", {})
MANY: list[Line] = [
    MEAN,
    SCORES,
    ("Softmax", ["scores"], "p", {}),
    ROWS,
    NEXT,
    ("Sub", ["last", "last"], "first", {}),
    ("Pow", ["two", "two"], "four", {}),
    ("Mul", ["four", "two"], "eight", {}),
    ("Slice", ["shape", "first", "last", "first"], "rows", {}),
    ("Greater", ["rows", "eight"], "many", {}),
]
"""Probabilities ``p``, and whether the model is asked about more than the 8 series of its first call."""


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([("Slice", ["p", "first", "eight", "first"], "probabilities", {})], "answers of shape [8, 6] to 24 series"),
        (
            [
                ("Where", ["many", "last", "eight"], "end", {}),
                ("Slice", ["p", "first", "end", "first"], "probabilities", {}),
            ],
            "answers of shape [1, 6] to 24 series",
        ),
        (
            [
                ("Where", ["many", "last", "eight"], "end", {}),
                ("Slice", ["p", "first", "end", "last"], "probabilities", {}),
            ],
            "answers of shape [24, 1] to 24 series",
        ),
        (
            [
                ("Cast", ["many"], "more", {"to": 1}),
                ("Add", ["p", "more"], "probabilities", {}),
            ],
            "not between 0 and 1",
        ),
        (
            [
                ("Cast", ["many"], "more", {"to": 1}),
                ("Log", ["more"], "minus", {}),
                ("Exp", ["minus"], "kept", {}),
                ("Sub", ["p", "kept"], "less", {}),
                ("Sqrt", ["less"], "root", {}),
                ("Where", ["many", "root", "p"], "probabilities", {}),
            ],
            "not between 0 and 1",
        ),
        (
            [
                ("Cast", ["last"], "one", {"to": 1}),
                ("Cast", ["two"], "both", {"to": 1}),
                ("Where", ["many", "both", "one"], "parts", {}),
                ("Div", ["p", "parts"], "probabilities", {}),
            ],
            "sums such as 0.5, not 1",
        ),
    ],
)
def test_answers_are_checked_in_every_call(tmp_path: Path, lines: list[Line], what: str) -> None:
    folder = folder_with(tmp_path, graph_of(*MANY, *lines))
    classifier = Classifier(folder, device="cpu")
    days = np.arange(40, dtype=np.float32) * 12
    with pytest.raises(ModelIntegrityError, match=re.escape(what)):
        classifier.classify_matrix(np.zeros((20, 40), np.float32), days)


def test_a_model_of_two_outputs_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")
    model = onnx.load_from_string(graph_of(MEAN, SCORES, PROBABILITIES))
    model.graph.output.add().CopyFrom(onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, None))
    check_refused(folder_with(tmp_path, model.SerializeToString()), "has 2 outputs and must have one")


@pytest.mark.parametrize("place", ["call", "load"])
def test_onnxruntime_writes_nothing_of_a_model_to_standard_error(
    tmp_path: Path, place: str, capfd: pytest.CaptureFixture[str]
) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")
    model = onnx.load_from_string(graph_of(MEAN, SCORES, ("Reshape", ["scores", "other"], "probabilities", {})))
    model.graph.node[-1].name = "\x1b[31m\nforged line"
    other = onnx.numpy_helper.from_array(np.array([7, 7]), "other")
    if place == "load":
        other.dims[:] = [1 << 31, 1 << 31]
    model.graph.initializer.append(other)
    import_onnxruntime().set_default_logger_severity(2)  # as it is before any model is opened
    with pytest.raises(UnavailableError):
        Classifier(folder_with(tmp_path, model.SerializeToString()), device="cpu")
    assert capfd.readouterr().err == ""


def test_a_plain_model_of_a_stranger_is_taken(tmp_path: Path) -> None:
    classifier = Classifier(folder_with(tmp_path, graph_of(MEAN, SCORES, PROBABILITIES)), device="cpu")
    assert classifier.notes == ()
    assert classifier.classify_matrix(np.zeros((3, 40), np.float32), np.arange(40, dtype=np.float32) * 12).class_id.size


def test_other_inputs_are_unavailable(tmp_path: Path) -> None:
    data = graph_of(("ReduceMean", ["rows", "last"], "mean", {}), SCORES, PROBABILITIES, inputs=("rows", "days"))
    check_refused(folder_with(tmp_path, data), "cannot run model")


def test_a_model_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed (group export)")
    helper, flag, whole = onnx.helper, onnx.TensorProto.BOOL, onnx.TensorProto.INT64
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["goes"]), helper.make_node("Add", ["value", "value"], ["more"])],
        "body",
        [
            helper.make_tensor_value_info("i", whole, []),
            helper.make_tensor_value_info("going", flag, []),
            helper.make_tensor_value_info("value", onnx.TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("goes", flag, []),
            helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, None),
        ],
    )
    data = graph_of(
        MEAN,
        SCORES,
        ("Loop", ["", "", "scores"], "endless", {"body": body}),
        ("Softmax", ["endless"], "probabilities", {}),
    )
    monkeypatch.setattr(first_call, "LIMIT_S", 0.5)
    check_refused(folder_with(tmp_path, data), "no answer within 0.5 s")
