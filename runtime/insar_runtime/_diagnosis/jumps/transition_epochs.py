"""Transition epochs next to a step: values on neither level, as left by a jump that takes two epochs."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray, IntArray
from insar_runtime._diagnosis.jumps.step_basis import StepProjections
from insar_runtime._diagnosis.jumps.step_fit import FittedSteps, inverse_gram_matrices, residual_projections

_LEAST_DEVIATION: Final = 9.0
"""Squared ratio of the leave-one-out prediction error to its standard deviation, above which a value next to a step is
in transition. Our choice."""
_LEAST_LEFT: Final = 1e-6


def replace_transition_values(
    values: Float32Array, projections: StepProjections, steps: FittedSteps, scatter: FloatArray
) -> tuple[Float32Array, IntArray]:
    """Replace transition values next to steps by their leave-one-out predictions.

    That is equivalent to leaving them out, and all arrays keep their shapes.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T]
        mm.
    projections : StepProjections
        Their projections.
    steps : FittedSteps
        Their steps.
    scatter : ndarray of float64, shape [n]
        mm.

    Returns
    -------
    values : ndarray of float32, shape [n, T]
    rows : ndarray of int64, shape [r]
        Series that changed.
    """
    residuals = residual_projections(projections, steps)
    replaced = values.copy()
    touched = np.zeros(len(projections), dtype=np.bool_)
    for rows, used, inverse in inverse_gram_matrices(projections, steps.epochs):
        place, column = np.nonzero(used < projections.basis.epochs)
        row = rows[column]
        beside = used[place, column] - np.array([[1], [0]])
        push = (residuals.at(row, beside) - residuals.at(row, beside + 1)).astype(np.float64)
        # Remaining precision of a value if the sizes of all steps are fitted together with it.
        own = (
            projections.gram(row, beside, beside)
            - 2 * projections.gram(row, beside, beside + 1)
            + projections.gram(row, beside + 1, beside + 1)
        ).astype(np.float64)
        of_row = used[:, None, column]
        shared = (projections.gram(row, of_row, beside) - projections.gram(row, of_row, beside + 1)).astype(np.float64)
        # Sums over an axis other than the last are term by term, so unused places do not change the rounding.
        part = (inverse[:, :, None, column] * shared).sum(axis=1)
        own -= (shared * part).sum(axis=0)
        own = np.maximum(own, _LEAST_LEFT)
        deviation = push**2 / own / scatter[row] ** 2
        worst = deviation.argmax(axis=0)
        each = np.arange(len(row))
        far = np.flatnonzero(deviation[worst, each] > _LEAST_DEVIATION)
        replaced[row[far], beside[worst[far], far]] -= (push / own)[worst[far], far]
        touched[row[far]] = True
    return replaced, np.flatnonzero(touched)
