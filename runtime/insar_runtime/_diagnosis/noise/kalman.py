"""Likelihood of series under many noise models, by a Kalman filter: linear, not cubic, in the number of epochs.

White noise with two Ornstein-Uhlenbeck processes is a Markov process of two states. A Kalman filter therefore whitens
series and regressors, whatever the dates are and whichever values are missing. The amplitudes of the regressors
(motion, annual cycle) then follow from ordinary least squares: free amplitudes are projected out, as in the restricted
likelihood, and random amplitudes enter with their variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, IndexArray
from insar_runtime._diagnosis.missing_epochs import MissingPatterns
from insar_runtime._diagnosis.noise.noise_model import ANNUAL_CHANGE, HALF_YEAR, NoiseKind
from insar_runtime.definitions import DAYS_PER_YEAR

_AT_ONCE: Final = 16_000
"""Values of each array of the filter, few enough for the cache of a core."""
_BENDS: Final = (5.0, 2.0, 1.0, 0.5)
"""Standard deviation of the amplitude of the Chebyshev polynomials of degree two to five, over the scatter."""
_BENT: Final = 0.3
"""Share of the rows that have such a motion; it need not be exact. Our choice."""
_STEP: Final = 5.0
"""Standard deviation of a step at a known date, over the scatter: large, so nearly free."""
_FLAT: Final = 1e-8
"""Inverse prior variance of a free amplitude."""
_LEAST: Final = 1e-12
_ALIKE: Final = 5
"""Least number of rows with the same missing values for which a filter of their own pays."""


@dataclass(frozen=True, slots=True, eq=False)
class Regressors:
    """Regressors whose amplitudes are unknown: free for the line, random for all others.

    Attributes
    ----------
    line : ndarray of float64, shape [T, 2]
    motion : ndarray of float64, shape [T, m]
        Curvature of the motion, which some rows have; in units of the prior standard deviation.
    steps : ndarray of float64, shape [T, s]
        Common steps, in units of the prior standard deviation.
    annual : ndarray of float64, shape [T, q]
        An annual cycle whose RMS is that of the noise.
    """

    line: FloatArray
    motion: FloatArray
    steps: FloatArray
    annual: FloatArray

    @classmethod
    def of(
        cls, days: FloatArray, steps: Sequence[int] = (), *, motion: bool = True, steady: bool = False
    ) -> Regressors:
        """Return the regressors of a time axis.

        Parameters
        ----------
        days : ndarray of float64, shape [T]
        steps : sequence of int
            Epochs of common steps.
        motion : bool
            Whether series may have curvature.
        steady : bool
            Whether the annual cycle is the same in all years.
        """
        time = 2 * days / max(float(days[-1]), 1.0) - 1
        powers = chebvander(time, 1 + (len(_BENDS) if motion else 0)).astype(np.float64)
        bends = powers[:, 2:] * np.array(_BENDS)[: powers.shape[1] - 2]
        # The amplitude of a step is not free, because a row may have values on one side of it only.
        jumps = np.where(np.arange(len(days))[:, None] >= np.array(steps, dtype=np.int64), _STEP, 0.0)
        year = days / DAYS_PER_YEAR
        wave = np.stack([np.cos(2 * np.pi * year), np.sin(2 * np.pi * year)], axis=1)
        half = np.stack([np.cos(4 * np.pi * year), np.sin(4 * np.pi * year)], axis=1)
        hats = np.maximum(1 - np.abs(year[:, None] - np.arange(int(year[-1]) + 2)), 0)
        of_year = (hats[:, :, None] * wave[:, None, :]).reshape(len(days), -1)
        changes = ANNUAL_CHANGE**0.5 * of_year[:, : 0 if steady else of_year.shape[1]]
        annual = np.concatenate([wave, changes, HALF_YEAR**0.5 * half], axis=1)
        return cls(powers[:, :2], np.asarray(bends, dtype=np.float64), jumps, annual)

    @property
    def all(self) -> FloatArray:
        """All regressors, [T, p]."""
        return np.concatenate([self.line, self.motion, self.steps, self.annual], axis=1)

    def prior_stds(self, annual: float, *, bends: bool) -> FloatArray:
        """Return the prior standard deviation [p] of each amplitude over the scatter; 1 for the line, which is free."""
        sizes = [part.shape[1] for part in (self.line, self.motion, self.steps, self.annual)]
        return np.repeat([1.0, float(bends), 1.0, annual], sizes)

    def without_motion(self) -> Regressors:
        """Return the regressors of rows without curvature."""
        return replace(self, motion=self.motion[:, :0])


@dataclass(frozen=True, slots=True, eq=False)
class NoiseFits:
    """Likelihood and scatter of rows under each noise model.

    Attributes
    ----------
    kinds : tuple of NoiseKind, length K
    log_likelihood : ndarray of float64, shape [N, K]
        Restricted log-likelihood, marginalised over the scatter and over whether the row has curvature.
    scatter : ndarray of float64, shape [N, K]
        In the unit of the values.
    freedom : ndarray of float64, shape [N]
        Degrees of freedom: number of values less those of the line.
    """

    kinds: tuple[NoiseKind, ...]
    log_likelihood: FloatArray
    scatter: FloatArray
    freedom: FloatArray


def fit_kinds(
    values: FloatArray, days: FloatArray, kinds: Sequence[NoiseKind], regressors: Regressors, white_factor: FloatArray
) -> NoiseFits:
    """Return the likelihood and the scatter of rows under noise models.

    Parameters
    ----------
    values : ndarray of float64, shape [N, T]
        NaN = missing. Each row must have more values than there are free regressors.
    days : ndarray of float64, shape [T]
    kinds : sequence of NoiseKind, length K
        Kinds that differ in the annual cycle alone share a filter, so all but one of them cost little.
    regressors : Regressors
    white_factor : ndarray of float64, shape [T]
        Scatter of the white part at each epoch over its usual scatter.
    """
    likelihood, scatter = (np.empty((len(values), len(kinds))) for _ in range(2))
    known, free = regressors.all, regressors.line.shape[1]
    # Hypotheses: a row with curvature, and a row without.
    hypotheses = ((True, _BENT), (False, 1 - _BENT)) if regressors.motion.shape[1] else ((False, 1.0),)
    log_shares = np.log([share for _, share in hypotheses])[:, None]
    alike: dict[NoiseKind, list[int]] = {}
    for place, kind in enumerate(kinds):
        alike.setdefault(replace(kind, annual=0.0), []).append(place)
    shapes = list(alike)
    shared, others = shared_and_other_patterns(np.isnan(values))
    for rows in (*shared, *([others] if len(others) else [])):
        data, there = _side_by_side(known, values[rows])
        freedom = there.sum(axis=0)[:, None] - free
        some = max(_AT_ONCE // data[0].size, 1)
        for first in range(0, len(shapes), some):
            part = shapes[first : first + some]
            for shape, white, volume in zip(part, *_whiten(data, there, days, part, white_factor), strict=True):
                products = _cross_products(white, known.shape[1])
                places = alike[shape]
                # One set of prior standard deviations for each kind and hypothesis.
                annual = [kinds[place].annual for place in places]
                priors = [regressors.prior_stds(one, bends=bends) for one in annual for bends, _ in hypotheses]
                left, more = _ridge_residuals(*products, np.stack(priors), free)
                likely = -0.5 * ((volume + more)[..., None] + freedom * np.log(left))
                found = likely.reshape(len(places), len(hypotheses), -1) + log_shares
                squares = (left / freedom).reshape(found.shape)
                likelihood[rows[:, None], places], scatter[rows[:, None], places] = _marginalise(found, squares)
    return NoiseFits(tuple(kinds), likelihood, scatter, np.isfinite(values).sum(axis=1) - float(free))


def _marginalise(found: FloatArray, squares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the log of the summed likelihoods of alternative hypotheses, and the posterior scatter, both [n, K].

    Parameters
    ----------
    found, squares : ndarray of float64, shape [K, number of hypotheses, n]
        Log likelihoods of rows under each noise model and hypothesis, and variances.
    """
    likelihood = np.logaddexp.reduce(found, axis=1)
    variance = (np.exp(found - likelihood[:, None]) * squares).sum(axis=1)
    return likelihood.T, np.sqrt(variance).T


