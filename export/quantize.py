"""Static quantization to int8: unsigned activations, signed weights with a scale per channel; preparation in fp32.

With unsigned activations, chains of convolutions run in integer kernels; for signed ones, onnxruntime uses a slow
reference implementation on x86.
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
"""Quantized operators. Relu is included so that it is fused with the convolution before it; otherwise the ranges would
be those before Relu, and half of the 256 steps would represent negative values that Relu removes."""
_ROWS_PER_CALL: Final = 64


def quantize(
    proto: onnx.ModelProto,
    displacement: NDArray[np.float32],
    days: NDArray[np.float32],
    *,
    percentile: float | None,
    reduce_range: bool,
) -> onnx.ModelProto:
    """Return a model with quantized convolutions and, for the default design, quantized pooling and dense layer.

    Parameters
    ----------
    proto : onnx.ModelProto
        Model in fp32.
    displacement, days : ndarray of float32, shape [N, T]
        Series for the ranges of activations.
    percentile : float or None
        Percentage of the activations that the range covers; all of them if None.
    reduce_range : bool
        Whether weights have 7 bits, so that sums of 16 bits cannot saturate on x86 without VNNI.

    Returns
    -------
    onnx.ModelProto
        Model in QDQ format, without metadata.
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
    """Import onnxruntime's quantizer, after telemetry is switched off."""
    import_onnxruntime()
    from onnxruntime import quantization  # noqa: PLC0415 - must follow the line above
    from onnxruntime.quantization import shape_inference  # noqa: F401, PLC0415

    return quantization


class _Series:
    """Calibration series in small batches (interface of onnxruntime's ``CalibrationDataReader``)."""

    def __init__(self, displacement: NDArray[np.float32], days: NDArray[np.float32]) -> None:
        self._calls: Iterator[dict[str, NDArray[np.float32]]] = (
            {"displacement": displacement[i : i + _ROWS_PER_CALL], "days": days[i : i + _ROWS_PER_CALL]}
            # Histograms need calls of equal size.
            for i in range(0, len(displacement) - _ROWS_PER_CALL + 1, _ROWS_PER_CALL)
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next inputs; None at the end."""
        return next(self._calls, None)
