"""Coloured noise of a time series: covariance, and parameters estimated by restricted likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from scipy.linalg import cho_factor, lapack, solve_triangular

from evaluation.baselines.contestant import Floats
from insar_runtime.definitions import DAYS_PER_YEAR, MAD_TO_STD

_MEDIAN_EPOCHS: Final = 5
_CLIP: Final = 4.0
"""Robust standard deviations from the running median above which a value is clipped (our choice)."""
_LEAST_CLIP_MM: Final = 4.0
"""Smallest clipping distance in mm: less than half of the smallest outlier that affects the fit of a jump of 12 mm, and
much more than the rounding of files (our choice)."""
_ANNUAL_CHANGE: Final = 0.09
_HALF_YEAR: Final = 0.03
"""Variance of the change of the annual amplitude from year to year, and of the semi-annual part, divided by that of the
annual cycle (`training.simulator.config.AnnualConfig`)."""


@dataclass(frozen=True)
class NoiseModel:
    """Noise of a series; RMS in mm, time constants in days.

    The annual cycle is part of the noise: its amplitude is random with a known variance. With a free amplitude, a cycle
    would fit any curve over one or two years.
    """

    white_mm: float
    short_mm: float
    short_days: float
    slow_mm: float
    slow_days: float
    annual_mm: float

    @property
    def scatter_mm(self) -> float:
        """RMS of the noise without the annual cycle."""
        return float(np.sqrt(self.white_mm**2 + self.short_mm**2 + self.slow_mm**2))

    def covariance(self, kernels: Kernels) -> Floats:
        """Return the covariance [T, T] in mm^2."""
        covariance = self.short_mm**2 * kernels.decay(self.short_days)
        if self.slow_mm > 0:
            covariance = covariance + self.slow_mm**2 * kernels.decay(self.slow_days)
        covariance = covariance + self.annual_mm**2 * kernels.annual
        covariance[np.diag_indices_from(covariance)] += self.white_mm**2
        return covariance


class Kernels:
    """Correlation matrices of the parts of the noise for one calendar; each is computed once."""

    def __init__(self, days: Floats) -> None:
        self.days = days
        self._lag = np.abs(days[:, None] - days[None, :])
        self._decay: dict[float, Floats] = {}
        year = self._lag / DAYS_PER_YEAR
        change = 1 + _ANNUAL_CHANGE * np.maximum(1 - year, 0)
        self.annual: Floats = change * np.cos(2 * np.pi * year) + _HALF_YEAR * np.cos(4 * np.pi * year)

    def decay(self, time_constant: float) -> Floats:
        """Return the correlation of an Ornstein-Uhlenbeck process."""
        if time_constant not in self._decay:
            self._decay[time_constant] = np.exp(self._lag / -time_constant)
        return self._decay[time_constant]


def noise_grid(annual: Sequence[float]) -> tuple[NoiseModel, ...]:
    """Return noise models of unit scatter, from white to slow noise, each with several amplitudes of the annual cycle.

    The parameters cover those of EGMS series (`NoiseConfig` of the simulator), with a spacing that a series of some
    hundred epochs can resolve.
    """
    shares = [(short * (1 - slow), slow) for slow, short in product((0.0, 0.2, 0.45), (0.1, 0.4, 0.75))]
    return tuple(
        NoiseModel((1 - short - slow) ** 0.5, short**0.5, 12.0, slow**0.5, slow_days, amplitude)
        for short, slow in shares
        for slow_days in ((90.0, 250.0) if slow else (90.0,))
        for amplitude in annual
    )


def precision_of(covariance: Floats) -> Floats:
    """Return the inverse of a covariance [T, T]."""
    factor, _ = cho_factor(covariance, lower=True)
    inverse, _ = lapack.dpotri(factor, lower=True)
    return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)


def restricted_deviance(values: Floats, covariance: Floats, days: Floats, *, known_scale: bool) -> Floats:
    """Return -2 times the restricted log-likelihood of noise about a parabola, up to a constant.

    Parameters
    ----------
    values : ndarray of float64, shape [n, T]
        mm.
    covariance : ndarray of float64, shape [T, T]
        Covariance of the noise.
    days : ndarray of float64, shape [T]
        Days since the first epoch.
    known_scale : bool
        Whether the covariance is known completely; otherwise a factor is estimated for each series.

    Returns
    -------
    ndarray of float64, shape [n]

    Notes
    -----
    Restricted likelihood: Patterson and Thompson, Biometrika 58, 1971.
    """
    left, volume = _about_parabola(values, covariance, days)
    freedom = len(days) - 3
    return np.asarray(volume + (left if known_scale else freedom * np.log(np.maximum(left, 1e-9) / freedom)))


def scale_of(values: Floats, covariance: Floats, days: Floats) -> Floats:
    """Return the estimated factor [n] on the standard deviation of the noise, for values [n, T] about a parabola."""
    left, _ = _about_parabola(values, covariance, days)
    return np.asarray(np.sqrt(np.maximum(left, 1e-9) / (len(days) - 3)))


def _about_parabola(values: Floats, covariance: Floats, days: Floats) -> tuple[Floats, float]:
    """Return the weighted sum of squares [n] about the fitted parabola, and the log determinants."""
    time = days / days[-1] - 0.5
    design = np.stack([np.ones_like(time), time, time * time])
    factor = np.linalg.cholesky(covariance)
    white = solve_triangular(factor, np.concatenate([design, values]).T, lower=True, check_finite=False)
    orthogonal, triangle = np.linalg.qr(white[:, :3])
    seen = white[:, 3:]
    left = (seen * seen).sum(axis=0) - ((orthogonal.T @ seen) ** 2).sum(axis=0)
    return left, 2 * float(np.log(np.diag(factor)).sum() + np.log(np.abs(np.diag(triangle))).sum())


def clip_outliers(values: Floats) -> Floats:
    """Return values with outliers of one or two epochs clipped towards the running median of five epochs.

    Three or more successive values are not clipped, because the median follows them.

    Parameters
    ----------
    values : ndarray of float64, shape [n, T]
        mm; T at least 3.
    """
    half = _MEDIAN_EPOCHS // 2
    padded = np.pad(values, ((0, 0), (half, half)), mode="reflect")
    centre = np.median(np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN_EPOCHS, axis=1), axis=2)
    distance = values - centre
    sigma = MAD_TO_STD * np.median(np.abs(distance), axis=1, keepdims=True)
    limit = np.maximum(_CLIP * sigma, _LEAST_CLIP_MM)
    return np.asarray(centre + np.clip(distance, -limit, limit))
