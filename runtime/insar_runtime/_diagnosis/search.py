"""The search for steps in series that share their kind of noise: one by one, then all together."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.levels import MOST_STEPS, Levels, fitted, moved, unexplained, without_weakest
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import LEAST_EPOCHS, Places, Single, Steps

Real = TypeVar("Real", np.float32, np.float64)

_ENTER: Final = 12.0
_STEP_BONUS: Final = 5.0
"""What a box must gain in units of the noise's variance to be tried, and how much less a step needs: there are many
more boxes than steps [ours]."""
_STAY: Final = 14.0
"""Least squared ratio of a step to its standard deviation [ours]."""
_LEAST_SCATTER_MM: Final = 0.2
_ROWS_OF_PRODUCT: Final = 16


def candidates(steps: Steps, rest: Single, scatter: Floats) -> tuple[Places, Places, Floats]:
    """Find the step or box that explains most of what is left of each series.

    Parameters
    ----------
    steps : Steps
    rest : ndarray of float32, shape [n, T + 1]
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
    first, last, box = steps.best_box(rest)
    step, lasting = steps.best_step(rest)
    variance = scatter * scatter
    box_worth, step_worth = box / variance - _ENTER, lasting / variance - _ENTER + _STEP_BONUS
    lasts = step_worth > box_worth
    return (
        np.where(lasts, step, first),
        np.where(lasts, steps.epochs, last),
        np.where(lasts, step_worth, box_worth),
    )


def grown(steps: Steps, seen: Single, levels: Levels, scatter: Floats) -> Levels:
    """Add steps and boxes for as long as they pay.

    Parameters
    ----------
    steps : Steps
    seen : ndarray of float32, shape [n, T + 1]
    levels : Levels
        What was found already.
    scatter : ndarray of float64, shape [n]
        mm.
    """
    active = np.arange(len(seen))
    part, floor = seen, scatter
    for _ in range(MOST_STEPS):
        mine = levels.take(active)
        first, last, worth = candidates(steps, unexplained(steps, part, mine), floor)
        wider = _with(mine.epochs, first, last, steps.epochs)
        pays = np.flatnonzero((worth > 0) & (wider != mine.epochs).any(axis=1))
        if not len(pays):
            break
        active, part, floor = active[pays], part[pays], floor[pays]
        fresh = np.stack([first[pays], last[pays]], axis=1)
        levels = levels.put(active, moved(steps, part, fitted(steps, part, wider[pays]), fresh))
    return levels


def _with(epochs: Places, first: Places, last: Places, end: int) -> Places:
    """Add edges to steps [n, MOST_STEPS], except those next to a step that is there."""
    wider = epochs.copy()
    for edge in (first, last):
        near = ((np.abs(wider - edge[:, None]) < LEAST_EPOCHS) & (wider < end)).any(axis=1)
        wider[:, -1] = np.where(near | (wider[:, -1] < end), wider[:, -1], edge)
        wider.sort(axis=1)
    return wider


def settled(steps: Steps, seen: Single, energy: Floats, levels: Levels, least_mm: float) -> Levels:
    """Take away steps that are too weak or too small, the weakest first.

    Parameters
    ----------
    steps : Steps
    seen : ndarray of float32, shape [n, T + 1]
    energy : ndarray of float64, shape [n]
        Weighted sum of squares of the series.
    levels : Levels
    least_mm : float
        Least size of a jump.
    """
    active = np.arange(len(seen))
    for _ in range(MOST_STEPS):
        mine = levels.take(active)
        used = mine.epochs < steps.epochs
        variance = mine.variance * scatter_of(steps, energy[active], mine)[:, None] ** 2
        size = np.where(used, np.abs(mine.size), 1)
        weakness = np.where(used, np.maximum(_STAY * variance / size**2, least_mm / size), 0)
        weak = np.flatnonzero((weakness > 1).any(axis=1))
        if not len(weak):
            break
        active = active[weak]
        part = seen[active]
        fewer = without_weakest(mine.take(weak), weakness[weak], steps.epochs)
        levels = levels.put(active, moved(steps, part, fitted(steps, part, fewer)))
    return levels


def weighted_sum(values: Single, seen: Single) -> Floats:
    """Give the weighted sum of squares [n] of series [n, T] from their products with all steps."""
    weighted = seen[:, :-1] - seen[:, 1:]
    weighted *= values
    return np.asarray(weighted.sum(axis=1).astype(np.float64))


def scatter_of(steps: Steps, energy: Floats, levels: Levels) -> Floats:
    """Give the scatter [n] in mm that steps leave of series of this weighted sum of squares."""
    freedom = np.maximum(steps.precision.freedom - (levels.epochs < steps.epochs).sum(axis=1), 1)
    return np.asarray(np.maximum(np.sqrt(np.maximum(energy - levels.fall, 0) / freedom), _LEAST_SCATTER_MM))


def product(values: Single, steps: Steps) -> Single:
    """Give the products [n, T + 1] of series [n, T] with all steps."""
    return in_blocks(values, steps.weigh)


def in_blocks(values: NDArray[Real], matrix: NDArray[Real]) -> NDArray[Real]:
    """Multiply rows [n, T] by a matrix, always as many of them at once.

    A row's bits must not depend on how many there are.
    """
    count = len(values)
    padded = np.zeros((-(-count // _ROWS_OF_PRODUCT) * _ROWS_OF_PRODUCT, len(matrix)), dtype=values.dtype)
    padded[:count] = values
    result = np.empty((len(padded), matrix.shape[1]), dtype=values.dtype)
    for begin in range(0, len(padded), _ROWS_OF_PRODUCT):
        part = slice(begin, begin + _ROWS_OF_PRODUCT)
        np.matmul(padded[part], matrix, out=result[part])
    return result[:count]
