"""Few kinds out of many that explain rows together: how often each occurs, by empirical Bayes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.noise import Floats

_ROUNDS: Final = 40
_LEAST_GAIN: Final = 3.0
"""Logarithm of the likelihood of all rows that one more kind must add."""
_LEAST_WEIGHT: Final = 0.01


def choose_kinds(log_likelihood: Floats, most: int) -> tuple[NDArray[np.intp], Floats]:
    """Choose kinds and give their weights.

    Parameters
    ----------
    log_likelihood : ndarray of float64, shape [N, M]
        Of each row under each kind.
    most : int
        Kinds to choose.

    Returns
    -------
    chosen : ndarray of intp, shape [K]
        In the order of the M kinds.
    weights : ndarray of float64, shape [K]
        Sum 1.

    Notes
    -----
    Maximum likelihood of a mixture, one kind at a time where its gradient is steepest: Lindsay, Annals of Statistics
    11, 1983; weights by expectation and maximisation.
    """
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    chosen = [int(log_likelihood.sum(axis=0).argmax())]
    weights = np.ones(1)
    reached = _total(likelihood[:, chosen] @ weights)
    while len(chosen) < most:
        slope = (likelihood / np.maximum(likelihood[:, chosen] @ weights, 1e-300)[:, None]).mean(axis=0)
        slope[chosen] = 0.0
        more = [*chosen, int(slope.argmax())]
        tried = _weigh(likelihood[:, more], np.append(weights * (1 - 1 / len(more)), 1 / len(more)))
        gained = _total(likelihood[:, more] @ tried) - reached
        if not gained > _LEAST_GAIN:
            break
        chosen, weights, reached = more, tried, reached + gained
    keep = weights >= _LEAST_WEIGHT
    kept, order = np.array(chosen)[keep], np.argsort(np.array(chosen)[keep])
    weights = _weigh(likelihood[:, kept[order]], weights[keep][order] / weights[keep].sum())
    return kept[order], weights


def _weigh(likelihood: Floats, weights: Floats) -> Floats:
    for _ in range(_ROUNDS):
        posterior = likelihood * weights
        posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), 1e-300)
        weights = posterior.mean(axis=0)
        weights /= weights.sum()
    return weights


def _total(likelihood: Floats) -> float:
    return float(np.log(np.maximum(likelihood, 1e-300)).sum())
