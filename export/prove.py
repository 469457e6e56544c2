"""Checks of an exported file: structure, reproducibility, agreement with Keras. A failed check stops the export."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from insar_runtime._engine.onnx_runtime import cpu_session_options, import_onnxruntime
from insar_runtime.errors import InsarRuntimeError

Floats = NDArray[np.float32]

FP32_TOLERANCE: Final = 1e-5
"""Largest allowed difference of a probability between fp32 ONNX and Keras (our choice)."""

_BATCHES: Final = (8, 32, 256)
"""Numbers of rows of a call. The run time pads its calls to multiples of 8; a call of one row uses other kernels for
matrix products and may differ in the last bits, within ``_SINGLE_ROW_TOLERANCE``."""
_SINGLE_ROW_TOLERANCE: Final = 1e-5
_STANDARD_DOMAINS: Final = ("", "ai.onnx")
_RESHAPING: Final = ("Transpose", "Squeeze", "Unsqueeze", "Reshape")


class ProofError(InsarRuntimeError, AssertionError):
    """A check of an exported file has failed."""


@dataclass(frozen=True)
class Gates:
    """Limits for int8 in comparison with Keras; they are stored in ``model.json``.

    Attributes
    ----------
    agreement : float
        Smallest share of series with equal labels. The default is for the seed paper's network on series of the present
        simulator, of which more are near the limit of two classes than in an earlier version (0.99).
    confident_agreement : float
        The same for the series whose confidence in Keras is above ``confident``.
    confident : float
        Confidence for that limit.
    accuracy_loss : float
        Largest loss of accuracy, between 0 and 1.
    """

    agreement: float = 0.985
    confident_agreement: float = 0.998
    confident: float = 0.8
    accuracy_loss: float = 0.002


@dataclass(frozen=True)
class Comparison:
    """Comparison of a file with Keras on the same series."""

    series: int
    max_difference: float
    agreement: float
    confident_agreement: float
    accuracy: float
    keras_accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        return {
            "series": self.series,
            "max_difference": float(f"{self.max_difference:.3g}"),
            "agreement": round(self.agreement, 5),
            "confident_agreement": round(self.confident_agreement, 5),
            "accuracy": round(self.accuracy, 5),
            "keras_accuracy": round(self.keras_accuracy, 5),
        }


def check_structure(proto: onnx.ModelProto, *, quantized: bool) -> dict[str, int]:
    """Check the structure of a file.

    Returns
    -------
    dict of str to int
        Number of nodes by operator, most frequent first.

    Raises
    ------
    ProofError
        If inputs, outputs, operators or the path between convolutions are not as required.
    """
    onnx.checker.check_model(proto, full_check=True)
    domains = {entry.domain for entry in (*proto.opset_import, *proto.graph.node)} - set(_STANDARD_DOMAINS)
    if domains:
        raise ProofError(f"operators of other domains: {', '.join(sorted(domains))}")
    for what, found, wanted in (
        ("inputs", [entry.name for entry in proto.graph.input], ["displacement", "days"]),
        ("outputs", [entry.name for entry in proto.graph.output], ["probabilities"]),
    ):
        if found != wanted:
            raise ProofError(f"{what} are {found}, required are {wanted}")
    _check_way_between_convolutions(proto)
    histogram = Counter(node.op_type for node in proto.graph.node)
    if quantized:
        _check_quantized(proto)
    elif histogram["QuantizeLinear"]:
        raise ProofError("the fp32 file holds quantized values")
    return dict(sorted(histogram.items(), key=lambda item: (-item[1], item[0])))


def open_bytes(content: bytes) -> Any:
    """Return a session for the bytes of a model file, opened as in the run time."""
    onnxruntime = import_onnxruntime()
    options = cpu_session_options(onnxruntime)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run(session: Any, displacement: Floats, days: Floats, rows_per_call: int = 256) -> Floats:
    """Return the probabilities [N, classes] of series [N, T] with days [N, T]."""
    starts = range(0, len(displacement), rows_per_call)
    return np.concatenate(
        [
            session.run(
                None,
                {"displacement": displacement[i : i + rows_per_call], "days": days[i : i + rows_per_call]},
            )[0]
            for i in starts
        ]
    )


def check_calls(session: Any, displacement: Floats, days: Floats) -> None:
    """Check that the result of a row does not depend on the call or on its position, and that rows sum to one.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Session of the model.
    displacement, days : ndarray of float32, shape [N, T]
        N is a multiple of 8.

    Raises
    ------
    ProofError
        If bits differ, for example because the order of additions depends on the memory address of a row.
    """
    whole = run(session, displacement, days, len(displacement))
    for rows in _BATCHES:
        if not np.array_equal(run(session, displacement, days, rows), whole):
            raise ProofError(f"results of calls of {rows} rows differ from those of a call of {len(displacement)} rows")
    for shift in range(1, 8):
        moved = run(session, np.roll(displacement, shift, axis=0), np.roll(days, shift, axis=0))
        if not np.array_equal(moved, np.roll(whole, shift, axis=0)):
            raise ProofError(f"results of rows change if they are shifted by {shift} in a call")
    single = np.abs(run(session, displacement, days, 1) - whole).max()
    if single > _SINGLE_ROW_TOLERANCE:
        raise ProofError(f"calls of one row differ by {single:.2g}")
    if not np.allclose(whole.sum(axis=1), 1, atol=1e-5):
        raise ProofError("probabilities do not sum to 1")


def compare(found: Floats, keras: Floats, label: NDArray[np.int8], gates: Gates) -> Comparison:
    """Return the comparison of probabilities [N, classes] with those of Keras."""
    same = found.argmax(axis=1) == keras.argmax(axis=1)
    confident = keras.max(axis=1) > gates.confident
    return Comparison(
        series=len(label),
        max_difference=float(np.abs(found - keras).max()),
        agreement=float(same.mean()),
        confident_agreement=float(same[confident].mean()) if confident.any() else 1.0,
        accuracy=float((found.argmax(axis=1) == label).mean()),
        keras_accuracy=float((keras.argmax(axis=1) == label).mean()),
    )


def require_fp32(comparison: Comparison) -> None:
    """Check that the fp32 file is within the tolerance.

    Raises
    ------
    ProofError
        If it is not.
    """
    if not comparison.max_difference <= FP32_TOLERANCE:
        raise ProofError(f"fp32 differs from Keras by {comparison.max_difference:.2g}, allowed {FP32_TOLERANCE}")


def require_int8(comparison: Comparison, gates: Gates) -> None:
    """Check that the int8 file is within its limits.

    Raises
    ------
    ProofError
        If one of them is missed.
    """
    loss = comparison.keras_accuracy - comparison.accuracy
    for what, found, ok in (
        ("agreement", comparison.agreement, comparison.agreement >= gates.agreement),
        (
            "agreement on series with high confidence in Keras",
            comparison.confident_agreement,
            comparison.confident_agreement >= gates.confident_agreement,
        ),
        ("loss of accuracy", loss, loss <= gates.accuracy_loss),
    ):
        if not ok:
            raise ProofError(
                f"int8 is outside its limits: {what} is {found:.4f} ({gates}); train longer, or package with --no-int8"
            )


def _check_way_between_convolutions(proto: onnx.ModelProto) -> None:
    """Check that no operator rearranges values between successive convolutions."""
    maker = {name: node for node in proto.graph.node for name in node.output}
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    if not convolutions:
        raise ProofError("there is no convolution")
    for node in convolutions:
        way: list[str] = []
        before = maker.get(node.input[0])
        while before is not None and before.op_type != "Conv":
            way.append(before.op_type)
            before = maker.get(before.input[0]) if before.input else None
        if before is not None and set(way) & set(_RESHAPING):
            raise ProofError(f"between {before.name} and {node.name} there is {way}")


def _check_quantized(proto: onnx.ModelProto) -> None:
    maker = {name: node for node in proto.graph.node for name in node.output}
    types = {entry.name: entry.data_type for entry in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type != "Conv":
            continue
        inputs = [maker.get(name) for name in node.input[:2]]
        if any(source is None or source.op_type != "DequantizeLinear" for source in inputs):
            raise ProofError(f"{node.name} is not quantized")
        zero_points = [types.get(source.input[2]) for source in inputs if source is not None]
        if zero_points != [onnx.TensorProto.UINT8, onnx.TensorProto.INT8]:
            raise ProofError(f"{node.name} is not U8S8 but {zero_points}")
