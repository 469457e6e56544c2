"""Values beside a step that belong to neither level: a jump that takes two epochs leaves one."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.levels import Levels, inverse_grams, unexplained
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import Places, Seen, Single

_OFF: Final = 9.0
"""Squared ratio of a value's distance from what all others foretell to its standard deviation [ours]."""
_LEAST_LEFT: Final = 1e-6


def without_smear(values: Single, seen: Seen, levels: Levels, scatter: Floats) -> tuple[Single, Places]:
    """Put values beside steps where all other values foretell them, if they are far from there.

    That is the same as leaving them out, and keeps all shapes.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T]
        mm.
    seen : Seen
        What all steps see of them.
    levels : Levels
        Their steps.
    scatter : ndarray of float64, shape [n]
        mm.

    Returns
    -------
    values : ndarray of float32, shape [n, T]
    rows : ndarray of int64, shape [r]
        Series that changed.
    """
    rest = unexplained(seen, levels)
    calm = values.copy()
    touched = np.zeros(len(seen), dtype=np.bool_)
    for rows, used, inverse in inverse_grams(seen, levels.epochs):
        place, column = np.nonzero(used < seen.steps.epochs)
        row = rows[column]
        beside = used[place, column] - np.array([[1], [0]])
        push = (rest.at(row, beside) - rest.at(row, beside + 1)).astype(np.float64)
        # What is left of the precision of a value when the sizes of all steps are fitted with it.
        own = (
            seen.gram(row, beside, beside)
            - 2 * seen.gram(row, beside, beside + 1)
            + seen.gram(row, beside + 1, beside + 1)
        ).astype(np.float64)
        steps = used[:, None, column]
        shared = (seen.gram(row, steps, beside) - seen.gram(row, steps, beside + 1)).astype(np.float64)
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
