"""The most probable jump of a series of class PUE in which none is more probable than not.

The class says that there is one; the definition of a jump (``definitions``) says which changes of level may be it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.certainty import Traits
from insar_runtime._diagnosis.level_changes import LevelChanges
from insar_runtime._diagnosis.levels import MOST_STEPS, Levels, fitted
from insar_runtime._diagnosis.selection import Selection, StepFit
from insar_runtime._diagnosis.steps import Places, Single
from insar_runtime.definitions import JUMP_SCATTERS

_BACK: Final = 0.35
"""Part of its size by which a change may differ from the way back [ours]."""


def most_probable(fit: StepFit, levels: Levels, values: Single, selection: Selection, least_mm: float) -> Traits:
    """Choose one jump for each of some series, and its way back if it has one.

    Parameters
    ----------
    fit : StepFit
        Of the n series.
    levels : Levels
        Steps that were tried.
    values : ndarray of float32, shape [n, T]
        The series with their outliers, mm.
    selection : Selection
    least_mm : float
        Least size of a jump.

    Returns
    -------
    Traits
        Of those series in which a change meets the definition of a jump. Of a step that slow noise explains in part the
        fitted size is small; if it is clearly too small for a jump, the size is the change between medians.
    """
    changes = LevelChanges.of(values)
    traits = fit.traits(levels)
    probability = selection.probability(traits)
    allowed = changes.are_jumps(least_mm)
    size = np.abs(traits.size) + traits.std
    enough = selection.large(traits) & (size >= JUMP_SCATTERS * changes.scatter[traits.row, traits.epoch])
    tried = np.flatnonzero(enough | _near(allowed, traits.row, traits.epoch))
    tried = tried[np.lexsort([probability[tried], traits.row[tried]])]
    # The last of each series is its most probable one.
    best = tried[np.append(traits.row[tried][1:] != traits.row[tried][:-1], True)[: len(tried)]]
    epochs = np.full((len(values), MOST_STEPS), values.shape[1])
    epochs[traits.row[best], 0] = traits.epoch[best]
    back = _way_back(traits, best)
    epochs[traits.row[best[back >= 0]], 1] = traits.epoch[back[back >= 0]]
    # Where no step was tried, the clearest change between medians.
    untried = np.setdiff1d(np.arange(len(values)), traits.row[best])
    clearness = np.where(allowed[untried], changes.clearness()[untried], 0.0)
    found = untried[clearness.max(axis=1, initial=0.0) > 0]
    epochs[found, 0] = np.where(allowed[found], changes.clearness()[found], 0.0).argmax(axis=1)
    return _sized(fit.traits(fitted(fit.seen, epochs)), changes, selection)


def _near(mask: NDArray[np.bool_], row: Places, epoch: Places) -> NDArray[np.bool_]:
    """Return for places [m] of a mask [n, T] whether it holds there or at a neighbouring epoch."""
    return np.asarray(np.any([_beside(mask, row, epoch, by) for by in (-1, 0, 1)], axis=0), dtype=np.bool_)


def _beside(values: NDArray[np.generic], row: Places, epoch: Places, by: int) -> NDArray[np.generic]:
    return values[row, np.clip(epoch + by, 0, values.shape[1] - 1)]


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


def _sized(traits: Traits, changes: LevelChanges, selection: Selection) -> Traits:
    """Take the change between medians for sizes that are clearly too small, and drop what is too small even so."""
    # Of the changes at and beside the epoch the one that is largest within its standard deviation.
    beside = [[_beside(one, traits.row, traits.epoch, by) for by in (-1, 0, 1)] for one in (changes.mm, changes.std)]
    mm, std = np.array(beside)
    place = (np.abs(mm) + std).argmax(axis=0)[None]
    mm, std = (np.take_along_axis(one, place, axis=0)[0] for one in (mm, std))
    fits = selection.large(traits) | (np.abs(traits.size) + traits.std >= np.abs(mm) + std)
    traits = replace(traits, size=np.where(fits, traits.size, mm), std=np.where(fits, traits.std, std))
    return traits.take(selection.large(traits))
