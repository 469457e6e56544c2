"""Search for steps by forward selection and backward elimination."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray, IntArray
from insar_runtime._diagnosis.jumps.step_basis import (
    LEAST_LEVEL_EPOCHS,
    StepBasis,
    StepProjections,
    best_box,
    best_step,
)
from insar_runtime._diagnosis.jumps.step_fit import (
    MOST_STEPS,
    FittedSteps,
    fit_steps,
    move_steps,
    residual_projections,
    without_weakest,
)

_LEAST_GAIN: Final = 12.0
_STEP_BONUS: Final = 5.0
"""Least reduction of the sum of squares by a boxcar, in units of the noise variance, for it to be tried, and how much
less a step needs: there are many more boxcars than steps. Our choice."""
_LEAST_RATIO: Final = 14.0
"""Least squared ratio of a step to its standard deviation. Our choice."""
_LEAST_SCATTER_MM: Final = 0.2


def best_candidate(residuals: StepProjections, scatter: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the step or boxcar that lowers the residual sum of squares of each series most.

    Parameters
    ----------
    residuals : StepProjections
        Projections of the residuals.
    scatter : ndarray of float64, shape [n]
        mm.

    Returns
    -------
    first, last : ndarray of int64, shape [n]
        First epoch on the new level, and first epoch back on the old level; T if the jump is permanent.
    worth : ndarray of float64, shape [n]
        Positive if the jump is to be tried.
    """
    first, last, box_gain = best_box(residuals)
    step, step_gain = best_step(residuals)
    variance = scatter * scatter
    box_worth, step_worth = box_gain / variance - _LEAST_GAIN, step_gain / variance - _LEAST_GAIN + _STEP_BONUS
    permanent = step_worth > box_worth
    return (
        np.where(permanent, step, first),
        np.where(permanent, residuals.basis.epochs, last),
        np.where(permanent, step_worth, box_worth),
    )


def add_steps(projections: StepProjections, steps: FittedSteps, scatter: FloatArray) -> FittedSteps:
    """Return steps with further steps and boxcars added, as long as they lower the sum of squares enough.

    Parameters
    ----------
    projections : StepProjections
    steps : FittedSteps
        Steps found so far.
    scatter : ndarray of float64, shape [n]
        mm.
    """
    active = np.arange(len(projections))
    current, residuals = steps, residual_projections(projections, steps)
    for _ in range(MOST_STEPS):
        first, last, worth = best_candidate(residuals, scatter[active])
        wider = _with_edges(current.epochs, first, last, projections.basis.epochs)
        pays = np.flatnonzero((worth > 0) & (wider != current.epochs).any(axis=1))
        if not len(pays):
            break
        active = active[pays]
        part = projections.take(active)
        current = fit_steps(part, wider[pays])
        residuals = residual_projections(part, current)
        current, changed = move_steps(part, current, residuals, np.stack([first[pays], last[pays]], axis=1))
        residuals.products[changed] = residual_projections(part.take(changed), current.take(changed)).products
        steps = steps.put(active, current)
    return steps


def _with_edges(epochs: IntArray, first: IntArray, last: IntArray, end: int) -> IntArray:
    """Return epochs [n, MOST_STEPS] with the ends of jumps added, except those next to an existing step."""
    wider = epochs.copy()
    for edge in (first, last):
        near = ((np.abs(wider - edge[:, None]) < LEAST_LEVEL_EPOCHS) & (wider < end)).any(axis=1)
        wider[:, -1] = np.where(near | (wider[:, -1] < end), wider[:, -1], edge)
        wider.sort(axis=1)
    return wider


def remove_weak_steps(
    projections: StepProjections, energy: FloatArray, steps: FittedSteps, least_mm: float
) -> FittedSteps:
    """Return steps without those that are too weak or too small, eliminated one by one, the weakest first.

    Parameters
    ----------
    projections : StepProjections
    energy : ndarray of float64, shape [n]
        Weighted sum of squares of the series.
    steps : FittedSteps
    least_mm : float
        Least size of a jump.
    """
    active = np.arange(len(projections))
    current = steps
    for _ in range(MOST_STEPS):
        used = current.epochs < projections.basis.epochs
        variance = current.variance * residual_scatter(projections.basis, energy[active], current)[:, None] ** 2
        size = np.where(used, np.abs(current.size), 1)
        weakness = np.where(used, np.maximum(_LEAST_RATIO * variance / size**2, least_mm / size), 0)
        weak = np.flatnonzero((weakness > 1).any(axis=1))
        if not len(weak):
            break
        active = active[weak]
        part = projections.take(active)
        current = refine_epochs(
            part, fit_steps(part, without_weakest(current.take(weak), weakness[weak], projections.basis.epochs))
        )
        steps = steps.put(active, current)
    return steps


def refine_epochs(projections: StepProjections, steps: FittedSteps) -> FittedSteps:
    """Return steps with all epochs moved to the best fit."""
    return move_steps(projections, steps, residual_projections(projections, steps))[0]


def residual_scatter(basis: StepBasis, energy: FloatArray, steps: FittedSteps) -> FloatArray:
    """Return the residual scatter [n] in mm of series with this weighted sum of squares, after the fit of steps."""
    freedom = np.maximum(basis.freedom - (steps.epochs < basis.epochs).sum(axis=1), 1)
    return np.asarray(np.maximum(np.sqrt(np.maximum(energy - steps.fall, 0) / freedom), _LEAST_SCATTER_MM))