def shared_and_other_patterns(missing: BoolArray) -> tuple[list[IndexArray], IndexArray]:
    """Return the groups of ``_ALIKE`` rows [N, T] or more with the same missing values, and the other rows.

    The largest group comes first; the other rows are in rising order.
    """
    groups = MissingPatterns.of(missing).rows
    many = sorted((rows for rows in groups if len(rows) >= _ALIKE), key=len, reverse=True)
    few = [rows for rows in groups if len(rows) < _ALIKE]
    return many, np.sort(np.concatenate(few)) if few else np.empty(0, dtype=np.intp)


def _side_by_side(known: FloatArray, values: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return regressors and rows [n, T] side by side, [T, G, C], and which values are present [T, G].

    Missing values are zero. G is 1 if all rows have the same missing values, and n otherwise.
    """
    there = ~np.isnan(values).T
    if (there == there[:, :1]).all():
        data, there = np.concatenate([known, values.T], axis=1)[:, None], there[:, :1]
    else:
        repeated = np.broadcast_to(known[:, None], (len(known), len(values), known.shape[1]))
        data = np.concatenate([repeated, values.T[..., None]], axis=2)
    return np.where(there[..., None], data, 0.0), there


def _whiten(
    data: FloatArray, there: BoolArray, days: FloatArray, kinds: Sequence[NoiseKind], white_factor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the whitened columns [K, G, T, C] of columns [T, G, C], and the covariances' log determinants [K, G].

    G is the number of patterns of missing values.
    """
    parts = np.array([(kind.white, kind.short, kind.slow) for kind in kinds])
    constants = np.array([(kind.short_days, kind.slow_days) for kind in kinds])
    decay = np.exp(-np.diff(days, prepend=days[0])[:, None, None] / constants)
    gain, deviation = _kalman_gains(parts, decay, there, white_factor)
    white = np.empty((len(kinds), data.shape[1], len(days), data.shape[2]))
    short, slow = (np.zeros((len(kinds), *data.shape[1:])) for _ in range(2))
    innovation, step = np.empty_like(short), np.empty_like(short)
    for epoch, now in enumerate(data):
        short *= decay[epoch, :, 0, None, None]
        slow *= decay[epoch, :, 1, None, None]
        np.subtract(now, short, out=innovation)
        innovation -= slow
        short += np.multiply(innovation, gain[epoch, 0][..., None], out=step)
        slow += np.multiply(innovation, gain[epoch, 1][..., None], out=step)
        np.divide(innovation, deviation[epoch][..., None], out=white[:, :, epoch])
        if not there[epoch].all():
            white[:, ~there[epoch], epoch] = 0.0
    return white, 2 * np.log(deviation).sum(axis=0)


def _kalman_gains(
    parts: FloatArray, decay: FloatArray, there: BoolArray, white_factor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the Kalman gains [T, 2, K, G] and the standard deviations of the innovations [T, K, G]."""
    shape = (len(parts), there.shape[1])
    gain, deviation = np.zeros((len(there), 2, *shape)), np.ones((len(there), *shape))
    white, of_short, of_slow = (np.broadcast_to(part[:, None], shape) for part in parts.T)
    short, slow, both = of_short.copy(), of_slow.copy(), np.zeros(shape)
    for epoch, now in enumerate(there):
        one, other = decay[epoch, :, 0, None], decay[epoch, :, 1, None]
        short = one**2 * short + (1 - one**2) * of_short
        slow = other**2 * slow + (1 - other**2) * of_slow
        both = one * other * both
        from_short, from_slow = short + both, slow + both
        variance = from_short + from_slow + white * white_factor[epoch] ** 2
        np.divide(from_short, variance, out=gain[epoch, 0], where=now)
        np.divide(from_slow, variance, out=gain[epoch, 1], where=now)
        np.sqrt(variance, out=deviation[epoch], where=now)
        short = short - gain[epoch, 0] * from_short
        both = both - gain[epoch, 0] * from_slow
        slow = slow - gain[epoch, 1] * from_slow
    return gain, deviation


def _cross_products(white: FloatArray, known: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return X'X [G, p, p], X'y [G, p, n] and y'y [G, n] of whitened regressors X and series y."""
    transposed, series = white[..., :known].swapaxes(-1, -2), white[..., known:]
    return transposed @ white[..., :known], transposed @ series, np.einsum("...tn,...tn->...n", series, series)


def _ridge_residuals(
    known: FloatArray, cross: FloatArray, squares: FloatArray, scales: FloatArray, free: int
) -> tuple[FloatArray, FloatArray]:
    """Return the residual squares [M, G, n] of M ridge regressions, and their log determinants [M, G].

    Parameters
    ----------
    known, cross, squares : ndarray of float64
        See ``_cross_products``.
    scales : ndarray of float64, shape [M, p]
        Prior standard deviations of the coefficients.
    free : int
        Number of the first coefficients, those of the line.
    """
    # A weak prior for the line as well, which is ill-determined where most values are missing.
    prior = np.diag(np.where(np.arange(scales.shape[1]) < free, _FLAT, 1.0))
    scales = scales[:, None, :, None]
    factor = np.linalg.cholesky(known * scales * scales.swapaxes(-1, -2) + prior)
    explained = np.linalg.solve(factor, cross * scales)
    left = squares - np.einsum("...pn,...pn->...n", explained, explained)
    diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
    return np.maximum(left, _LEAST), 2 * np.log(diagonal).sum(axis=-1)
