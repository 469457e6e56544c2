"""A set of steps in each of many series: their sizes fitted together, their epochs moved to where they fit best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import LEAST_EPOCHS, Places, Seen, Single

MOST_STEPS: Final = 16
"""Up to eight jumps, each of which may end."""
_REACH: Final = np.arange(-4, 5)[:, None]
"""Epochs by which a step may be moved at once."""
_SIZES: Final = (4, 8, MOST_STEPS)
"""Series with up to so many steps are fitted side by side: the one with most of them sets the work of all."""
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

    def take(self, rows: NDArray[np.intp]) -> Levels:
        """Give some of the series."""
        return Levels(self.epochs[rows], self.size[rows], self.variance[rows], self.fall[rows])

    def put(self, rows: NDArray[np.intp], other: Levels) -> Levels:
        """Give the same with some of the series replaced."""
        parts = [getattr(self, entry.name).copy() for entry in fields(self)]
        for part, entry in zip(parts, fields(self), strict=True):
            part[rows] = getattr(other, entry.name)
        return Levels(*parts)

    def series(self, count: int) -> Single:
        """Give the steps as series [n, T] in mm."""
        level = np.zeros((len(self.epochs), MOST_STEPS + 1))
        np.cumsum(self.size, axis=1, out=level[:, 1:])
        length = np.diff(self.epochs, axis=1, prepend=0, append=count)
        return np.repeat(level.astype(np.float32).ravel(), length.ravel()).reshape(-1, count)

    def without(self, row: Places, epoch: Places, end: int) -> Places:
        """Give the epochs [n, MOST_STEPS] less some steps [m], told by their row and epoch."""
        gone = np.zeros((len(self.epochs), end + 1), dtype=np.bool_)
        gone[row, epoch] = True
        return np.where(np.take_along_axis(gone, self.epochs, axis=1), end, self.epochs)


def fitted(seen: Seen, epochs: Places) -> Levels:
    """Fit the sizes of steps at given epochs.

    Parameters
    ----------
    seen : Seen
    epochs : ndarray of int64, shape [n, MOST_STEPS]
        T where there is none. Equal ones count once.
    """
    last = seen.steps.epochs
    epochs = np.sort(epochs, axis=1)
    repeated = epochs[:, 1:] == epochs[:, :-1]
    repeated &= epochs[:, 1:] < last
    if repeated.any():
        epochs[:, 1:][repeated] = last
        epochs.sort(axis=1)
    size, variance, fall = np.zeros(epochs.shape), np.zeros(epochs.shape), np.zeros(len(epochs))
    for rows, used, inverse in inverse_grams(seen, epochs):
        absent = used == last
        product = np.where(absent, 0, seen.at(rows, used).astype(np.float64))
        # Place by place, or the number of places would change how sums are rounded.
        part, lower = np.zeros(used.shape), np.zeros(len(rows))
        for place, one in enumerate(product):
            part += inverse[:, place] * one
        for place, one in enumerate(product):
            lower += part[place] * one
        size[rows, : len(used)] = part.T
        fall[rows] = lower
        variance[rows, : len(used)] = np.where(absent, 0, np.diagonal(inverse).T).T
    return Levels(epochs, size, variance, fall)


def inverse_grams(seen: Seen, epochs: Places) -> Iterator[tuple[Places, Places, Floats]]:
    """Give rows [r], the epochs [m, r] of as many steps as any of them has, and the inverse of their products."""
    counts = (epochs < seen.steps.epochs).sum(axis=1)
    fewer = 0
    for most in _SIZES:
        rows = np.flatnonzero((counts > fewer) & (counts <= most))
        fewer = most
        if len(rows):
            used = np.ascontiguousarray(epochs[rows, : int(counts[rows].max())].T)
            gram = seen.gram(rows, used[:, None], used).astype(np.float64)
            diagonal = np.arange(len(used))
            gram[diagonal, diagonal] += used == seen.steps.epochs
            yield rows, used, _inverse(gram)


def unexplained(seen: Seen, levels: Levels) -> Seen:
    """Give what all steps see of series without the steps already found."""
    counts = (levels.epochs < seen.steps.epochs).sum(axis=1)
    if not counts.any():
        return Seen(seen.steps, seen.kind, seen.products.copy())
    # Those with most steps come first, so that each place is that of the first so many.
    order = np.argsort(-counts, kind="stable")
    rest, epochs, size = seen.products[order], levels.epochs[order], levels.size[order].astype(np.float32)
    for place in range(int(counts.max())):
        rows = order[: np.count_nonzero(counts > place)]
        column = seen.columns(rows, epochs[: len(rows), place])
        column *= size[: len(rows), place, None]
        rest[: len(rows)] -= column
    products = np.empty_like(rest)
    products[order] = rest
    return Seen(seen.steps, seen.kind, products)


def moved(seen: Seen, levels: Levels, rest: Seen, chosen: Places | None = None) -> tuple[Levels, Places]:
    """Move steps to where they fit best while the others stay, then fit all sizes again.

    Every second step moves at once, then the others.

    Parameters
    ----------
    seen : Seen
    levels : Levels
    rest : Seen
        What they leave; overwritten.
    chosen : ndarray of int64, shape [n, m], optional
        Epochs of the steps to move; T where there is none. All of them if not given.

    Returns
    -------
    levels : Levels
    rows : ndarray of int64, shape [r]
        Series that changed.
    """
    end = seen.steps.epochs
    epochs = np.full((len(seen), MOST_STEPS + 2), end)
    epochs[:, 0] = 0
    epochs[:, 1:-1] = levels.epochs
    wanted = levels.epochs < end
    if chosen is not None:
        wanted &= (levels.epochs[:, :, None] == chosen[:, None, :]).any(axis=2)
    every_row, every_place = np.nonzero(wanted)
    size = levels.size.astype(np.float32)
    touched = np.zeros(len(seen), dtype=np.bool_)
    for parity in (0, 1):
        mine = every_place % 2 == parity
        row, place = every_row[mine], every_place[mine]
        here = epochs[row, place + 1]
        best = _best_places(rest, row, epochs[row, place], here, epochs[row, place + 2], levels.size[row, place])
        changes = np.flatnonzero(best != here)
        epochs[row[changes], place[changes] + 1] = best[changes]
        touched[row[changes]] = True
        for one in np.flatnonzero(np.bincount(place[changes])):
            some = changes[place[changes] == one]
            rows = row[some]
            difference = seen.columns(rows, best[some])
            difference -= seen.columns(rows, here[some])
            difference *= size[rows, one, None]
            rest.products[rows] -= difference
    rows = np.flatnonzero(touched)
    if not len(rows):
        return levels, rows
    return levels.put(rows, fitted(seen.take(rows), epochs[rows, 1:-1])), rows


def _best_places(rest: Seen, row: Places, before: Places, here: Places, after: Places, size: Floats) -> Places:
    """Give the best epochs [m] of steps of some rows, between the epochs of the steps before and after."""
    there = here + _REACH
    allowed = (there >= before + LEAST_EPOCHS) & (there <= np.minimum(after, rest.steps.epochs) - LEAST_EPOCHS)
    there = np.where(allowed, there, here)
    own = rest.steps.own.ravel().take(rest.kind[row] * (rest.steps.epochs + 1) + there)
    gain = size * (2 * rest.at(row, there) - size * (own - 2 * rest.gram(row, here, there)))
    return np.asarray(there[gain.argmax(axis=0), np.arange(len(row))])


def without_weakest(levels: Levels, weakness: Floats, last: int) -> Places:
    """Give the epochs [n, MOST_STEPS] less the step of largest weakness [n, MOST_STEPS] in each row above 1."""
    worst = weakness.argmax(axis=1)
    rows = np.flatnonzero(weakness[np.arange(len(worst)), worst] > 1)
    epochs = levels.epochs.copy()
    epochs[rows, worst[rows]] = last
    return epochs


def _inverse(matrix: Floats) -> Floats:
    """Invert positive definite matrices [m, m, n] in place, by sweeping one diagonal element after the other.

    Element by element, so that neither the number of series nor the unused rows of a matrix change a bit.
    """
    for place in range(len(matrix)):
        pivot = 1 / np.maximum(matrix[place, place], _LEAST_PIVOT)
        column = matrix[:, place].copy()
        row = column * pivot
        matrix -= column[:, None] * row
        matrix[place] = matrix[:, place] = row
        matrix[place, place] = -pivot
    return np.negative(matrix, out=matrix)
