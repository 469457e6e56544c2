"""Rows from which noise is estimated: those with enough values and without jumps or clear motion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IndexArray
from insar_runtime._diagnosis.noise.kalman import Regressors, fit_kinds, shared_and_other_patterns
from insar_runtime._diagnosis.noise.mixture import NoiseMixture
from insar_runtime._diagnosis.outliers import clip_outliers, running_median
from insar_runtime._diagnosis.robust import robust_scatter

_MOST_ROWS: Final = 400
_MOST_VALUES: Final = 120_000
LEAST_NOISE_ROWS: Final = 50
"""Least number of rows for an estimate of the frequencies of the kinds of noise."""
_MOST_PATTERNS: Final = 8
"""Most patterns of missing values that several rows share: each needs a filter of its own."""
_MOST_ALONE: Final = 60
"""Most rows with a pattern of missing values of their own, which cost many times as much. None are used if the others
are at least as many."""
_LEAST_VALUES: Final = 8
_LEAST_SHARE: Final = 0.3
"""Least number of values of a row, and least share of the epochs."""
_MOST_MM: Final = 1e9
"""Values beyond this size are no displacements, and their squares exceed single precision."""
_STEP_SIGMAS: Final = 6.0
_STEP_REACH: Final = 5
"""A row has a jump if its level changes within ``_STEP_REACH`` epochs by more than ``_STEP_SIGMAS`` times its usual
change."""
_LEAST_STEP_MM: Final = 0.2
"""Least usual change of level, for rows with hardly any scatter: twice the rounding."""
_MOTION_SIGMAS: Final = 5.0
"""Limit of the curvature statistic in standard deviations; noise alone exceeds it in less than 1 % of the rows."""
_KEPT: Final = 0.4
"""Least share of the rows that is kept, those with the smallest statistic."""


def rows_with_values(displacement: Float32Array) -> Float32Array:
    """Return the rows [n, T] that have enough values and are not constant."""
    finite = np.abs(displacement) < _MOST_MM
    enough = finite.sum(axis=1) >= max(_LEAST_VALUES, _LEAST_SHARE * displacement.shape[1])
    values = np.asarray(np.where(finite, displacement, np.float32(np.nan))[enough])
    if not values.size:
        return values[:0]
    return np.asarray(values[np.fmax.reduce(values, axis=1) > np.fmin.reduce(values, axis=1)])


def affordable_rows(values: Float32Array) -> FloatArray:
    """Return as many of the rows with values as the cost of their likelihood allows."""
    left = max(min(_MOST_ROWS, _MOST_VALUES // values.shape[1]), LEAST_NOISE_ROWS)
    shared, others = shared_and_other_patterns(np.isnan(values))
    chosen: list[IndexArray] = []
    for rows in shared[:_MOST_PATTERNS]:
        chosen.append(thin_out(rows, left))
        left -= len(chosen[-1])
    taken = sum(map(len, chosen))
    chosen.append(thin_out(others, max(_MOST_ALONE - taken, 0)))
    return np.asarray(values[np.sort(np.concatenate(chosen))], dtype=np.float64)


def thin_out(rows: IndexArray, most: int) -> IndexArray:
    """Return at most ``most`` of some rows, evenly spaced."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, max(most, 0)).astype(np.intp)]


def without_outliers(rows: FloatArray) -> FloatArray:
    """Return rows [n, T] with missing values, with outliers clipped and their median subtracted."""
    clipped = clip_outliers(_filled(rows).astype(np.float32)).astype(np.float64)
    clipped -= np.median(clipped, axis=1, keepdims=True)
    return np.where(np.isnan(rows), np.nan, clipped)


def rows_without_jumps(values: FloatArray, steps: Sequence[int]) -> FloatArray:
    """Return the rows without jumps of their level, except at the epochs ``steps`` of common steps."""
    level = running_median(_filled(values).astype(np.float32))
    change = np.abs(level[:, _STEP_REACH:] - level[:, :-_STEP_REACH])
    for step in steps:
        # Levels are medians of five epochs, so they are on the new level two epochs after a step.
        change[:, max(step - _STEP_REACH - 2, 0) : step + 2] = 0.0
    missing = np.isnan(values)
    unknown = missing[:, _STEP_REACH:] | missing[:, :-_STEP_REACH]
    # If a row has every other epoch only, all of its changes involve interpolated values, so those are used.
    change[unknown & ~unknown.all(axis=1, keepdims=True)] = np.nan
    usual = np.maximum(robust_scatter(change, 1), _LEAST_STEP_MM)
    return values[_smallest(np.fmax.reduce(change, axis=1, initial=0.0) / usual, _STEP_SIGMAS)]


def rows_without_motion(
    values: FloatArray, days: FloatArray, noise: NoiseMixture, regressors: Regressors, factor: FloatArray
) -> FloatArray:
    """Return the rows whose curvature is compatible with a first estimate of the noise.

    The residuals of a piecewise linear motion about a polynomial would be taken for slow noise.
    """
    line = fit_kinds(values, days, noise.kinds, regressors.without_motion(), factor)
    curve = fit_kinds(values, days, noise.kinds, regressors, factor)
    more = regressors.motion.shape[1]
    bend = (line.scatter**2 / curve.scatter**2 - 1) * curve.freedom[:, None]
    return values[_smallest((noise.posterior(curve) * bend).sum(axis=1) / more, 1 + _MOTION_SIGMAS * (2 / more) ** 0.5)]


def _smallest(excess: FloatArray, limit: float) -> BoolArray:
    small: BoolArray = excess <= max(limit, float(np.quantile(excess, _KEPT)))
    return small


def _filled(rows: FloatArray) -> FloatArray:
    """Return rows with their missing values interpolated."""
    epochs = np.arange(rows.shape[1])
    filled = rows.copy()
    for row in np.flatnonzero(np.isnan(rows).any(axis=1)):
        there = ~np.isnan(rows[row])
        filled[row] = np.interp(epochs, epochs[there], rows[row, there])
    return filled
