"""Rules for the mix of classes that probabilities are weighted for, from the probabilities of the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.priors import ESTIMATE_WEIGHT, LEAST_SHARE, estimate_priors

Floats = NDArray[np.float64]
Rule = Callable[[NDArray[np.float32], Floats], Floats]
"""Takes probabilities [N, C] for the mix of the training, and that mix [C]; returns the assumed mix [C], sum 1."""

FIXED: Final = np.array([0.6, 0.15, 0.04, 0.04, 0.1, 0.07])
"""A fixed mix that is near the mean of the read shares of the real files, with more of the rare classes."""
MOSTLY_STABLE: Final = np.array([0.8, 0.08, 0.02, 0.02, 0.05, 0.03])
_STEPS: Final = 1000
_SETTLED: Final = 1e-6

SHIPPED: Final = f"estimated, exponent {ESTIMATE_WEIGHT:g}"
"""The rule of ``insar_runtime``."""


def likeliest(
    probabilities: NDArray[np.float32], training: Floats, *, least: float = LEAST_SHARE, temperature: float = 1
) -> Floats:
    """Return the most likely mix (Saerens et al. 2002), with a least share, of probabilities with a temperature."""
    cooled = probabilities.astype(np.float64) ** (1 / temperature)
    shares = np.maximum(estimate_priors(cooled / cooled.sum(axis=1, keepdims=True), training), least)
    return np.asarray(shares / shares.sum())


def with_dirichlet(probabilities: NDArray[np.float32], training: Floats, *, weight: float) -> Floats:
    """Return the mix of largest posterior probability under a Dirichlet prior about the mix of the training.

    Parameters
    ----------
    probabilities, training
        See ``Rule``.
    weight : float
        Share of the pseudo-rows of the prior among all rows.
    """
    likelihood = probabilities.astype(np.float64) / training
    shares = training
    for _ in range(_STEPS):
        posterior = likelihood * shares
        posterior /= posterior.sum(axis=1, keepdims=True)
        updated = (1 - weight) * posterior.mean(axis=0) + weight * training
        settled = np.abs(updated - shares).max() < _SETTLED
        shares = updated
        if settled:
            break
    return np.asarray(shares)


def between(probabilities: NDArray[np.float32], training: Floats, *, exponent: float) -> Floats:
    """Return the weighted geometric mean of the mix of the training and the most likely one."""
    shares = training ** (1 - exponent) * likeliest(probabilities, training) ** exponent
    return np.asarray(shares / shares.sum())


RULES: Final[Mapping[str, Rule]] = {
    "trained": lambda _, training: training,
    "estimated, undamped": likeliest,
    "estimated, least share 2 %": partial(likeliest, least=0.02),
    "estimated, temperature 2": partial(likeliest, temperature=2.0),
    "estimated, mean of the probabilities": lambda rows, _: rows.mean(axis=0, dtype=np.float64),
    **{f"estimated, Dirichlet {weight:g}": partial(with_dirichlet, weight=weight) for weight in (0.1, 0.3, 0.6)},
    **{
        f"estimated, exponent {exponent:g}": partial(between, exponent=exponent) for exponent in (0.25, 0.33, 0.5, 0.75)
    },
    "fixed, 60 % Stable": lambda *_: FIXED,
    "fixed, 80 % Stable": lambda *_: MOSTLY_STABLE,
}
"""Rules by name; the first two are the default and ``--priors auto`` of versions before."""
