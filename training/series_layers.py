"""Keras layers of the default network: from raw series of any length to images of one row, and back to a fixed length.

They are part of the saved model and of the exported graph, as those of ``training.layers`` are, whose traps they avoid
too. Three more rules hold here:

- Sums over epochs are products of matrices. onnxruntime's own sums add in an order that depends on where a row lies in
  memory, and a row's bits must not depend on its neighbours; its running sums take as long as a convolution.
- Channels stand before epochs, as onnxruntime has them: the transposition that Keras' convolutions want is written out
  next to them, where the export takes the two away.
- Nothing reads across the end of a series: what stands in the padding is zero at the input, and positions of the
  padding have no weight in any pooling. A series padded by any number of missing epochs gives the same result.
"""

from __future__ import annotations

import math
from typing import Any, Final

import keras
import tensorflow as tf

_PACKAGE = "insar_runtime"
_FAR_DAYS: Final = 65536.0
"""Larger than any acquisition day, small enough to keep float32 exact to a fraction of a day."""
_YEAR: Final = 365.25
_TINY: Final = 1e-6

_CYCLE_RIDGE: Final = (0.03, 1.0)
"""Added to the power of the cycle's sine and cosine, a share of the epochs and a number [ours]: next to nothing over
years, and over months, where a cycle cannot be told from a curve, enough to leave the curve in place."""

_Line = tuple[tf.Tensor, tf.Tensor]
"""Level and slope of rows, [batch, 1] each."""

CHANNELS: Final = 5
"""Of the image that the convolutions see."""
STATISTICS: Final = 11
"""Numbers that describe a series as a whole."""


