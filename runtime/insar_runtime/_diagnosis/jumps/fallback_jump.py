"""The most probable jump of a series of class PUE in which none is more probable than not.

The class says that there is one; the definition of a jump (``definitions``) says which changes of level may be it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, IndexArray, IntArray
from insar_runtime._diagnosis.jumps.jump_probability import Features
from insar_runtime._diagnosis.jumps.jump_selection import JumpSelection, StepFitData
from insar_runtime._diagnosis.jumps.level_changes import LevelChanges
from insar_runtime._diagnosis.jumps.step_fit import MOST_STEPS, FittedSteps, fit_steps
from insar_runtime.definitions import JUMP_SCATTERS

_BACK: Final = 0.35
"""Part of its size by which a change may differ from the way back [ours]."""


def fallback_jumps(
    fit: StepFitData, steps: FittedSteps, values: Float32Array, selection: JumpSelection, least_mm: float
) -> Features:
    """Choose one jump for each of some series, and its way back if it has one.

    Parameters
    ----------
    fit : StepFitData
        Of the n series.
    levels : FittedSteps
        Steps that were tried.
    values : ndarray of float32, shape [n, T]
        The series with their outliers, mm.
    selection : JumpSelection
    least_mm : float
        Least size of a jump.

    Returns
    -------
    Features
        Of those series in which a change meets the definition of a jump. Of a step that slow noise explains in part the
        fitted size is small; if it is clearly too small for a jump, the size is the change between medians.
    """
    changes = LevelChanges.of(values)
    features = fit.features(steps)
    probability = selection.probability(features)
    allowed = changes.are_jumps(least_mm)
    size = np.abs(features.size) + features.std
    enough = selection.large(features) & (size >= JUMP_SCATTERS * changes.scatter[features.row, features.epoch])
    tried = np.flatnonzero(enough | _near(allowed, features.row, features.epoch))
    tried = tried[np.lexsort([probability[tried], features.row[tried]])]
    # The last of each series is its most probable one.
    best = tried[np.append(features.row[tried][1:] != features.row[tried][:-1], True)[: len(tried)]]
    epochs = np.full((len(values), MOST_STEPS), values.shape[1])
    epochs[features.row[best], 0] = features.epoch[best]
    back = _way_back(features, best)
    epochs[features.row[best[back >= 0]], 1] = features.epoch[back[back >= 0]]
    # Where no step was tried, the clearest change between medians.
    untried = np.setdiff1d(np.arange(len(values)), features.row[best])
    clearness = np.where(allowed[untried], changes.clearness()[untried], 0.0)
    found = untried[clearness.max(axis=1, initial=0.0) > 0]
    epochs[found, 0] = np.where(allowed[found], changes.clearness()[found], 0.0).argmax(axis=1)
    return _sized(fit.features(fit_steps(fit.projections, epochs)), changes, selection)


def _near(mask: BoolArray, row: IntArray, epoch: IntArray) -> BoolArray:
    """Return for places [m] of a mask [n, T] whether it holds there or at a neighbouring epoch."""
    return np.asarray(np.any([_beside(mask, row, epoch, by) for by in (-1, 0, 1)], axis=0), dtype=np.bool_)


def _beside(values: NDArray[np.generic], row: IntArray, epoch: IntArray, by: int) -> NDArray[np.generic]:
    return values[row, np.clip(epoch + by, 0, values.shape[1] - 1)]


def _way_back(features: Features, step: IndexArray) -> IndexArray:
    """Return for some steps [s] of all [M] the neighbour that takes them back, -1 if none does."""
    found = np.full(len(step), -1)
    smallest = np.full(len(step), _BACK)
    for by in (1, -1):
        other = step + by
        inside = (other >= 0) & (other < len(features.row))
        other = np.where(inside, other, step)
        left = np.abs(features.size[step] + features.size[other]) / np.abs(features.size[step])
        mine = inside & (features.row[other] == features.row[step]) & (left < smallest)
        found[mine], smallest[mine] = other[mine], left[mine]
    return found


def _sized(features: Features, changes: LevelChanges, selection: JumpSelection) -> Features:
    """Take the change between medians for sizes that are clearly too small, and drop what is too small even so."""
    # Of the changes at and beside the epoch the one that is largest within its standard deviation.
    beside = [
        [_beside(one, features.row, features.epoch, by) for by in (-1, 0, 1)] for one in (changes.mm, changes.std)
    ]
    mm, std = np.array(beside)
    place = (np.abs(mm) + std).argmax(axis=0)[None]
    mm, std = (np.take_along_axis(one, place, axis=0)[0] for one in (mm, std))
    fits = selection.large(features) | (np.abs(features.size) + features.std >= np.abs(mm) + std)
    features = replace(features, size=np.where(fits, features.size, mm), std=np.where(fits, features.std, std))
    return features.take(selection.large(features))
