"""The search for steps in series that share their kind of noise: one by one, then all together."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.levels import MOST_STEPS, Levels, fitted, moved, unexplained, without_weakest
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import LEAST_EPOCHS, Places, Seen, Steps, best_box, best_step

_ENTER: Final = 12.0
_STEP_BONUS: Final = 5.0
"""What a box must gain in units of the noise's variance to be tried, and how much less a step needs: there are many
more boxes than steps [ours]."""
_STAY: Final = 14.0
"""Least squared ratio of a step to its standard deviation [ours]."""
_LEAST_SCATTER_MM: Final = 0.2


def candidates(rest: Seen, scatter: Floats) -> tuple[Places, Places, Floats]:
    """Find the step or box that explains most of what is left of each series.

    Parameters
    ----------
    rest : Seen
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
        np.where(lasts, rest.steps.epochs, last),
        np.where(lasts, step_worth, box_worth),
    )


def grown(seen: Seen, levels: Levels, scatter: Floats) -> Levels:
    """Add steps and boxes for as long as they pay.

    Parameters
    ----------
    seen : Seen
    levels : Levels
        What was found already.
    scatter : ndarray of float64, shape [n]
        mm.
    """
    active = np.arange(len(seen))
    mine, rest = levels, unexplained(seen, levels)
    for _ in range(MOST_STEPS):
        first, last, worth = candidates(rest, scatter[active])
        wider = _with(mine.epochs, first, last, seen.steps.epochs)
        pays = np.flatnonzero((worth > 0) & (wider != mine.epochs).any(axis=1))
        if not len(pays):
            break
        active = active[pays]
        part = seen.take(active)
        mine = fitted(part, wider[pays])
        rest = unexplained(part, mine)
        mine, changed = moved(part, mine, rest, np.stack([first[pays], last[pays]], axis=1))
        rest.products[changed] = unexplained(part.take(changed), mine.take(changed)).products
        levels = levels.put(active, mine)
    return levels


def _with(epochs: Places, first: Places, last: Places, end: int) -> Places:
    """Add edges to steps [n, MOST_STEPS], except those next to a step that is there."""
    wider = epochs.copy()
    for edge in (first, last):
        near = ((np.abs(wider - edge[:, None]) < LEAST_EPOCHS) & (wider < end)).any(axis=1)
        wider[:, -1] = np.where(near | (wider[:, -1] < end), wider[:, -1], edge)
        wider.sort(axis=1)
    return wider


def settled(seen: Seen, energy: Floats, levels: Levels, least_mm: float) -> Levels:
    """Take away steps that are too weak or too small, the weakest first.

    Parameters
    ----------
    seen : Seen
    energy : ndarray of float64, shape [n]
        Weighted sum of squares of the series.
    levels : Levels
    least_mm : float
        Least size of a jump.
    """
    active = np.arange(len(seen))
    mine = levels
    for _ in range(MOST_STEPS):
        used = mine.epochs < seen.steps.epochs
        variance = mine.variance * scatter_of(seen.steps, energy[active], mine)[:, None] ** 2
        size = np.where(used, np.abs(mine.size), 1)
        weakness = np.where(used, np.maximum(_STAY * variance / size**2, least_mm / size), 0)
        weak = np.flatnonzero((weakness > 1).any(axis=1))
        if not len(weak):
            break
        active = active[weak]
        part = seen.take(active)
        mine = refined(part, fitted(part, without_weakest(mine.take(weak), weakness[weak], seen.steps.epochs)))
        levels = levels.put(active, mine)
    return levels


def refined(seen: Seen, levels: Levels) -> Levels:
    """Move all steps to where they fit best."""
    return moved(seen, levels, unexplained(seen, levels))[0]


def scatter_of(steps: Steps, energy: Floats, levels: Levels) -> Floats:
    """Give the scatter [n] in mm that steps leave of series of this weighted sum of squares."""
    freedom = np.maximum(steps.freedom - (levels.epochs < steps.epochs).sum(axis=1), 1)
    return np.asarray(np.maximum(np.sqrt(np.maximum(energy - levels.fall, 0) / freedom), _LEAST_SCATTER_MM))
