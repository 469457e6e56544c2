"""Whitened and plain inner products of curves, for a known covariance of the noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Images:
    """Whitened and plain form of curves.

    Attributes
    ----------
    white : ndarray of float64, shape [..., T]
        Whitened curves: their inner products are those of the Gaussian likelihood, with the level projected out.
    plain : ndarray of float64, shape [..., T]
        Curves without mean, divided by sqrt(T), so that the squared length is a variance in mm^2.
    """

    white: Floats
    plain: Floats

    def __len__(self) -> int:
        return len(self.white)

    def minus(self, amount: Floats, others: Images) -> Images:
        """Return these curves [N or 1, T] minus ``amount`` [N] times others [N, T]."""
        factor = amount[:, None]
        return Images(self.white - factor * others.white, self.plain - factor * others.plain)


@dataclass(frozen=True)
class Geometry:
    """Whitening matrix and RMS of the noise of one series.

    Attributes
    ----------
    whitener : ndarray of float64, shape [T, T]
        Whitens the noise and projects out the level, which has a flat prior because the reference epoch is arbitrary.
    sigma : float
        Expected RMS of the noise about its mean, mm.
    """

    whitener: Floats
    sigma: float

    def images(self, curves: Floats) -> Images:
        """Return whitened and plain form of curves [..., T] in mm."""
        epochs = curves.shape[-1]
        plain = (curves - curves.mean(axis=-1, keepdims=True)) / np.sqrt(epochs)
        return Images(curves @ self.whitener.T, plain)


def noise_geometry(
    days: Floats, white_mm: float, correlated_mm: tuple[float, ...], time_constant_days: tuple[float, ...]
) -> Geometry:
    """Return the whitening matrix and RMS of white noise plus Ornstein-Uhlenbeck noise.

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
