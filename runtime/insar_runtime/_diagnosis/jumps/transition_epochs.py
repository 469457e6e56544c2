"""Values beside a step that belong to neither level: a jump that takes two epochs leaves one."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray, IntArray
from insar_runtime._diagnosis.jumps.step_basis import StepProjections
from insar_runtime._diagnosis.jumps.step_fit import FittedSteps, inverse_gram_matrices, residual_projections

_OFF: Final = 9.0
"""Squared ratio of a value's distance from what all others foretell to its standard deviation [ours]."""
_LEAST_LEFT: Final = 1e-6


def replace_transition_values(
    values: Float32Array, projections: StepProjections, steps: FittedSteps, scatter: FloatArray
) -> tuple[Float32Array, IntArray]:
    """Put values beside steps where all other values foretell them, if they are far from there.

    That is the same as leaving them out, and keeps all shapes.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T]
        mm.
    seen : StepProjections
        What all steps see of them.
    levels : FittedSteps
        Their steps.
    scatter : ndarray of float64, shape [n]
        mm.

    Returns
    -------
    values : ndarray of float32, shape [n, T]
    rows : ndarray of int64, shape [r]
        Series that changed.
    """
    rest = residual_projections(projections, steps)
    calm = values.copy()
    touched = np.zeros(len(projections), dtype=np.bool_)
    for rows, used, inverse in inverse_gram_matrices(projections, steps.epochs):
        place, column = np.nonzero(used < projections.basis.epochs)
        row = rows[column]
        beside = used[place, column] - np.array([[1], [0]])
        push = (rest.at(row, beside) - rest.at(row, beside + 1)).astype(np.float64)
        # What is left of the precision of a value when the sizes of all steps are fitted with it.
        own = (
            projections.gram(row, beside, beside)
            - 2 * projections.gram(row, beside, beside + 1)
            + projections.gram(row, beside + 1, beside + 1)
        ).astype(np.float64)
        basis = used[:, None, column]
        shared = (projections.gram(row, basis, beside) - projections.gram(row, basis, beside + 1)).astype(np.float64)
        # Sums over an axis that is not the last go term by term: unused places do not change how they are rounded.
        part = (inverse[:, :, None, column] * shared).sum(axis=1)
        own -= (shared * part).sum(axis=0)
        own = np.maximum(own, _LEAST_LEFT)
        off = push**2 / own / scatter[row] ** 2
        worst = off.argmax(axis=0)
        each = np.arange(len(row))
        far = np.flatnonzero(off[worst, each] > _OFF)
        calm[row[far], beside[worst[far], far]] -= (push / own)[worst[far], far]
        touched[row[far]] = True
    return calm, np.flatnonzero(touched)
