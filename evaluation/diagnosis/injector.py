"""Injected jumps of known epochs and sizes, independent of the simulator of the training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_EPOCHS: Final = 3
"""Smallest number of epochs between two changes of level, and between a change and the ends."""
LASTING: Final = 0
"""Duration, in epochs, of a jump that lasts until the end."""
_LASTING_PROBABILITY: Final = 0.3
_TWO_CYCLES_PROBABILITY: Final = 0.1
_MOST_TRIES: Final = 400

DrawSize = Callable[[np.random.Generator], tuple[float, int]]
"""Function that draws the size of a jump in mm and its number of cycles, 0 if it is no multiple."""


@dataclass(frozen=True)
class Changes:
    """Changes of level of n series, sorted by row and time.

    Attributes
    ----------
    begins : ndarray of int64, shape [n + 1]
        Row i has the changes from ``begins[i]`` to ``begins[i + 1] - 1``.
    epoch : ndarray of int64, shape [M]
        First epoch on the new level.
    mm : ndarray of float64, shape [M]
    cycles : ndarray of int64, shape [M]
        Number of half wavelengths; 0 if it is no multiple.
    duration : ndarray of int64, shape [M]
        Duration in epochs of the jump to which the change belongs, or ``LASTING``.
    jumps : ndarray of int64, shape [n]
        Number of jumps of each row; a temporary jump (two changes) counts once.
    """

    begins: NDArray[np.int64]
    epoch: NDArray[np.int64]
    mm: NDArray[np.float64]
    cycles: NDArray[np.int64]
    duration: NDArray[np.int64]
    jumps: NDArray[np.int64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row number of each change, [M]."""
        return np.repeat(np.arange(len(self.jumps)), np.diff(self.begins))

    def of_row(self, row: int) -> NDArray[np.int64]:
        """Return the epochs of the changes of one row."""
        return self.epoch[self.begins[row] : self.begins[row + 1]]

    def steps(self, epochs: int) -> NDArray[np.float64]:
        """Return the sum of the changes up to each epoch, mm, [n, T]."""
        level = np.zeros((len(self.jumps), epochs))
        np.add.at(level, (self.rows, self.epoch), self.mm)
        return np.cumsum(level, axis=1)


@dataclass(frozen=True)
class _Change:
    epoch: int
    mm: float
    cycles: int
    duration: int


def draw_changes(
    rng: np.random.Generator, epochs: int, jumps: NDArray[np.int64], size: DrawSize, *, temporary: bool = True
) -> Changes:
    """Draw lasting jumps, and temporary jumps of log-uniform duration up to half the series.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    epochs : int
        Number of epochs T.
    jumps : ndarray of int64, shape [n]
        Number of jumps of each row; fewer if there is no room for more.
    size : callable
        See ``DrawSize``.
    temporary : bool
        Whether some jumps are temporary.
    """
    rows, counts = [], []
    for wanted in jumps:
        changes: list[_Change] = []
        count = 0
        for _ in range(_MOST_TRIES):
            if count == wanted:
                break
            more = _draw_jump(rng, epochs, size, temporary=temporary)
            if _has_room(changes, more, epochs):
                changes += more
                count += 1
        rows.append(sorted(changes, key=lambda change: change.epoch))
        counts.append(count)
    flat = [change for row in rows for change in row]
    return Changes(
        begins=np.cumsum([0] + [len(row) for row in rows], dtype=np.int64),
        epoch=np.array([change.epoch for change in flat], dtype=np.int64),
        mm=np.array([change.mm for change in flat], dtype=np.float64),
        cycles=np.array([change.cycles for change in flat], dtype=np.int64),
        duration=np.array([change.duration for change in flat], dtype=np.int64),
        jumps=np.array(counts, dtype=np.int64),
    )


def _draw_jump(rng: np.random.Generator, epochs: int, size: DrawSize, *, temporary: bool) -> list[_Change]:
    mm, cycles = size(rng)
    if not temporary or rng.random() < _LASTING_PROBABILITY:
        return [_Change(int(rng.integers(LEAST_EPOCHS, epochs - LEAST_EPOCHS + 1)), mm, cycles, LASTING)]
    duration = int(np.exp(rng.uniform(np.log(LEAST_EPOCHS), np.log(epochs // 2 + 1))))
    begin = int(rng.integers(LEAST_EPOCHS, epochs - LEAST_EPOCHS - duration + 1))
    return [_Change(begin, mm, cycles, duration), _Change(begin + duration, -mm, -cycles, duration)]


def _has_room(there: list[_Change], more: list[_Change], epochs: int) -> bool:
    inside = all(LEAST_EPOCHS <= new.epoch <= epochs - LEAST_EPOCHS for new in more)
    return inside and all(abs(old.epoch - new.epoch) >= LEAST_EPOCHS for old in there for new in more)


def whole_cycles(half_wavelength_mm: float) -> DrawSize:
    """Return a function that draws one half wavelength, rarely two, up or down."""

    def size(rng: np.random.Generator) -> tuple[float, int]:
        cycles = (2 if rng.random() < _TWO_CYCLES_PROBABILITY else 1) * (1 if rng.random() < 0.5 else -1)
        return cycles * half_wavelength_mm, cycles

    return size


def between(low: float, high: float, *, multiple: float, away: float) -> DrawSize:
    """Return a function that draws sizes in mm, up or down, at least ``away`` from multiples."""

    def size(rng: np.random.Generator) -> tuple[float, int]:
        while True:
            mm = rng.uniform(low, high)
            nearest = max(round(mm / multiple), 1) * multiple
            if abs(mm - nearest) >= away:
                return mm if rng.random() < 0.5 else -mm, 0

    return size
