"""Noise of a file, estimated from a sample of its rows."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.epoch_noise import common_steps, scatter_of_epochs
from insar_runtime._diagnosis.mixture import choose_kinds
from insar_runtime._diagnosis.noise import DAYS_OF_YEAR, FileNoise, Floats, NoiseKind
from insar_runtime._diagnosis.outliers import clip_outliers, running_median
from insar_runtime._diagnosis.whitening import Columns, Fits, fit_kinds

_MOST_ROWS: Final = 400
_MOST_VALUES: Final = 120_000
_MOST_PARTIAL: Final = 60
"""Rows with missing values each need a filter of their own."""
_LEAST_ROWS: Final = 50
_LEAST_EPOCHS: Final = 30
_LEAST_YEARS: Final = 1.0
"""Below these, the mixture of kinds is that of typical files, and only the scatter is measured."""
_MOST_KINDS: Final = 8
_SLOW: Final = (0.15, 0.4, 0.7)
_SHORT: Final = (0.0, 0.2, 0.45, 0.75)
"""Slow part of the variance, and short part of the rest."""
_SHORT_DAYS: Final = (7.0, 14.0, 28.0)
_SLOW_DAYS: Final = (60.0, 130.0, 300.0)
_ANNUAL: Final = (0.3, 1.0, 3.0)
_ROUGH: Final = tuple(
    NoiseKind((1 - slow) * (1 - short), (1 - slow) * short, slow)
    for slow, short in product((0.0, 0.3, 0.6), (0.1, 0.4, 0.75))
)
_ROUGH_ROWS: Final = 120
"""For a first look, that tells which epochs are noisy."""
_STEP_SIGMAS: Final = 6.0
_STEP_REACH: Final = 5
"""A row whose level changes by more than so many times what it usually does within so many epochs has jumped."""
_CALM_SHARE: Final = 0.4
"""Rows that are kept in any case, calmest first."""
_LEAST_SCATTER_MM: Final = 0.03
"""Rounding to 0.1 mm."""


def estimate_noise(displacement: NDArray[np.float32], dates: NDArray[np.datetime64]) -> FileNoise:
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
    A polynomial, the steps that many rows share, and a yearly cycle are projected out of each row, so that motion is
    not taken for slow noise; the restricted likelihood accounts for the slow noise that goes with them.
    """
    days = (dates - dates[:1]).astype(np.float64)
    rows = _usable(displacement, days)
    if not len(rows):
        return FileNoise.typical(days)
    tell = len(rows) >= _LEAST_ROWS and len(days) >= _LEAST_EPOCHS and days[-1] >= _LEAST_YEARS * DAYS_OF_YEAR
    if not tell:
        return _scaled(FileNoise.typical(days), rows[:_MOST_PARTIAL], days)
    steps = common_steps(rows, dates)
    values = _calm(_prepared(rows))
    columns = Columns.of(days, _degree(days), [step.epoch for step in steps])
    rough = values[:_ROUGH_ROWS] if not np.isnan(values).any() else values
    ones = np.ones(len(days))
    first = fit_kinds(rough, days, _ROUGH, (1.0,), columns, ones)
    kinds, weights = _choose(first, _ROUGH, (1.0,), len(_ROUGH))
    noise = FileNoise(days, kinds, weights, (1.0, 1.0, 1.0), ones)
    factor = scatter_of_epochs(values, noise, columns)
    shapes = _grid(days)
    fits = fit_kinds(values, days, shapes, _ANNUAL, columns, factor)
    kinds, weights = _choose(fits, shapes, _ANNUAL, _MOST_KINDS)
    return FileNoise(
        days, kinds, weights, _quantiles(_scatter(fits, shapes, _ANNUAL, kinds, weights)), factor, steps, len(values)
    )


