"""Gaussian approximations of the priors of the motions, for the proposal distribution of unwrapping errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from evaluation.limit.geometry import Floats, Images
from evaluation.limit.motions import MotionModel
from training.simulator.simulator import SHARES_OF_MOTIONS

_SPREAD: Final = 0.6
"""Approximate ratio of the root mean square of a log-uniform size to its largest value."""


@dataclass(frozen=True)
class Proxies:
    """Motions with Gaussian priors of their sizes.

    Attributes
    ----------
    log_prior : ndarray of float64, shape [M]
        Log probability of each.
    basis : ndarray of float64, shape [M, 2, T]
        ``x . y - (basis x) . (basis y)`` is the inner product of the likelihood after integration over the motion.
    log_determinant : ndarray of float64, shape [M]
        Log determinant of the additional covariance of the motion.
    """

    log_prior: Floats
    basis: Floats
    log_determinant: Floats

    def log_evidence(self, rows: Images) -> Floats:
        """Return the log evidence [K] of rows [K, T] under all of them."""
        squares = np.einsum("kt,kt->k", rows.white, rows.white)
        explained = np.einsum("mpt,kt->mkp", self.basis, rows.white)
        rest = squares - np.einsum("mkp,mkp->mk", explained, explained)
        return np.logaddexp.reduce((self.log_prior - self.log_determinant / 2)[:, None] - rest / 2, axis=0)


def motion_proxies(model: MotionModel, breaks: Floats) -> Proxies:
    """Return Gaussian approximations of the motions below an unwrapping error.

    Stable, linear, quadratic, and a hinge at each of the breaks [J], which are shares of the span.
    """
    config, years = model.config, model.years
    stable = config.stable_rate_mm_yr / np.sqrt(3)
    linear = _SPREAD / 1.5 * config.linear_rate_mm_yr[1]
    base = config.base_rate_mm_yr[1] / np.sqrt(3)
    curves = np.concatenate([years[None, :] ** 2, model.hinges(breaks)])
    plain, rate = model.geometry.images(curves).plain, model.rate.plain
    distance = np.sqrt(np.maximum((plain**2).sum(axis=1) - (plain @ rate) ** 2 / (rate @ rate), 1e-12))
    size = _SPREAD * min(config.departure_limit_mm, config.departure[1] * model.geometry.sigma) / distance
    pairs = [(stable * years, 0 * years), (linear * years, 0 * years), (size[0] * curves[0], base * years)]
    # Bilinear motions that start, stop or reverse: the rate before the break is half of the change of rate, with a
    # standard deviation of the same size.
    pairs += [
        (amount * (hinge - years / 2), np.hypot(base, amount / 2) * years)
        for amount, hinge in zip(size[1:], curves[1:], strict=True)
    ]
    white = model.geometry.images(np.asarray(pairs)).white
    root = np.linalg.cholesky(np.eye(2) + np.einsum("mpt,mqt->mpq", white, white))
    *shares, bent = SHARES_OF_MOTIONS
    log_prior = np.log([*shares, *[bent / len(breaks)] * len(breaks)])
    log_determinant = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    return Proxies(log_prior, np.asarray(np.linalg.solve(root, white), dtype=np.float64), log_determinant)
