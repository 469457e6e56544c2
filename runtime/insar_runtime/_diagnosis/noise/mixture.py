"""Few kinds of noise out of many that explain rows together, and how often each occurs: empirical Bayes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime._diagnosis.noise.kalman import NoiseFits
from insar_runtime._diagnosis.noise.noise_model import NoiseKind

_ROUNDS: Final = 40
"""Of expectation and maximisation [ours]."""
_LEAST_GAIN: Final = 3.0
"""Logarithm of the likelihood of all rows that one more kind must add."""
_LEAST_WEIGHT: Final = 0.01
"""Kinds that fewer rows have are left out."""
_LEAST: Final = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class NoiseMixture:
    """Kinds of noise, and the part of the rows that has each.

    Attributes
    ----------
    kinds : tuple of NoiseKind, length K
    weights : ndarray of float64, shape [K]
        Sum 1.
    """

    kinds: tuple[NoiseKind, ...]
    weights: FloatArray

    def posterior(self, fits: NoiseFits) -> FloatArray:
        """Give the probability [N, K] of each kind in rows that it was fitted to."""
        likelihood = fits.log_likelihood + np.log(np.maximum(self.weights, _LEAST))
        posterior = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
        return np.asarray(posterior)

    def scatter(self, fits: NoiseFits) -> FloatArray:
        """Give the scatter [N] of rows that it was fitted to."""
        return np.asarray(np.sqrt((self.posterior(fits) * fits.scatter**2).sum(axis=1)))


def choose_kinds(fits: NoiseFits, most: int) -> NoiseMixture:
    """Choose at most so many of the kinds that were fitted, and weigh them.

    Notes
    -----
    Maximum likelihood of a mixture, one kind at a time where its gradient is steepest: Lindsay, Annals of Statistics
    11, 1983; weights by expectation and maximisation.
    """
    likelihood = np.exp(fits.log_likelihood - fits.log_likelihood.max(axis=1, keepdims=True))
    chosen = [int(fits.log_likelihood.sum(axis=0).argmax())]
    weights = np.ones(1)
    reached = _total(likelihood[:, chosen] @ weights)
    while len(chosen) < most:
        slope = (likelihood / np.maximum(likelihood[:, chosen] @ weights, _LEAST)[:, None]).mean(axis=0)
        slope[chosen] = 0.0
        more = [*chosen, int(slope.argmax())]
        tried = _weigh(likelihood[:, more], np.append(weights * (1 - 1 / len(more)), 1 / len(more)))
        gained = _total(likelihood[:, more] @ tried) - reached
        if not gained > _LEAST_GAIN:
            break
        chosen, weights, reached = more, tried, reached + gained
    keep = weights >= _LEAST_WEIGHT
    kept = np.array(chosen)[keep]
    weights = _weigh(likelihood[:, kept], weights[keep] / weights[keep].sum())
    return NoiseMixture(tuple(fits.kinds[place] for place in kept.tolist()), weights)


def weigh_kinds(fits: NoiseFits, mixture: NoiseMixture) -> NoiseMixture:
    """Weigh all kinds that were fitted anew, beginning with the weights of a mixture of the same kinds."""
    likelihood = np.exp(fits.log_likelihood - fits.log_likelihood.max(axis=1, keepdims=True))
    return NoiseMixture(mixture.kinds, _weigh(likelihood, mixture.weights))


def _weigh(likelihood: FloatArray, weights: FloatArray) -> FloatArray:
    for _ in range(_ROUNDS):
        posterior = likelihood * weights
        posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), _LEAST)
        weights = posterior.mean(axis=0)
        weights /= weights.sum()
    return weights


def _total(likelihood: FloatArray) -> float:
    return float(np.log(np.maximum(likelihood, _LEAST)).sum())
