"""Joint fit of several steps per series: their sizes by least squares, their epochs by local search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray, IndexArray, IntArray
from insar_runtime._diagnosis.jumps.step_basis import LEAST_LEVEL_EPOCHS, StepProjections

MOST_STEPS: Final = 16
"""Most steps of a series: up to eight jumps, each of which may be temporary."""
_REACH: Final = np.arange(-4, 5)[:, None]
"""Epochs by which a step may be moved at a time."""
_SIZES: Final = (4, 8, MOST_STEPS)
"""Series with up to so many steps are fitted together, because the series with most steps sets the cost of all."""
_LEAST_PIVOT: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class FittedSteps:
    """Fitted steps of n series, in the order of time.

    Attributes
    ----------
    epochs : ndarray of int64, shape [n, MOST_STEPS]
        First epoch on the new level; T in unused places.
    size : ndarray of float64, shape [n, MOST_STEPS]
        Change of level, mm.
    variance : ndarray of float64, shape [n, MOST_STEPS]
        Variance of the sizes in noise of unit scatter.
    fall : ndarray of float64, shape [n]
        Reduction of the weighted sum of squares by the steps.
    """

    epochs: IntArray
    size: FloatArray
    variance: FloatArray
    fall: FloatArray

    @classmethod
    def none(cls, count: int, epochs: int) -> FittedSteps:
        """Return ``count`` series without steps, of a number of epochs."""
        nothing = np.zeros((count, MOST_STEPS))
        return cls(np.full((count, MOST_STEPS), epochs), nothing, nothing, np.zeros(count))

    @classmethod
    def joined(cls, parts: list[FittedSteps]) -> FittedSteps:
        """Return the concatenation of parts."""
        return cls(*(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(cls)))

    def take(self, rows: IndexArray) -> FittedSteps:
        """Return the steps of some of the series."""
        return FittedSteps(self.epochs[rows], self.size[rows], self.variance[rows], self.fall[rows])

    def put(self, rows: IndexArray, other: FittedSteps) -> FittedSteps:
        """Return a copy with some of the series replaced."""
        parts = [getattr(self, entry.name).copy() for entry in fields(self)]
        for part, entry in zip(parts, fields(self), strict=True):
            part[rows] = getattr(other, entry.name)
        return FittedSteps(*parts)

    def series(self, count: int) -> Float32Array:
        """Return the sum of the steps as series [n, T] in mm."""
        level = np.zeros((len(self.epochs), MOST_STEPS + 1))
        np.cumsum(self.size, axis=1, out=level[:, 1:])
        length = np.diff(self.epochs, axis=1, prepend=0, append=count)
        return np.repeat(level.astype(np.float32).ravel(), length.ravel()).reshape(-1, count)

    def without(self, row: IntArray, epoch: IntArray, end: int) -> IntArray:
        """Return the epochs [n, MOST_STEPS] without the steps at some rows and epochs [m]; ``end`` in unused places."""
        gone = np.zeros((len(self.epochs), end + 1), dtype=np.bool_)
        gone[row, epoch] = True
        return np.where(np.take_along_axis(gone, self.epochs, axis=1), end, self.epochs)


def fit_steps(projections: StepProjections, epochs: IntArray) -> FittedSteps:
    """Return the joint least-squares fit of steps at given epochs.

    Parameters
    ----------
    projections : StepProjections
    epochs : ndarray of int64, shape [n, MOST_STEPS]
        T in unused places. Equal epochs count once.
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
        # Summed term by term: otherwise the number of places would change the rounding.
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
    """Yield rows [r], their epochs [m, r] and inverse Gram matrices [m, m, r]; m is the most steps of any of them."""
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
            yield rows, used, _sweep_inverse(gram)