def _inner(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Multiply rows [batch, m, T] and [batch, n, T] with each other, [batch, m, n]."""
    return tf.matmul(a, b, transpose_b=True)


def _column(products: tf.Tensor, row: int, column: int) -> tf.Tensor:
    """Take one product of each series, [batch, 1]."""
    return products[:, row, column : column + 1]


def _diagonal(products: tf.Tensor) -> tf.Tensor:
    """Take the two products of [batch, 2, 2] that are of a row with itself, [batch, 2, 1]."""
    return tf.stack([_column(products, 0, 0), _column(products, 1, 1)], axis=1)


def _line_and_cycle(
    moments: tf.Tensor, left: tf.Tensor, count: tf.Tensor, middle: tf.Tensor, time_power: tf.Tensor
) -> tf.Tensor:
    """Fit a line, and a line and a yearly cycle, to rows whose line has nearly gone.

    Parameters
    ----------
    moments : tensor, shape [batch, 4, 5]
        Products of one, time, sine and cosine at the valid epochs with each other, and with the values.
    left : tensor, shape [batch, 4, 1]
        Products of the four with the rows.
    count, middle, time_power : tensor, shape [batch, 1]
        Number of valid epochs, mean time, power of the time about its mean.

    Returns
    -------
    tensor, shape [batch, 2, 4]
        Coefficients of the four: of the line, and of both. The cycle is found by least squares with a ridge after the
        line has been taken from its sine and cosine.
    """

    def line_of(with_one: tf.Tensor, with_time: tf.Tensor) -> _Line:
        return with_one / count, (with_time - middle * with_one) / time_power

    sine = line_of(_column(moments, 0, 2), _column(moments, 1, 2))
    cosine = line_of(_column(moments, 0, 3), _column(moments, 1, 3))
    row = line_of(left[:, 0], left[:, 1])

    def without_lines(product: tf.Tensor, one: _Line, other: _Line) -> tf.Tensor:
        return product - count * one[0] * other[0] - time_power * one[1] * other[1]

    share, least = _CYCLE_RIDGE
    ridge = share * count + least
    sine_power = without_lines(_column(moments, 2, 2), sine, sine) + ridge
    cosine_power = without_lines(_column(moments, 3, 3), cosine, cosine) + ridge
    mixed = without_lines(_column(moments, 2, 3), sine, cosine)
    of_sine, of_cosine = without_lines(left[:, 2], sine, row), without_lines(left[:, 3], cosine, row)
    scale = 1.0 / (sine_power * cosine_power - mixed * mixed)
    first = (cosine_power * of_sine - mixed * of_cosine) * scale
    second = (sine_power * of_cosine - mixed * of_sine) * scale

    level, slope = (row[i] - first * sine[i] - second * cosine[i] for i in (0, 1))
    nothing = tf.zeros_like(count)
    line = tf.concat([row[0] - middle * row[1], row[1], nothing, nothing], axis=1)
    return tf.stack([line, tf.concat([level - middle * slope, slope, first, second], axis=1)], axis=1)


@keras.saving.register_keras_serializable(package=_PACKAGE)
class DescribeSeries(keras.layers.Layer):
    """Take the best line away from every series, say in numbers what it was, and scale what is left.

    A rate of 60 mm/yr is 300 mm after five years, and the bend that tells a class may be 3 mm: with 8 bits for a value
    a network must see the bend without the line. The line and the scatter go to the dense layers as numbers in full
    precision. One channel is also without the best yearly cycle, which tells no class and may be larger than what does.

    Parameters
    ----------
    half_wavelength_mm : float
        Half of the radar's wavelength in millimetres.
    before, after : int
        Zeros to put before and after every series, for convolutions that add none themselves.
    stride : int
        Epochs that one position behind the convolutions stands for.

    Notes
    -----
    Call with ``displacement`` [batch, T] float32 mm (NaN = missing or padding) and ``days`` [batch or 1, T] float32,
    finite, ascending wherever ``displacement`` is valid. With L = T / stride, rounded up, returns

    - image [batch, 1, before + stride * L + after, 5] float32: residual over its own scatter, residual in half
      wavelengths, whether there is a value, time since the epoch before, residual without its yearly cycle over the
      scatter that it then has,
    - coarse [batch, 3, L] float32 of each stride: mean residual over the scatter, mean time of the valid epochs in
      [0, 1] from the first valid epoch of the series to its last, share of valid epochs,
    - statistics [batch, 11] float32.
    """

    def __init__(self, half_wavelength_mm: float, before: int, after: int, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.half_wavelength_mm = half_wavelength_mm
        self.before, self.after, self.stride = before, after, stride

    def call(self, displacement: tf.Tensor, days: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Describe; see the notes of the class for shapes."""
        # The remainder of a negative number is another one in ONNX than in TensorFlow.
        rest = tf.shape(displacement)[1] % self.stride
        filled = [[0, 0], [0, (self.stride - rest) % self.stride]]
        displacement = tf.pad(displacement, filled, constant_values=float("nan"))
        apart = tf.pad(days[:, 1:] - days[:, :-1], [[0, 0], [1, 0]])
        days, apart = tf.pad(days, filled), tf.pad(apart, filled)

        missing = tf.math.is_nan(displacement)
        value = tf.where(missing, tf.zeros_like(displacement), displacement)
        valid = 1.0 - tf.cast(missing, tf.float32)
        # Maxima of values that are zero where an epoch is missing, so that none of them counts.
        last = tf.reduce_max((days + 1.0) * valid, axis=1, keepdims=True) - 1.0
        first = _FAR_DAYS - tf.reduce_max((_FAR_DAYS - days) * valid, axis=1, keepdims=True)
        span = tf.maximum(last - first, 1.0)
        time = ((days - first) / span) * valid

        angle = days * (2 * math.pi / _YEAR)
        waves = tf.stack([valid, time, tf.sin(angle) * valid, tf.cos(angle) * valid], axis=1)
        moments = _inner(waves, tf.concat([waves, value[:, None]], axis=1))
        count = tf.maximum(_column(moments, 0, 0), 1.0)
        middle = _column(moments, 0, 1) / count
        time_power = tf.maximum(_column(moments, 1, 1) - middle * _column(moments, 0, 1), _TINY)
        total = (_column(moments, 1, 4) - middle * _column(moments, 0, 4)) / time_power
        residual = value - (_column(moments, 0, 4) / count) * valid - total * (time - middle * valid)
        # A second pass takes away what rounding has left of the line: of 300 mm, float32 leaves what counts. It also
        # takes away the cycle, from a copy.
        left = _inner(waves, residual[:, None])
        away = _line_and_cycle(moments, left, count, middle, time_power)
        residuals = residual[:, None] - tf.matmul(away, waves)
        power = _diagonal(_inner(residuals, residuals))
        scatter = tf.sqrt(power / count[:, None]) + 0.05
        relatives = tf.clip_by_value(residuals * (0.6 / scatter), -2.5, 2.5)
        likeness = _diagonal(_inner(residuals[:, :, 1:], residuals[:, :, :-1])) / (power + 0.01)

        years = span * (1.0 / _YEAR)
        rate = tf.asinh(total / years * 0.5)
        statistics = tf.concat(
            [
                rate,
                tf.abs(rate),
                tf.asinh(total * 0.1),
                tf.abs(tf.asinh(total * 0.1)),
                tf.math.log(scatter[:, 0]),
                likeness[:, 0],
                tf.math.log(count * 0.01),
                tf.math.log(years * 0.3),
                # Mean days between epochs, about 0 at 8 days.
                tf.math.log(span / count * 0.125),
                tf.math.log(scatter[:, 1]),
                likeness[:, 1],
            ],
            axis=1,
        )

        relative, in_year = relatives[:, 0], relatives[:, 1]
        physical = tf.clip_by_value(residuals[:, 0] * (2.0 / self.half_wavelength_mm), -2.5, 2.5)
        since = valid * tf.minimum(apart * (1.0 / 24.0), 2.5)
        image = tf.stack([relative, physical, valid, since, in_year], axis=1)
        image = tf.pad(image, [[0, 0], [0, 0], [self.before, self.after]])[:, :, None]

        parts = tf.reshape(tf.stack([relative, time, valid], axis=1), [tf.shape(valid)[0], 3, -1, self.stride])
        sums = tf.squeeze(tf.matmul(parts, tf.ones([self.stride, 1])), axis=3)
        weight = sums[:, 2:]
        coarse = tf.concat([sums[:, :2] / tf.maximum(weight, 1.0), weight * (1.0 / self.stride)], axis=1)
        return tf.transpose(image, [0, 2, 3, 1]), coarse, statistics

    def get_config(self) -> dict[str, Any]:
        """Give what is needed to build the layer again."""
        own = {name: getattr(self, name) for name in ("half_wavelength_mm", "before", "after", "stride")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class PoolInTime(keras.layers.Layer):
    """Average features over parts of the span, so that a network knows what was when, at any length and sampling.

    Plain global pooling forgets the order of things, which is what tells a break from a parabola. The parts overlap
    like hats: each position counts for the two nearest of them.

    Parameters
    ----------
    parts : int
        Number of hats, at least 2, equally spaced from the first valid epoch to the last.

    Notes
    -----
    Call with features [batch, 1, L', C] that are not negative, L' at least L, and the coarse series [batch, 3, L] of
    ``DescribeSeries``. Returns [batch, C * parts + 2 * parts + C] float32: means of the features, means of the coarse
    residual, share of the epochs in each part, and the largest value of each feature where there are epochs.
    """

    def __init__(self, parts: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts = parts

    def call(self, features: tf.Tensor, coarse: tf.Tensor) -> tf.Tensor:
        """Pool; see the notes of the class for shapes."""
        channels, length = features.shape[-1], tf.shape(coarse)[2]
        features = tf.squeeze(tf.transpose(features, [0, 3, 1, 2]), axis=2)[:, :, :length]
        residual, position, weight = (coarse[:, i : i + 1] for i in range(3))
        centre = tf.range(self.parts, dtype=tf.float32)[:, None]
        hats = tf.maximum(1.0 - tf.abs(position * (self.parts - 1.0) - centre), 0.0) * weight
        own = _inner(hats, tf.ones_like(weight))
        hats *= 1.0 / tf.maximum(own, 0.25)
        means, coarse_means = _inner(features, hats), _inner(residual, hats)
        occupied = own / tf.maximum(tf.reduce_max(own, axis=1, keepdims=True), _TINY)
        largest = tf.reduce_max(features * tf.minimum(weight * 4.0, 1.0), axis=2)
        return tf.concat(
            [
                tf.reshape(means, [-1, channels * self.parts]),
                tf.squeeze(coarse_means, axis=1),
                tf.squeeze(occupied, axis=2),
                largest,
            ],
            axis=1,
        )

    def compute_output_shape(self, features_shape: Any, coarse_shape: Any = None) -> tuple[Any, int]:
        """Give [batch, features]."""
        del coarse_shape
        channels = features_shape[-1]
        return (features_shape[0], channels * self.parts + 2 * self.parts + channels)

    def get_config(self) -> dict[str, Any]:
        """Give what is needed to build the layer again."""
        return {**super().get_config(), "parts": self.parts}
