"""Estimate of the noise model of a file from a sample of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import DateArray, Float32Array, FloatArray
from insar_runtime._diagnosis.noise.epoch_noise import epoch_scatter, find_common_steps, measure_common_steps
from insar_runtime._diagnosis.noise.kalman import Regressors, fit_kinds, shared_and_other_patterns
from insar_runtime._diagnosis.noise.mixture import NoiseMixture, choose_kinds, weigh_kinds
from insar_runtime._diagnosis.noise.noise_grid import COARSE_GRID, candidate_kinds, neighbours
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.noise.noise_rows import (
    LEAST_NOISE_ROWS,
    affordable_rows,
    rows_with_values,
    rows_without_jumps,
    rows_without_motion,
    thin_out,
    without_outliers,
)
from insar_runtime.definitions import DAYS_PER_YEAR

_LEAST_EPOCHS: Final = 30
_LEAST_YEARS: Final = 1.0
"""With fewer epochs or less time, the mixture is that of typical files, and only the scatter is estimated."""
_SOME_ROWS: Final = 160
_FEW_ROWS: Final = 30
"""Rows from which kinds are chosen, and the same if rows have missing values of their own. The weights are estimated
from all rows."""
_STEP_ROWS: Final = 1000
"""Rows that are searched for common steps: a few hundred rows miss one in seven joins of releases, if a join affects
one row in six."""
_MOST_KINDS: Final = 7
_CLOSER: Final = (1.0, 0.5)
"""Sizes of the refinement steps that follow the grid search."""
_LEAST_STEP: Final = 0.4
"""Least RMS of a common step over the scatter; smaller ones harm no fit."""
_LEAST_SCATTER_MM: Final = 0.03
"""Least scatter: that of rounding to 0.1 mm."""


def estimate_noise(displacement: Float32Array, dates: DateArray, joins: Sequence[np.datetime64] = ()) -> FileNoise:
    """Return an estimate of the noise model of a file.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing. Rows from all parts of the file; 500 of them are enough.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    joins : sequence of datetime64[D]
        First epochs after known joins of releases: what is left of steps there is noise.

    Returns
    -------
    FileNoise
        With the kinds of typical files and the scatter of these rows, if the rows, the epochs or the span are too few
        for more.

    Notes
    -----
    The model of a row is a line, possibly with curvature, with the common steps and an annual cycle. Rows with jumps or
    with more curvature than noise explains are left out. The restricted likelihood of the remaining rows gives the
    mixture of noise models. The scatter of single epochs follows from leave-one-out prediction errors.
    """
    days = (dates - dates[:1]).astype(np.float64)
    with_values = rows_with_values(displacement)
    if not with_values.size:
        return FileNoise.typical(days)
    rows = affordable_rows(with_values)
    values = without_outliers(rows)
    if len(rows) < LEAST_NOISE_ROWS or len(days) < _LEAST_EPOCHS or days[-1] < _LEAST_YEARS * DAYS_PER_YEAR:
        return replace(_typical_noise(values, days), steps=find_common_steps(with_values[:0], dates, joins))
    steps = find_common_steps(with_values[thin_out(np.arange(len(with_values)), _STEP_ROWS)], dates, joins)
    # Rows with missing values of their own are expensive for each regressor, so the annual cycle is kept simple.
    others = len(shared_and_other_patterns(np.isnan(values))[1]) > 0
    regressors = Regressors.of(days, [step.epoch for step in steps], steady=others)
    values = rows_without_jumps(values, [step.epoch for step in steps])
    factor = np.ones(len(days))
    first = choose_kinds(fit_kinds(_some_rows(values), days, COARSE_GRID, regressors, factor), len(COARSE_GRID))
    values = rows_without_motion(values, days, first, regressors, factor)
    factor = epoch_scatter(values, days, first, regressors)
    some = _some_rows(values)
    mixture = choose_kinds(fit_kinds(some, days, candidate_kinds(days), regressors, factor), _MOST_KINDS)
    for size in _CLOSER:
        mixture = choose_kinds(fit_kinds(some, days, neighbours(mixture.kinds, size), regressors, factor), _MOST_KINDS)
    factor = epoch_scatter(values, days, mixture, regressors)
    fits = fit_kinds(values, days, mixture.kinds, regressors, factor)
    mixture = weigh_kinds(fits, mixture)
    low, usual, high = np.maximum(np.quantile(mixture.scatter(fits), (0.1, 0.5, 0.9)), _LEAST_SCATTER_MM)
    scatter = (float(low), float(usual), float(high))
    sized = measure_common_steps(steps, values, days, mixture, regressors)
    steps = tuple(step for step in sized if step.joined or step.rms_mm >= _LEAST_STEP * scatter[1])
    return FileNoise(days, mixture.kinds, mixture.weights, scatter, factor, steps, len(values))


def _some_rows(values: FloatArray) -> FloatArray:
    """Return the rows from which kinds are chosen: fewer if they are expensive."""
    others = shared_and_other_patterns(np.isnan(values))[1]
    return values[thin_out(np.arange(len(values)), _FEW_ROWS if len(others) > _FEW_ROWS else _SOME_ROWS)]


def _typical_noise(values: FloatArray, days: FloatArray) -> FileNoise:
    """Return typical noise with the scatter of a few rows."""
    noise = FileNoise.typical(days)
    regressors = Regressors.of(days, motion=False, steady=True)
    fits = fit_kinds(values[:_FEW_ROWS], days, noise.kinds, regressors, noise.white_factor)
    usual = max(float(np.median(NoiseMixture(noise.kinds, noise.weights).scatter(fits))), _LEAST_SCATTER_MM)
    low, middle, high = noise.scatter_mm
    return replace(noise, scatter_mm=(usual * low / middle, usual, usual * high / middle))
