"""Values beside a step that belong to neither level: a jump that takes two epochs leaves one."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.levels import Levels, inverse_gram, unexplained
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import Single, Steps

_OFF: Final = 9.0
"""Squared ratio of a value's distance from what all others foretell to its standard deviation [ours]."""
_LEAST_LEFT: Final = 1e-6


def without_smear(steps: Steps, values: Single, seen: Single, levels: Levels, scatter: Floats) -> Single:
    """Put values beside steps where all other values foretell them, if they are far from there.

    That is the same as leaving them out, and keeps all shapes.

    Parameters
    ----------
    steps : Steps
    values : ndarray of float32, shape [n, T]
        mm.
    seen : ndarray of float32, shape [n, T + 1]
        Their products with all steps.
    levels : Levels
        Their steps.
    scatter : ndarray of float64, shape [n]
        mm.
    """
    row, place = np.nonzero(levels.epochs < steps.epochs)
    if not len(row):
        return values
    beside = levels.epochs[row, place, None] - [1, 0]
    rest = unexplained(steps, seen, levels)
    push = (rest[row[:, None], beside] - rest[row[:, None], beside + 1]).astype(np.float64)
    used, inverse = inverse_gram(steps, levels.epochs)
    # What is left of the precision of a value when the sizes of all steps are fitted with it; see fitted for the sums.
    own = steps.precision.matrix[beside, beside]
    shared = [steps.weigh[beside, used[row, one, None]].astype(np.float64) for one in range(used.shape[1])]
    for one in range(used.shape[1]):
        part = np.zeros(own.shape)
        for other in range(used.shape[1]):
            part += inverse[row, one, other, None] * shared[other]
        own = own - shared[one] * part
    own = np.maximum(own, _LEAST_LEFT)
    off = push**2 / own / scatter[row, None] ** 2
    worst = off.argmax(axis=1)
    each = np.arange(len(row))
    far = np.flatnonzero(off[each, worst] > _OFF)
    calm = values.copy()
    calm[row[far], beside[far, worst[far]]] -= (push / own)[far, worst[far]]
    return calm
