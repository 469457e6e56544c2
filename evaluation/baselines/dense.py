"""Dense network on series interpolated to equally spaced dates: a baseline for convolutional networks."""

from __future__ import annotations

from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import SEED_CLASS_NAMES
from insar_runtime.errors import UsageError
from training.dataset import LabelledSeries, hold_out
from training.fit import FitConfig, fit_network, predict
from training.networks.layers import CalibratedSoftmax, CentreAndCompress, ResampleInTime
from training.simulator import HALF_WAVELENGTH_MM

_EPOCHS: Final = 139
_UNITS: Final = (128, 64)
_HELD_OUT: Final = 0.1


class DenseNetwork:
    """Dense network 139-128-64-5 with ReLU.

    Parameters
    ----------
    fit_config : FitConfig, optional
        Settings of the training.
    half_wavelength_mm : float
        Unit of the input in mm.
    """

    name = "dense"

    def __init__(self, fit_config: FitConfig | None = None, *, half_wavelength_mm: float = HALF_WAVELENGTH_MM) -> None:
        self._fit_config = fit_config or FitConfig()
        self._half_wavelength_mm = half_wavelength_mm
        self._model: keras.Model | None = None

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Train; one tenth of the series is held out, to choose the epoch and to fit the temperature."""
        keras.utils.set_random_seed(seed)
        self._model, trunk = _build(self._half_wavelength_mm)
        data = hold_out(series, _HELD_OUT, seed=seed)
        fit_network(self._model, trunk, data, config=self._fit_config, seed=seed, show_progress=False)

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return the calibrated probabilities [N, 5] of the network.

        Raises
        ------
        UsageError
            If it has not been fitted.
        """
        if self._model is None:
            raise UsageError("the dense network has no weights yet; call fit first")
        return predict(self._model, series)


def _build(half_wavelength_mm: float) -> tuple[keras.Model, keras.Model]:
    layers = keras.layers
    even = keras.Input((_EPOCHS,), name="series")
    x = layers.Flatten(name="flatten")(CentreAndCompress(half_wavelength_mm, name="centre_and_compress")(even))
    for block, units in enumerate(_UNITS, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense_{block}")(x)
    trunk = keras.Model(even, layers.Dense(len(SEED_CLASS_NAMES), name="scores")(x), name="trunk")
    displacement, days = keras.Input((None,), name="displacement"), keras.Input((None,), name="days")
    resampled = ResampleInTime(_EPOCHS, name="resample_in_time")(displacement, days)
    probabilities = CalibratedSoftmax(name="probabilities")(trunk(resampled))
    return keras.Model([displacement, days], probabilities, name="dense"), trunk
