"""A set of steps in each of many series: their sizes fitted together, their epochs moved to where they fit best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray, IndexArray, IntArray
from insar_runtime._diagnosis.jumps.step_basis import LEAST_EPOCHS, StepProjections

MOST_STEPS: Final = 16
"""Up to eight jumps, each of which may end."""
_REACH: Final = np.arange(-4, 5)[:, None]
"""Epochs by which a step may be moved at once."""
_SIZES: Final = (4, 8, MOST_STEPS)
"""Series with up to so many steps are fitted side by side: the one with most of them sets the work of all."""
_LEAST_PIVOT: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class FittedSteps:
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

    epochs: IntArray
    size: FloatArray
    variance: FloatArray
    fall: FloatArray

    @classmethod
    def none(cls, count: int, epochs: int) -> FittedSteps:
        """Give series without any step."""
        nothing = np.zeros((count, MOST_STEPS))
        return cls(np.full((count, MOST_STEPS), epochs), nothing, nothing, np.zeros(count))

    @classmethod
    def joined(cls, parts: list[FittedSteps]) -> FittedSteps:
        """Lay parts end to end."""
        return cls(*(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(cls)))

    def take(self, rows: IndexArray) -> FittedSteps:
        """Give some of the series."""
        return FittedSteps(self.epochs[rows], self.size[rows], self.variance[rows], self.fall[rows])

    def put(self, rows: IndexArray, other: FittedSteps) -> FittedSteps:
        """Give the same with some of the series replaced."""
        parts = [getattr(self, entry.name).copy() for entry in fields(self)]
        for part, entry in zip(parts, fields(self), strict=True):
            part[rows] = getattr(other, entry.name)
        return FittedSteps(*parts)

    def series(self, count: int) -> Float32Array:
        """Give the steps as series [n, T] in mm."""
        level = np.zeros((len(self.epochs), MOST_STEPS + 1))
        np.cumsum(self.size, axis=1, out=level[:, 1:])
        length = np.diff(self.epochs, axis=1, prepend=0, append=count)
        return np.repeat(level.astype(np.float32).ravel(), length.ravel()).reshape(-1, count)

    def without(self, row: IntArray, epoch: IntArray, end: int) -> IntArray:
        """Give the epochs [n, MOST_STEPS] less some steps [m], told by their row and epoch."""
        gone = np.zeros((len(self.epochs), end + 1), dtype=np.bool_)
        gone[row, epoch] = True
        return np.where(np.take_along_axis(gone, self.epochs, axis=1), end, self.epochs)


def fit_steps(projections: StepProjections, epochs: IntArray) -> FittedSteps:
    """Fit the sizes of steps at given epochs.

    Parameters
    ----------
    seen : StepProjections
    epochs : ndarray of int64, shape [n, MOST_STEPS]
        T where there is none. Equal ones count once.
    """
    last = projections.basis.epochs
    epochs = np.sort(epochs, axis=1)
    repeated = epochs[:, 1:] == epochs[:, :-1]
    repeated &= epochs[:, 1:] < last
    if repeated.any():
        epochs[:, 1:][repeated] = last
        epochs.sort(axis=1)
    size, variance, fall = np.zeros(epochs.shape), np.zeros(epochs.shape), np.zeros(len(epochs))
    for rows, used, inverse in inverse_gram_matrices(projections, epochs):
        absent = used == last
        product = np.where(absent, 0, projections.at(rows, used).astype(np.float64))
        # Place by place, or the number of places would change how sums are rounded.
        part, lower = np.zeros(used.shape), np.zeros(len(rows))
        for place, one in enumerate(product):
            part += inverse[:, place] * one
        for place, one in enumerate(product):
            lower += part[place] * one
        size[rows, : len(used)] = part.T
        fall[rows] = lower
        variance[rows, : len(used)] = np.where(absent, 0, np.diagonal(inverse).T).T
    return FittedSteps(epochs, size, variance, fall)


def inverse_gram_matrices(
    projections: StepProjections, epochs: IntArray
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Give rows [r], the epochs [m, r] of as many steps as any of them has, and the inverse of their products."""
    counts = (epochs < projections.basis.epochs).sum(axis=1)
    fewer = 0
    for most in _SIZES:
        rows = np.flatnonzero((counts > fewer) & (counts <= most))
        fewer = most
        if len(rows):
            used = np.ascontiguousarray(epochs[rows, : int(counts[rows].max())].T)
            gram = projections.gram(rows, used[:, None], used).astype(np.float64)
            diagonal = np.arange(len(used))
            gram[diagonal, diagonal] += used == projections.basis.epochs
            yield rows, used, _inverse(gram)


