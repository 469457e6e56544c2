"""Second stage of the training: fine-tuning on labelled real rows, together with simulated series.

There are few labelled rows, so the stage is short, each row is augmented anew for every batch, and every batch also has
simulated series. The weights of several runs of the stage are averaged (Wortsman et al., "Model soups: averaging
weights of multiple fine-tuned models improves accuracy without increasing inference time", ICML 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES
from training.announce import Announce
from training.labelled_rows.augment import AugmentConfig, LabelledRows
from training.labelled_rows.labels import LabelledFile
from training.optimizer import make_optimizer
from training.stream import WIDTHS, StreamConfig, stream

_SEED_OFFSET: Final = 700_001


@dataclass(frozen=True)
class AdaptationConfig:
    """Settings of the fine-tuning on labelled rows.

    Attributes
    ----------
    chunks : int
        Length of a run in chunks of the stream.
    runs : int
        Number of runs, each with another seed, whose weights are averaged.
    rows : int
        Labelled rows added to each batch of simulated series.
    weight : float
        Weight of the loss on the labelled rows; the loss on the simulated series has weight 1.
    class_shares : tuple of float
        Shares of the six classes among the simulated series: closer to those of real files than in the first stage, in
        which all are equal.
    learning_rate : float
        Largest learning rate; it falls along a cosine.
    settle_chunks, settle_learning_rate : int, float
        Length, and largest learning rate, of the training of the dense layers after the convolutions were rounded.
    temperature_factor : float
        Factor on the temperature that is fitted to simulated series. On labelled rows of files that a network was not
        trained on, its confidence is lower than its accuracy. The factor was chosen on the rows of
        ``export.left_out``, so their calibration error is no independent test; on simulated series the network becomes
        slightly overconfident.
    augment : AugmentConfig
        Settings of the augmentation of labelled rows.
    """

    chunks: int = 8
    runs: int = 4
    rows: int = 96
    weight: float = 1.0
    class_shares: tuple[float, ...] = (0.22, 0.21, 0.12, 0.14, 0.21, 0.1)
    learning_rate: float = 2e-3
    settle_chunks: int = 2
    settle_learning_rate: float = 5e-4
    temperature_factor: float = 0.87
    augment: AugmentConfig = field(default_factory=AugmentConfig)


def adapt(
    model: keras.Model,
    files: Sequence[LabelledFile],
    data: StreamConfig,
    config: AdaptationConfig,
    *,
    announce: Announce,
) -> None:
    """Fine-tune a network on labelled rows; its weights change in place.

    Parameters
    ----------
    model : keras.Model
        See ``build_trend_net``; after its first stage.
    files : sequence of LabelledFile
        Labelled rows to train on.
    data : StreamConfig
        Simulated series of the first stage; this stage draws them with another seed.
    config : AdaptationConfig
        Settings.
    announce : callable
        Function that receives a progress message after each run.
    """
    start = model.get_weights()
    ends = []
    for number in range(config.runs):
        model.set_weights(start)
        seed = data.seed + _SEED_OFFSET + number
        keras.utils.set_random_seed(seed)
        loss = _run(model, files, replace(data, seed=seed, class_shares=config.class_shares), config)
        ends.append(model.get_weights())
        losses = f"loss {loss[0]:.4f} on simulated series, {loss[1]:.4f} on labelled rows"
        announce(f"fine-tuning: run {number + 1} of {config.runs}, {losses}")
    model.set_weights([np.mean(parts, axis=0) for parts in zip(*ends, strict=True)])


def settle(
    model: keras.Model,
    files: Sequence[LabelledFile],
    data: StreamConfig,
    config: AdaptationConfig,
    *,
    announce: Announce,
) -> None:
    """Train only the dense layers, with fixed convolutions; the weights change in place.

    This compensates for the rounding of the convolutions (``round_weights``). Parameters as in ``adapt``.
    """
    fixed = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    seed = data.seed + _SEED_OFFSET + config.runs
    keras.utils.set_random_seed(seed)
    short = replace(config, chunks=config.settle_chunks, learning_rate=config.settle_learning_rate)
    for layer in fixed:
        layer.trainable = False
    loss = _run(model, files, replace(data, seed=seed, class_shares=config.class_shares), short)
    for layer in fixed:
        layer.trainable = True
    announce(f"dense layers after rounding: loss {loss[0]:.4f} on simulated series, {loss[1]:.4f} on labelled rows")


def class_mix(files: Sequence[LabelledFile], config: AdaptationConfig) -> NDArray[np.float64]:
    """Return the class shares [6] of the second stage, for which the probabilities of the network hold."""
    read = LabelledRows(files, width=max(WIDTHS), seed=0, config=config.augment).class_shares
    mix = np.asarray(config.class_shares) + config.weight * read
    return mix / mix.sum()


def _run(
    model: keras.Model, files: Sequence[LabelledFile], data: StreamConfig, config: AdaptationConfig
) -> tuple[float, float]:
    """Train once; return the mean losses of the last chunk on simulated series and on labelled rows."""
    steps = config.chunks * (data.chunk // data.batch)
    optimizer = make_optimizer(model, config.learning_rate, steps, warm_up=min(100, steps // 10))
    longest = max(file.displacement.shape[1] for file in files)
    rows = LabelledRows(files, width=min(w for w in WIDTHS if w >= longest), seed=data.seed, config=config.augment)
    step = _make_step(model, optimizer, config.weight)
    losses: list[tuple[tf.Tensor, tf.Tensor]] = []
    with closing(stream(data)) as chunks:
        for _ in range(config.chunks):
            losses = [
                step(batch.displacement, batch.days, batch.target, *rows.batch(config.rows)) for batch in next(chunks)
            ]
    optimizer.finalize_variable_values(model.trainable_variables)
    simulated, read = np.mean([[float(one) for one in pair] for pair in losses], axis=0)
    return float(simulated), float(read)


def _make_step(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, weight: float
) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    scores = keras.Model(model.inputs, model.get_layer("scores").output)
    weights = model.trainable_variables
    series, classes = tf.TensorSpec((None, None)), tf.TensorSpec((None, len(CLASS_NAMES)))

    def loss_of(displacement: tf.Tensor, days: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        found = scores([displacement, days], training=True)
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, found))

    @tf.function(input_signature=[series, series, classes] * 2)
    def step(*both: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            simulated, read = loss_of(*both[:3]), loss_of(*both[3:])
            loss = simulated + weight * read
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return simulated, read

    return step
