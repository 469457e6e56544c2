"""Inner products in which noise of known covariance is white, and those in which its RMS is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Images:
    """Curves seen twice: as the likelihood weighs them, and as their scatter is measured.

    Attributes
    ----------
    white : ndarray of float64, shape [..., T]
        Divided by the noise: inner products are those of the Gaussian likelihood, the level apart.
    plain : ndarray of float64, shape [..., T]
        Without mean, over the root of T: a squared length is a variance in mm^2.
    """

    white: Floats
    plain: Floats

    def __len__(self) -> int:
        return len(self.white)

    def minus(self, amount: Floats, others: Images) -> Images:
        """Return these curves [N or 1, T] less ``amount`` [N] times others [N, T]."""
        factor = amount[:, None]
        return Images(self.white - factor * others.white, self.plain - factor * others.plain)


@dataclass(frozen=True)
class Geometry:
    """Noise of one series.

    Attributes
    ----------
    whitener : ndarray of float64, shape [T, T]
        Makes the noise white and forgets the level, to which a flat prior is given: series are referred to an
        arbitrary epoch.
    sigma : float
        Expected RMS of the noise about its mean, mm.
    """

    whitener: Floats
    sigma: float

    def images(self, curves: Floats) -> Images:
        """Return the images of curves [..., T] in mm."""
        epochs = curves.shape[-1]
        plain = (curves - curves.mean(axis=-1, keepdims=True)) / np.sqrt(epochs)
        return Images(curves @ self.whitener.T, plain)


def noise_geometry(
    days: Floats, white_mm: float, correlated_mm: tuple[float, ...], time_constant_days: tuple[float, ...]
) -> Geometry:
    """Return the geometry of white noise plus Ornstein-Uhlenbeck noise.

    Parameters
    ----------
    days : ndarray of float64, shape [T]
        Days since the first acquisition.
    white_mm : float
        RMS of the white part.
    correlated_mm, time_constant_days : tuple of float
        RMS in mm and time constant of each Ornstein-Uhlenbeck part: covariance ``rms**2 * exp(-dt / time constant)``.

    Returns
    -------
    Geometry
    """
    apart = np.abs(days[:, None] - days[None, :])
    covariance = white_mm**2 * np.eye(len(days))
    for rms, constant in zip(correlated_mm, time_constant_days, strict=True):
        if rms > 0:
            covariance += rms**2 * np.exp(-apart / constant)
    whitener = np.linalg.inv(np.linalg.cholesky(covariance))
    level = whitener.sum(axis=1)
    level /= np.linalg.norm(level)
    whitener -= np.outer(level, level @ whitener)
    return Geometry(whitener, float(np.sqrt(np.diag(covariance).mean() - covariance.mean())))
