"""Outliers of one or two epochs: clipping about a running median, before any fit that is not robust to them."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array
from insar_runtime.definitions import MAD_TO_STD

_EPOCHS: Final = 5
_HALF: Final = _EPOCHS // 2
_CLIP: Final = 4.0
"""A value is clipped if it is further from the median of its neighbours than this many robust standard deviations. Our
choice."""
_LEAST_CLIP_MM: Final = 4.0
"""Least clipping distance: less than half of the least outlier that harms the fit of a jump of 12 mm, and far above the
rounding of files. Our choice."""
_TO_SIGMA: Final = np.float32(MAD_TO_STD)
"""Standard deviation of normal noise over its median absolute deviation."""


def clip_outliers(values: Float32Array) -> Float32Array:
    """Clip outliers of one or two epochs about the running median of five epochs.

    Deviations that last three epochs or more stay as they are, because the median follows them.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T]
        mm, without missing values.

    Returns
    -------
    ndarray of float32, shape [n, T]
        A copy of the series if they have fewer than five epochs.
    """
    if values.shape[1] < _EPOCHS:
        return values.copy()
    centre = running_median(values)
    distance = np.abs(values - centre)
    limit = np.maximum(_CLIP * _TO_SIGMA * upper_median(distance), _LEAST_CLIP_MM)[:, None]
    return np.where(distance > limit, centre + np.copysign(limit, values - centre), values)


def epoch_change(values: Float32Array) -> Float32Array:
    """Return the robust RMS change from epoch to epoch [n] of rows [n, T]."""
    return _TO_SIGMA * upper_median(np.abs(np.diff(values, axis=1)))


def upper_median(values: Float32Array) -> Float32Array:
    """Return the upper median [n] of rows [n, T], which takes half the time of the median."""
    place = values.shape[1] // 2
    return np.partition(values, place, axis=1)[:, place]


def running_median(values: Float32Array) -> Float32Array:
    """Return the running median of five epochs of rows [n, T], T at least 5; constant over the last two at each end."""
    count = values.shape[1] - 2 * _HALF
    first, second, third, fourth, fifth = (values[:, place : place + count] for place in range(_EPOCHS))
    # The median of five is neither the least nor the largest of any four of them.
    lower = np.maximum(np.minimum(first, second), np.minimum(fourth, fifth))
    upper = np.minimum(np.maximum(first, second), np.maximum(fourth, fifth))
    centre = np.empty_like(values)
    centre[:, _HALF:-_HALF] = np.maximum(np.minimum(lower, upper), np.minimum(np.maximum(lower, upper), third))
    centre[:, :_HALF] = centre[:, _HALF, None]
    centre[:, -_HALF:] = centre[:, -_HALF - 1, None]
    return centre
