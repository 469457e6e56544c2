"""A set of steps in each of many series: their sizes fitted together, their epochs moved to where they fit best."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import LEAST_EPOCHS, Places, Single, Steps

MOST_STEPS: Final = 16
"""Up to eight jumps, each of which may end."""
_REACH: Final = 4
"""Epochs by which a step may be moved at once."""
_LEAST_PIVOT: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Steps of n series, each row's in the order of time.

    Attributes
    ----------
    epochs : ndarray of int64, shape [n, MOST_STEPS]
        First epoch on the new level; T where there is no step.
    size : ndarray of float64, shape [n, MOST_STEPS]
        mm.
    variance : ndarray of float64, shape [n, MOST_STEPS]
        Of the sizes, for noise of unit scatter.
    fall : ndarray of float64, shape [n]
        By how much the steps lower the weighted sum of squares.
    """

    epochs: Places
    size: Floats
    variance: Floats
    fall: Floats

    @classmethod
    def none(cls, count: int, epochs: int) -> Levels:
        """Give series without any step."""
        nothing = np.zeros((count, MOST_STEPS))
        return cls(np.full((count, MOST_STEPS), epochs), nothing, nothing, np.zeros(count))

    @classmethod
    def joined(cls, parts: list[Levels]) -> Levels:
        """Lay parts end to end."""
        return cls(*(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(cls)))

    @property
    def counts(self) -> Places:
        """Steps of each series, [n]."""
        return np.asarray(np.count_nonzero(self.variance, axis=1))

    def take(self, rows: NDArray[np.intp]) -> Levels:
        """Give some of the series."""
        return Levels(*(getattr(self, entry.name)[rows] for entry in fields(self)))

    def put(self, rows: NDArray[np.intp], other: Levels) -> Levels:
        """Give the same with some of the series replaced."""
        parts = [getattr(self, entry.name).copy() for entry in fields(self)]
        for part, entry in zip(parts, fields(self), strict=True):
            part[rows] = getattr(other, entry.name)
        return Levels(*parts)

    def series(self, count: int) -> Single:
        """Give the steps as series [n, T] in mm."""
        steps = np.zeros((len(self.epochs), count + 1))
        rows = np.repeat(np.arange(len(steps)), MOST_STEPS)
        np.add.at(steps, (rows, self.epochs.ravel()), self.size.ravel())
        return np.cumsum(steps[:, :count], axis=1).astype(np.float32)

    def without(self, row: Places, epoch: Places, end: int) -> Places:
        """Give the epochs [n, MOST_STEPS] less some steps [m], told by their row and epoch."""
        gone = np.zeros((len(self.epochs), end + 1), dtype=np.bool_)
        gone[row, epoch] = True
        return np.where(np.take_along_axis(gone, self.epochs, axis=1), end, self.epochs)


def fitted(steps: Steps, seen: Single, epochs: Places) -> Levels:
    """Fit the sizes of steps at given epochs.

    Parameters
    ----------
    steps : Steps
    seen : ndarray of float32, shape [n, T + 1]
        Products of the series with all steps.
    epochs : ndarray of int64, shape [n, MOST_STEPS]
        In rising order; T where there is none. Equal ones count once.
    """
    last = steps.epochs
    epochs = np.sort(epochs, axis=1)
    repeated = epochs[:, 1:] == epochs[:, :-1]
    if repeated.any():
        epochs[:, 1:][repeated] = last
        epochs.sort(axis=1)
    size, variance = np.zeros(epochs.shape), np.zeros(epochs.shape)
    used, inverse = inverse_gram(steps, epochs)
    most = used.shape[1]
    absent = used == last
    product = np.where(absent, 0, np.take_along_axis(seen, used, axis=1).astype(np.float64))
    fall = np.zeros(len(epochs))
    # Place by place, or the number of places would change how sums are rounded.
    for place in range(most):
        size[:, :most] += inverse[:, :, place] * product[:, place, None]
    for place in range(most):
        fall += size[:, place] * product[:, place]
    variance[:, :most] = np.where(absent, 0, np.diagonal(inverse, axis1=1, axis2=2))
    return Levels(epochs, size, variance, fall)


