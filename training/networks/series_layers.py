"""Keras layers of the default network: features of series of any length, and pooling to a fixed length.

They are part of the saved model and of the exported graph, like those of ``training.networks.layers``, with the same
restrictions and three more:

- Sums over epochs are matrix products. The order of additions in onnxruntime's own sums depends on the memory address
  of a row, and the result of a row must not depend on its neighbours; its cumulative sums take as long as a
  convolution.
- Channels come before epochs, as in onnxruntime. The transpositions that Keras' convolutions need are next to the
  convolutions, where the export removes them.
- The padding has no effect: it is zero at the input and has no weight in any pooling. A series padded by any number of
  missing epochs gives the same result, except for the rounding of the time, which is relative to the length of the
  axis.
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
"""Larger than any acquisition day, but small enough that float32 resolves a fraction of a day."""
_TINY: Final = 1e-6

_CYCLE_RIDGE: Final = (0.03, 1.0)
"""Ridge of the fit of the annual cycle, as a share of the number of epochs and as a constant (our choice): negligible
over years; over months, where a cycle cannot be distinguished from a curve, large enough to keep the curve."""

_FIRST_OF_PAIR: Final = (0, 0, 1, 0, 0, 1, 1, 2, 3, 2)
_SECOND_OF_PAIR: Final = (0, 1, 1, 2, 3, 2, 3, 2, 3, 3)
"""Indices of the constant, time, sine and cosine among the functions of a fit."""

CHANNELS: Final = 5
"""Number of channels of the image, the input of the convolutions."""
STATISTICS: Final = 16
"""Number of features of the series as a whole."""


def _as_one(rows: tf.Tensor) -> tf.Tensor:
    """Return rows [batch, T] as [batch, 1, T]; indexing would be exported with a copy."""
    return tf.expand_dims(rows, axis=1)


def _products(rows: tf.Tensor, functions: tf.Tensor) -> tf.Tensor:
    """Return the products [batch, n] of rows [batch, T] with functions of time [batch or 1, n, T].

    If all rows share their dates, this is one matrix product for the whole batch.
    """
    return tf.squeeze(tf.matmul(_as_one(rows), functions, transpose_b=True), axis=1)


def _combined(coefficients: tf.Tensor, functions: tf.Tensor) -> tf.Tensor:
    """Return the linear combination [batch, T] of functions of time [batch or 1, n, T] by coefficients [batch, n]."""
    return tf.squeeze(tf.matmul(_as_one(coefficients), functions), axis=1)


@dataclass(frozen=True)
class _Moments:
    """Normal equations of line and annual cycle over the valid epochs; [batch, 1] each, [batch, 2] for a pair.

    Rows, sine and cosine are made orthogonal to the line (Gram and Schmidt); the cycle is then fitted by ridge
    regression.
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
        """Return the moments for the mask of valid epochs [batch, T] and the four functions [batch or 1, 4, T]."""
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
        """Return mean and slope of rows, from their products with the constant and with time."""
        return with_one / self.count, (with_time - self.middle * with_one) / self.time_power

    def coefficients(self, level: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
        """Return the coefficients of the constant and of time, [batch, 2]."""
        return tf.concat([level - self.middle * slope, slope], axis=1)

    def cycle(self, with_waves: tf.Tensor, level: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
        """Return the coefficients of sine and cosine, from the products of a row with them and from its line."""
        own = with_waves - self.count * level * self.level - self.time_power * slope * self.slope
        (sine, cosine), (of_sine, of_cosine) = (tf.split(pair, 2, axis=1) for pair in (self.power, own))
        scale = 1.0 / (sine * cosine - self.mixed * self.mixed)
        return tf.concat(
            [(cosine * of_sine - self.mixed * of_cosine) * scale, (sine * of_cosine - self.mixed * of_sine) * scale],
            axis=1,
        )


@dataclass(frozen=True)
class _Line:
    """Least-squares line of each row; all fields are [batch, 1].

    Attributes
    ----------
    slope, slope_beside_cycle : tensor
        Slope of the line alone, and of the line that is fitted together with the annual cycle, per unit of time.
    time_power : tensor
        Sum of squares of the times of the valid epochs about their mean.
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
    """Subtract the least-squares line from rows, and the line with an annual cycle from a copy.

    Parameters
    ----------
    value, valid : tensor, shape [batch, T]
        Displacement, 0 if missing; 1 for a valid epoch, 0 otherwise.
    days, time : tensor, shape [batch or 1, T]
        Days, and the same scaled to about 1.

    Returns
    -------
    plain, seasonless : tensor, shape [batch, T]
        Residual from the line, and from line and cycle; 0 for a missing value.
    line : _Line
        The line that was subtracted.
    """
    angle = days * (2 * math.pi / DAYS_PER_YEAR)
    waves = tf.stack([tf.ones_like(days), time, tf.sin(angle), tf.cos(angle)], axis=1)
    moments = _Moments.of(valid, waves)

    one_and_time = waves[:, :2]
    level, steepness = moments.line(*tf.split(_products(value, one_and_time), 2, axis=1))
    residual = value - valid * _combined(moments.coefficients(level, steepness), one_and_time)
    # The second pass subtracts the rounding error of the first, which matters in float32 for a line of 300 mm, and
    # subtracts the cycle from a copy.
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
    """Divide residuals by their own scatter.

    Parameters
    ----------
    residual : tensor, shape [batch, T]
        mm, 0 for a missing value.
    count : tensor, shape [batch, 1]
        Number of valid epochs, at least 1.

    Returns
    -------
    relative : tensor, shape [batch, T]
        0.6 at one standard deviation, no more than 2.5.
    scatter : tensor, shape [batch, 1]
        Standard deviation in mm, plus a small constant, so that it is never zero.
    likeness : tensor, shape [batch, 1]
        Autocorrelation of successive epochs.
    """
    one = tf.expand_dims(tf.ones_like(residual[0]), axis=1)
    not_last = tf.concat([one[1:], [[0.0]]], axis=0)
    # The values shifted by one epoch, in one copy: after the last epoch follows the first of the next row, which has no
    # weight.
    following = tf.reshape(tf.concat([tf.reshape(residual, [-1])[1:], [0.0]], axis=0), tf.shape(residual))
    power = tf.matmul(residual * residual, one)
    scatter = tf.sqrt(power / count) + 0.05
    relative = tf.clip_by_value(residual * (0.6 / scatter), -2.5, 2.5)
    likeness = tf.matmul(residual * following, not_last) / (power + 0.01)
    return relative, scatter, likeness


@keras.saving.register_keras_serializable(package=_PACKAGE)
class DescribeSeries(keras.layers.Layer):
    """Residuals from the least-squares line of each series, scaled, and features of the series as a whole.

    A rate of 60 mm/yr is 300 mm after five years, and the bend that decides the class may be 3 mm, which 8 bits do not
    resolve unless the line is subtracted. Line and scatter go to the dense layers in full precision. One channel is
    also without the annual cycle, which does not affect the class and may be larger than the bend.

    Parameters
    ----------
    half_wavelength_mm : float
        Half of the radar's wavelength in millimetres.
    block : int
        Number of epochs that are adjacent in the image, a divisor of ``stride``.
    stride : int
        Number of epochs per output position of the convolutions.
    stable_rate_mm_yr : float
        Rate that separates Stable from Linear.
    one_image : bool
        Whether the rows of a call are the lines of one image [1, batch, ...], instead of one image per row. The values
        are the same. onnxruntime prepares each image separately, so the exported graph has one; TensorFlow trains
        slightly faster with one image per row.

    Notes
    -----
    Call with ``displacement`` [batch, T] float32 mm (NaN = missing or padding) and ``days`` [batch or 1, T] float32,
    finite, ascending wherever ``displacement`` is valid. With L = T / stride, rounded up, returns

    - image [batch, 1, stride * L / block, 5 * block] float32 (or [1, batch, ...], see ``one_image``), the epochs of a
      block for each of five channels: residual divided by its scatter, residual without the annual cycle divided by its
      scatter, residual in half wavelengths, mask of valid epochs, time since the previous epoch,
    - coarse [batch, 3, L] float32 for each stride: mean residual divided by the scatter, mean time of the valid epochs
      between 0 (first valid epoch of the series) and 1 (last), share of valid epochs,
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
        """Return image, coarse series and statistics; for shapes see the notes of the class."""
        # The remainder of a negative number differs between ONNX and TensorFlow.
        rest = tf.shape(displacement)[1] % self.stride
        filled = [[0, 0], [0, (self.stride - rest) % self.stride]]
        displacement = tf.pad(displacement, filled, constant_values=float("nan"))
        apart = tf.pad(days[:, 1:] - days[:, :-1], [[0, 0], [1, 0]])
        days, apart = tf.pad(days, filled), tf.pad(apart, filled)

        missing = tf.math.is_nan(displacement)
        value = tf.where(missing, 0.0, displacement)
        valid = tf.cast(tf.math.logical_not(missing), tf.float32)
        since = valid * tf.minimum(apart * (1.0 / 24.0), 2.5)

        # Time that all rows share is computed once; between -1 and 1 its rounding in float32 is small.
        length = tf.maximum(tf.reduce_max(days, axis=1, keepdims=True), 1.0)
        time = days * (2.0 / length) - 1.0
        plain, seasonless, line = _without_line_and_cycle(value, valid, days, time)
        slope, count = line.slope, line.count
        # Two separate tensors, because operators that broadcast an input are slower.
        relative, scatter, likeness = _scaled(plain, count)
        relative_seasonless, scatter_seasonless, likeness_seasonless = _scaled(seasonless, count)
        physical = tf.clip_by_value(plain * (2.0 / self.half_wavelength_mm), -2.5, 2.5)
        image = tf.stack([relative, relative_seasonless, physical, valid, since], axis=1)

        # Missing epochs are zero, so they do not change these maxima.
        known_days = (days + 1.0) * valid
        last = tf.reduce_max(known_days, axis=1, keepdims=True)
        first = _FAR_DAYS - tf.reduce_max((_FAR_DAYS - 1.0 - days) * valid, axis=1, keepdims=True)
        span = tf.maximum(last - first, 1.0)
        total = slope * (2.0 * span / length)
        years = span * (1.0 / DAYS_PER_YEAR)
        curved = tf.asinh(tf.concat([total / years * 0.5, total * 0.1], axis=1))
        # The last feature is the mean number of days between epochs, 1 at 8 days.
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
        """Return features of the rate, fitted with an annual cycle, and its standard deviation (definition of Linear).

        The standard deviation is for first-order autoregressive noise (effective number of epochs).
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
        """Return the image with the epochs of a block adjacent, so that a convolution reads whole blocks."""
        batch = tf.shape(image)[0]
        blocks = tf.reshape(image, tf.stack([batch, CHANNELS, -1, self.block]))
        blocks = tf.transpose(blocks, [0, 2, 1, 3])
        images = [1, batch] if self.one_image else [batch, 1]
        return tf.reshape(blocks, tf.stack([*images, -1, CHANNELS * self.block]))

    def _summed(self, rows: tf.Tensor) -> tf.Tensor:
        """Return the sums of rows [batch, T] or [batch, 1, T] over each stride, [batch, 1, L]."""
        strides = tf.reshape(rows, tf.stack([tf.shape(rows)[0], -1, self.stride]))
        return tf.transpose(tf.matmul(strides, tf.ones([1, self.stride, 1])), [0, 2, 1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        names = ("half_wavelength_mm", "block", "stride", "stable_rate_mm_yr", "one_image")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class PoolInTime(keras.layers.Layer):
    """Average features over overlapping parts of the span, for any length and sampling.

    Global pooling would lose the order of epochs, which distinguishes a break from a parabola. The weights of the parts
    are hat functions (linear B-splines): each position contributes to the two nearest parts.

    Parameters
    ----------
    parts : int
        Number of parts, at least 2, equally spaced from the first valid epoch to the last.
    largest_of_parts : bool
        Whether the maximum is taken over the means of the parts instead of over the positions. A feature of few epochs
        of a long series then becomes smaller, but the exported int8 graph needs no positions in floating point.

    Notes
    -----
    Call with non-negative features [batch, 1, L, C] or [1, batch, L, C], and the coarse series [batch, 3, L] of
    ``DescribeSeries``. Returns, all float32, means of the features [batch, parts * C], means of the coarse residual
    [batch, parts], share of the epochs in each part [batch, parts], and maximum of each feature over the valid
    positions [batch, C].
    """

    def __init__(self, parts: int, largest_of_parts: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts, self.largest_of_parts = parts, largest_of_parts

    def call(self, features: tf.Tensor, coarse: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return the pooled features; for shapes see the notes of the class."""
        channels = features.shape[-1]
        residual, position, weight = tf.split(coarse, 3, axis=1)
        features = tf.reshape(features, tf.stack([tf.shape(coarse)[0], tf.shape(coarse)[2], channels]))
        if not self.largest_of_parts:
            # A weight is either 0 or at least 1 / stride.
            features *= tf.transpose(tf.math.ceil(weight), [0, 2, 1])
        # Parts are the first axis, so that broadcasting repeats the whole input a few times, not every row.
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
        """Return the shape [batch, features] of each output."""
        batch, channels = coarse_shape[0], features_shape[-1]
        return tuple((batch, numbers) for numbers in (self.parts * channels, self.parts, self.parts, channels))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "parts": self.parts, "largest_of_parts": self.largest_of_parts}
