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

CHANNELS: Final = 5
"""Of the image that the convolutions see."""
STATISTICS: Final = 11
"""Numbers that describe a series as a whole."""


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Multiply rows [batch or 1, T] and [batch, T] with each other, [batch, 1]."""
    return tf.squeeze(tf.matmul(b[:, None, :], a[:, :, None]), axis=2)


def _scaled(residual: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Give scatter [batch, 1], rows over it [batch, T], and how alike neighbours are [batch, 1]."""
    power = _dot(residual, residual)
    scatter = tf.sqrt(power / count) + 0.05
    relative = tf.clip_by_value(residual * (0.6 / scatter), -2.5, 2.5)
    return scatter, relative, _dot(residual[:, 1:], residual[:, :-1]) / (power + 0.01)


def _fit(sine: tf.Tensor, cosine: tf.Tensor, residual: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Fit two waves to rows by least squares with a ridge, all [batch, T]."""
    share, least = _CYCLE_RIDGE
    ridge = share * count + least
    sine_power, cosine_power = _dot(sine, sine) + ridge, _dot(cosine, cosine) + ridge
    mixed, of_sine, of_cosine = _dot(sine, cosine), _dot(sine, residual), _dot(cosine, residual)
    scale = 1.0 / (sine_power * cosine_power - mixed * mixed)
    first = (cosine_power * of_sine - mixed * of_cosine) * scale
    second = (sine_power * of_cosine - mixed * of_sine) * scale
    return first * sine + second * cosine


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

        ones = tf.ones_like(days)
        count = tf.maximum(_dot(ones, valid), 1.0)
        middle, level = _dot(ones, time) / count, _dot(ones, value) / count
        centred = time - middle * valid
        residual = value - level * valid
        time_power = tf.maximum(_dot(centred, centred), _TINY)
        total = _dot(centred, residual) / time_power
        residual -= total * centred
        # A second pass takes away what rounding has left of the line: of 300 mm, float32 leaves what counts.
        residual -= (_dot(ones, residual) / count) * valid
        residual -= (_dot(centred, residual) / time_power) * centred
        scatter, relative, likeness = _scaled(residual, count)

        def without_line(wave: tf.Tensor) -> tf.Tensor:
            wave = (wave - _dot(wave, valid) / count) * valid
            return wave - (_dot(centred, wave) / time_power) * centred

        angle = days * (2 * math.pi / _YEAR)
        cycle = _fit(without_line(tf.sin(angle)), without_line(tf.cos(angle)), residual, count)
        scatter_in_year, relative_in_year, likeness_in_year = _scaled(residual - cycle, count)

        years = span * (1.0 / _YEAR)
        rate = tf.asinh(total / years * 0.5)
        statistics = tf.concat(
            [
                rate,
                tf.abs(rate),
                tf.asinh(total * 0.1),
                tf.abs(tf.asinh(total * 0.1)),
                tf.math.log(scatter),
                likeness,
                tf.math.log(count * 0.01),
                tf.math.log(years * 0.3),
                # Mean days between epochs, about 0 at 8 days.
                tf.math.log(span / count * 0.125),
                tf.math.log(scatter_in_year),
                likeness_in_year,
            ],
            axis=1,
        )

        physical = tf.clip_by_value(residual * (2.0 / self.half_wavelength_mm), -2.5, 2.5)
        since = valid * tf.minimum(apart * (1.0 / 24.0), 2.5)
        image = tf.stack([relative, physical, valid, since, relative_in_year], axis=1)
        image = tf.pad(image, [[0, 0], [0, 0], [self.before, self.after]])[:, :, None]

        weight = self._per_stride(valid)
        there = tf.maximum(weight, 1.0)
        coarse = tf.stack(
            [self._per_stride(relative) / there, self._per_stride(time) / there, weight * (1.0 / self.stride)], axis=1
        )
        return tf.transpose(image, [0, 2, 3, 1]), coarse, statistics

    def _per_stride(self, values: tf.Tensor) -> tf.Tensor:
        """Sum [batch, stride * L] to [batch, L]."""
        parts = tf.reshape(values, [tf.shape(values)[0], -1, self.stride])
        return tf.squeeze(tf.matmul(parts, tf.ones([self.stride, 1])), axis=2)

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
        residual, position, weight = (coarse[:, i] for i in range(3))
        centre = tf.range(self.parts, dtype=tf.float32)
        distance = tf.abs(position[:, :, None] * (self.parts - 1.0) - centre)
        hats = tf.maximum(1.0 - distance, 0.0) * weight[:, :, None]
        own = tf.matmul(tf.ones_like(weight)[:, None], hats)
        scale = 1.0 / tf.maximum(own, 0.25)
        means = tf.matmul(features, hats) * scale
        coarse_means = tf.matmul(residual[:, None], hats) * scale
        occupied = own / tf.maximum(tf.reduce_max(own, axis=2, keepdims=True), _TINY)
        largest = tf.reduce_max(features * tf.minimum(weight * 4.0, 1.0)[:, None], axis=2)
        return tf.concat(
            [
                tf.reshape(means, [-1, channels * self.parts]),
                tf.squeeze(coarse_means, axis=1),
                tf.squeeze(occupied, axis=1),
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