def residual_projections(projections: StepProjections, steps: FittedSteps) -> StepProjections:
    """Return the projections of the residuals of fitted steps."""
    counts = (steps.epochs < projections.basis.epochs).sum(axis=1)
    if not counts.any():
        return StepProjections(projections.basis, projections.kind, projections.products.copy())
    # Series with most steps come first, so that each place is used by a leading part of the series.
    order = np.argsort(-counts, kind="stable")
    residuals, epochs, size = projections.products[order], steps.epochs[order], steps.size[order].astype(np.float32)
    for place in range(int(counts.max())):
        rows = order[: np.count_nonzero(counts > place)]
        column = projections.columns(rows, epochs[: len(rows), place])
        column *= size[: len(rows), place, None]
        residuals[: len(rows)] -= column
    products = np.empty_like(residuals)
    products[order] = residuals
    return StepProjections(projections.basis, projections.kind, products)


def move_steps(
    projections: StepProjections, steps: FittedSteps, residuals: StepProjections, chosen: IntArray | None = None
) -> tuple[FittedSteps, IntArray]:
    """Move each step to the epoch of the best fit while its neighbours stay, then fit all sizes again.

    Every second step is moved first, then the others.

    Parameters
    ----------
    projections : StepProjections
    steps : FittedSteps
    residuals : StepProjections
        Projections of their residuals; overwritten.
    chosen : ndarray of int64, shape [n, m], optional
        Epochs of the steps to move, T in unused places; all steps if not given.

    Returns
    -------
    steps : FittedSteps
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
    rows_of_steps, places_of_steps = np.nonzero(wanted)
    size = steps.size.astype(np.float32)
    touched = np.zeros(len(projections), dtype=np.bool_)
    for parity in (0, 1):
        selected = places_of_steps % 2 == parity
        row, place = rows_of_steps[selected], places_of_steps[selected]
        here = epochs[row, place + 1]
        best = _best_places(residuals, row, epochs[row, place], here, epochs[row, place + 2], steps.size[row, place])
        changes = np.flatnonzero(best != here)
        epochs[row[changes], place[changes] + 1] = best[changes]
        touched[row[changes]] = True
        for one in np.flatnonzero(np.bincount(place[changes])):
            some = changes[place[changes] == one]
            rows = row[some]
            difference = projections.columns(rows, best[some])
            difference -= projections.columns(rows, here[some])
            difference *= size[rows, one, None]
            residuals.products[rows] -= difference
    rows = np.flatnonzero(touched)
    if not len(rows):
        return steps, rows
    return steps.put(rows, fit_steps(projections.take(rows), epochs[rows, 1:-1])), rows


def _best_places(
    residuals: StepProjections, row: IntArray, before: IntArray, here: IntArray, after: IntArray, size: FloatArray
) -> IntArray:
    """Return the best epochs [m] of steps of some rows, between the epochs of the steps before and after."""
    there = here + _REACH
    allowed = (there >= before + LEAST_LEVEL_EPOCHS) & (
        there <= np.minimum(after, residuals.basis.epochs) - LEAST_LEVEL_EPOCHS
    )
    there = np.where(allowed, there, here)
    own = residuals.basis.own.ravel().take(residuals.kind[row] * (residuals.basis.epochs + 1) + there)
    gain = size * (2 * residuals.at(row, there) - size * (own - 2 * residuals.gram(row, here, there)))
    return np.asarray(there[gain.argmax(axis=0), np.arange(len(row))])


def without_weakest(steps: FittedSteps, weakness: FloatArray, last: int) -> IntArray:
    """Return the epochs [n, MOST_STEPS] without the step of the largest weakness in each row, if that is above 1."""
    worst = weakness.argmax(axis=1)
    rows = np.flatnonzero(weakness[np.arange(len(worst)), worst] > 1)
    epochs = steps.epochs.copy()
    epochs[rows, worst[rows]] = last
    return epochs


def _sweep_inverse(matrix: FloatArray) -> FloatArray:
    """Return the inverses of positive definite matrices [m, m, n], in place, by the sweep operator.

    All operations are elementwise, so neither the number of series nor the unused rows of a matrix change the bits.
    """
    for place in range(len(matrix)):
        pivot = 1 / np.maximum(matrix[place, place], _LEAST_PIVOT)
        column = matrix[:, place].copy()
        row = column * pivot
        matrix -= column[:, None] * row
        matrix[place] = matrix[:, place] = row
        matrix[place, place] = -pivot
    return np.negative(matrix, out=matrix)