def inverse_gram(steps: Steps, epochs: Places) -> tuple[Places, Floats]:
    """Give the epochs [n, m] of as many steps as any series has, and the inverse of their products [n, m, m]."""
    most = int((epochs < steps.epochs).sum(axis=1).max(initial=0))
    used = epochs[:, :most]
    gram = steps.gram[used[:, :, None], used[:, None, :]]
    diagonal = np.arange(most)
    gram[:, diagonal, diagonal] += used == steps.epochs
    return used, _inverse(gram)


def unexplained(steps: Steps, seen: Single, levels: Levels) -> Single:
    """Give what all steps [n, T + 1] see of series without the steps already found."""
    rest = seen.copy()
    for place in range(int((levels.epochs < steps.epochs).sum(axis=1).max(initial=0))):
        rest -= levels.size[:, place, None].astype(np.float32) * steps.gram32[levels.epochs[:, place]]
    return rest


def moved(steps: Steps, seen: Single, levels: Levels, chosen: Places | None = None) -> Levels:
    """Move steps to where they fit best while the others stay, one after the other, then fit all sizes again.

    Parameters
    ----------
    steps : Steps
    seen : ndarray of float32, shape [n, T + 1]
    levels : Levels
    chosen : ndarray of int64, shape [n, m], optional
        Epochs of the steps to move; T where there is none. All of them if not given.
    """
    rest = unexplained(steps, seen, levels)
    epochs = np.pad(levels.epochs, ((0, 0), (1, 1)), constant_values=((0, 0), (0, steps.epochs)))
    most = int((levels.epochs < steps.epochs).sum(axis=1).max(initial=0))
    if chosen is None:
        places = np.tile(np.arange(most), (len(epochs), 1))
    else:
        places = (levels.epochs[:, None, :] == chosen[:, :, None]).argmax(axis=2)
    rows = np.arange(len(epochs))
    for place in places.T:
        best = _best_place(steps, rest, epochs[rows[:, None], place[:, None] + [0, 1, 2]], levels.size[rows, place])
        here = epochs[rows, place + 1]
        change = np.flatnonzero(best != here)
        difference = steps.gram32[best[change]] - steps.gram32[here[change]]
        rest[change] -= levels.size[change, place[change], None].astype(np.float32) * difference
        epochs[change, place[change] + 1] = best[change]
    epochs = epochs[:, 1:-1]
    if np.array_equal(epochs, levels.epochs):
        return levels
    return fitted(steps, seen, epochs)


def _best_place(steps: Steps, rest: Single, epochs: Places, size: Floats) -> Places:
    """Give the best epoch [n] of steps, of epochs [n, 3] of the one before, the step itself and the one after."""
    before, here, after = epochs[:, :1], epochs[:, 1:2], epochs[:, 2:]
    there = here + np.arange(-_REACH, _REACH + 1)
    lowest, highest = before + LEAST_EPOCHS, np.minimum(after, steps.epochs) - LEAST_EPOCHS
    there = np.where((there >= lowest) & (there <= highest) & (here < steps.epochs), there, here)
    size = size[:, None]
    own = steps.own[there] - 2 * steps.gram[here, there]
    gain = size * (2 * np.take_along_axis(rest, there, axis=1) - size * own)
    return np.take_along_axis(there, gain.argmax(axis=1)[:, None], axis=1)[:, 0]


def without_weakest(levels: Levels, weakness: Floats, last: int) -> Places:
    """Give the epochs [n, MOST_STEPS] less the step of largest weakness [n, MOST_STEPS] in each row above 1."""
    worst = weakness.argmax(axis=1)
    rows = np.flatnonzero(weakness[np.arange(len(worst)), worst] > 1)
    epochs = levels.epochs.copy()
    epochs[rows, worst[rows]] = last
    return epochs


def _inverse(matrix: Floats) -> Floats:
    """Invert positive definite matrices [n, m, m] by Gauss and Jordan.

    Element by element, so that neither the number of series nor the unused rows of a matrix change a bit.
    """
    inverse = matrix.copy()
    for place in range(matrix.shape[1]):
        pivot = np.maximum(inverse[:, place, place], _LEAST_PIVOT)[:, None]
        column = inverse[:, :, place].copy()
        row = inverse[:, place, :] / pivot
        inverse -= column[:, :, None] * row[:, None, :]
        inverse[:, place, :] = row
        inverse[:, :, place] = -column / pivot
        inverse[:, place, place] = 1 / pivot[:, 0]
    return inverse
