"""Step functions at all epochs, and boxcars between any two, as regressors of a generalised least-squares fit.

A step function is 0 before an epoch and 1 from the epoch on. Under the precision matrix P of the noise, the products of
all step functions with each other, and with a series y, are cumulative sums of P and of Py. A boxcar, which represents
a temporary jump, is the difference of two step functions. The fit of any boxcar therefore takes a few operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IndexArray, IntArray
from insar_runtime.definitions import JUMP_HELD_EPOCHS

LEAST_LEVEL_EPOCHS: Final = JUMP_HELD_EPOCHS
"""Least length of a level between two steps; shorter deviations are outliers."""
_BOXES: Final = (3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35, 41)
"""Lengths of the boxcars, in epochs. The ends are moved later on, so not every length needs to be tried. The two ends
of longer temporary jumps are found as separate steps."""

_LEAST_SIZE: Final = 1e-9
"""Least weighted square of a regressor."""
_ROWS_OF_CACHE: Final = 208
"""Series whose boxcars are tried at a time, few enough for the cache of a core."""
_MOST_RUNS: Final = 8
"""Runs of series of the same noise model up to which one after the other takes less time than all of them together."""


@dataclass(frozen=True, slots=True, eq=False)
class StepBasis:
    """All step functions on T epochs, under each of K noise models.

    Attributes
    ----------
    gram : ndarray of float32, shape [K, T + 1, T + 1]
        Gram matrices: products of the steps with each other. Those of the last one, a step after the end, are 0.
    freedom : int
        Degrees of freedom: epochs less unknowns of the motion.
    own : ndarray of float32, shape [K, T + 1]
        Product of each step with itself.
    box_inverse, box_floor : ndarray of float32, shape [K, L, T + 1]
        Inverse of the product of each boxcar with itself, by length and first epoch, and the reduction of the sum of
        squares by a boxcar of the least size; 0 and infinite where a boxcar is not allowed.
    step_inverse, step_floor : ndarray of float32, shape [K, T + 1]
        The same for steps.
    """

    gram: Float32Array
    freedom: int
    own: Float32Array
    box_inverse: Float32Array
    box_floor: Float32Array
    step_inverse: Float32Array
    step_floor: Float32Array

    @classmethod
    def of(cls, gram: Float32Array, freedom: int, least_mm: float) -> StepBasis:
        """Return the basis with given Gram matrices, for jumps of at least a size in mm."""
        epochs = gram.shape[1] - 1
        own = np.ascontiguousarray(np.diagonal(gram, axis1=1, axis2=2))
        lengths = np.array(_BOXES)[:, None]
        first = np.arange(epochs + 1)
        last = np.minimum(first + lengths, epochs)
        box = own[:, None] + own[:, last] - 2 * gram[:, first, last]
        allowed = (first >= LEAST_LEVEL_EPOCHS) & (first + lengths <= epochs - LEAST_LEVEL_EPOCHS)
        step_allowed = (first >= LEAST_LEVEL_EPOCHS) & (first <= epochs - LEAST_LEVEL_EPOCHS)
        return cls(
            gram,
            freedom,
            own,
            *_inverse_and_floor(box, allowed, least_mm),
            *_inverse_and_floor(own, step_allowed, least_mm),
        )

    @property
    def epochs(self) -> int:
        """Number T of epochs."""
        return int(self.gram.shape[1]) - 1


@dataclass(frozen=True, slots=True, eq=False)
class StepProjections:
    """Projections of n series onto all step functions.

    Attributes
    ----------
    basis : StepBasis
    kind : ndarray of int64, shape [n]
        Noise model of each series, as an index of the K models of the basis.
    products : ndarray of float32, shape [n, T + 1]
        Products of the series with all steps.
    """

    basis: StepBasis
    kind: IntArray
    products: Float32Array

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: IndexArray) -> StepProjections:
        """Return the projections of some of the series."""
        return StepProjections(self.basis, self.kind[rows], self.products[rows])

    def at(self, rows: IndexArray, epochs: IntArray) -> Float32Array:
        """Return the products of rows with the steps at epochs; both are broadcast."""
        return self.products.ravel().take(rows * (self.basis.epochs + 1) + epochs)

    def gram(self, rows: IndexArray, one: IntArray, other: IntArray) -> Float32Array:
        """Return the products of two steps under the noise models of rows; all are broadcast."""
        width = self.basis.epochs + 1
        return self.basis.gram.ravel().take((self.kind[rows] * width + one) * width + other)

    def columns(self, rows: IndexArray, epochs: IntArray) -> Float32Array:
        """Return the products of all steps with one step of each row, [n, T + 1]."""
        width = self.basis.epochs + 1
        return self.basis.gram.reshape(-1, width).take(self.kind[rows] * width + epochs, axis=0)


def best_step(projections: StepProjections) -> tuple[IntArray, Float32Array]:
    """Return the step that lowers the sum of squares of each series most; see ``best_box``.

    Returns
    -------
    first : ndarray of int64, shape [n]
    gain : ndarray of float32, shape [n]
    """
    basis, kind = projections.basis, _kind_index(projections.kind)
    gain = projections.products * projections.products
    gain *= basis.step_inverse[kind]
    gain -= basis.step_floor[kind]
    place = gain.argmax(axis=1)
    return place, gain[np.arange(len(gain)), place]


def best_box(projections: StepProjections) -> tuple[IntArray, IntArray, Float32Array]:
    """Return the boxcar that lowers the sum of squares of each series most.

    Returns
    -------
    first, last : ndarray of int64, shape [n]
        First epoch of the boxcar, and first epoch after it.
    gain : ndarray of float32, shape [n]
        Reduction of the sum of squares beyond that of a boxcar of the least size.
    """
    basis, count = projections.basis, len(projections)
    first = np.empty(count, dtype=np.int64)
    for begin in range(0, count, _ROWS_OF_CACHE):
        for part in _parts_of_kind(projections.kind, begin, min(begin + _ROWS_OF_CACHE, count)):
            first[part] = _first_of_best_box(basis, _kind_index(projections.kind[part]), projections.products[part])
    lengths = np.array(_BOXES)[:, None]
    last = np.minimum(first + lengths, basis.epochs)
    rows = np.arange(count)
    product = projections.at(rows, first) - projections.at(rows, last)
    each = (
        product * product * basis.box_inverse[projections.kind, :, first].T
        - basis.box_floor[projections.kind, :, first].T
    )
    length = each.argmax(axis=0)
    return first, last[length, rows], each[length, rows]


def _first_of_best_box(basis: StepBasis, kind: IntArray | slice, products: Float32Array) -> IntArray:
    # Shifted copies of the flat array take half the time of slices of rows. Boxcars that would end in the next row are
    # not allowed.
    count = products.size
    flat = np.zeros(count + _BOXES[-1], dtype=np.float32)
    flat[:count] = products.ravel()
    gain = np.empty_like(products)
    best = np.full_like(products, -np.inf)
    for place, length in enumerate(_BOXES):
        np.subtract(flat[:count], flat[length : count + length], out=gain.ravel())
        gain *= gain
        gain *= basis.box_inverse[kind, place]
        gain -= basis.box_floor[kind, place]
        np.maximum(best, gain, out=best)
    return np.asarray(best.argmax(axis=1))


def _parts_of_kind(kind: IntArray, begin: int, end: int) -> list[slice]:
    """Return the runs of series of the same noise model, if they are few, and all series together otherwise."""
    ends = [*(begin + 1 + np.flatnonzero(np.diff(kind[begin:end]))).tolist(), end]
    if len(ends) > _MOST_RUNS:
        return [slice(begin, end)]
    return [slice(one, other) for one, other in zip([begin, *ends], ends, strict=False)]


def _kind_index(kind: IntArray) -> IntArray | slice:
    """Return an index of noise models that is faster if all of them are the same."""
    return slice(kind[0], kind[0] + 1) if len(kind) and (kind == kind[0]).all() else kind


def gram_matrix(precision: FloatArray) -> Float32Array:
    """Return the products [T + 1, T + 1] of all steps with each other under a precision matrix [T, T]."""
    gram = np.zeros((len(precision) + 1, len(precision) + 1), dtype=np.float32)
    gram[:-1, :-1] = _sums_to_end(_sums_to_end(precision, axis=0), axis=1)
    return gram


def projection_matrix(precision: FloatArray) -> Float32Array:
    """Return the matrix [T, T + 1] whose product with a series is the projection onto all steps."""
    projection = np.zeros((len(precision), len(precision) + 1), dtype=np.float32)
    projection[:, :-1] = _sums_to_end(precision, axis=0).T
    return projection


def _sums_to_end(values: FloatArray, axis: int) -> FloatArray:
    """Return the cumulative sums from each index to the end."""
    return np.asarray(np.flip(np.cumsum(np.flip(values, axis), axis=axis), axis))


def _inverse_and_floor(size: Float32Array, allowed: BoolArray, least_mm: float) -> tuple[Float32Array, Float32Array]:
    """Return the inverses of weighted squares, and the reductions of the sum of squares by a jump of the least size."""
    allowed = allowed & (size > _LEAST_SIZE)
    inverse = np.where(allowed, 1 / np.maximum(size, _LEAST_SIZE), 0)
    return inverse.astype(np.float32), np.where(allowed, least_mm**2 * size, np.inf).astype(np.float32)
