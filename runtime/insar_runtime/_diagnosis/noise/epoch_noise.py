"""Noise common to all rows of a file: noisier epochs, and dates at which many rows change level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import DateArray, Float32Array, FloatArray
from insar_runtime._diagnosis.common_steps import find_level_changes
from insar_runtime._diagnosis.gls import restricted_precision
from insar_runtime._diagnosis.noise.kalman import Regressors
from insar_runtime._diagnosis.noise.mixture import NoiseMixture
from insar_runtime._diagnosis.noise.noise_model import CommonStep, LagTerms, covariance_at
from insar_runtime._diagnosis.robust import nanmedian
from insar_runtime._diagnosis.sampling_changes import find_sampling_changes

_LEAST_VALUES: Final = 50
"""Least number of values of an epoch for an estimate of its scatter."""
_MOST_MISSING: Final = 0.2
"""Most missing share of a row; the prediction errors of rows with more missing values differ too much from those of
complete rows."""
_MOST_SIGMAS: Final = 4.5
"""Prediction errors are clipped at this many times the median of their epoch, which is 3 standard deviations."""
_CLEAR: Final = 4.0
"""Standard errors by which the excess of an epoch is significant by itself."""
_LEAST_PART: Final = 0.5
"""Least share of the white part in the variance of the prediction error. With less, as for an epoch far from all
others, a small error is no evidence of a small white part."""
_JUMP_MM: Final = 15.0
"""A row with a larger change of level has a jump, if most rows change less. Our choice: about half the wavelength of
X-band, while two releases differ by less than 10 mm in 95 % of the rows of the real files of this project."""
_NEAR_JOIN: Final = 2
"""Epochs by which the date of a change of level may differ from that of a known join."""
_FACTORS: Final = (0.4, 8.0)
"""Bounds of the scatter of an epoch over the usual scatter. Our choice."""


def epoch_scatter(values: FloatArray, days: FloatArray, noise: NoiseMixture, regressors: Regressors) -> FloatArray:
    """Return the scatter of the white part at each epoch [T] over its usual scatter.

    Parameters
    ----------
    values : ndarray of float64, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float64, shape [T]
    noise : NoiseMixture
        A first estimate, with the same scatter at all epochs.
    regressors : Regressors
        Regressors of the rows.

    Notes
    -----
    Leave-one-out prediction error: the noise model gives the variance of the error with which all other epochs of a row
    predict a value. At epochs where the errors are larger than that over the rows, the white part is larger.
    """
    missing = np.isnan(values)
    some = missing.mean(axis=1) < _MOST_MISSING
    count = np.count_nonzero(~missing[some], axis=0)
    if count.max(initial=0) < _LEAST_VALUES:
        return np.ones(values.shape[1])
    white = float(noise.weights @ np.array([kind.white for kind in noise.kinds]))
    precision = restricted_precision(_covariance(days, noise, regressors, regressors.steps), regressors.line).matrix
    diagonal = np.maximum(np.diag(precision), 1e-9)
    # Missing values are replaced by their expectation, 0, and their errors are excluded.
    errors = np.where(missing, 0.0, values)[some] @ precision / np.sqrt(diagonal)
    squares = np.where(missing[some], np.nan, errors**2)
    squares /= nanmedian(squares, 1)[:, None]
    squares = np.minimum(squares, _MOST_SIGMAS**2 * nanmedian(squares, 0))
    mean = np.nansum(squares, axis=0) / np.maximum(count, 1)
    error = np.nansum(np.square(squares - mean), axis=0) / np.maximum(count, 1) ** 2
    usual = np.median(mean[count >= _LEAST_VALUES])
    part = diagonal * white
    factor = _shrunk(mean / usual - 1, np.sqrt(error) / usual) / np.maximum(part, _LEAST_PART)
    low, high = _FACTORS
    known = (count >= _LEAST_VALUES) & ((part >= _LEAST_PART) | (factor > 0))
    return np.where(known, np.sqrt(np.clip(1 + factor, low**2, high**2)), 1.0)


def _shrunk(excess: FloatArray, error: FloatArray) -> FloatArray:
    """Return the excess of epochs, shrunk by what chance contributes to them; significant excesses are kept."""
    own = np.minimum(excess**2, (_CLEAR * error) ** 2).mean()
    part = max(1 - float((error**2).mean() / max(own, 1e-12)), 0.0)
    return np.where(np.abs(excess) > _CLEAR * error, excess, part * excess)


def find_common_steps(
    rows: Float32Array, dates: DateArray, joins: Sequence[np.datetime64] = ()
) -> tuple[CommonStep, ...]:
    """Return the dates at which many rows change level, in order of time, with a first estimate of the sizes.

    Known joins of releases are among them, of whatever size; ``joins`` are the first epochs after them.
    """
    known = [int(epoch) for epoch in np.searchsorted(dates, np.array(joins, dtype="datetime64[D]"))]
    switches = [switch.date for switch in find_sampling_changes(dates)]
    at: dict[int, CommonStep] = {}
    for change in find_level_changes(rows, dates, [*switches, *joins]):
        epoch = int(np.searchsorted(dates, change.after))
        if any(abs(epoch - join) <= _NEAR_JOIN for join in known):
            continue
        size = change.size_mm * change.share**0.5 if change.common_mm is None else abs(change.common_mm)
        step = CommonStep(epoch, float(size), change.share, change.common_mm)
        at[epoch] = step if epoch not in at else _together(at[epoch], step)
    found = [*at.values(), *(CommonStep(epoch, 0.0, 0.0, None, joined=True) for epoch in known)]
    return tuple(sorted(found, key=lambda step: step.epoch))


def _together(one: CommonStep, other: CommonStep) -> CommonStep:
    """Return one step for the change of all rows at a date, and that of many of them beside it.

    Each of two steps at one date would explain the other, so both would have no size.
    """
    common_mm = other.common_mm if one.common_mm is None else one.common_mm
    return CommonStep(one.epoch, float(np.hypot(one.rms_mm, other.rms_mm)), max(one.share, other.share), common_mm)


def measure_common_steps(
    steps: tuple[CommonStep, ...], values: FloatArray, days: FloatArray, noise: NoiseMixture, regressors: Regressors
) -> tuple[CommonStep, ...]:
    """Return common steps with sizes from the changes of rows [N, T] beyond those that their noise explains."""
    complete = values[~np.isnan(values).any(axis=1)]
    if not steps or len(complete) < _LEAST_VALUES:
        return steps
    of_all = restricted_precision(_covariance(days, noise, regressors, regressors.steps), regressors.line)
    variance = np.einsum("nt,nt->n", complete @ of_all.matrix, complete) / of_all.freedom
    sized = []
    for place, step in enumerate(steps):
        others = np.delete(regressors.steps, place, axis=1)
        weighted = (
            restricted_precision(_covariance(days, noise, regressors, others), regressors.line)
            .matrix[step.epoch :]
            .sum(axis=0)
        )
        information = weighted[step.epoch :].sum()
        squares = (complete @ weighted / information) ** 2
        # Clipped, because an area with an unwrapping error jumps at one date, too. These jumps are no noise: they must
        # be found in the rows.
        squares = np.minimum(squares, np.maximum(_MOST_SIGMAS**2 * np.median(squares), _JUMP_MM**2))
        square = float(np.mean(squares - variance / information))
        sized.append(replace(step, rms_mm=max(square, 0.0) ** 0.5))
    return tuple(sized)


def _covariance(days: FloatArray, noise: NoiseMixture, regressors: Regressors, steps: FloatArray) -> FloatArray:
    """Return the mean covariance [T, T] of a noise mixture, of motion and of steps."""
    covariance = regressors.motion @ regressors.motion.T + steps @ steps.T
    terms = LagTerms.of(days)
    for weight, kind in zip(noise.weights, noise.kinds, strict=True):
        covariance += weight * covariance_at(kind, terms)
    return covariance
