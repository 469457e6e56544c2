"""Noise models under which rates and their changes are estimated: those of the file with slow drift, and excursions."""

from __future__ import annotations

from itertools import compress
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime._diagnosis.noise.noise_model import FileNoise

_LEAST_WEIGHT: Final = 0.02
"""Rarer kinds of noise are left out, for speed."""
_DRIFT: Final = 0.1
_DRIFT_DAYS: Final = 1000.0
"""Variance, over that of the scatter, and time constant of noise that is too slow to be distinguished from motion in a
file. Without it, the errors of rates in real noise exceed their standard deviations. Measured on simulated and real
files, where 0.08 to 0.12 serve best on average; an estimate from the curvature of the rows of a file is hardly
better."""
_EXCURSION_DAYS: Final = (30.0, 120.0)
_EXCURSION: Final = 3.0
_EXCURSION_WEIGHT: Final = 0.1
"""Time constants, standard deviation over the scatter, and share of the rows of smooth excursions from the level and
back. In such rows, other noise models would make the date of a break too certain. Our choice; with one, two or three
time constants and two to six times the scatter, the results hardly differ."""


def rate_noise_models(noise: FileNoise) -> tuple[list[FloatArray], FloatArray]:
    """Return covariances and weights of the noise models of a file, and of the same with excursions.

    Parameters
    ----------
    noise : FileNoise

    Returns
    -------
    covariances : list of ndarray of float64, shape [T, T]
        Of unit scatter.
    weights : ndarray of float64, shape [number of models]
        Prior probabilities; sum 1.
    """
    kinds, mean = _kinds(noise)
    lag = np.abs(noise.days[:, None] - noise.days)
    # A Matérn process of order 3/2, which is smooth, unlike an Ornstein-Uhlenbeck process.
    excursions = [mean + _EXCURSION**2 * (1 + lag / days) * np.exp(-lag / days) for days in _EXCURSION_DAYS]
    frequent = noise.weights >= _LEAST_WEIGHT
    weights = np.concatenate([noise.weights[frequent], np.full(len(excursions), _EXCURSION_WEIGHT / len(excursions))])
    return [*compress(kinds, frequent), *excursions], weights / weights.sum()


def mean_rate_noise(noise: FileNoise) -> FloatArray:
    """Return the mean covariance [T, T] of all kinds of noise of a file with slow drift, of unit scatter."""
    return _kinds(noise)[1]


def _kinds(noise: FileNoise) -> tuple[list[FloatArray], FloatArray]:
    """Return the covariance of each kind of noise with slow drift, and their mean."""
    lag = np.abs(noise.days[:, None] - noise.days)
    drift = _DRIFT * np.exp(-lag / _DRIFT_DAYS)
    kinds = [covariance + drift for covariance in noise.covariances()]
    return kinds, np.tensordot(noise.weights, kinds, axes=1)
