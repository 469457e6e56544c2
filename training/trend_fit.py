"""First stage of the training: fit the default network to a stream of simulated series; resumable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from insar_runtime.classes import CLASS_NAMES
from insar_runtime.errors import UsageError
from training.announce import Announce
from training.dataset import LabelledSeries, with_facts
from training.fit import fit_temperature
from training.networks.trend_net import TrendNetConfig, build_trend_net
from training.optimizer import make_optimizer
from training.simulator import simulate
from training.simulator.draws import Floats
from training.stream import StreamConfig, draw_labels, stream

CALIBRATION_SERIES: Final = 40_960
_FRESH_SEED_OFFSET: Final = 500_009
_WARM_UP_STEPS: Final = 400
_CHUNKS_PER_STATE: Final = 10
_HELD_OUT_SHARE: Final = 0.1
"""Share of the rows of a noise bank that are held out from training; the temperature is fitted with them."""


@dataclass(frozen=True)
class TrendFitConfig:
    """Settings of the first stage.

    Attributes
    ----------
    data : StreamConfig
        Training series.
    chunks : int
        Length of the training in chunks of the stream.
    learning_rate, weight_decay : float
        See ``make_optimizer``.
    average_momentum : float
        Momentum of the moving average of the weights, which is the result.
    network : TrendNetConfig
        Design of the network.
    """

    data: StreamConfig
    chunks: int
    learning_rate: float = 6e-3
    weight_decay: float = 1e-4
    average_momentum: float = 0.999
    network: TrendNetConfig = field(default_factory=TrendNetConfig)

    @property
    def series(self) -> int:
        """Number of training series; each is used once."""
        return self.chunks * self.data.chunk


def fit_trend_net(config: TrendFitConfig, *, work: Path | None = None, announce: Announce | None = None) -> keras.Model:
    """Train the default network and calibrate it.

    Parameters
    ----------
    config : TrendFitConfig
        Settings.
    work : Path, optional
        Folder of the training state. A run continues from the state of an interrupted run, and ends with the same
        weights as without interruption.
    announce : callable, optional
        Function that receives progress messages.

    Returns
    -------
    keras.Model
        Calibrated; see ``build_trend_net``.

    Raises
    ------
    UsageError
        If ``work`` holds the state of a training with other settings or other noise.
    """
    announce = announce or (lambda line: None)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.data.seed)
    model = build_trend_net(config.network)
    data, held_out = _hold_out(config.data)
    steps = config.chunks * (data.chunk // data.batch)
    warm_up = min(_WARM_UP_STEPS, steps // 4)
    optimizer = make_optimizer(
        model,
        config.learning_rate,
        steps,
        warm_up=warm_up,
        weight_decay=config.weight_decay,
        average_momentum=config.average_momentum,
    )
    variables = [*model.variables, *optimizer.variables]
    state = work / "state.npz" if work else None
    key = _key(config)
    done = _restore(state, key, variables) if state else 0
    if done:
        announce(f"continuing after {done} of {config.chunks} chunks")
    step = _make_step(model, optimizer)
    losses: list[tf.Tensor] = []
    with closing(stream(data, first_chunk=done)) as chunks:
        while done < config.chunks:
            losses += [step(batch.displacement, batch.days, batch.target) for batch in next(chunks)]
            done += 1
            if done % _CHUNKS_PER_STATE == 0 or done == config.chunks:
                if state:
                    _keep(state, key, variables, done)
                announce(f"{done} of {config.chunks} chunks, loss {np.mean([float(loss) for loss in losses]):.4f}")
                losses = []
    optimizer.finalize_variable_values(model.trainable_variables)
    calibrate(model, fresh_series(held_out, CALIBRATION_SERIES))
    return model


def scores_of(model: keras.Model) -> keras.Model:
    """Return the model up to the scores before the softmax."""
    return keras.Model(model.inputs, model.get_layer("scores").output)


def fresh_series(data: StreamConfig, count: int) -> LabelledSeries:
    """Simulate series of the six classes, with the class shares of the stream, that are not in the stream."""
    seed = data.seed + _FRESH_SEED_OFFSET
    return with_facts(
        simulate(
            count,
            seed=seed,
            config=data.simulator,
            calendar=data.calendars,
            labels=draw_labels(np.random.default_rng(seed), count, data.class_shares),
            bank=data.bank,
            bank_share=data.bank_share,
        )
    )


def calibrate(model: keras.Model, series: LabelledSeries) -> float:
    """Fit the temperature of a model to held-out series, and return it."""
    inputs = [series.displacement, np.asarray(series.days)]
    scores: Floats = scores_of(model).predict(inputs, batch_size=1024, verbose=0)
    temperature = fit_temperature(scores, series.label)
    model.get_layer("probabilities").temperature.assign(temperature)
    return temperature


def _hold_out(data: StreamConfig) -> tuple[StreamConfig, StreamConfig]:
    """Split the rows of the noise bank into training and calibration rows."""
    if data.bank is None:
        return data, data
    train, held_out = data.bank.divide(_HELD_OUT_SHARE, seed=data.seed)
    return replace(data, bank=train), replace(data, bank=held_out)


def _make_step(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Callable[..., tf.Tensor]:
    scores = scores_of(model)
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True)
    weights = model.trainable_variables

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None)),
            tf.TensorSpec((None, None)),
            tf.TensorSpec((None, len(CLASS_NAMES))),
        ]
    )
    def step(displacement: tf.Tensor, days: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(target, scores([displacement, days], training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    return step


def _key(config: TrendFitConfig) -> str:
    """Return a digest of everything that determines the weights, except the code."""
    bank = config.data.bank
    sha = hashlib.sha256(repr(replace(config, data=replace(config.data, bank=None))).encode())
    for file in bank.files if bank else ():
        sha.update(file.days.tobytes())
        sha.update(file.residual.tobytes())
    return sha.hexdigest()


def _keep(state: Path, key: str, variables: list[Any], done: int) -> None:
    """Write the state to a temporary file and rename it, so that an interruption leaves the old or the new state."""
    state.parent.mkdir(parents=True, exist_ok=True)
    fresh = state.with_suffix(".new.npz")
    np.savez(fresh, done=done, key=key, **{f"v{i}": variable.numpy() for i, variable in enumerate(variables)})
    fresh.replace(state)


def _restore(state: Path, key: str, variables: list[Any]) -> int:
    """Set the variables from a state, and return its number of chunks; 0 if there is no state."""
    if not state.is_file():
        return 0
    with np.load(state) as file:
        if str(file["key"]) != key:
            raise UsageError(f"{state} is the state of another training; give its options again, or another folder")
        for i, variable in enumerate(variables):
            variable.assign(file[f"v{i}"])
        return int(file["done"])
