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
_LONGEST_BOX: Final = 40
"""Epochs of a temporary jump whose two ends are looked for together; those of longer ones are found one by one."""

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
    box_size, box_inverse : ndarray of float32, shape [L, T + 1]
        Product of each box with itself and the inverse, by length and first epoch; the inverse is zero where there
        can be no box.
    step_size, step_inverse : ndarray of float32, shape [T + 1]
        The same for steps.
    """

    precision: Precision
    weigh: Single
    gram: Floats
    gram32: Single
    box_size: Single
    box_inverse: Single
    step_size: Single
    step_inverse: Single

    @classmethod
    def of(cls, precision: Precision) -> Steps:
        """Sum up a precision matrix of T epochs, none of them missing."""
        epochs = len(precision.matrix)
        half = _onwards(precision.matrix, axis=0)
        gram = np.zeros((epochs + 1, epochs + 1))
        gram[:epochs, :epochs] = _onwards(half, axis=1)
        own = np.diag(gram)
        lengths = np.arange(LEAST_EPOCHS, _LONGEST_BOX + 1)
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
            *_with_inverse(box, allowed),
            *_with_inverse(own, step_allowed),
        )

    @property
    def epochs(self) -> int:
        """Number T of epochs."""
        return len(self.weigh)

    def best_step(self, seen: Single, least: Single) -> tuple[Places, Single]:
        """Find the step that lowers the sum of squares most; see ``best_box``.

        Returns
        -------
        first : ndarray of int64, shape [n]
        gain : ndarray of float32, shape [n]
        """
        gain = seen * seen * self.step_inverse
        gain -= (least * least)[:, None] * self.step_size
        place = gain.argmax(axis=1)
        return place, gain[np.arange(len(gain)), place]

    def best_box(self, seen: Single, least: Single) -> tuple[Places, Places, Single]:
        """Find the box that lowers the sum of squares most.

        Parameters
        ----------
        seen : ndarray of float32, shape [n, T + 1]
            Products of the series, less what was found in them already, with all steps.
        least : ndarray of float32, shape [n]
            mm. What a jump of this size would gain is taken off: what is smaller gains nothing.

        Returns
        -------
        first, last : ndarray of int64, shape [n]
            The box covers the epochs from the first to before the last.
        gain : ndarray of float32, shape [n]
        """
        count, columns = seen.shape
        best = np.full((count, columns), -np.inf, dtype=np.float32)
        floor = (least * least)[:, None]
        for place in range(min(len(self.box_size), max(columns - LEAST_EPOCHS, 0))):
            length = place + LEAST_EPOCHS
            gain = seen[:, :-length] - seen[:, length:]
            gain *= gain
            gain *= self.box_inverse[place, :-length]
            gain -= floor * self.box_size[place, :-length]
            np.maximum(best[:, :-length], gain, out=best[:, :-length])
        first = best.argmax(axis=1)
        last = np.minimum(first[:, None] + np.arange(LEAST_EPOCHS, LEAST_EPOCHS + len(self.box_size)), columns - 1)
        rows = np.arange(count)
        product = seen[rows, first][:, None] - np.take_along_axis(seen, last, axis=1)
        gain = product * product * self.box_inverse[:, first].T - floor * self.box_size[:, first].T
        length = gain.argmax(axis=1)
        return first, last[rows, length], gain[rows, length]


def _onwards(values: Floats, axis: int) -> Floats:
    """Give the sums from each place to the end."""
    return np.asarray(np.flip(np.cumsum(np.flip(values, axis), axis=axis), axis))


def _with_inverse(size: Floats, allowed: NDArray[np.bool_]) -> tuple[Single, Single]:
    """Give sizes and their inverses; a candidate that is not allowed has a huge size, so that it gains nothing."""
    allowed = allowed & (size > _LEAST_SIZE)
    return (
        np.where(allowed, size, _FORBIDDEN).astype(np.float32),
        np.where(allowed, 1 / np.maximum(size, _LEAST_SIZE), 0).astype(np.float32),
    )


_LEAST_SIZE: Final = 1e-9
_FORBIDDEN: Final = 1e12
