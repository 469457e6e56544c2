"""Outliers of one or two epochs: clipping about a running median, before any fit that is not robust to them."""

from __future__ import annotations

from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, IndexArray
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
_ROWS_OF_CACHE: Final = 512
"""Series at a time, few enough for the cache of a core."""


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
    clipped = np.array(values, order="C")
    place, nearer = find_outliers(clipped)
    clipped.ravel()[place] = nearer
    return clipped


def find_outliers(values: Float32Array) -> tuple[IndexArray, Float32Array]:
    """Return the k outliers of series [n, T]: their indices in the flat array [k], in order, and clipped values [k]."""
    places, clipped = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.float32)]
    for begin in range(0, len(values) if values.shape[1] >= _EPOCHS else 0, _ROWS_OF_CACHE):
        block = values[begin : begin + _ROWS_OF_CACHE]
        centre = running_median(block)
        distance = np.abs(block - centre)
        limit = np.maximum(_CLIP * _TO_SIGMA * upper_median(distance), _LEAST_CLIP_MM)
        place = np.flatnonzero(distance > limit[:, None])
        middle = centre.ravel().take(place)
        sign = block.ravel().take(place) - middle
        places.append(begin * values.shape[1] + place)
        clipped.append(middle + np.copysign(limit.take(place // values.shape[1]), sign))
    return np.concatenate(places), np.concatenate(clipped)


def epoch_change(values: Float32Array) -> Float32Array:
    """Return the robust RMS change from epoch to epoch [n] of rows [n, T]."""
    return _TO_SIGMA * upper_median(np.abs(np.diff(values, axis=1)))


def upper_median(values: Float32Array) -> Float32Array:
    """Return the upper median [n] of rows [n, T], which takes half the time of the median."""
    place = values.shape[1] // 2
    return np.partition(values, place, axis=1)[:, place]


def running_median(values: Float32Array) -> Float32Array:
    """Return the running median of five epochs of rows [n, T], T at least 5; constant over the last two at each end."""
    # All rows one after the other: windows that contain the end of a row are replaced at last.
    flat = np.ascontiguousarray(values).ravel()
    lower, upper = np.minimum(flat[:-1], flat[1:]), np.maximum(flat[:-1], flat[1:])
    centre = np.empty(values.shape, dtype=np.float32)
    centre.ravel()[_HALF:-_HALF] = _middle(lower[:-3], upper[:-3], flat[2:-2], lower[3:], upper[3:])
    centre[:, :_HALF] = centre[:, _HALF, None]
    centre[:, -_HALF:] = centre[:, -_HALF - 1, None]
    return centre


def median_of_five(values: Float32Array) -> Float32Array:
    """Return the medians [n] of five values [5, n]."""
    first, second, third, fourth, fifth = values
    pairs = np.minimum(first, second), np.maximum(first, second), third, np.minimum(fourth, fifth)
    return _middle(*pairs, np.maximum(fourth, fifth))


def _middle(
    lower: Float32Array, upper: Float32Array, third: Float32Array, other_lower: Float32Array, other_upper: Float32Array
) -> Float32Array:
    """Return the medians of five values, two pairs of them in order."""
    # The median of five is neither the least nor the largest of any four of them.
    low, high = np.maximum(lower, other_lower), np.minimum(upper, other_upper)
    inner = np.minimum(np.maximum(low, high), third)
    return np.asarray(np.maximum(np.minimum(low, high, out=low), inner, out=inner))
