"""Fit a network to labelled series, calibrate it, and return its probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.dataset import LabelledSeries, Split

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FitConfig:
    """Settings of the fit; the seed paper states none of these numbers, so they are our choice."""

    epochs: int = 16
    batch_size: int = 128
    learning_rate: float = 1e-3


def fit_choices(config: FitConfig) -> dict[str, str]:
    """Return a description of the fit, for reports and model cards."""
    return {
        "optimiser": (
            f"Adam, cosine decay from {config.learning_rate:g}, batches of {config.batch_size}, "
            f"best of {config.epochs} epochs by validation loss"
        ),
        "probabilities": "softmax of the scores, divided by a temperature that is fitted to the validation series",
    }


def fit_network(
    model: keras.Model,
    trunk: keras.Model,
    data: Split,
    *,
    config: FitConfig,
    seed: int,
    show_progress: bool = True,
) -> dict[str, list[float]]:
    """Train ``trunk``, keep the weights of the best epoch, and fit the temperature of ``model``.

    Parameters
    ----------
    model : keras.Model
        Complete model from millimetres and days to probabilities, with layers named ``resample_in_time`` and
        ``probabilities`` before and after ``trunk``.
    trunk : keras.Model
        Part with the trainable weights.
    data : Split
        Training and validation series.
    config : FitConfig
        Number of epochs, batch size, learning rate.
    seed : int
        Seed of the order of batches and of dropout. The initial weights were drawn when the network was built.
    show_progress : bool
        Whether Keras shows its progress bar.

    Returns
    -------
    dict of str to list of float
        Loss and accuracy of every epoch.
    """
    keras.utils.set_random_seed(seed)
    train, validation = (_resampled(model, part) for part in (data.train, data.validation))
    classes = trunk.output.shape[-1]
    batches = (
        tf.data.Dataset.from_tensor_slices((train, keras.utils.to_categorical(data.train.label, classes)))
        .shuffle(len(train), seed=seed)
        .batch(config.batch_size)
        .prefetch(2)
    )
    steps = config.epochs * -(-len(train) // config.batch_size)
    trunk.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(config.learning_rate, steps)),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    best = _KeepBestWeights()
    history = trunk.fit(
        batches,
        validation_data=(validation, keras.utils.to_categorical(data.validation.label, classes)),
        epochs=config.epochs,
        shuffle=False,
        verbose="auto" if show_progress else 0,
        callbacks=[best],
    )
    trunk.set_weights(best.weights)
    scores = trunk.predict(validation, batch_size=1024, verbose=0)
    model.get_layer("probabilities").temperature.assign(fit_temperature(scores, data.validation.label))
    return {name: [round(float(v), 5) for v in values] for name, values in history.history.items()}


def fit_temperature(scores: Floats, label: NDArray[np.int8]) -> float:
    """Return the maximum-likelihood temperature for held-out series.

    Parameters
    ----------
    scores : ndarray of float32, shape [N, 5] or [N, 6]
        Outputs of the network before the softmax.
    label : ndarray of int8, shape [N]
        True class ids.

    Returns
    -------
    float
        Between 0.25 and 4, to one part in a thousand.
    """

    def loss(log_temperature: float) -> float:
        scaled = scores.astype(float) / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        likelihood = scaled[np.arange(len(label)), label] - np.log(np.exp(scaled).sum(axis=1))
        return float(-likelihood.mean())

    # The loss is convex in 1/T, so it has one minimum in log T: ternary search.
    low, high = np.log(0.25), np.log(4.0)
    while high - low > 1e-3:
        third = (high - low) / 3
        if loss(low + third) < loss(high - third):
            high -= third
        else:
            low += third
    return float(np.exp((low + high) / 2))


def predict(model: keras.Model, series: LabelledSeries, batch_size: int = 1024) -> Floats:
    """Return the probabilities [N, classes] float32 of a model for series."""
    return predict_rows(model, series.displacement, np.asarray(series.days), batch_size)


def predict_rows(model: keras.Model, displacement: Floats, days: Floats, batch_size: int = 1024) -> Floats:
    """Return the probabilities [N, classes] float32 of a model for rows [N, T] in mm with days [N, T]."""
    inputs = {"displacement": displacement, "days": days}
    return np.asarray(model.predict(inputs, batch_size=batch_size, verbose=0), dtype=np.float32)


def _resampled(model: keras.Model, series: LabelledSeries, rows: int = 4096) -> Floats:
    layer = model.get_layer("resample_in_time")
    pieces = range(0, len(series), rows)
    return np.concatenate([layer(series.displacement[i : i + rows], series.days[i : i + rows]).numpy() for i in pieces])


class _KeepBestWeights(keras.callbacks.Callback):
    """Keras callback that keeps the weights of the epoch with the lowest validation loss."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = np.inf
        self.weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the weights if the validation loss is the lowest so far."""
        del epoch
        loss = (logs or {}).get("val_loss", np.inf)
        if loss < self.loss or not self.weights:
            self.loss, self.weights = loss, self.model.get_weights()
