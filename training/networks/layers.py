"""Keras layers for the preparation of series and the calibration of probabilities.

They are part of the saved model and of the exported graph, so that a model file takes millimetres and days and needs
no other code. They use only operations that tf2onnx exports faithfully, with two restrictions: ``tf.where`` is exported
as multiply-and-add, which spreads NaN, unless its condition is ``is_nan`` itself; and one-dimensional convolutions are
exported with Squeeze and Unsqueeze around each of them, so they are written in two dimensions.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

_PACKAGE = "insar_runtime"
_FAR_DAYS = 1e7
"""Larger than any acquisition day, but small enough that float32 resolves a day."""


@keras.saving.register_keras_serializable(package=_PACKAGE)
class ResampleInTime(keras.layers.Layer):
    """Linear interpolation in time to a fixed number of equally spaced dates.

    The dates run from the first to the last valid epoch of each series. Missing epochs (NaN) are interpolated between
    their valid neighbours.

    Parameters
    ----------
    epochs : int
        Number of equally spaced dates, at least 2.

    Notes
    -----
    Call with ``displacement`` [batch, T] float32 (NaN = missing or padding) and ``days`` [batch or 1, T]
    float32, finite, ascending wherever ``displacement`` is valid. Returns [batch, epochs] float32; zeros
    for a series without any valid epoch.

    Neighbours are found by counting, without a search: each valid epoch is counted at the first target date at or after
    it, and the cumulative sum of the counts is the rank of the valid epoch before each target date. This takes two
    scatter and six gather operations for a whole batch.
    """

    def __init__(self, epochs: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epochs = epochs

    def call(self, displacement: tf.Tensor, days: tf.Tensor) -> tf.Tensor:
        """Return the interpolated series; for shapes see the notes of the class."""
        cells = self.epochs
        batch, length = tf.shape(displacement)[0], tf.shape(displacement)[1]
        rows = tf.range(batch)[:, None]
        missing = tf.math.is_nan(displacement)
        value = tf.where(missing, tf.zeros_like(displacement), displacement)
        valid = 1.0 - tf.cast(missing, tf.float32)
        count = tf.reduce_sum(valid, axis=1, keepdims=True)

        day = days + tf.zeros_like(value)
        first = tf.reduce_min(day + (1.0 - valid) * _FAR_DAYS, axis=1, keepdims=True)
        last = tf.reduce_max(day - (1.0 - valid) * _FAR_DAYS, axis=1, keepdims=True)
        position = (day - first) / tf.maximum(last - first, 1.0) * (cells - 1)

        cell = tf.cast(tf.clip_by_value(tf.math.ceil(position), 0.0, cells - 1.0), tf.int32) + rows * cells
        counts = tf.tensor_scatter_nd_add(tf.zeros([batch * cells]), tf.reshape(cell, [-1, 1]), tf.reshape(valid, [-1]))
        rank = tf.cumsum(tf.reshape(counts, [batch, cells]), axis=1) - 1.0

        # Position of the valid epoch of each rank; all missing epochs share a slot that is never read.
        slots = length + 1
        rank_of_epoch = tf.cumsum(valid, axis=1) - 1.0
        slot = rank_of_epoch * valid + (1.0 - valid) * tf.cast(length, tf.float32)
        slot = tf.cast(slot, tf.int32) + rows * slots
        where = tf.tensor_scatter_nd_update(
            tf.zeros([batch * slots], tf.int32), tf.reshape(slot, [-1, 1]), tf.range(batch * length)
        )

        newest = tf.maximum(count - 1.0, 0.0)
        before = tf.clip_by_value(rank, 0.0, newest)
        after = tf.minimum(before + 1.0, newest)
        at_before = tf.gather(where, tf.cast(before, tf.int32) + rows * slots)
        at_after = tf.gather(where, tf.cast(after, tf.int32) + rows * slots)

        flat_position, flat_value = tf.reshape(position, [-1]), tf.reshape(value, [-1])
        left, right = tf.gather(flat_position, at_before), tf.gather(flat_position, at_after)
        target = tf.range(cells, dtype=tf.float32)[None, :]
        weight = tf.clip_by_value((target - left) / tf.maximum(right - left, 1e-6), 0.0, 1.0)
        low, high = tf.gather(flat_value, at_before), tf.gather(flat_value, at_after)
        # For a row without valid epochs, the values gathered above belong to other rows.
        return (low + (high - low) * weight) * tf.minimum(count, 1.0)

    def compute_output_shape(self, displacement_shape: Any, days_shape: Any = None) -> tuple[Any, int]:
        """Return [batch, epochs]."""
        del days_shape
        return (displacement_shape[0], self.epochs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "epochs": self.epochs}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class CentreAndCompress(keras.layers.Layer):
    """Subtract the mean of each series, divide by half a wavelength, and take the inverse hyperbolic sine.

    The mean is subtracted because the reference epoch is a convention of the producer. The unit is a physical length,
    not the scatter of the series, so that a rate of 1 mm/yr and a jump of half a wavelength have the same values in
    every series. The inverse hyperbolic sine is almost linear within 20 mm of the mean and logarithmic beyond: values
    have 8 bits in int8, and with a linear scale for displacements of half a metre a step would be more than 1 mm.

    Parameters
    ----------
    half_wavelength_mm : float
        Half of the radar's wavelength in millimetres.

    Notes
    -----
    Call with [batch, T] float32 mm; returns [batch, 1, T, 1] float32, an image of one row for convolutions.
    """

    def __init__(self, half_wavelength_mm: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.half_wavelength_mm = half_wavelength_mm

    def call(self, displacement: tf.Tensor) -> tf.Tensor:
        """Return the compressed series; for shapes see the notes of the class."""
        # A cumulative sum adds in the order of the epochs. The order of additions in onnxruntime's mean depends on the
        # memory address of the row, and the result of a row must not depend on its neighbours.
        total = tf.cumsum(displacement, axis=1)[:, -1:]
        mean = total / tf.cast(tf.shape(displacement)[1], tf.float32)
        return tf.asinh((displacement - mean) * (1.0 / self.half_wavelength_mm))[:, None, :, None]

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, int, Any, int]:
        """Return [batch, 1, T, 1]."""
        return (input_shape[0], 1, input_shape[1], 1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "half_wavelength_mm": self.half_wavelength_mm}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class CalibratedSoftmax(keras.layers.Layer):
    """Softmax of the scores, divided by a temperature that is fitted to held-out series.

    Source: Guo et al., "On calibration of modern neural networks", ICML 2017.

    Notes
    -----
    Call with [batch, classes] float32 scores; returns probabilities of the same shape. ``temperature`` is a weight of
    the layer that is not trained by gradients.
    """

    def build(self, input_shape: Any) -> None:
        """Create the temperature, which is 1 until it is fitted."""
        self.temperature = self.add_weight(
            name="temperature", shape=(), initializer="ones", trainable=False, dtype="float32"
        )
        super().build(input_shape)

    def call(self, scores: tf.Tensor) -> tf.Tensor:
        """Return calibrated probabilities."""
        return tf.nn.softmax(scores / self.temperature, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the scores."""
        return input_shape
