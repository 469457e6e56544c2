"""Default network: a small convolutional network for any number of epochs, uneven dates and missing values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import keras

from insar_runtime.classes import CLASS_NAMES
from training.networks.layers import CalibratedSoftmax
from training.networks.series_layers import CHANNELS, STATISTICS, DescribeSeries, PoolInTime
from training.simulator import HALF_WAVELENGTH_MM


@dataclass(frozen=True)
class Convolution:
    """Convolution over epochs, followed by ReLU."""

    filters: int
    width: int
    stride: int = 1
    dilation: int = 1
    grouped: bool = False
    """Whether it is depth-wise over the epochs, followed by a dense combination of the channels."""


@dataclass(frozen=True)
class TrendNetConfig:
    """Settings of the network."""

    convolutions: tuple[Convolution, ...] = (
        Convolution(32, 8, 4),
        Convolution(32, 3),
        Convolution(48, 4, 2),
        Convolution(48, 3, 1, 2),
    )
    parts: int = 10
    largest_of_parts: bool = False
    """See ``PoolInTime``."""
    dense: int = 72
    half_wavelength_mm: float = HALF_WAVELENGTH_MM

    def __post_init__(self) -> None:
        first = self.convolutions[0]
        if first.grouped or first.width % first.stride:
            raise ValueError(f"the first convolution must read whole blocks of its stride, ungrouped: {first}")

    @property
    def stride(self) -> int:
        """Number of epochs per output position of the convolutions."""
        total = 1
        for convolution in self.convolutions:
            total *= convolution.stride
        return total

    @property
    def reach(self) -> int:
        """Receptive field of an output position, in epochs."""
        reach, step = 1, 1
        for convolution in self.convolutions:
            reach += (convolution.width - 1) * convolution.dilation * step
            step *= convolution.stride
        return reach


DESIGNS: Final = {
    "halved": TrendNetConfig(),
    "dilated": TrendNetConfig(
        (Convolution(32, 8, 4), Convolution(32, 3), Convolution(32, 3, 1, 2), Convolution(48, 3, 1, 4))
    ),
    "strided": TrendNetConfig((Convolution(32, 8, 2), Convolution(32, 5, 2), Convolution(48, 4))),
    "depthwise": TrendNetConfig(
        (Convolution(32, 8, 2), Convolution(48, 7, 2, grouped=True), Convolution(64, 7, grouped=True))
    ),
    "unordered": TrendNetConfig(parts=2),
    "statistics": TrendNetConfig((Convolution(16, 4, 4),), parts=24, dense=64),
}
"""Designs that are compared: the default, which halves the number of positions between convolutions; that of version
1.2.0, with dilated convolutions; strided convolutions; depth-wise convolutions; pooling over two halves of the span
only; a single convolution with means over many parts of the span."""


def build_trend_net(config: TrendNetConfig | None = None) -> keras.Model:
    """Build the network.

    Parameters
    ----------
    config : TrendNetConfig, optional
        Settings.

    Returns
    -------
    keras.Model
        Complete model from ``displacement`` [batch, T] float32 mm (NaN = missing or padding) and ``days``
        [batch or 1, T] float32 to probabilities [batch, 6] float32. Its layer ``scores`` returns the scores before the
        softmax; its layer ``probabilities`` holds the temperature.
    """
    config = config or TrendNetConfig()
    layers = keras.layers
    displacement = keras.Input((None,), name="displacement")
    days = keras.Input((None,), name="days")
    block = config.convolutions[0].stride
    x, coarse, statistics = DescribeSeries(config.half_wavelength_mm, block, config.stride, name="describe_series")(
        displacement, days
    )
    # The receptive field of a position is centred on its epochs.
    margin = -(-(config.reach - config.stride) // block)
    x = layers.ZeroPadding2D(((0, 0), (margin // 2, margin - margin // 2)), name="margins")(x)
    for number, convolution in enumerate(config.convolutions, start=1):
        options = {"activation": "relu", "name": f"conv_{number}"}
        if convolution.grouped:
            x = layers.DepthwiseConv2D(
                (1, convolution.width), strides=(1, convolution.stride), name=f"conv_{number}_epochs"
            )(x)
            x = layers.Conv2D(convolution.filters, 1, **options)(x)
        else:
            step = block if number == 1 else 1
            x = layers.Conv2D(
                convolution.filters,
                (1, convolution.width // step),
                strides=(1, convolution.stride // step),
                dilation_rate=(1, convolution.dilation),
                **options,
            )(x)
    pooled = PoolInTime(config.parts, config.largest_of_parts, name="pool_in_time")(x, coarse)
    x = layers.Concatenate(name="features")([*pooled, statistics])
    x = layers.Dense(config.dense, activation="relu", name="dense")(x)
    scores = layers.Dense(len(CLASS_NAMES), name="scores")(x)
    probabilities = CalibratedSoftmax(name="probabilities")(scores)
    return keras.Model([displacement, days], probabilities, name="trend_net")


def multiply_adds(config: TrendNetConfig, epochs: int) -> int:
    """Return the number of multiply-adds of convolutions, pooling and dense layers for one series."""
    channels = config.convolutions[-1].filters
    positions = -(-epochs // config.stride)
    pooled = config.parts * (channels + 2) + channels
    total = convolution_multiply_adds(config, epochs) + config.parts * positions * (channels + 2)
    return total + (pooled + STATISTICS) * config.dense + config.dense * len(CLASS_NAMES)


def convolution_multiply_adds(config: TrendNetConfig, epochs: int) -> int:
    """Return the number of multiply-adds of the convolutions for one series."""
    length = epochs + config.reach - 1
    total, channels = 0, CHANNELS
    for convolution in config.convolutions:
        length = (length - (convolution.width - 1) * convolution.dilation - 1) // convolution.stride + 1
        if convolution.grouped:
            total += length * channels * (convolution.width + convolution.filters)
        else:
            total += length * channels * convolution.width * convolution.filters
        channels = convolution.filters
    return total
