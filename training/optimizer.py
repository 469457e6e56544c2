"""The optimizer of both stages of the training."""

from __future__ import annotations

import keras


def make_optimizer(
    model: keras.Model,
    learning_rate: float,
    steps: int,
    *,
    warm_up: int,
    weight_decay: float = 1e-4,
    average_momentum: float = 0.999,
) -> keras.optimizers.Optimizer:
    """Make Muon with decoupled weight decay, whose rate rises, then falls along a cosine.

    Muon (Jordan et al. 2024) leaves what is no matrix to Adam. The mean of the last weights is kept, which is better
    than the last weights (Polyak and Juditsky 1992).

    Parameters
    ----------
    model : keras.Model
        Whose weights are to be trained.
    learning_rate : float
        At the peak.
    steps, warm_up : int
        All steps, and those in which the rate rises.
    weight_decay, average_momentum : float
        Decay, and momentum of the mean of the weights; less in a short training, whose beginning must be forgotten.
    """
    optimizer = keras.optimizers.Muon(
        keras.optimizers.schedules.CosineDecay(
            0.0,
            steps - warm_up,
            warmup_target=learning_rate,
            warmup_steps=warm_up,
        ),
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
        clipnorm=1.0,
        use_ema=True,
        ema_momentum=min(average_momentum, 1 - 10 / steps),
    )
    optimizer.build(model.trainable_variables)
    return optimizer
