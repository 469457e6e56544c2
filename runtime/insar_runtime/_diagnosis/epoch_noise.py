"""Epochs that concern all rows of a file: noisier ones, and dates at which many rows change level."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.gls import restricted_precision
from insar_runtime._diagnosis.mixture import Mixture
from insar_runtime._diagnosis.noise import CommonStep, Floats
from insar_runtime._diagnosis.whitening import Columns
from insar_runtime._survey.axis import find_switches
from insar_runtime._survey.common_steps import survey_levels
from insar_runtime._survey.windows import nanmedian

_LEAST_VALUES: Final = 50
"""Of an epoch, to tell its scatter."""
_MOST_MISSING: Final = 0.2
"""Part of a row: where more is missing, the others do not foretell as if all were there."""
_MOST_SIGMAS: Final = 4.5
"""Values count as no further off than this many times the median of their epoch, which is 3 standard deviations."""
_CLEAR: Final = 4.0
"""Standard errors by which an epoch stands out by itself."""
_LEAST_PART: Final = 0.5
"""Of the white part in what is not foretold: with less, as far from all other epochs, calm does not tell of it."""
_JUMP_MM: Final = 15.0
"""Rows that change level by more, where most do not, have jumped [ours; about half the wavelength of X-band, while
two releases differ by less than 10 mm in 95 % of the rows of the project's real files]."""
_FACTORS: Final = (0.4, 8.0)
"""Bounds of the scatter of an epoch over the usual one [ours]."""


def scatter_of_epochs(values: Floats, days: Floats, noise: Mixture, columns: Columns) -> Floats:
    """Give the scatter of the white part at each epoch [T] over the usual one.

    Parameters
    ----------
    values : ndarray of float64, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float64, shape [T]
    noise : Mixture
        A first estimate, with the same scatter at all epochs.
    columns : Columns
        Known columns that the noise comes with.

    Notes
    -----
    What all other epochs of a row do not foretell of a value has a variance that the estimate gives; where it is
    more in the median of the rows, the white part is.
    """
    missing = np.isnan(values)
    some = missing.mean(axis=1) < _MOST_MISSING
    count = np.count_nonzero(~missing[some], axis=0)
    if count.max(initial=0) < _LEAST_VALUES:
        return np.ones(values.shape[1])
    white = float(noise.weights @ np.array([kind.white for kind in noise.kinds]))
    precision = restricted_precision(_covariance(days, noise, columns, columns.steps), columns.line).matrix
    diagonal = np.maximum(np.diag(precision), 1e-9)
    # A missing value counts as foretold, and tells nothing.
    rest = np.where(missing, 0.0, values)[some] @ precision / np.sqrt(diagonal)
    squares = np.where(missing[some], np.nan, rest**2)
    squares /= nanmedian(squares, 1)[:, None]
    squares = np.minimum(squares, _MOST_SIGMAS**2 * nanmedian(squares, 0))
    mean = np.nansum(squares, axis=0) / np.maximum(count, 1)
    error = np.nansum(np.square(squares - mean), axis=0) / np.maximum(count, 1) ** 2
    usual = np.median(mean[count >= _LEAST_VALUES])
    part = diagonal * white
    factor = _drawn_to_usual(mean / usual - 1, np.sqrt(error) / usual) / np.maximum(part, _LEAST_PART)
    low, high = _FACTORS
    known = (count >= _LEAST_VALUES) & ((part >= _LEAST_PART) | (factor > 0))
    return np.where(known, np.sqrt(np.clip(1 + factor, low**2, high**2)), 1.0)


def _drawn_to_usual(excess: Floats, error: Floats) -> Floats:
    """Take off what chance makes of few rows; what stands out by itself is kept."""
    own = np.minimum(excess**2, (_CLEAR * error) ** 2).mean()
    part = max(1 - float((error**2).mean() / max(own, 1e-12)), 0.0)
    return np.where(np.abs(excess) > _CLEAR * error, excess, part * excess)


def find_steps(rows: NDArray[np.float32], dates: NDArray[np.datetime64]) -> tuple[CommonStep, ...]:
    """Find dates at which many rows change level, in order of time, and how much they do at a first look."""
    switches = [switch.date for switch in find_switches(dates)]
    found = []
    for change in survey_levels(rows, dates, switches):
        epoch = int(np.searchsorted(dates, change.after))
        size = change.size_mm * change.share**0.5 if change.common_mm is None else abs(change.common_mm)
        found.append(CommonStep(epoch, float(size), change.share, change.common_mm))
    return tuple(sorted(found, key=lambda step: step.epoch))


def size_steps(
    steps: tuple[CommonStep, ...], values: Floats, days: Floats, noise: Mixture, columns: Columns
) -> tuple[CommonStep, ...]:
    """Measure common steps by what rows [N, T] change beyond what their noise would make of it."""
    whole = values[~np.isnan(values).any(axis=1)]
    if not steps or len(whole) < _LEAST_VALUES:
        return steps
    of_all = restricted_precision(_covariance(days, noise, columns, columns.steps), columns.line)
    variance = np.einsum("nt,nt->n", whole @ of_all.matrix, whole) / of_all.freedom
    sized = []
    for place, step in enumerate(steps):
        others = np.delete(columns.steps, place, axis=1)
        seen = (
            restricted_precision(_covariance(days, noise, columns, others), columns.line)
            .matrix[step.epoch :]
            .sum(axis=0)
        )
        information = seen[step.epoch :].sum()
        squares = (whole @ seen / information) ** 2
        # An area with an unwrapping error jumps at one date, too. That is no noise: jumps of its rows are to be found.
        squares = np.minimum(squares, np.maximum(_MOST_SIGMAS**2 * np.median(squares), _JUMP_MM**2))
        square = float(np.mean(squares - variance / information))
        sized.append(replace(step, rms_mm=max(square, 0.0) ** 0.5))
    return tuple(sized)


def _covariance(days: Floats, noise: Mixture, columns: Columns, steps: Floats) -> Floats:
    """Give the mean covariance [T, T] of a mixture, of motion and of steps."""
    covariance = columns.motion @ columns.motion.T + steps @ steps.T
    for weight, kind in zip(noise.weights, noise.kinds, strict=True):
        covariance += weight * kind.covariance(days)
    return covariance
