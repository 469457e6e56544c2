"""Network of the seed paper, as printed; choices that the paper leaves open are marked as ours.

Mirmazloumi et al., "InSAR deformation time series classification using a convolutional neural network",
ISPRS Archives, 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import keras

from insar_runtime.classes import SEED_CLASS_NAMES
from training.networks.layers import CalibratedSoftmax, CentreAndCompress, ResampleInTime
from training.simulator import HALF_WAVELENGTH_MM

PAPER_EPOCHS: Final = 139
"""Number of Sentinel-1 acquisitions over Granada, March 2015 to September 2018 (section 2 of the paper)."""


@dataclass(frozen=True)
class PaperCnnConfig:
    """Settings of the network: first those that the paper prints, then those that it leaves open."""

    # From the paper.
    epochs: int = PAPER_EPOCHS
    filters_1: int = 138
    filters_2: int = 64
    kernel: int = 5
    pool: int = 2
    dropout: float = 0.4

    # Our choice: the paper calls the third block a fully connected layer with average pooling and states no size.
    filters_3: int = 64
    average_pooling: Literal["windowed", "global"] = "windowed"
    dense: int = 64
    # Our choice: the paper states Leaky ReLU without its slope; this was the default of Keras at that time.
    negative_slope: float = 0.3
    # Our choice: padding and input scaling are not stated.
    padding: Literal["valid", "same"] = "valid"
    half_wavelength_mm: float = HALF_WAVELENGTH_MM


def our_choices(config: PaperCnnConfig) -> dict[str, str]:
    """Return a description of the choices that the paper leaves open, for reports and model cards."""
    windowed = f"average pooling over windows of {config.pool}, flatten"
    pooling = windowed if config.average_pooling == "windowed" else "global average pooling"
    return {
        "input": (
            f"each series is interpolated linearly in time to {config.epochs} equally spaced dates between its first "
            f"and last valid epoch, its mean is removed, it is divided by half a wavelength "
            f"({config.half_wavelength_mm} mm), and its inverse hyperbolic sine is taken"
        ),
        "third block": f"Conv {config.filters_3} x {config.kernel} ReLU, {pooling}",
        "dense layer": f"{config.dense} units, Leaky ReLU with slope {config.negative_slope}",
        "padding": config.padding,
        "convolutions": "written as (1, k) two-dimensional convolutions, the same arithmetic as Conv1D",
    }


def build_paper_cnn(config: PaperCnnConfig | None = None) -> tuple[keras.Model, keras.Model]:
    """Build the network.

    Parameters
    ----------
    config : PaperCnnConfig, optional
        Settings; by default those of the paper, with our choices for what it does not state.

    Returns
    -------
    model : keras.Model
        Complete model from ``displacement`` [batch, T] float32 mm (NaN = missing or padding) and ``days`` [batch, T]
        float32 to probabilities [batch, 5] float32.
    trunk : keras.Model
        Part with the trainable weights, shared with ``model``, from [batch, 139] float32 mm to scores [batch, 5]. Only
        this part is trained, so that each series is resampled once.
    """
    config = config or PaperCnnConfig()
    layers = keras.layers

    series = keras.Input((config.epochs,), name="series")
    x = CentreAndCompress(config.half_wavelength_mm, name="centre_and_compress")(series)
    for block, filters in enumerate((config.filters_1, config.filters_2), start=1):
        x = layers.Conv2D(filters, (1, config.kernel), padding=config.padding, activation="relu", name=f"conv_{block}")(
            x
        )
        x = layers.MaxPooling2D((1, config.pool), name=f"pool_{block}")(x)
    x = layers.Conv2D(config.filters_3, (1, config.kernel), padding=config.padding, activation="relu", name="conv_3")(x)
    if config.average_pooling == "windowed":
        x = layers.AveragePooling2D((1, config.pool), name="pool_3")(x)
        x = layers.Flatten(name="flatten")(x)
    else:
        x = layers.GlobalAveragePooling2D(name="pool_3")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.Dense(config.dense, name="dense")(x)
    x = layers.LeakyReLU(negative_slope=config.negative_slope, name="leaky_relu")(x)
    scores = layers.Dense(len(SEED_CLASS_NAMES), name="scores")(x)
    trunk = keras.Model(series, scores, name="trunk")

    displacement = keras.Input((None,), name="displacement")
    days = keras.Input((None,), name="days")
    resampled = ResampleInTime(config.epochs, name="resample_in_time")(displacement, days)
    probabilities = CalibratedSoftmax(name="probabilities")(trunk(resampled))
    return keras.Model([displacement, days], probabilities, name="paper_cnn"), trunk
