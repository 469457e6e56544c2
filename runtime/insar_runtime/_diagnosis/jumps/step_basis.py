"""Steps at every epoch, and boxes between any two, as columns of a least-squares fit.

A step at an epoch is a column of ones from there on. The products of all such columns with each other and with a series
are running sums of the precision matrix and of what it makes of the series; a box, which is a jump that ends, is the
difference of two columns. So the fit of any box costs a few operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IndexArray, IntArray

LEAST_EPOCHS: Final = 3
"""Of a level: what is shorter is an outlier [design]."""
_BOXES: Final = (3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35, 41)
"""Epochs of a temporary jump whose two ends are looked for together: the ends are moved later, so that not every length
need be tried. Those of longer ones are found one by one."""

_LEAST_SIZE: Final = 1e-9
_ROWS_OF_CACHE: Final = 208
"""Series whose boxes are tried at once: what is computed of them stays in a processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class StepBasis:
    """All steps on T epochs under each of K kinds of noise.

    Attributes
    ----------
    gram : ndarray of float32, shape [K, T + 1, T + 1]
        Products of the steps with each other; the last one, a step after the end, has none.
    freedom : int
        Epochs less what the motion takes.
    own : ndarray of float32, shape [K, T + 1]
        Product of each step with itself.
    box_inverse, box_floor : ndarray of float32, shape [K, L, T + 1]
        Inverse of the product of each box with itself, by length and first epoch, and what a box of the least size
        gains; zero and infinite where there can be no box.
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
        """Sum up products of steps, to look for jumps of at least a size."""
        epochs = gram.shape[1] - 1
        own = np.ascontiguousarray(np.diagonal(gram, axis1=1, axis2=2))
        lengths = np.array(_BOXES)[:, None]
        first = np.arange(epochs + 1)
        last = np.minimum(first + lengths, epochs)
        box = own[:, None] + own[:, last] - 2 * gram[:, first, last]
        allowed = (first >= LEAST_EPOCHS) & (first + lengths <= epochs - LEAST_EPOCHS)
        step_allowed = (first >= LEAST_EPOCHS) & (first <= epochs - LEAST_EPOCHS)
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
    """What all steps see of n series.

    Attributes
    ----------
    steps : StepBasis
    kind : ndarray of int64, shape [n]
        Which of its kinds each series has.
    products : ndarray of float32, shape [n, T + 1]
        Products of the series with all steps.
    """

    basis: StepBasis
    kind: IntArray
    products: Float32Array

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: IndexArray) -> StepProjections:
        """Give some of the series."""
        return StepProjections(self.basis, self.kind[rows], self.products[rows])

    def at(self, rows: IndexArray, epochs: IntArray) -> Float32Array:
        """Give the products of rows with steps at epochs; both of any shapes that go together."""
        return self.products.ravel().take(rows * (self.basis.epochs + 1) + epochs)

    def gram(self, rows: IndexArray, one: IntArray, other: IntArray) -> Float32Array:
        """Give the products of two steps under the noise of rows; all of any shapes that go together."""
        width = self.basis.epochs + 1
        return self.basis.gram.ravel().take((self.kind[rows] * width + one) * width + other)

    def columns(self, rows: IndexArray, epochs: IntArray) -> Float32Array:
        """Give the products of all steps with one step of each row, [n, T + 1]."""
        width = self.basis.epochs + 1
        return self.basis.gram.reshape(-1, width).take(self.kind[rows] * width + epochs, axis=0)


def best_step(projections: StepProjections) -> tuple[IntArray, Float32Array]:
    """Find the step that lowers the sum of squares most; see ``best_box``.

    Returns
    -------
    first : ndarray of int64, shape [n]
    gain : ndarray of float32, shape [n]
    """
    basis, kind = projections.basis, _alike(projections.kind)
    gain = projections.products * projections.products
    gain *= basis.step_inverse[kind]
    gain -= basis.step_floor[kind]
    place = gain.argmax(axis=1)
    return place, gain[np.arange(len(gain)), place]


def best_box(projections: StepProjections) -> tuple[IntArray, IntArray, Float32Array]:
    """Find the box that lowers the sum of squares of each series most.

    Returns
    -------
    first, last : ndarray of int64, shape [n]
        The box covers the epochs from the first to before the last.
    gain : ndarray of float32, shape [n]
        Less what a box of the least size would gain.
    """
    basis, count = projections.basis, len(projections)
    first = np.empty(count, dtype=np.int64)
    for begin in range(0, count, _ROWS_OF_CACHE):
        part = slice(begin, begin + _ROWS_OF_CACHE)
        first[part] = _first_of_best_box(basis, _alike(projections.kind[part]), projections.products[part])
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
    # Whole arrays, shifted: twice as fast as parts of rows. Boxes that would end in the next row are not allowed.
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


def _alike(kind: IntArray) -> IntArray | slice:
    """Give an index of kinds that is quicker where all of them are the same."""
    return slice(kind[0], kind[0] + 1) if len(kind) and (kind == kind[0]).all() else kind


def gram_matrix(precision: FloatArray) -> Float32Array:
    """Give the products [T + 1, T + 1] of all steps with each other under a precision [T, T]."""
    gram = np.zeros((len(precision) + 1, len(precision) + 1), dtype=np.float32)
    gram[:-1, :-1] = _onwards(_onwards(precision, axis=0), axis=1)
    return gram


def projection_matrix(precision: FloatArray) -> Float32Array:
    """Give the matrix [T, T + 1] that a series times gives its products with all steps."""
    projection = np.zeros((len(precision), len(precision) + 1), dtype=np.float32)
    projection[:, :-1] = _onwards(precision, axis=0).T
    return projection


def _onwards(values: FloatArray, axis: int) -> FloatArray:
    """Give the sums from each place to the end."""
    return np.asarray(np.flip(np.cumsum(np.flip(values, axis), axis=axis), axis))


def _inverse_and_floor(size: Float32Array, allowed: BoolArray, least_mm: float) -> tuple[Float32Array, Float32Array]:
    """Give inverses of sizes, and what a jump of least size gains."""
    allowed = allowed & (size > _LEAST_SIZE)
    inverse = np.where(allowed, 1 / np.maximum(size, _LEAST_SIZE), 0)
    return inverse.astype(np.float32), np.where(allowed, least_mm**2 * size, np.inf).astype(np.float32)