def residual_projections(projections: StepProjections, steps: FittedSteps) -> StepProjections:
    """Give what all steps see of series without the steps already found."""
    counts = (steps.epochs < projections.basis.epochs).sum(axis=1)
    if not counts.any():
        return StepProjections(projections.basis, projections.kind, projections.products.copy())
    # Those with most steps come first, so that each place is that of the first so many.
    order = np.argsort(-counts, kind="stable")
    rest, epochs, size = projections.products[order], steps.epochs[order], steps.size[order].astype(np.float32)
    for place in range(int(counts.max())):
        rows = order[: np.count_nonzero(counts > place)]
        column = projections.columns(rows, epochs[: len(rows), place])
        column *= size[: len(rows), place, None]
        rest[: len(rows)] -= column
    products = np.empty_like(rest)
    products[order] = rest
    return StepProjections(projections.basis, projections.kind, products)


def move_steps(
    projections: StepProjections, steps: FittedSteps, rest: StepProjections, chosen: IntArray | None = None
) -> tuple[FittedSteps, IntArray]:
    """Move steps to where they fit best while the others stay, then fit all sizes again.

    Every second step moves at once, then the others.

    Parameters
    ----------
    seen : StepProjections
    levels : FittedSteps
    rest : StepProjections
        What they leave; overwritten.
    chosen : ndarray of int64, shape [n, m], optional
        Epochs of the steps to move; T where there is none. All of them if not given.

    Returns
    -------
    levels : FittedSteps
    rows : ndarray of int64, shape [r]
        Series that changed.
    """
    end = projections.basis.epochs
    epochs = np.full((len(projections), MOST_STEPS + 2), end)
    epochs[:, 0] = 0
    epochs[:, 1:-1] = steps.epochs
    wanted = steps.epochs < end
    if chosen is not None:
        wanted &= (steps.epochs[:, :, None] == chosen[:, None, :]).any(axis=2)
    every_row, every_place = np.nonzero(wanted)
    size = steps.size.astype(np.float32)
    touched = np.zeros(len(projections), dtype=np.bool_)
    for parity in (0, 1):
        mine = every_place % 2 == parity
        row, place = every_row[mine], every_place[mine]
        here = epochs[row, place + 1]
        best = _best_places(rest, row, epochs[row, place], here, epochs[row, place + 2], steps.size[row, place])
        changes = np.flatnonzero(best != here)
        epochs[row[changes], place[changes] + 1] = best[changes]
        touched[row[changes]] = True
        for one in np.flatnonzero(np.bincount(place[changes])):
            some = changes[place[changes] == one]
            rows = row[some]
            difference = projections.columns(rows, best[some])
            difference -= projections.columns(rows, here[some])
            difference *= size[rows, one, None]
            rest.products[rows] -= difference
    rows = np.flatnonzero(touched)
    if not len(rows):
        return steps, rows
    return steps.put(rows, fit_steps(projections.take(rows), epochs[rows, 1:-1])), rows


def _best_places(
    rest: StepProjections, row: IntArray, before: IntArray, here: IntArray, after: IntArray, size: FloatArray
) -> IntArray:
    """Give the best epochs [m] of steps of some rows, between the epochs of the steps before and after."""
    there = here + _REACH
    allowed = (there >= before + LEAST_EPOCHS) & (there <= np.minimum(after, rest.basis.epochs) - LEAST_EPOCHS)
    there = np.where(allowed, there, here)
    own = rest.basis.own.ravel().take(rest.kind[row] * (rest.basis.epochs + 1) + there)
    gain = size * (2 * rest.at(row, there) - size * (own - 2 * rest.gram(row, here, there)))
    return np.asarray(there[gain.argmax(axis=0), np.arange(len(row))])


def without_weakest(steps: FittedSteps, weakness: FloatArray, last: int) -> IntArray:
    """Give the epochs [n, MOST_STEPS] less the step of largest weakness [n, MOST_STEPS] in each row above 1."""
    worst = weakness.argmax(axis=1)
    rows = np.flatnonzero(weakness[np.arange(len(worst)), worst] > 1)
    epochs = steps.epochs.copy()
    epochs[rows, worst[rows]] = last
    return epochs


def _inverse(matrix: FloatArray) -> FloatArray:
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
