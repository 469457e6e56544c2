"""Residual of a smooth motion model, used to accept a repair."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, RealArray
from insar_runtime.definitions import DAYS_PER_YEAR

_LEAST_YEARS: Final = 1.5
"""Least span for an annual cycle in the model; over less, it would fit the motion."""
_HINGES: Final = 16
"""Number of hinge dates that are tried."""
_AT_ENDS: Final = 0.05
"""Part of the span at each end without hinges."""
_LEAST_OWN: Final = 1e-4
"""Least part of a bend that is independent of the other terms."""
_RIDGE: Final = 1e-9
"""Ridge on the normal equations, for rows with too few epochs."""
_ROWS: Final = 64
"""Rows that are fitted at a time."""
_BENT: Final = 0.75
"""Largest ratio of the scatter after a repair to that before it, about a motion with a bend, for a repair that
increases the scatter about a line. Our choice: EGMS rows that drift away by a cycle and return abruptly have 0.8 to
0.95, and 1 % of the series with jumps have more."""


class SmoothMotion:
    """Least-squares fits of a line with an annual cycle, and of the same with a bend: a parabola or a hinge.

    Ordinary least squares, because a model with coloured noise would explain the slow drift that a wrong repair leaves.

    Parameters
    ----------
    days : ndarray of float64, shape [T]
    """

    def __init__(self, days: FloatArray) -> None:
        time = 2 * (days - days[0]) / max(days[-1] - days[0], 1) - 1
        terms = [np.ones_like(time), time]
        if days[-1] - days[0] >= _LEAST_YEARS * DAYS_PER_YEAR:
            phase = 2 * np.pi * days / DAYS_PER_YEAR
            terms += [np.cos(phase), np.sin(phase)]
        places = np.linspace(-1 + 2 * _AT_ENDS, 1 - 2 * _AT_ENDS, _HINGES)
        bends = np.column_stack([time**2, np.maximum(time[:, None] - places, 0)])
        self._terms = np.column_stack(terms)
        # Sums of these products over the present epochs are the normal equations of a row.
        self._bends = bends / np.maximum(np.linalg.norm(bends, axis=0), _LEAST_OWN)
        self._squares = np.einsum("ti,tj->tij", self._terms, self._terms).reshape(len(time), -1)
        self._crossed = np.einsum("ti,tk->tik", self._terms, self._bends).reshape(len(time), -1)

    def improves(self, after: RealArray, before: RealArray) -> BoolArray:
        """Return which series [n] a repair improves, from the series [n, T] after and before it; NaN = missing.

        A repair must reduce the scatter about a motion with a bend. If it increases the scatter about a line, the
        repair itself may have caused the bend, so the scatter must decrease by the factor ``_BENT`` at least.
        """
        (bent, line), (bent_before, line_before) = self.residual_squares(after), self.residual_squares(before)
        return np.asarray((bent < bent_before) & ((line < line_before) | (bent < _BENT**2 * bent_before)))

    def residual_squares(self, series: RealArray) -> tuple[FloatArray, FloatArray]:
        """Return the residual sums of squares [n] of the best motion with a bend and of the best one without."""
        bent, line = np.empty((2, len(series)))
        for begin in range(0, len(series), _ROWS):
            part = slice(begin, begin + _ROWS)
            bent[part], line[part] = self._residual_squares(series[part])
        return bent, line

    def _residual_squares(self, series: RealArray) -> tuple[FloatArray, FloatArray]:
        present = np.isfinite(series)
        weight = present.astype(np.float64)
        values = np.where(present, series, 0).astype(np.float64)
        # The mean is subtracted to reduce rounding errors.
        values -= weight * (values.sum(axis=1) / np.maximum(weight.sum(axis=1), 1))[:, None]
        count = self._terms.shape[1]
        gram = (weight @ self._squares).reshape(-1, count, count) + _RIDGE * np.eye(count)
        crossed = (weight @ self._crossed).reshape(len(series), count, -1)
        projected = (values @ self._terms)[:, :, None]
        solved = np.linalg.solve(gram, np.concatenate([projected, crossed], axis=2))
        line = (values * values).sum(axis=1) - (projected[:, :, 0] * solved[:, :, 0]).sum(axis=1)
        own = weight @ self._bends**2 - (crossed * solved[:, :, 1:]).sum(axis=1)
        bend = values @ self._bends - (projected * solved[:, :, 1:]).sum(axis=1)
        gain = np.where(own > _LEAST_OWN, bend * bend / np.maximum(own, _LEAST_OWN), 0).max(axis=1)
        return line - gain, line