def _usable(displacement: NDArray[np.float32], days: Floats) -> Floats:
    """Give rows that have enough values and are not constant, as many as cost permits."""
    finite = np.isfinite(displacement)
    enough = finite.sum(axis=1) >= max(_LEAST_EPOCHS / 2, 0.3 * len(days)) if len(days) > 20 else finite.sum(1) >= 8
    values = np.where(finite, displacement, np.float32(np.nan))[enough]
    if not values.size:
        return np.empty((0, len(days)))
    alive = np.fmax.reduce(values, axis=1) > np.fmin.reduce(values, axis=1)
    values = values[alive]
    partial = np.isnan(values).any(axis=1)
    whole, rest = np.flatnonzero(~partial), np.flatnonzero(partial)
    most = max(min(_MOST_ROWS, _MOST_VALUES // len(days)), _LEAST_ROWS)
    whole = _spread(whole, most)
    rest = _spread(rest, min(_MOST_PARTIAL, most)) if len(whole) < most / 2 else rest[:0]
    return values[np.sort(np.concatenate([whole, rest]))].astype(np.float64)


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]


def _degree(days: Floats) -> int:
    return int(np.clip(round(days[-1] / DAYS_OF_YEAR), 2, 5))


def _prepared(rows: Floats) -> Floats:
    """Clip outliers, in series without their missing values."""
    missing = np.isnan(rows)
    filled = _filled(rows)
    clipped = clip_outliers(filled.astype(np.float32)).astype(np.float64)
    clipped -= np.median(clipped, axis=1, keepdims=True)
    clipped[missing] = np.nan
    return clipped


def _filled(rows: Floats) -> Floats:
    epochs = np.arange(rows.shape[1])
    filled = rows.copy()
    for row in np.flatnonzero(np.isnan(rows).any(axis=1)):
        there = ~np.isnan(rows[row])
        filled[row] = np.interp(epochs, epochs[there], rows[row, there])
    return filled


def _calm(values: Floats) -> Floats:
    """Give the rows that do not jump."""
    level = running_median(_filled(values).astype(np.float32))
    change = np.abs(level[:, _STEP_REACH:] - level[:, :-_STEP_REACH])
    usual = np.maximum(1.4826 * np.median(change, axis=1), 0.2)
    over = change.max(axis=1) / usual
    limit = max(_STEP_SIGMAS, float(np.quantile(over, _CALM_SHARE)))
    return values[over <= limit]


def _grid(days: Floats) -> list[NoiseKind]:
    """Give the mixtures that an axis can tell apart."""
    interval = float(np.median(np.diff(days)))
    short_days = [tau for tau in _SHORT_DAYS if tau >= 0.6 * interval] or [interval]
    slow_days = [tau for tau in _SLOW_DAYS if tau <= days[-1] / 3] or [_SLOW_DAYS[0]]
    kinds = []
    for slow, short in product((0.0, *_SLOW), _SHORT):
        for short_tau in short_days if short else short_days[:1]:
            for slow_tau in slow_days if slow else slow_days[:1]:
                rest = 1 - slow
                kinds.append(NoiseKind(rest * (1 - short), rest * short, slow, short_tau, slow_tau))
    return kinds


def _choose(
    fits: Fits, shapes: tuple[NoiseKind, ...] | list[NoiseKind], annual: tuple[float, ...], most: int
) -> tuple[tuple[NoiseKind, ...], Floats]:
    chosen, weights = choose_kinds(fits.log_likelihood.reshape(len(fits.log_likelihood), -1), most)
    kinds = [replace(shapes[place // len(annual)], annual=annual[place % len(annual)]) for place in chosen.tolist()]
    return tuple(kinds), weights


def _scatter(
    fits: Fits,
    shapes: list[NoiseKind] | tuple[NoiseKind, ...],
    annual: tuple[float, ...],
    kinds: tuple[NoiseKind, ...],
    weights: Floats,
) -> Floats:
    """Give the scatter [N] of each row, its kind being uncertain."""
    every = [replace(shape, annual=ratio) for shape, ratio in product(shapes, annual)]
    places = [every.index(kind) for kind in kinds]
    likelihood = fits.log_likelihood.reshape(len(fits.scatter), -1)[:, places] + np.log(weights)
    posterior = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    squares = fits.scatter.reshape(len(fits.scatter), -1)[:, places] ** 2
    return np.sqrt((posterior * squares).sum(axis=1))


def _quantiles(scatter: Floats) -> tuple[float, float, float]:
    low, middle, high = np.maximum(np.quantile(scatter, (0.1, 0.5, 0.9)), _LEAST_SCATTER_MM)
    return float(low), float(middle), float(high)


def _scaled(noise: FileNoise, rows: Floats, days: Floats) -> FileNoise:
    """Give noise with the scatter that few rows have."""
    columns = Columns.of(days, 1)
    fits = fit_kinds(_prepared(rows), days, noise.kinds, (1.0,), columns, noise.white_factor)
    scatter = np.sqrt((fits.scatter[..., 0] ** 2 * noise.weights).sum(axis=1))
    middle = max(float(np.median(scatter)), _LEAST_SCATTER_MM)
    low, usual, high = noise.scatter_mm
    return replace(noise, scatter_mm=(middle * low / usual, middle, middle * high / usual))
