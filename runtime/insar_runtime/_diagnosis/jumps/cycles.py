"""Number of half wavelengths of each step, and its probability from the sizes of the steps of a series."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray, Int8Array
from insar_runtime._diagnosis.jumps.jump_probability import Features
from insar_runtime._diagnosis.jumps.jump_selection import LEAST_PROBABILITY

_ANY_SIZE: Final = 0.02
"""Prior odds of a series whose jumps are no multiples of half a wavelength. Our choice."""
_LONE: Final = 3.0
"""Factor of these odds for a permanent jump: series that drift away and return abruptly look like it, as observed in
EGMS rows."""
_SPREAD: Final = 0.24
"""Width of the distribution of such sizes in half wavelengths, over the square root of two pi. Our choice: 12 to 28 mm
of 27.7 mm."""
_LEAST_EVIDENCE: Final = -2.0
"""Least log evidence of one jump for whole cycles, so that one bad fit does not decide for all jumps of its series."""
_MOST_CYCLES: Final = 127
_DISTANCE: Final = 3.0
_FARTHEST: Final = 4.5
"""Largest distance of a jump from the nearest multiple in standard deviations: usually, and if the other jumps of the
series leave no doubt that they are whole cycles. Our choice."""
_NO_DOUBT: Final = 0.01


def cycle_numbers(
    features: Features, probability: FloatArray, cycle: float | None
) -> tuple[Int8Array, FloatArray, FloatArray]:
    """Return the number of half wavelengths of steps, 0 for none, the distance, and the probability of the number, [M].

    Parameters
    ----------
    features : Features
    probability : ndarray of float64, shape [M]
        Probability that each step is a jump; it weights the evidence of the step for the others of its series.
    cycle : float, optional
        Half a wavelength in mm.
    """
    size, std = features.size, features.std
    if cycle is None:
        return np.zeros(len(size), dtype=np.int8), np.full(len(size), np.nan), np.ones(len(size))
    number = np.rint(size / cycle)
    number = np.clip(np.where(number == 0, np.copysign(1, size), number), -_MOST_CYCLES, _MOST_CYCLES)
    distance = np.abs(size - number * cycle) / std
    # The next multiple on the other side of the size; 0 is not a number of cycles.
    other = number + np.where(size > number * cycle, 1, -1)
    further = np.where(other == 0, np.inf, np.abs(size - other * cycle) / std)
    certain = 1 / (1 + np.exp((distance**2 - further**2) / 2))
    # Whole cycles against any other size: the filtering of a producer affects all jumps of a series or none.
    spread = np.hypot(_SPREAD * cycle * np.abs(number) / std, 1)
    evidence = np.maximum(np.log(spread) - distance**2 / 2, _LEAST_EVIDENCE)
    odds = _ANY_SIZE * np.where(features.returns > 0, 1, _LONE)
    doubt = odds * np.exp(-np.bincount(features.row, probability * evidence)[features.row])
    certain /= 1 + doubt
    whole = (distance <= np.where(doubt < _NO_DOUBT, _FARTHEST, _DISTANCE)) & (certain >= LEAST_PROBABILITY)
    return np.where(whole, number, 0).astype(np.int8), distance, np.where(whole, certain, 1)
