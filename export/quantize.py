"""fp32 ONNX to static int8: unsigned activations, signed weights, one scale a channel, preparation and scores in fp32.

Unsigned activations keep whole chains of convolutions in integer kernels; signed ones fall to a reference
path on x86.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from export.integers import use_integers
from insar_runtime._engine.onnx_runtime import import_onnxruntime

QUANTIZED_OPERATORS: Final = ("Conv", "Relu", "MaxPool")
"""Relu is among them so that it goes into the convolution before it. Left out, ranges would be taken before Relu,
and half of the 256 steps spent on negative values that it removes."""
_ROWS_PER_CALL: Final = 64


def quantize(
    proto: onnx.ModelProto,
    displacement: NDArray[np.float32],
    days: NDArray[np.float32],
    *,
    percentile: float | None,
    reduce_range: bool,
) -> onnx.ModelProto:
    """Quantize the convolutions of a model, and what reads them in one of the default design.

    Parameters
    ----------
    proto : onnx.ModelProto
        fp32 model.
    displacement, days : ndarray of float32, shape [N, T]
        Series on which the ranges of activations are found.
    percentile : float or None
        Share of the activations that the range covers, in percent; all of them if None.
    reduce_range : bool
        Whether weights take 7 bits, which keeps sums of 16 bits from overflowing on x86 without VNNI.

    Returns
    -------
    onnx.ModelProto
        QDQ model; metadata is not carried over.
    """
    quantization = _import_quantization()
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, result = (Path(folder) / name for name in ("plain.onnx", "prepared.onnx", "int8.onnx"))
        onnx.save(proto, plain)
        quantization.shape_inference.quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        methods = quantization.CalibrationMethod
        options: dict[str, Any] = {}
        if percentile is not None:
            options["CalibPercentile"] = percentile
        quantization.quantize_static(
            prepared,
            result,
            _Series(displacement, days),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED_OPERATORS),
            per_channel=True,
            reduce_range=reduce_range,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=methods.MinMax if percentile is None else methods.Percentile,
            extra_options=options,
        )
        quantized = onnx.load(result)
    use_integers(quantized, displacement, days)
    return quantized


def _import_quantization() -> Any:
    """Import onnxruntime's quantizer, after the switch that keeps onnxruntime off the network."""
    import_onnxruntime()
    from onnxruntime import quantization  # noqa: PLC0415 - must follow the line above
    from onnxruntime.quantization import shape_inference  # noqa: F401, PLC0415

    return quantization


class _Series:
    """Hands out calibration series a few at a time, as onnxruntime's ``CalibrationDataReader`` does."""

    def __init__(self, displacement: NDArray[np.float32], days: NDArray[np.float32]) -> None:
        self._calls: Iterator[dict[str, NDArray[np.float32]]] = (
            {"displacement": displacement[i : i + _ROWS_PER_CALL], "days": days[i : i + _ROWS_PER_CALL]}
            # Histograms are gathered over calls of one size only.
            for i in range(0, len(displacement) - _ROWS_PER_CALL + 1, _ROWS_PER_CALL)
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next inputs, None at the end."""
        return next(self._calls, None)
