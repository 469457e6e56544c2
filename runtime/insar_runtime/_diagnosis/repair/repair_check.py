"""How far series are from an ordinary motion, so that a repair can be held against leaving them as they are."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, RealArray
from insar_runtime._input.slopes import DAYS_PER_YEAR

_LEAST_YEARS: Final = 1.5
"""A yearly cycle is fitted to series of this length, or it would pass for motion."""
_HINGES: Final = 16
_AT_ENDS: Final = 0.05
"""Part of the span at each end in which no hinge lies."""
_LEAST_OWN: Final = 1e-4
"""Part of a bend that the other terms cannot give, below which it is none of its own."""
_RIDGE: Final = 1e-9
_ROWS: Final = 64
_BENT: Final = 0.75
"""Scatter about a motion with a bend, after a change over before it, that proves a change which bent the series [ours:
rows of EGMS that drift off by a cycle and come back at once have 0.8 to 0.95; of series with jumps 1 % have more]."""


class SmoothMotion:
    """A line with a yearly cycle, and the same with one bend: a parabola, or a hinge at one of some dates.

    Least squares, because coloured noise would forgive the slow wander that a wrong repair leaves.

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
        # What a fit to any epochs needs are sums of these over the epochs that are there.
        self._bends = bends / np.maximum(np.linalg.norm(bends, axis=0), _LEAST_OWN)
        self._squares = np.einsum("ti,tj->tij", self._terms, self._terms).reshape(len(time), -1)
        self._crossed = np.einsum("ti,tk->tik", self._terms, self._bends).reshape(len(time), -1)

    def improves(self, after: RealArray, before: RealArray) -> BoolArray:
        """Tell of which series [n] a change [n, T] leaves less scatter about such a motion; NaN = missing.

        Where the change takes a series further away from its line, it made the bend that then explains it. Less scatter
        about that bend is no proof by itself, so it must be clearly less.
        """
        (bent, line), (bent_before, line_before) = self.residual_squares(after), self.residual_squares(before)
        return np.asarray((bent < bent_before) & ((line < line_before) | (bent < _BENT**2 * bent_before)))

    def residual_squares(self, series: RealArray) -> tuple[FloatArray, FloatArray]:
        """Give the sums of squares [n] that the best motion with a bend and the best one without leave of series."""
        bent, line = np.empty((2, len(series)))
        for begin in range(0, len(series), _ROWS):
            part = slice(begin, begin + _ROWS)
            bent[part], line[part] = self._residual_squares(series[part])
        return bent, line

    def _residual_squares(self, series: RealArray) -> tuple[FloatArray, FloatArray]:
        there = np.isfinite(series)
        weight = there.astype(np.float64)
        values = np.where(there, series, 0).astype(np.float64)
        # Less rounding where levels are far from zero.
        values -= weight * (values.sum(axis=1) / np.maximum(weight.sum(axis=1), 1))[:, None]
        count = self._terms.shape[1]
        gram = (weight @ self._squares).reshape(-1, count, count) + _RIDGE * np.eye(count)
        crossed = (weight @ self._crossed).reshape(len(series), count, -1)
        seen = (values @ self._terms)[:, :, None]
        solved = np.linalg.solve(gram, np.concatenate([seen, crossed], axis=2))
        line = (values * values).sum(axis=1) - (seen[:, :, 0] * solved[:, :, 0]).sum(axis=1)
        own = weight @ self._bends**2 - (crossed * solved[:, :, 1:]).sum(axis=1)
        bend = values @ self._bends - (seen * solved[:, :, 1:]).sum(axis=1)
        gain = np.where(own > _LEAST_OWN, bend * bend / np.maximum(own, _LEAST_OWN), 0).max(axis=1)
        return line - gain, line
