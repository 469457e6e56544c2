"""Logistic regression on the features of jumps, by Newton's method."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.metrics import Table

Weights = dict[str, float]

_ROUNDS: Final = 100
_SETTLED: Final = 1e-9
_RIDGE: Final = 1e-6
_DECIMALS: Final = 3


def fitted_weights(table: Table, prefix: str, true: NDArray[np.bool_]) -> Weights:
    """Return the weights of a logistic regression on the features with this prefix, fitted by Newton's method."""
    traits = traits_of_prefix(table, prefix)
    design = np.column_stack([np.ones(len(true)), *traits.values()])
    weight = table["weight"] / table["weight"].mean()
    ridge = _RIDGE * np.eye(design.shape[1])
    fit = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        probability = 1 / (1 + np.exp(-design @ fit))
        curvature = (design.T * (weight * probability * (1 - probability))) @ design + ridge
        step = np.linalg.solve(curvature, design.T @ (weight * (true - probability)) - ridge @ fit)
        fit += step
        if np.abs(step).max() < _SETTLED:
            break
    return {name: round(float(value), _DECIMALS) for name, value in zip(["common", *traits], fit, strict=True)}


def traits_of_prefix(table: Table, prefix: str) -> dict[str, Any]:
    """Return the columns whose names begin with a prefix, with the prefix removed from their names."""
    return {name.removeprefix(prefix): column for name, column in table.items() if name.startswith(prefix)}
