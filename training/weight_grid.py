"""Rounding of the weights of convolutions to the values of the int8 file, so that fp32 and int8 have equal weights.

The int8 file stores integers from -64 to 64, with a scale for each output channel: seven bits, so that the sum of two
products of a weight and an unsigned byte fits into 16 bits. Processors without integer dot products (x86 before VNNI)
add such pairs in 16 bits and would saturate. Rounded weights do not change when they are quantized.

Before rounding, the ranges of the channels are equalized, because all activations of a layer share one scale. ReLU is
positively homogeneous, so an output channel may be multiplied by a positive factor if the next convolution divides by
it (Nagel et al., "Data-free quantization through weight equalization and bias correction", ICCV 2019; here the ranges
of the activations are measured on data).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from training.dataset import LabelledSeries

_LEVELS: Final = 64
"""Largest integer of a weight of reduced range in onnxruntime's quantizer."""
_SHARE: Final = 0.9999
"""Quantile of the activations of a channel that counts as its range."""
_EXPONENT: Final = 0.25
"""Exponent of the ratio of the range of the next weights to the range of the activations of a channel. 0.5 would
equalize both; 0.25 lost the least accuracy, because the weights of an output channel share a scale as well (our
choice).
"""
_LEAST: Final = 1e-3
"""Range that is assumed for an unused channel, as a share of the largest range."""

Floats = NDArray[np.float32]


def round_weights(model: keras.Model, series: LabelledSeries) -> None:
    """Equalize the channels between convolutions and round the weights, in place.

    Parameters
    ----------
    model : keras.Model
        See ``build_trend_net``. Equalization does not change its function; rounding changes a weight by at most 1/128
        of the largest weight of its output channel.
    series : LabelledSeries
        Some thousand series, on which the ranges of the activations are measured.
    """
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    for first, second in pairwise(convolutions):
        if not isinstance(second, keras.layers.DepthwiseConv2D) and second.input is first.output:
            _equalize(model, first, second, series)
    for layer in convolutions:
        kernel, *rest = layer.get_weights()
        layer.set_weights([on_grid(kernel), *rest])


def on_grid(kernel: Floats) -> Floats:
    """Round a kernel [..., outputs] to 129 levels for each output, symmetric about zero."""
    largest = np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1)), keepdims=True)
    step = np.maximum(largest, np.float32(1e-30)) / np.float32(_LEVELS)
    return np.asarray(np.round(kernel / step) * step, dtype=np.float32)


def _equalize(
    model: keras.Model, first: keras.layers.Layer, second: keras.layers.Layer, series: LabelledSeries
) -> None:
    between = keras.Model(model.inputs, first.output)
    activations = between.predict([series.displacement, np.asarray(series.days)], batch_size=512, verbose=0)
    ranges = np.quantile(activations.reshape(-1, activations.shape[-1]), _SHARE, axis=0)
    kernel, bias = first.get_weights()
    reader, *rest = second.get_weights()
    read = np.abs(reader).max(axis=(0, 1, 3))
    factor = ((_above_zero(read) / _above_zero(ranges)) ** _EXPONENT).astype(np.float32)
    first.set_weights([kernel * factor, bias * factor])
    second.set_weights([reader / factor[None, None, :, None], *rest])


def _above_zero(ranges: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.maximum(ranges, max(_LEAST * float(ranges.max()), 1e-30))
