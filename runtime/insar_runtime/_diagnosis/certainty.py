"""How certain a step is: what tells true ones from noise, and the probability that follows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.levels import Levels
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.search import scatter_of
from insar_runtime._diagnosis.steps import Places, Single, Steps

_AROUND: Final = 10
"""Epochs before and after a step in which noise is looked at."""
_LEAST_CHANGE: Final = 1e-6
_LEAST_UNREST: Final = 0.1
_COMMON, _STRENGTH, _SIZE, _UNREST, _SUPPORT = -8.74, 1.717, 5.88, -2.0, 0.535
"""Logistic regression on found steps, true and false, of series simulated and semi-real [ours]."""


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """Traits of M steps, in the order of rows and epochs.

    Attributes
    ----------
    row, epoch : ndarray of int64, shape [M]
    size, std : ndarray of float64, shape [M]
        mm; the standard deviation is larger where the series is restless around the step.
    strength : ndarray of float64, shape [M]
        Squared size over its variance under the noise of the whole row.
    unrest : ndarray of float64, shape [M]
        RMS change from epoch to epoch around the step over that of the whole row.
    support : ndarray of float64, shape [M]
        Epochs on the shorter one of the two levels.
    """

    row: Places
    epoch: Places
    size: Floats
    std: Floats
    strength: Floats
    unrest: Floats
    support: Floats

    def take(self, wanted: NDArray[np.bool_]) -> Traits:
        """Give some of the steps."""
        return Traits(*(getattr(self, entry.name)[wanted] for entry in fields(self)))

    @classmethod
    def joined(cls, parts: list[Traits]) -> Traits:
        """Lay parts end to end, in the order of rows and epochs."""
        if not parts:
            nothing = np.empty(0, dtype=np.int64)
            return cls(nothing, nothing, *(np.empty(0) for _ in fields(cls)[2:]))
        whole = [np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(cls)]
        order = np.lexsort([whole[1], whole[0]])
        return cls(*(values[order] for values in whole))


def traits_of(steps: Steps, values: Single, energy: Floats, levels: Levels) -> Traits:
    """Look at each step of series.

    Parameters
    ----------
    steps : Steps
    values : ndarray of float32, shape [n, T]
        The series, mm.
    energy : ndarray of float64, shape [n]
        Their weighted sum of squares.
    levels : Levels
        Their steps.
    """
    row, place = np.nonzero(levels.epochs < steps.epochs)
    epoch = levels.epochs[row, place]
    size = levels.size[row, place]
    around = np.pad(levels.epochs, ((0, 0), (1, 1)), constant_values=((0, 0), (0, steps.epochs)))
    support = np.minimum(epoch - around[row, place], around[row, place + 2] - epoch)
    unrest = _unrest(values - levels.series(steps.epochs), row, epoch)
    std = np.sqrt(levels.variance[row, place]) * scatter_of(steps, energy, levels)[row]
    return Traits(row, epoch, size, std * np.maximum(unrest, 1), (size / std) ** 2, unrest, support.astype(np.float64))


def _unrest(clean: Single, row: Places, epoch: Places) -> Floats:
    """Give the RMS change from epoch to epoch around steps over that of their whole row [M]."""
    last = clean.shape[1] - 1
    change = np.diff(clean, axis=1).astype(np.float64) ** 2
    total = np.zeros(clean.shape)
    np.cumsum(change, axis=1, out=total[:, 1:])
    low, high = np.maximum(epoch - _AROUND, 0), np.minimum(epoch + _AROUND, last)
    near = (total[row, high] - total[row, low] - change[row, epoch - 1]) / (high - low - 1)
    usual = np.maximum(total[row, -1] / last, _LEAST_CHANGE)
    return np.asarray(np.sqrt(np.maximum(near, 0) / usual))


def probability_of(traits: Traits, least_mm: float) -> Floats:
    """Give the probability [M] that there is a jump within one epoch; jumps are of at least ``least_mm``."""
    score = _COMMON + _STRENGTH * np.log(traits.strength) + _SIZE * np.log(np.abs(traits.size) / least_mm)
    score += _UNREST * np.log(np.maximum(traits.unrest, _LEAST_UNREST)) + _SUPPORT * np.log(traits.support)
    return np.asarray(1 / (1 + np.exp(-score)))
