"""The most probable jump of a series of class PUE in which no jump has a probability of one half.

Because of the class, there should be a jump. Only changes of level that satisfy its definition (``definitions``) count.
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
"""Largest relative difference between a jump and the jump back. Our choice."""


def fallback_jumps(
    data: StepFitData, steps: FittedSteps, values: Float32Array, selection: JumpSelection, least_mm: float
) -> Features:
    """Return the most probable jump of each series, and the jump back if there is one.

    Parameters
    ----------
    data : StepFitData
        Data of the n series.
    steps : FittedSteps
        Steps that were tried.
    values : ndarray of float32, shape [n, T]
        The series with outliers, mm.
    selection : JumpSelection
    least_mm : float
        Least size of a jump.

    Returns
    -------
    Features
        Features of these jumps, in those series in which a change satisfies the definition. If slow noise explains a
        step in part, its fitted size is small; if it is clearly too small for a jump, the change between medians is
        its size.
    """
    changes = LevelChanges.of(values)
    features = data.features(steps)
    probability = selection.probability(features)
    allowed = changes.are_jumps(least_mm)
    size = np.abs(features.size) + features.std
    enough = selection.large(features) & (size >= JUMP_SCATTERS * changes.scatter[features.row, features.epoch])
    tried = np.flatnonzero(enough | _holds_near(allowed, features.row, features.epoch))
    tried = tried[np.lexsort([probability[tried], features.row[tried]])]
    # The last step of each series is its most probable one.
    best = tried[np.append(features.row[tried][1:] != features.row[tried][:-1], True)[: len(tried)]]
    epochs = np.full((len(values), MOST_STEPS), values.shape[1])
    epochs[features.row[best], 0] = features.epoch[best]
    returning = _cancelling_step(features, best)
    epochs[features.row[best[returning >= 0]], 1] = features.epoch[returning[returning >= 0]]
    # In series without such a step, the clearest change between medians.
    other_rows = np.setdiff1d(np.arange(len(values)), features.row[best])
    clearness = np.where(allowed[other_rows], changes.clearness()[other_rows], 0.0)
    found = other_rows[clearness.max(axis=1, initial=0.0) > 0]
    epochs[found, 0] = np.where(allowed[found], changes.clearness()[found], 0.0).argmax(axis=1)
    return _with_median_sizes(data.features(fit_steps(data.projections, epochs)), changes, selection)


def _holds_near(mask: BoolArray, row: IntArray, epoch: IntArray) -> BoolArray:
    """Return whether a mask [n, T] holds at rows and epochs [m] or at a neighbouring epoch."""
    return np.asarray(np.any([_at_offset(mask, row, epoch, offset) for offset in (-1, 0, 1)], axis=0), dtype=np.bool_)


def _at_offset(values: NDArray[np.generic], row: IntArray, epoch: IntArray, offset: int) -> NDArray[np.generic]:
    return values[row, np.clip(epoch + offset, 0, values.shape[1] - 1)]


def _cancelling_step(features: Features, step: IndexArray) -> IndexArray:
    """Return for some steps [s] of all [M] the neighbouring step that cancels them, -1 if there is none."""
    found = np.full(len(step), -1)
    smallest = np.full(len(step), _BACK)
    for offset in (1, -1):
        other = step + offset
        inside = (other >= 0) & (other < len(features.row))
        other = np.where(inside, other, step)
        left = np.abs(features.size[step] + features.size[other]) / np.abs(features.size[step])
        mine = inside & (features.row[other] == features.row[step]) & (left < smallest)
        found[mine], smallest[mine] = other[mine], left[mine]
    return found


def _with_median_sizes(features: Features, changes: LevelChanges, selection: JumpSelection) -> Features:
    """Replace sizes that are clearly too small by changes between medians, and drop steps that are still too small."""
    # The largest change, within its standard deviation, at the epoch and its two neighbours.
    nearby = [
        [_at_offset(one, features.row, features.epoch, offset) for offset in (-1, 0, 1)]
        for one in (changes.mm, changes.std)
    ]
    mm, std = np.array(nearby)
    place = (np.abs(mm) + std).argmax(axis=0)[None]
    mm, std = (np.take_along_axis(one, place, axis=0)[0] for one in (mm, std))
    fits = selection.large(features) | (np.abs(features.size) + features.std >= np.abs(mm) + std)
    features = replace(features, size=np.where(fits, features.size, mm), std=np.where(fits, features.std, std))
    return features.take(selection.large(features))
