"""Vectorised F tests of nested least-squares models, as in Berti et al. (2013).

They are fast, because all series of a file share their design matrices and a projection is one matrix product. They
assume white noise, which real series do not have; ``evaluation.benchmark`` measures accuracy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


class FTests:
    """Choice among constant, line, parabola and, if ``hinges`` > 0, two lines and a line with one step.

    Parameters
    ----------
    days : ndarray of float64, shape [T]
        Days of all series, which have no missing values.
    hinges : int
        Number of candidate breaks between 15 and 85 % of the span; if it is not 0, a step at each epoch is a candidate
        as well.
    """

    def __init__(self, days: Doubles, *, hinges: int) -> None:
        time = (days - days[0]) / (days[-1] - days[0])
        one = np.ones_like(time)
        designs = [np.stack([one, time], axis=1), np.stack([one, time, time**2], axis=1)]
        line = np.linalg.qr(designs[0])[0]
        self._constant = (one / np.sqrt(len(time))).astype(np.float32)
        self._line = line.astype(np.float32)
        self._square = _beyond(line, time[:, None] ** 2)
        breaks = np.linspace(0.15, 0.85, hinges) if hinges else np.empty(0)
        self._hinges = _beyond(line, np.maximum(time[:, None] - breaks, 0))
        steps = (time[:, None] >= time[None, 5:-5]).astype(float) if hinges else np.empty((len(time), 0))
        self._steps = _beyond(line, steps)
        self._epochs = len(time)

    def classify(self, displacement: NDArray[np.float32]) -> NDArray[np.int8]:
        """Return class ids of series [N, T] without missing values."""
        rows = np.nan_to_num(displacement)
        power = np.einsum("ij,ij->i", rows, rows)
        left_constant = power - (rows @ self._constant) ** 2
        with_line = rows @ self._line
        left_line = power - np.einsum("ij,ij->i", with_line, with_line)
        found = [(rows @ basis) ** 2 for basis in (self._square, self._hinges, self._steps)]
        gains = np.stack([gain.max(axis=1, initial=0) for gain in found], axis=1)
        best = gains.argmax(axis=1)
        left = np.maximum(left_line - gains.max(axis=1), 1e-9)
        curved = gains.max(axis=1) / (left / (self._epochs - 3)) > 12
        moving = (left_constant - left_line) / (np.maximum(left_line, 1e-9) / (self._epochs - 2)) > 12
        return np.where(curved, best + 2, moving).astype(np.int8)


def _beyond(line: Doubles, functions: Doubles) -> NDArray[np.float32]:
    """Return functions of time, orthogonal to a line and of unit length."""
    rest = functions - line @ (line.T @ functions)
    return (rest / np.maximum(np.linalg.norm(rest, axis=0), 1e-12)).astype(np.float32)
