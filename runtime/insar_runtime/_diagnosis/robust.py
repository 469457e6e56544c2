"""Robust statistics of series with missing values: medians, running medians, scatter."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LEAST_SHARE: Final = 0.6
"""Least share of the values of a window; with fewer, its median is missing."""


def running_medians(series: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return the median of each window of ``width`` neighbouring epochs.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        NaN = missing.
    width : int
        Number of epochs of a window; at most T.

    Returns
    -------
    ndarray of float32, shape [N, T - width + 1]
        Value i is the median of epochs i to i + width - 1; NaN if fewer than 60 % of them have a value.
    """
    return _medians(np.lib.stride_tricks.sliding_window_view(series, width, axis=1))


def departures(series: NDArray[np.float32], reach: int = 3) -> NDArray[np.float32]:
    """Return each value minus the median of its neighbours, ``reach`` epochs before and after it.

    This high-pass filter removes slow motion and keeps deviations of single epochs.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        NaN = missing.
    reach : int
        Number of neighbours on each side; there are fewer at the ends.

    Returns
    -------
    ndarray of float32, shape [N, T]
        NaN if the value or most of its neighbours are missing.
    """
    padded = np.pad(series, ((0, 0), (reach, reach)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)
    others = np.delete(windows, reach, axis=-1)
    # Half of the neighbours do not exist at the ends, so half are enough everywhere.
    departed: NDArray[np.float32] = series - _medians(others, least_share=0.5)
    return departed


def robust_scatter(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return 1.4826 times the median absolute value: the standard deviation of normal noise, robust to outliers."""
    return 1.4826 * nanmedian(np.abs(values), axis)


def nanmedian(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return medians of the values that are not missing; NaN, without a warning, if all are missing."""
    moved = np.moveaxis(values, axis, -1)
    return _medians(moved, least_share=0.0)


def _medians(windows: NDArray[Any], least_share: float = _LEAST_SHARE) -> NDArray[Any]:
    width = windows.shape[-1]
    ordered = np.sort(windows, axis=-1)  # NaN last
    count = np.count_nonzero(~np.isnan(windows), axis=-1)
    low = np.maximum((count - 1) // 2, 0)[..., None]
    high = np.minimum(count // 2, width - 1)[..., None]
    middle = (np.take_along_axis(ordered, low, -1) + np.take_along_axis(ordered, high, -1))[..., 0] / 2
    return np.where(count >= max(least_share * width, 1), middle, np.nan).astype(windows.dtype, copy=False)
