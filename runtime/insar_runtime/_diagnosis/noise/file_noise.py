"""Noise of a file, estimated from a sample of its rows."""

from __future__ import annotations

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
    LEAST_ROWS,
    affordable_rows,
    evenly_spaced,
    rows_with_values,
    rows_without_jumps,
    rows_without_motion,
    without_outliers,
)
from insar_runtime._input.slopes import DAYS_PER_YEAR

_LEAST_EPOCHS: Final = 30
_LEAST_YEARS: Final = 1.0
"""With less, the mixture of kinds is that of typical files, and only the scatter is measured."""
_SOME_ROWS: Final = 160
_FEW_ROWS: Final = 30
"""Rows that kinds are chosen by, and where they miss values of their own; all of them weigh these."""
_STEP_ROWS: Final = 1000
"""Rows that common steps are looked for in: a few hundred miss one join in seven that one row in six takes part in."""
_MOST_KINDS: Final = 7
_CLOSER: Final = (1.0, 0.5)
"""Steps from the kinds of the grid to better ones."""
_LEAST_STEP: Final = 0.4
"""RMS of a common step over the scatter; less harms no fit."""
_LEAST_SCATTER_MM: Final = 0.03
"""Rounding to 0.1 mm."""


def estimate_noise(displacement: Float32Array, dates: DateArray) -> FileNoise:
    """Estimate the noise of a file.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing. Rows from all over the file; 500 of them are enough.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.

    Returns
    -------
    FileNoise
        With the kinds of typical files and the scatter of these rows where the rows, the epochs or the span are too
        few to tell more.

    Notes
    -----
    Each row has a line of its own, bends of it or not, the steps that many rows share and a yearly cycle; a row that
    jumps, or bends far more than noise can, does not count. The restricted likelihood of the rest tells which mixtures
    of noise there are. Epochs scatter by what the other epochs of a row do not foretell.
    """
    days = (dates - dates[:1]).astype(np.float64)
    usable = rows_with_values(displacement)
    if not usable.size:
        return FileNoise.typical(days)
    rows = affordable_rows(usable)
    values = without_outliers(rows)
    if len(rows) < LEAST_ROWS or len(days) < _LEAST_EPOCHS or days[-1] < _LEAST_YEARS * DAYS_PER_YEAR:
        return _typical(values, days)
    steps = find_common_steps(usable[evenly_spaced(np.arange(len(usable)), _STEP_ROWS)], dates)
    # Rows that miss values of their own cost as much as many others do, for each column.
    alone = len(shared_and_other_patterns(np.isnan(values))[1]) > 0
    columns = Regressors.of(days, [step.epoch for step in steps], steady=alone)
    values = rows_without_jumps(values, [step.epoch for step in steps])
    factor = np.ones(len(days))
    rough = choose_kinds(fit_kinds(_some(values), days, COARSE_GRID, columns, factor), len(COARSE_GRID))
    values = rows_without_motion(values, days, rough, columns, factor)
    factor = epoch_scatter(values, days, rough, columns)
    some = _some(values)
    mixture = choose_kinds(fit_kinds(some, days, candidate_kinds(days), columns, factor), _MOST_KINDS)
    for size in _CLOSER:
        mixture = choose_kinds(fit_kinds(some, days, neighbours(mixture.kinds, size), columns, factor), _MOST_KINDS)
    factor = epoch_scatter(values, days, mixture, columns)
    fits = fit_kinds(values, days, mixture.kinds, columns, factor)
    mixture = weigh_kinds(fits, mixture)
    low, usual, high = np.maximum(np.quantile(mixture.scatter(fits), (0.1, 0.5, 0.9)), _LEAST_SCATTER_MM)
    scatter = (float(low), float(usual), float(high))
    sized = measure_common_steps(steps, values, days, mixture, columns)
    steps = tuple(step for step in sized if step.rms_mm >= _LEAST_STEP * scatter[1])
    return FileNoise(days, mixture.kinds, mixture.weights, scatter, factor, steps, len(values))


def _some(values: FloatArray) -> FloatArray:
    """Give rows to choose kinds by: fewer of those that cost more."""
    alone = shared_and_other_patterns(np.isnan(values))[1]
    return values[evenly_spaced(np.arange(len(values)), _FEW_ROWS if len(alone) > _FEW_ROWS else _SOME_ROWS)]


def _typical(values: FloatArray, days: FloatArray) -> FileNoise:
    """Give typical noise with the scatter that few rows have."""
    noise = FileNoise.typical(days)
    columns = Regressors.of(days, motion=False, steady=True)
    fits = fit_kinds(values[:_FEW_ROWS], days, noise.kinds, columns, noise.white_factor)
    usual = max(float(np.median(NoiseMixture(noise.kinds, noise.weights).scatter(fits))), _LEAST_SCATTER_MM)
    low, middle, high = noise.scatter_mm
    return replace(noise, scatter_mm=(usual * low / middle, usual, usual * high / middle))
