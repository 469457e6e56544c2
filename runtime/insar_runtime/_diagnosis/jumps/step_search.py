"""The search for steps in series that share their kind of noise: one by one, then all together."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray, IntArray
from insar_runtime._diagnosis.jumps.step_basis import LEAST_EPOCHS, StepBasis, StepProjections, best_box, best_step
from insar_runtime._diagnosis.jumps.step_fit import (
    MOST_STEPS,
    FittedSteps,
    fit_steps,
    move_steps,
    residual_projections,
    without_weakest,
)

_ENTER: Final = 12.0
_STEP_BONUS: Final = 5.0
"""What a box must gain in units of the noise's variance to be tried, and how much less a step needs: there are many
more boxes than steps [ours]."""
_STAY: Final = 14.0
"""Least squared ratio of a step to its standard deviation [ours]."""
_LEAST_SCATTER_MM: Final = 0.2


def best_candidate(rest: StepProjections, scatter: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Find the step or box that explains most of what is left of each series.

    Parameters
    ----------
    rest : StepProjections
        What all steps see of it.
    scatter : ndarray of float64, shape [n]
        mm.

    Returns
    -------
    first, last : ndarray of int64, shape [n]
        First epoch on the new level, and on the old one again; T where the jump lasts.
    worth : ndarray of float64, shape [n]
        Positive where it is worth trying.
    """
    first, last, box = best_box(rest)
    step, lasting = best_step(rest)
    variance = scatter * scatter
    box_worth, step_worth = box / variance - _ENTER, lasting / variance - _ENTER + _STEP_BONUS
    lasts = step_worth > box_worth
    return (
        np.where(lasts, step, first),
        np.where(lasts, rest.basis.epochs, last),
        np.where(lasts, step_worth, box_worth),
    )


def add_steps(projections: StepProjections, steps: FittedSteps, scatter: FloatArray) -> FittedSteps:
    """Add steps and boxes for as long as they pay.

    Parameters
    ----------
    seen : StepProjections
    levels : FittedSteps
        What was found already.
    scatter : ndarray of float64, shape [n]
        mm.
    """
    active = np.arange(len(projections))
    mine, rest = steps, residual_projections(projections, steps)
    for _ in range(MOST_STEPS):
        first, last, worth = best_candidate(rest, scatter[active])
        wider = _with(mine.epochs, first, last, projections.basis.epochs)
        pays = np.flatnonzero((worth > 0) & (wider != mine.epochs).any(axis=1))
        if not len(pays):
            break
        active = active[pays]
        part = projections.take(active)
        mine = fit_steps(part, wider[pays])
        rest = residual_projections(part, mine)
        mine, changed = move_steps(part, mine, rest, np.stack([first[pays], last[pays]], axis=1))
        rest.products[changed] = residual_projections(part.take(changed), mine.take(changed)).products
        steps = steps.put(active, mine)
    return steps


def _with(epochs: IntArray, first: IntArray, last: IntArray, end: int) -> IntArray:
    """Add edges to steps [n, MOST_STEPS], except those next to a step that is there."""
    wider = epochs.copy()
    for edge in (first, last):
        near = ((np.abs(wider - edge[:, None]) < LEAST_EPOCHS) & (wider < end)).any(axis=1)
        wider[:, -1] = np.where(near | (wider[:, -1] < end), wider[:, -1], edge)
        wider.sort(axis=1)
    return wider


def remove_weak_steps(
    projections: StepProjections, energy: FloatArray, steps: FittedSteps, least_mm: float
) -> FittedSteps:
    """Take away steps that are too weak or too small, the weakest first.

    Parameters
    ----------
    seen : StepProjections
    energy : ndarray of float64, shape [n]
        Weighted sum of squares of the series.
    levels : FittedSteps
    least_mm : float
        Least size of a jump.
    """
    active = np.arange(len(projections))
    mine = steps
    for _ in range(MOST_STEPS):
        used = mine.epochs < projections.basis.epochs
        variance = mine.variance * residual_scatter(projections.basis, energy[active], mine)[:, None] ** 2
        size = np.where(used, np.abs(mine.size), 1)
        weakness = np.where(used, np.maximum(_STAY * variance / size**2, least_mm / size), 0)
        weak = np.flatnonzero((weakness > 1).any(axis=1))
        if not len(weak):
            break
        active = active[weak]
        part = projections.take(active)
        mine = refine_epochs(
            part, fit_steps(part, without_weakest(mine.take(weak), weakness[weak], projections.basis.epochs))
        )
        steps = steps.put(active, mine)
    return steps


def refine_epochs(projections: StepProjections, steps: FittedSteps) -> FittedSteps:
    """Move all steps to where they fit best."""
    return move_steps(projections, steps, residual_projections(projections, steps))[0]


def residual_scatter(basis: StepBasis, energy: FloatArray, steps: FittedSteps) -> FloatArray:
    """Give the scatter [n] in mm that steps leave of series of this weighted sum of squares."""
    freedom = np.maximum(basis.freedom - (steps.epochs < basis.epochs).sum(axis=1), 1)
    return np.asarray(np.maximum(np.sqrt(np.maximum(energy - steps.fall, 0) / freedom), _LEAST_SCATTER_MM))
