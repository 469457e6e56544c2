"""Outliers of one or two epochs, which no fit should follow."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array

_EPOCHS: Final = 5
_HALF: Final = _EPOCHS // 2
_CLIP: Final = 4.0
"""A value is drawn towards the median of its neighbours if it lies further away than this many robust sigmas [ours]."""
_LEAST_CLIP_MM: Final = 4.0
"""Less than half of the least outlier that hurts a jump of 12 mm, and far above the rounding of files [ours]."""
_TO_SIGMA: Final = np.float32(1.4826)


def clip_outliers(values: Float32Array) -> Float32Array:
    """Draw outliers of one or two epochs towards the running median of five.

    Runs of three epochs or more stay as they are: within them the median moves along.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T]
        mm, without missing values.

    Returns
    -------
    ndarray of float32, shape [n, T]
        The same where there are fewer than five epochs.
    """
    if values.shape[1] < _EPOCHS:
        return values.copy()
    centre = running_median(values)
    distance = np.abs(values - centre)
    limit = np.maximum(_CLIP * _TO_SIGMA * middle(distance), _LEAST_CLIP_MM)[:, None]
    return np.where(distance > limit, centre + np.copysign(limit, values - centre), values)


def epoch_change(values: Float32Array) -> Float32Array:
    """Give the robust RMS change from epoch to epoch [n] of rows [n, T]."""
    return _TO_SIGMA * middle(np.abs(np.diff(values, axis=1)))


def middle(values: Float32Array) -> Float32Array:
    """Give the upper median [n] of rows [n, T]: it takes half the time of the median."""
    place = values.shape[1] // 2
    return np.partition(values, place, axis=1)[:, place]


def running_median(values: Float32Array) -> Float32Array:
    """Give the median of five neighbours, or of the five at an end; of rows [n, T], T at least 5."""
    count = values.shape[1] - 2 * _HALF
    first, second, third, fourth, fifth = (values[:, place : place + count] for place in range(_EPOCHS))
    # Neither the least nor the largest of four is the median of five.
    lower = np.maximum(np.minimum(first, second), np.minimum(fourth, fifth))
    upper = np.minimum(np.maximum(first, second), np.maximum(fourth, fifth))
    centre = np.empty_like(values)
    centre[:, _HALF:-_HALF] = np.maximum(np.minimum(lower, upper), np.minimum(np.maximum(lower, upper), third))
    centre[:, :_HALF] = centre[:, _HALF, None]
    centre[:, -_HALF:] = centre[:, -_HALF - 1, None]
    return centre
