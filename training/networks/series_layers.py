"""Keras layers of the default network: from raw series of any length to images of one row, and back to a fixed length.

They are part of the saved model and of the exported graph, as those of ``training.networks.layers`` are, whose traps
they avoid too. Three more rules hold here:

- Sums over epochs are products of matrices. onnxruntime's own sums add in an order that depends on where a row lies in
  memory, and a row's bits must not depend on its neighbours; its running sums take as long as a convolution.
- Channels stand before epochs, as onnxruntime has them: the transposition that Keras' convolutions want is written out
  next to them, where the export takes the two away.
- Nothing reads across the end of a series: what stands in the padding is zero at the input, and positions of the
  padding have no weight in any pooling. A series padded by any number of missing epochs gives the same result, but for
  the rounding of its time, which is measured by the length of the axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import keras
import tensorflow as tf

from insar_runtime.definitions import DAYS_PER_YEAR, LINEAR_RATE_STDS, STABLE_RATE_MM_YR

_PACKAGE = "insar_runtime"
_FAR_DAYS: Final = 65536.0
"""Larger than any acquisition day, small enough to keep float32 exact to a fraction of a day."""
_TINY: Final = 1e-6

_CYCLE_RIDGE: Final = (0.03, 1.0)
"""Added to the power of the cycle's sine and cosine, a share of the epochs and a number (our choice): negligible over
years; over months, where a cycle cannot be distinguished from a curve, enough to leave the curve in place."""

_FIRST_OF_PAIR: Final = (0, 0, 1, 0, 0, 1, 1, 2, 3, 2)
_SECOND_OF_PAIR: Final = (0, 1, 1, 2, 3, 2, 3, 2, 3, 3)
"""Numbers of one, time, sine and cosine in the products that a fit needs."""

CHANNELS: Final = 5
"""Of the image that the convolutions see."""
STATISTICS: Final = 16
"""Numbers that describe a series as a whole."""


def _as_one(rows: tf.Tensor) -> tf.Tensor:
    """Return rows [batch, T] with one more axis, [batch, 1, T]; an index would be exported with a copy of them."""
    return tf.expand_dims(rows, axis=1)


def _products(rows: tf.Tensor, functions: tf.Tensor) -> tf.Tensor:
    """Multiply rows [batch, T] with functions of time [batch or 1, n, T], [batch, n].

    Where all rows share their dates, that is one product of matrices for the whole batch.
    """
    return tf.squeeze(tf.matmul(_as_one(rows), functions, transpose_b=True), axis=1)


def _combined(coefficients: tf.Tensor, functions: tf.Tensor) -> tf.Tensor:
    """Add up functions of time [batch or 1, n, T], each times its coefficient [batch, n], [batch, T]."""
    return tf.squeeze(tf.matmul(_as_one(coefficients), functions), axis=1)


@dataclass(frozen=True)
class _Moments:
    """What the valid epochs of each row make of one, time, sine and cosine; [batch, 1], and [batch, 2] of a pair.

    A row, the sine and the cosine are first freed of the line that they hold (Gram and Schmidt); a cycle is then found
    by least squares with a ridge.
    """

    count: tf.Tensor
    middle: tf.Tensor
    time_power: tf.Tensor
    level: tf.Tensor
    slope: tf.Tensor
    power: tf.Tensor
    mixed: tf.Tensor

    @classmethod
    def of(cls, valid: tf.Tensor, waves: tf.Tensor) -> _Moments:
        """Take the moments of rows [batch, T] with the four functions [batch or 1, 4, T]."""
        pairs = tf.gather(waves, _FIRST_OF_PAIR, axis=1) * tf.gather(waves, _SECOND_OF_PAIR, axis=1)
        count, time, square, with_one, with_time, power, mixed = tf.split(
            _products(valid, pairs), [1, 1, 1, 2, 2, 2, 1], axis=1
        )
        count = tf.maximum(count, 1.0)
        middle = time / count
        time_power = tf.maximum(square - middle * time, _TINY)
        level = with_one / count
        slope = (with_time - middle * with_one) / time_power
        share, least = _CYCLE_RIDGE
        power += share * count + least - with_one * level - time_power * slope * slope
        levels, slopes = tf.split(level, 2, axis=1), tf.split(slope, 2, axis=1)
        mixed -= count * levels[0] * levels[1] + time_power * slopes[0] * slopes[1]
        return cls(count, middle, time_power, level, slope, power, mixed)

    def line(self, with_one: tf.Tensor, with_time: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return level in the middle and slope of rows by their products with one and time."""
        return with_one / self.count, (with_time - self.middle * with_one) / self.time_power

    def coefficients(self, level: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
        """Return what one and time are to be multiplied with, [batch, 2]."""
        return tf.concat([level - self.middle * slope, slope], axis=1)

    def cycle(self, with_waves: tf.Tensor, level: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
        """Return what sine and cosine are to be multiplied with, by the products of a row with them and its line."""
        own = with_waves - self.count * level * self.level - self.time_power * slope * self.slope
        (sine, cosine), (of_sine, of_cosine) = (tf.split(pair, 2, axis=1) for pair in (self.power, own))
        scale = 1.0 / (sine * cosine - self.mixed * self.mixed)
        return tf.concat(
            [(cosine * of_sine - self.mixed * of_cosine) * scale, (sine * of_cosine - self.mixed * of_sine) * scale],
            axis=1,
        )


@dataclass(frozen=True)
class _Line:
    """The best line of each row, [batch, 1] each.

    Attributes
    ----------
    slope, slope_beside_cycle : tensor
        Of the line alone, and of the one that is fitted together with the yearly cycle; in the unit of time.
    time_power : tensor
        Sum of the squares of the valid epochs' times about their mean.
    count : tensor
        Number of valid epochs, at least 1.
    """

    slope: tf.Tensor
    slope_beside_cycle: tf.Tensor
    time_power: tf.Tensor
    count: tf.Tensor


def _without_line_and_cycle(
    value: tf.Tensor, valid: tf.Tensor, days: tf.Tensor, time: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, _Line]:
    """Take the best line away from rows, and from a copy the best line and yearly cycle together.

    Parameters
    ----------
    value, valid : tensor, shape [batch, T]
        Displacement, zero where it is missing; 1 where there is a value, 0 elsewhere.
    days, time : tensor, shape [batch or 1, T]
        Days, and the same on a scale of about 1. The line is the same whatever its time is measured in.

    Returns
    -------
    plain, seasonless : tensor, shape [batch, T]
        Without the line, and without both; zero where there is no value.
    line : _Line
        What was taken away.
    """
    angle = days * (2 * math.pi / DAYS_PER_YEAR)
    waves = tf.stack([tf.ones_like(days), time, tf.sin(angle), tf.cos(angle)], axis=1)
    moments = _Moments.of(valid, waves)

    one_and_time = waves[:, :2]
    level, steepness = moments.line(*tf.split(_products(value, one_and_time), 2, axis=1))
    residual = value - valid * _combined(moments.coefficients(level, steepness), one_and_time)
    # A second pass takes away what rounding has left of the line: of 300 mm, float32 leaves what counts. It also takes
    # away the cycle, from a copy.
    with_one, with_time, with_waves = tf.split(_products(residual, waves), [1, 1, 2], axis=1)
    level, slope = moments.line(with_one, with_time)
    cycle = moments.cycle(with_waves, level, slope)
    plain = residual - valid * _combined(moments.coefficients(level, slope), one_and_time)
    level -= tf.reduce_sum(cycle * moments.level, axis=1, keepdims=True)
    slope -= tf.reduce_sum(cycle * moments.slope, axis=1, keepdims=True)
    in_year = tf.concat([moments.coefficients(level, slope), cycle], axis=1)
    line = _Line(steepness, steepness + slope, moments.time_power, moments.count)
    return plain, residual - valid * _combined(in_year, waves), line


def _scaled(residual: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Scale residuals by their own scatter.

    Parameters
    ----------
    residual : tensor, shape [batch, T]
        mm, zero where there is no value.
    count : tensor, shape [batch, 1]
        Number of valid epochs, at least 1.

    Returns
    -------
    relative : tensor, shape [batch, T]
        0.6 at one standard deviation, no more than 2.5.
    scatter : tensor, shape [batch, 1]
        Standard deviation in mm, and a little more, so that it is never zero.
    likeness : tensor, shape [batch, 1]
        Autocorrelation of neighbouring epochs.
    """
    one = tf.expand_dims(tf.ones_like(residual[0]), axis=1)
    not_last = tf.concat([one[1:], [[0.0]]], axis=0)
    # The next epoch, and that of the next row behind the last one, which does not count: one copy of all the rows.
    following = tf.reshape(tf.concat([tf.reshape(residual, [-1])[1:], [0.0]], axis=0), tf.shape(residual))
    power = tf.matmul(residual * residual, one)
    scatter = tf.sqrt(power / count) + 0.05
    relative = tf.clip_by_value(residual * (0.6 / scatter), -2.5, 2.5)
    likeness = tf.matmul(residual * following, not_last) / (power + 0.01)
    return relative, scatter, likeness


@keras.saving.register_keras_serializable(package=_PACKAGE)
class DescribeSeries(keras.layers.Layer):
    """Remove the best line from every series, return its numbers, and scale the residual.

    A rate of 60 mm/yr is 300 mm after five years, and the bend that decides the class may be 3 mm: with 8 bits for a
    value, the bend has to be given without the line. The line and the scatter go to the dense layers as numbers in full
    precision. One channel is also without the best yearly cycle, which has no bearing on the class and may be larger.

    Parameters
    ----------
    half_wavelength_mm : float
        Half of the radar's wavelength in millimetres.
    block : int
        Epochs that stand next to each other in the image, a divisor of ``stride``.
    stride : int
        Epochs that one position behind the convolutions stands for.
    stable_rate_mm_yr : float
        Rate that separates Stable from Linear.
    one_image : bool
        Whether the rows of a call stand below each other in one image [1, batch, ...], in place of one image a row.
        The values are the same. onnxruntime prepares each image by itself, so the exported graph takes one; TensorFlow
        trains a little faster with many.

    Notes
    -----
    Call with ``displacement`` [batch, T] float32 mm (NaN = missing or padding) and ``days`` [batch or 1, T] float32,
    finite, ascending wherever ``displacement`` is valid. With L = T / stride, rounded up, returns

    - image [batch, 1, stride * L / block, 5 * block] float32 (or [1, batch, ...], see ``one_image``), the epochs of a
      block for each of five channels: residual
      over its own scatter, residual without its yearly cycle over the scatter that it then has, residual in half
      wavelengths, whether there is a value, time since the epoch before,
    - coarse [batch, 3, L] float32 of each stride: mean residual over the scatter, mean time of the valid epochs in
      [0, 1] from the first valid epoch of the series to its last, share of valid epochs,
    - statistics [batch, 16] float32.
    """

    def __init__(
        self,
        half_wavelength_mm: float,
        block: int,
        stride: int,
        stable_rate_mm_yr: float = STABLE_RATE_MM_YR,
        one_image: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.half_wavelength_mm, self.block, self.stride, self.one_image = half_wavelength_mm, block, stride, one_image
        self.stable_rate_mm_yr = stable_rate_mm_yr

    def call(self, displacement: tf.Tensor, days: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Describe; see the notes of the class for shapes."""
        # The remainder of a negative number is another one in ONNX than in TensorFlow.
        rest = tf.shape(displacement)[1] % self.stride
        filled = [[0, 0], [0, (self.stride - rest) % self.stride]]
        displacement = tf.pad(displacement, filled, constant_values=float("nan"))
        apart = tf.pad(days[:, 1:] - days[:, :-1], [[0, 0], [1, 0]])
        days, apart = tf.pad(days, filled), tf.pad(apart, filled)

        missing = tf.math.is_nan(displacement)
        value = tf.where(missing, 0.0, displacement)
        valid = tf.cast(tf.math.logical_not(missing), tf.float32)
        since = valid * tf.minimum(apart * (1.0 / 24.0), 2.5)

        # A time that the rows of a batch share is one for the whole batch, and between -1 and 1 it keeps float32 exact.
        length = tf.maximum(tf.reduce_max(days, axis=1, keepdims=True), 1.0)
        time = days * (2.0 / length) - 1.0
        plain, seasonless, line = _without_line_and_cycle(value, valid, days, time)
        slope, count = line.slope, line.count
        # Two tensors rather than one of both: operators are slower where they must repeat one of their inputs.
        relative, scatter, likeness = _scaled(plain, count)
        relative_seasonless, scatter_seasonless, likeness_seasonless = _scaled(seasonless, count)
        physical = tf.clip_by_value(plain * (2.0 / self.half_wavelength_mm), -2.5, 2.5)
        image = tf.stack([relative, relative_seasonless, physical, valid, since], axis=1)

        # Maxima of values that are zero where an epoch is missing, so that none of them counts.
        known_days = (days + 1.0) * valid
        last = tf.reduce_max(known_days, axis=1, keepdims=True)
        first = _FAR_DAYS - tf.reduce_max((_FAR_DAYS - 1.0 - days) * valid, axis=1, keepdims=True)
        span = tf.maximum(last - first, 1.0)
        total = slope * (2.0 * span / length)
        years = span * (1.0 / DAYS_PER_YEAR)
        curved = tf.asinh(tf.concat([total / years * 0.5, total * 0.1], axis=1))
        # The last is mean days between epochs, 1 at 8 days.
        sizes = [scatter, scatter_seasonless, count * 0.01, years * 0.3, span / count * 0.125]
        logarithms = tf.math.log(tf.concat(sizes, axis=1))
        rates = self._rates(line, length, scatter_seasonless, likeness_seasonless)
        statistics = tf.concat([curved, tf.abs(curved), logarithms, likeness, likeness_seasonless, rates], axis=1)

        weight = self._summed(valid)
        some = tf.maximum(weight, 1.0)
        position = (self._summed(known_days) / some - _as_one(first)) / _as_one(span)
        coarse = tf.concat([self._summed(relative) / some, position, weight * (1.0 / self.stride)], axis=1)
        return self._in_blocks(image), coarse, statistics

    def _rates(self, line: _Line, length: tf.Tensor, scatter: tf.Tensor, likeness: tf.Tensor) -> tf.Tensor:
        """Describe the rate beside the yearly cycle and its standard deviation, as in the definition of Linear.

        The standard deviation is that of first-order autoregressive noise (effective number of epochs).
        """
        a_year = 2.0 * DAYS_PER_YEAR / length
        rate = line.slope_beside_cycle * a_year
        size = tf.abs(rate)
        alike = tf.clip_by_value(likeness, 0.0, 0.9)
        spread = scatter * tf.sqrt((1.0 + alike) / (1.0 - alike))
        deviation = spread * a_year / tf.sqrt(line.time_power) + 1e-3
        near = tf.clip_by_value(size - self.stable_rate_mm_yr, -1.0, 1.0)
        scaled = tf.asinh(rate / self.stable_rate_mm_yr)
        return tf.concat(
            [scaled, tf.abs(scaled), near, tf.math.log(deviation), tf.asinh(size / deviation / LINEAR_RATE_STDS)],
            axis=1,
        )

    def _in_blocks(self, image: tf.Tensor) -> tf.Tensor:
        """Put the epochs of a block next to each other: a convolution then reads whole blocks, which copies less."""
        batch = tf.shape(image)[0]
        blocks = tf.reshape(image, tf.stack([batch, CHANNELS, -1, self.block]))
        blocks = tf.transpose(blocks, [0, 2, 1, 3])
        images = [1, batch] if self.one_image else [batch, 1]
        return tf.reshape(blocks, tf.stack([*images, -1, CHANNELS * self.block]))

    def _summed(self, rows: tf.Tensor) -> tf.Tensor:
        """Sum rows [batch, T] or [batch, 1, T] over each stride, [batch, 1, L]."""
        strides = tf.reshape(rows, tf.stack([tf.shape(rows)[0], -1, self.stride]))
        return tf.transpose(tf.matmul(strides, tf.ones([1, self.stride, 1])), [0, 2, 1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which the layer can be built again."""
        names = ("half_wavelength_mm", "block", "stride", "stable_rate_mm_yr", "one_image")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class PoolInTime(keras.layers.Layer):
    """Average features over parts of the span, so that a network knows what was when, at any length and sampling.

    Plain global pooling loses the order of epochs, which distinguishes a break from a parabola. The parts overlap
    like hats: each position counts for the two nearest of them.

    Parameters
    ----------
    parts : int
        Number of hats, at least 2, equally spaced from the first valid epoch to the last.
    largest_of_parts : bool
        Whether the largest value is that of the parts' means, in place of that of the positions. A feature of a few
        epochs of a long series is then diluted; the exported int8 graph needs no position in floating point.

    Notes
    -----
    Call with features [batch, 1, L, C], or [1, batch, L, C], that are not negative and the coarse series [batch, 3, L]
    of ``DescribeSeries``. Returns, all float32, means of the features [batch, parts * C], means of the coarse residual
    [batch, parts], share of the epochs in each part [batch, parts], and the largest value of each feature where there
    are epochs [batch, C].
    """

    def __init__(self, parts: int, largest_of_parts: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts, self.largest_of_parts = parts, largest_of_parts

    def call(self, features: tf.Tensor, coarse: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Pool; see the notes of the class for shapes."""
        channels = features.shape[-1]
        residual, position, weight = tf.split(coarse, 3, axis=1)
        features = tf.reshape(features, tf.stack([tf.shape(coarse)[0], tf.shape(coarse)[2], channels]))
        if not self.largest_of_parts:
            # No weight is below 1 / stride but zero.
            features *= tf.transpose(tf.math.ceil(weight), [0, 2, 1])
        # Parts come first: an operator then repeats its input a few times as a whole, rather than in every row.
        rows = tf.stack([1, tf.shape(coarse)[0], tf.shape(coarse)[2]])
        place, share = tf.reshape(position * (self.parts - 1.0), rows), tf.reshape(weight, rows)
        centre = tf.range(self.parts, dtype=tf.float32)[:, None, None]
        hats = tf.transpose(tf.maximum(1.0 - tf.abs(place - centre), 0.0) * share, [1, 0, 2])
        residual_and_one = tf.concat([residual, tf.ones_like(weight)], axis=1)
        sums = tf.matmul(residual_and_one, hats, transpose_b=True)
        residual_sums, own = tf.unstack(sums, axis=1)
        scale = 1.0 / tf.maximum(own, 0.25)
        means = tf.matmul(hats, features) * tf.expand_dims(scale, axis=2)
        return (
            tf.reshape(means, [-1, self.parts * channels]),
            residual_sums * scale,
            own / tf.maximum(tf.reduce_max(own, axis=1, keepdims=True), _TINY),
            tf.reduce_max(means if self.largest_of_parts else features, axis=1),
        )

    def compute_output_shape(self, features_shape: Any, coarse_shape: Any) -> tuple[tuple[Any, int], ...]:
        """Return [batch, numbers] of each output."""
        batch, channels = coarse_shape[0], features_shape[-1]
        return tuple((batch, numbers) for numbers in (self.parts * channels, self.parts, self.parts, channels))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments from which the layer can be built again."""
        return {**super().get_config(), "parts": self.parts, "largest_of_parts": self.largest_of_parts}
