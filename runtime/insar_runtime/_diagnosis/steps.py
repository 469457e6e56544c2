"""Steps at every epoch, and boxes between any two, as columns of a least-squares fit.

A step at an epoch is a column of ones from there on. The products of all such columns with each other and with a series
are running sums of the precision matrix and of what it makes of the series; a box, which is a jump that ends, is the
difference of two columns. So the fit of any box costs a few operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.gls import Precision
from insar_runtime._diagnosis.noise import Floats

LEAST_EPOCHS: Final = 3
"""Of a level: what is shorter is an outlier [design]."""
_BOXES: Final = (3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35, 41)
"""Epochs of a temporary jump whose two ends are looked for together: the ends are moved later, so that not every length
need be tried. Those of longer ones are found one by one."""

_LEAST_SIZE: Final = 1e-9
_ROWS_OF_CACHE: Final = 128
"""Series whose boxes are tried at once: what is computed of them stays in a processor's cache."""

Single = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """All steps on one time axis under one kind of noise.

    Attributes
    ----------
    precision : Precision
        Of the noise, [T, T].
    weigh : ndarray of float32, shape [T, T + 1]
        A series times this gives its products with all steps; the last column, a step after the end, is zero.
    gram : ndarray of float64, shape [T + 1, T + 1]
        Products of the steps with each other.
    gram32 : ndarray of float32, shape [T + 1, T + 1]
    own : ndarray of float64, shape [T + 1]
        Product of each step with itself.
    box_inverse, box_floor : ndarray of float32, shape [L, T + 1]
        Inverse of the product of each box with itself, by length and first epoch, and what a box of the least size
        gains; zero and infinite where there can be no box.
    step_inverse, step_floor : ndarray of float32, shape [T + 1]
        The same for steps.
    """

    precision: Precision
    weigh: Single
    gram: Floats
    gram32: Single
    own: Floats
    box_inverse: Single
    box_floor: Single
    step_inverse: Single
    step_floor: Single

    @classmethod
    def of(cls, precision: Precision, least_mm: float) -> Steps:
        """Sum up a precision matrix of T epochs, none of them missing, to look for jumps of at least a size."""
        epochs = len(precision.matrix)
        half = _onwards(precision.matrix, axis=0)
        gram = np.zeros((epochs + 1, epochs + 1))
        gram[:epochs, :epochs] = _onwards(half, axis=1)
        own = np.diag(gram)
        lengths = np.array(_BOXES)
        first = np.arange(epochs + 1)
        last = np.minimum(first + lengths[:, None], epochs)
        box = own + own[last] - 2 * gram[first, last]
        allowed = (first >= LEAST_EPOCHS) & (first + lengths[:, None] <= epochs - LEAST_EPOCHS)
        step_allowed = (first >= LEAST_EPOCHS) & (first <= epochs - LEAST_EPOCHS)
        weigh = np.zeros((epochs, epochs + 1), dtype=np.float32)
        weigh[:, :epochs] = half.T
        return cls(
            precision,
            weigh,
            gram,
            gram.astype(np.float32),
            own.copy(),
            *_inverse_and_floor(box, allowed, least_mm),
            *_inverse_and_floor(own, step_allowed, least_mm),
        )

    @property
    def epochs(self) -> int:
        """Number T of epochs."""
        return len(self.weigh)

    def best_step(self, seen: Single) -> tuple[Places, Single]:
        """Find the step that lowers the sum of squares most; see ``best_box``.

        Returns
        -------
        first : ndarray of int64, shape [n]
        gain : ndarray of float32, shape [n]
        """
        gain = seen * seen * self.step_inverse
        gain -= self.step_floor
        place = gain.argmax(axis=1)
        return place, gain[np.arange(len(gain)), place]

    def best_box(self, seen: Single) -> tuple[Places, Places, Single]:
        """Find the box that lowers the sum of squares most.

        Parameters
        ----------
        seen : ndarray of float32, shape [n, T + 1]
            Products of the series, less what was found in them already, with all steps.

        Returns
        -------
        first, last : ndarray of int64, shape [n]
            The box covers the epochs from the first to before the last.
        gain : ndarray of float32, shape [n]
            Less what a box of the least size would gain.
        """
        count = len(seen)
        first, last = np.empty((2, count), dtype=np.int64)
        gain = np.empty(count, dtype=np.float32)
        for begin in range(0, count, _ROWS_OF_CACHE):
            part = slice(begin, begin + _ROWS_OF_CACHE)
            first[part], last[part], gain[part] = self._best_box(seen[part])
        return first, last, gain

    def _best_box(self, seen: Single) -> tuple[Places, Places, Single]:
        # Epoch by epoch, so that the inner loops run over series.
        by_epoch = np.ascontiguousarray(seen.T)
        best = np.full(by_epoch.shape, -np.inf, dtype=np.float32)
        buffer = np.empty_like(by_epoch)
        for place, length in enumerate(_BOXES):
            if length > self.epochs:
                break
            gain = buffer[:-length]
            np.subtract(by_epoch[:-length], by_epoch[length:], out=gain)
            gain *= gain
            gain *= self.box_inverse[place, :-length, None]
            gain -= self.box_floor[place, :-length, None]
            np.maximum(best[:-length], gain, out=best[:-length])
        first = best.argmax(axis=0)
        last = np.minimum(first[:, None] + np.array(_BOXES), self.epochs)
        rows = np.arange(len(seen))
        product = seen[rows, first][:, None] - np.take_along_axis(seen, last, axis=1)
        each = product * product * self.box_inverse[:, first].T - self.box_floor[:, first].T
        length = each.argmax(axis=1)
        return first, last[rows, length], each[rows, length]


def _onwards(values: Floats, axis: int) -> Floats:
    """Give the sums from each place to the end."""
    return np.asarray(np.flip(np.cumsum(np.flip(values, axis), axis=axis), axis))


def _inverse_and_floor(size: Floats, allowed: NDArray[np.bool_], least_mm: float) -> tuple[Single, Single]:
    """Give inverses of sizes, and what a jump of least size gains."""
    allowed = allowed & (size > _LEAST_SIZE)
    inverse = np.where(allowed, 1 / np.maximum(size, _LEAST_SIZE), 0)
    return inverse.astype(np.float32), np.where(allowed, least_mm**2 * size, np.inf).astype(np.float32)
