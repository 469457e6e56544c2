"""Mixture of noise models with their frequencies in a file, by maximum likelihood (empirical Bayes)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime._diagnosis.noise.kalman import NoiseFits
from insar_runtime._diagnosis.noise.noise_model import NoiseKind

_ROUNDS: Final = 40
"""Iterations of expectation and maximisation. Our choice."""
_LEAST_GAIN: Final = 3.0
"""Least gain in the log-likelihood of all rows by one more kind."""
_LEAST_WEIGHT: Final = 0.01
"""Kinds with a smaller share of the rows are dropped."""
_LEAST: Final = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class NoiseMixture:
    """Noise models and their frequencies.

    Attributes
    ----------
    kinds : tuple of NoiseKind, length K
    weights : ndarray of float64, shape [K]
        Share of the rows of each kind; sum 1.
    """

    kinds: tuple[NoiseKind, ...]
    weights: FloatArray

    def posterior(self, fits: NoiseFits) -> FloatArray:
        """Return the posterior probability [N, K] of each kind for the rows of its fits."""
        likelihood = fits.log_likelihood + np.log(np.maximum(self.weights, _LEAST))
        posterior = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
        return np.asarray(posterior)

    def scatter(self, fits: NoiseFits) -> FloatArray:
        """Return the posterior scatter [N] of the rows of its fits."""
        return np.asarray(np.sqrt((self.posterior(fits) * fits.scatter**2).sum(axis=1)))


def choose_kinds(fits: NoiseFits, most: int) -> NoiseMixture:
    """Return a mixture of at most ``most`` of the fitted kinds.

    Notes
    -----
    Maximum likelihood of a mixture, adding at each iteration the kind with the steepest gradient: Lindsay, Annals of
    Statistics 11, 1983. The weights follow from expectation and maximisation.
    """
    likelihood = np.exp(fits.log_likelihood - fits.log_likelihood.max(axis=1, keepdims=True))
    chosen = [int(fits.log_likelihood.sum(axis=0).argmax())]
    weights = np.ones(1)
    total = _log_likelihood(likelihood[:, chosen] @ weights)
    while len(chosen) < most:
        slope = (likelihood / np.maximum(likelihood[:, chosen] @ weights, _LEAST)[:, None]).mean(axis=0)
        slope[chosen] = 0.0
        extended = [*chosen, int(slope.argmax())]
        start = np.append(weights * (1 - 1 / len(extended)), 1 / len(extended))
        new_weights = _maximise_weights(likelihood[:, extended], start)
        gained = _log_likelihood(likelihood[:, extended] @ new_weights) - total
        if not gained > _LEAST_GAIN:
            break
        chosen, weights, total = extended, new_weights, total + gained
    keep = weights >= _LEAST_WEIGHT
    kept = np.array(chosen)[keep]
    weights = _maximise_weights(likelihood[:, kept], weights[keep] / weights[keep].sum())
    return NoiseMixture(tuple(fits.kinds[place] for place in kept.tolist()), weights)


def weigh_kinds(fits: NoiseFits, mixture: NoiseMixture) -> NoiseMixture:
    """Return a mixture with the same kinds and with weights estimated from other rows."""
    likelihood = np.exp(fits.log_likelihood - fits.log_likelihood.max(axis=1, keepdims=True))
    return NoiseMixture(mixture.kinds, _maximise_weights(likelihood, mixture.weights))


def _maximise_weights(likelihood: FloatArray, weights: FloatArray) -> FloatArray:
    for _ in range(_ROUNDS):
        posterior = likelihood * weights
        posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), _LEAST)
        weights = posterior.mean(axis=0)
        weights /= weights.sum()
    return weights


def _log_likelihood(likelihood: FloatArray) -> float:
    return float(np.log(np.maximum(likelihood, _LEAST)).sum())
