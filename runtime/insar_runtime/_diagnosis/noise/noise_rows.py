"""Rows of a sample that tell of noise: enough values, no jump, no clear motion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IndexArray
from insar_runtime._diagnosis.noise.kalman import Regressors, fit_kinds, shared_and_other_patterns
from insar_runtime._diagnosis.noise.mixture import NoiseMixture
from insar_runtime._diagnosis.outliers import clip_outliers, running_median
from insar_runtime._survey.windows import robust_scatter

_MOST_ROWS: Final = 400
_MOST_VALUES: Final = 120_000
LEAST_ROWS: Final = 50
"""Rows that tell how often each kind of noise occurs."""
_MOST_PATTERNS: Final = 8
"""Sets of missing values that several rows share: each is filtered by itself."""
_MOST_ALONE: Final = 60
"""Rows that miss values of their own cost many times as much; none are taken where there are so many others."""
_LEAST_VALUES: Final = 8
_LEAST_SHARE: Final = 0.3
"""Values that a row must have, and part of the epochs."""
_MOST_MM: Final = 1e9
"""No displacement, and squares of it leave single precision."""
_STEP_SIGMAS: Final = 6.0
_STEP_REACH: Final = 5
"""A row whose level changes by more than so many times what it usually does within so many epochs has jumped."""
_LEAST_STEP_MM: Final = 0.2
"""Usual change of level where a row hardly scatters: twice the rounding."""
_MOTION_SIGMAS: Final = 5.0
"""Curvature beyond what the noise alone would make of it: chance passes it in less than 1 % of rows."""
_KEPT: Final = 0.4
"""Share of the rows that are kept in any case, the calmest ones."""


def rows_with_values(displacement: Float32Array) -> Float32Array:
    """Give rows [n, T] that have enough values and are not constant."""
    finite = np.abs(displacement) < _MOST_MM
    enough = finite.sum(axis=1) >= max(_LEAST_VALUES, _LEAST_SHARE * displacement.shape[1])
    values = np.asarray(np.where(finite, displacement, np.float32(np.nan))[enough])
    if not values.size:
        return values[:0]
    return np.asarray(values[np.fmax.reduce(values, axis=1) > np.fmin.reduce(values, axis=1)])


def affordable_rows(values: Float32Array) -> FloatArray:
    """Give as many of the usable rows as the cost of their likelihood permits."""
    left = max(min(_MOST_ROWS, _MOST_VALUES // values.shape[1]), LEAST_ROWS)
    alike, alone = shared_and_other_patterns(np.isnan(values))
    chosen: list[IndexArray] = []
    for rows in alike[:_MOST_PATTERNS]:
        chosen.append(evenly_spaced(rows, left))
        left -= len(chosen[-1])
    taken = sum(map(len, chosen))
    chosen.append(evenly_spaced(alone, max(_MOST_ALONE - taken, 0)))
    return np.asarray(values[np.sort(np.concatenate(chosen))], dtype=np.float64)


def evenly_spaced(rows: IndexArray, most: int) -> IndexArray:
    """Give at most so many of some rows, evenly."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, max(most, 0)).astype(np.intp)]


def without_outliers(rows: FloatArray) -> FloatArray:
    """Clip outliers of rows [n, T] with missing values, and take their median off."""
    clipped = clip_outliers(_filled(rows).astype(np.float32)).astype(np.float64)
    clipped -= np.median(clipped, axis=1, keepdims=True)
    return np.where(np.isnan(rows), np.nan, clipped)


def rows_without_jumps(values: FloatArray, steps: Sequence[int]) -> FloatArray:
    """Give the rows whose level does not jump, but for steps that many rows share at some epochs."""
    level = running_median(_filled(values).astype(np.float32))
    change = np.abs(level[:, _STEP_REACH:] - level[:, :-_STEP_REACH])
    for step in steps:
        # Levels are medians of five: two epochs after a step they are on the new one.
        change[:, max(step - _STEP_REACH - 2, 0) : step + 2] = 0.0
    missing = np.isnan(values)
    unknown = missing[:, _STEP_REACH:] | missing[:, :-_STEP_REACH]
    # Of a row that has every other epoch, only interpolated values tell.
    change[unknown & ~unknown.all(axis=1, keepdims=True)] = np.nan
    usual = np.maximum(robust_scatter(change, 1), _LEAST_STEP_MM)
    return values[_calmest(np.fmax.reduce(change, axis=1, initial=0.0) / usual, _STEP_SIGMAS)]


def rows_without_motion(
    values: FloatArray, days: FloatArray, noise: NoiseMixture, columns: Regressors, factor: FloatArray
) -> FloatArray:
    """Give the rows that bend no more than noise does, by a first estimate of it.

    What a bent line leaves about a polynomial looks like slow noise.
    """
    line = fit_kinds(values, days, noise.kinds, columns.unbent(), factor)
    curve = fit_kinds(values, days, noise.kinds, columns, factor)
    more = columns.motion.shape[1]
    bend = (line.scatter**2 / curve.scatter**2 - 1) * curve.freedom[:, None]
    return values[_calmest((noise.posterior(curve) * bend).sum(axis=1) / more, 1 + _MOTION_SIGMAS * (2 / more) ** 0.5)]


def _calmest(excess: FloatArray, limit: float) -> BoolArray:
    calm: BoolArray = excess <= max(limit, float(np.quantile(excess, _KEPT)))
    return calm


def _filled(rows: FloatArray) -> FloatArray:
    """Interpolate missing values."""
    epochs = np.arange(rows.shape[1])
    filled = rows.copy()
    for row in np.flatnonzero(np.isnan(rows).any(axis=1)):
        there = ~np.isnan(rows[row])
        filled[row] = np.interp(epochs, epochs[there], rows[row, there])
    return filled
