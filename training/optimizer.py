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
    """Return a Muon optimizer with decoupled weight decay, linear warm-up and cosine decay of the learning rate.

    Weights that are not matrices are updated by Adam (Jordan et al. 2024). An exponential moving average of the weights
    is kept as the result (Polyak and Juditsky 1992).

    Parameters
    ----------
    model : keras.Model
        Model whose weights are trained.
    learning_rate : float
        Largest learning rate.
    steps, warm_up : int
        Number of all steps, and of those in which the learning rate rises.
    weight_decay, average_momentum : float
        Weight decay, and momentum of the average of the weights; a short training needs a lower momentum.
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
