"""The most probable jump of a series of class PUE in which none is more probable than not.

The class says that there is one; the definition of a jump (``definitions``) says which changes of level may be it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.certainty import Traits
from insar_runtime._diagnosis.level_changes import LevelChanges, near
from insar_runtime._diagnosis.levels import MOST_STEPS
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import Places, Single

_BACK: Final = 0.35
"""Part of its size by which a change may differ from the way back [ours]."""


def most_probable(
    values: Single, rows: Places, traits: Traits, probability: Floats, least_mm: float
) -> tuple[Places, Floats]:
    """Choose the epochs of one jump for each of some rows, and of its way back if it has one.

    Parameters
    ----------
    values : ndarray of float32, shape [r, T]
        Series of these rows, mm.
    rows : ndarray of int64, shape [r]
        In rising order.
    traits : Traits
        Steps that were tried in these and other rows.
    probability : ndarray of float64, shape [M]
        Of each step that was tried.
    least_mm : float
        Least size of a jump.

    Returns
    -------
    epochs : ndarray of int64, shape [r, MOST_STEPS]
        First epochs on a new level; T for none.
    mm : ndarray of float64, shape [r, T]
        Changes of level at all epochs, by medians.
    """
    changes = LevelChanges.of(values)
    allowed = changes.are_jumps(least_mm)
    epochs = np.full((len(rows), MOST_STEPS), values.shape[1])
    place = np.searchsorted(rows, traits.row).clip(0, len(rows) - 1)
    mine = np.flatnonzero(rows[place] == traits.row)
    mine = mine[near(allowed, place[mine], traits.epoch[mine])]
    # The last of each row is the most probable one.
    mine = mine[np.lexsort([probability[mine], place[mine]])]
    last = np.append(place[mine][1:] != place[mine][:-1], True)[: len(mine)]
    best = mine[last]
    epochs[place[best], 0] = traits.epoch[best]
    back = _way_back(traits, best)
    there = back >= 0
    epochs[place[best[there]], 1] = traits.epoch[back[there]]
    # Where no step was tried, the clearest change of level.
    others = np.setdiff1d(np.arange(len(rows)), place[best])
    clearness = np.where(allowed[others], changes.clearness()[others], 0.0)
    clearest = clearness.argmax(axis=1)
    found = clearness.max(axis=1, initial=0.0) > 0
    epochs[others[found], 0] = clearest[found]
    return epochs, changes.mm


def _way_back(traits: Traits, step: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for some steps [s] of all [M] the neighbour that takes them back, -1 if none does."""
    found = np.full(len(step), -1)
    smallest = np.full(len(step), _BACK)
    for by in (1, -1):
        other = step + by
        inside = (other >= 0) & (other < len(traits.row))
        other = np.where(inside, other, step)
        left = np.abs(traits.size[step] + traits.size[other]) / np.abs(traits.size[step])
        mine = inside & (traits.row[other] == traits.row[step]) & (left < smallest)
        found[mine], smallest[mine] = other[mine], left[mine]
    return found


def as_seen(traits: Traits, rows: Places, mm: Floats, least_mm: float) -> Traits:
    """Replace sizes that are clearly less than that of a jump by the change of the medians.

    Slow noise can explain part of a step, and then the fitted size is small.

    Parameters
    ----------
    traits : Traits
        Of some rows.
    rows : ndarray of int64, shape [r]
        In rising order.
    mm : ndarray of float64, shape [r, T]
        See ``most_probable``.
    least_mm : float
    """
    place = np.searchsorted(rows, traits.row)
    nearby = np.stack([mm[place, np.clip(traits.epoch + by, 0, mm.shape[1] - 1)] for by in (-1, 0, 1)])
    change = np.take_along_axis(nearby, np.abs(nearby).argmax(axis=0)[None], axis=0)[0]
    small = (np.abs(traits.size) + traits.std < least_mm) | (traits.size * change < 0)
    return replace(traits, size=np.where(small, change, traits.size))
