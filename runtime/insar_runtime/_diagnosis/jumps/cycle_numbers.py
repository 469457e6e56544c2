"""How many half wavelengths the steps of series are, and how certain that is by their sizes."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray, Int8Array
from insar_runtime._diagnosis.jumps.jump_probability import Features
from insar_runtime._diagnosis.jumps.jump_selection import LEAST_PROBABILITY

_ANY_SIZE: Final = 0.02
"""Series whose jumps are no multiples over those whose jumps are [ours]."""
_LONE: Final = 3.0
"""How many times as often a jump that nothing takes back is no multiple: series that drift off and come back at once
look like it [seen on EGMS rows]."""
_SPREAD: Final = 0.24
"""Part of half a wavelength over which such sizes spread, over the root of two pi [ours: 12 to 28 mm of 27.7 mm]."""
_LEAST_EVIDENCE: Final = -2.0
"""Of one jump for whole cycles, logarithmic: one that was fitted badly must not decide for all of its series."""
_MOST_CYCLES: Final = 127
_DISTANCE: Final = 3.0
_FARTHEST: Final = 4.5
"""Standard deviations from the nearest multiple at which a jump is no longer taken for it: usually, and where the
other jumps of the series leave no doubt that they are whole cycles [ours]."""
_NO_DOUBT: Final = 0.01


def cycle_numbers(
    features: Features, probability: FloatArray, cycle: float | None
) -> tuple[Int8Array, FloatArray, FloatArray]:
    """Return how many half wavelengths steps are, 0 for none, how far from them, and how certain the number is, [M].

    Parameters
    ----------
    traits : Features
    probability : ndarray of float64, shape [M]
        That each step is a jump: the sizes of those that may be none say little of the others of their series.
    cycle : float, optional
        Half a wavelength in mm.
    """
    size, std = features.size, features.std
    if cycle is None:
        return np.zeros(len(size), dtype=np.int8), np.full(len(size), np.nan), np.ones(len(size))
    number = np.rint(size / cycle)
    number = np.clip(np.where(number == 0, np.copysign(1, size), number), -_MOST_CYCLES, _MOST_CYCLES)
    distance = np.abs(size - number * cycle) / std
    # The next multiple on the other side of the size; none is not a number of cycles.
    other = number + np.where(size > number * cycle, 1, -1)
    further = np.where(other == 0, np.inf, np.abs(size - other * cycle) / std)
    certain = 1 / (1 + np.exp((distance**2 - further**2) / 2))
    # Whole cycles against any size between them: a producer's filtering touches all jumps of a series or none.
    spread = np.hypot(_SPREAD * cycle * np.abs(number) / std, 1)
    evidence = np.maximum(np.log(spread) - distance**2 / 2, _LEAST_EVIDENCE)
    odds = _ANY_SIZE * np.where(features.returns > 0, 1, _LONE)
    doubt = odds * np.exp(-np.bincount(features.row, probability * evidence)[features.row])
    certain /= 1 + doubt
    whole = (distance <= np.where(doubt < _NO_DOUBT, _FARTHEST, _DISTANCE)) & (certain >= LEAST_PROBABILITY)
    return np.where(whole, number, 0).astype(np.int8), distance, np.where(whole, certain, 1)
