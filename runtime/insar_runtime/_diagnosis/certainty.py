"""How certain a step is: what tells true ones from noise, and the probability that follows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.levels import Levels, unexplained
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import Places, Single, Steps

_AROUND: Final = 10
"""Epochs before and after a step in which noise is looked at."""
_ASIDE: Final = 6
"""Epochs by which a step might be elsewhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """Traits of M steps, each [M]; see ``traits_of``."""

    row: Places
    epoch: Places
    size: Floats
    std: Floats
    strength: Floats
    pair: Floats
    sharp: Floats
    unrest: Floats
    support: Floats

    @classmethod
    def joined(cls, parts: list[Traits]) -> Traits:
        """Lay parts end to end, in the order of rows and epochs."""
        if not parts:
            return cls(*(np.empty(0, dtype=np.int64 if entry.name in ("row", "epoch") else np.float64) for entry in fields(cls)))
        whole = [np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(cls)]
        order = np.lexsort([whole[1], whole[0]])
        return cls(*(values[order] for values in whole))


def traits_of(steps: Steps, seen: Single, clean: Single, levels: Levels, scatter: Floats) -> Traits:
    """Look at each step of n series.

    Returns
    -------
    Traits
        row and epoch; size and standard deviation in mm; ``strength``, their squared ratio; ``pair``, the larger
        strength of the step together with a neighbour; ``sharp``, the share of its likelihood that lies within one epoch; ``unrest``, the
        scatter around it over that of the row; ``support``, epochs on the shorter one of the two levels.
    """
    row, place = np.nonzero(levels.epochs < steps.epochs)
    epoch = levels.epochs[row, place]
    size = levels.size[row, place]
    std = np.sqrt(levels.variance[row, place]) * scatter[row]
    before = np.where(place > 0, levels.epochs[row, place - 1], 0)
    after = np.where(place + 1 < levels.epochs.shape[1], levels.epochs[row, np.minimum(place + 1, levels.epochs.shape[1] - 1)], steps.epochs)
    rest = unexplained(steps, seen, levels)
    shift = np.arange(-_ASIDE, _ASIDE + 1)
    there = np.clip(epoch[:, None] + shift, 1, steps.epochs - 1)
    here = epoch[:, None]
    own = steps.gram[here, here] + steps.gram[there, there] - 2 * steps.gram[here, there]
    gain = 2 * size[:, None] * (rest[row[:, None], there] - rest[row[:, None], here]) - size[:, None] ** 2 * own
    likelihood = np.exp(np.minimum(gain / (2 * scatter[row, None] ** 2), 0))
    aside = np.where(np.abs(shift) > 1, likelihood, 0).sum(axis=1) / likelihood.sum(axis=1)
    change = np.diff(clean, axis=1) ** 2
    total = np.zeros((len(clean), steps.epochs))
    np.cumsum(change, axis=1, out=total[:, 1:])
    low, high = np.maximum(epoch - _AROUND, 0), np.minimum(epoch + _AROUND, steps.epochs - 1)
    near = total[row, high] - total[row, low] - (change[row, epoch - 1])
    near /= np.maximum(high - low - 1, 1)
    usual = np.maximum(total[row, -1] / (steps.epochs - 1), 1e-6)
    return Traits(
        row=row,
        epoch=epoch,
        size=size,
        std=std,
        strength=(size / std) ** 2,
        pair=(size / std) ** 2,
        sharp=1 - aside,
        unrest=np.sqrt(near / usual),
        support=np.minimum(epoch - before, after - epoch).astype(np.float64),
    )


def probability_of(traits: Traits) -> Floats:
    """Give the probability [M] that there is a jump within one epoch."""
    return np.asarray(1 / (1 + np.exp(-0.3 * (traits.strength - 20))))
