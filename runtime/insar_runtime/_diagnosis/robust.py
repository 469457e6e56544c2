"""Robust statistics of series with missing values: medians, running medians, scatter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import MAD_TO_STD

_LEAST_SHARE: Final = 0.6
"""Least share of the values of a window; with fewer, its median is missing."""
_BLOCK_VALUES: Final = 1 << 13
"""Windows whose values are sorted at a time: all of them then lie in the cache of a core."""


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
    count = series.shape[1] - width + 1
    return _medians_across([series[:, begin : begin + count] for begin in range(width)], _LEAST_SHARE)


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
    epochs = series.shape[1]
    others = [padded[:, begin : begin + epochs] for begin in range(2 * reach + 1) if begin != reach]
    # Half of the neighbours do not exist at the ends, so half are enough everywhere.
    departed: NDArray[np.float32] = series - _medians_across(others, least_share=0.5)
    return departed


def robust_scatter(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return 1.4826 times the median absolute value: the standard deviation of normal noise, robust to outliers."""
    return MAD_TO_STD * nanmedian(np.abs(values), axis)


def nanmedian(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return medians of the values that are not missing; NaN, without a warning, if all are missing."""
    moved = np.moveaxis(values, axis, -1)
    return _medians(moved, least_share=0.0)


def _medians_across(values: Sequence[NDArray[np.float32]], least_share: float) -> NDArray[np.float32]:
    """Return the medians across a few arrays of equal shape [N, T], with the bits of ``_medians``.

    The arrays are sorted against each other, place by place, by the comparisons of a sorting network: for windows of
    some ten values that is several times faster than sorting each window by itself.
    """
    width = len(values)
    medians = np.empty_like(values[0])
    rows = max(_BLOCK_VALUES // max(medians.shape[1], 1), 1)
    for begin in range(0, len(medians), rows):
        block = [part[begin : begin + rows] for part in values]
        missing = [np.isnan(part) for part in block]
        # Last, as NaN in a sorted array.
        block = [np.where(lack, np.float32(np.inf), part) for lack, part in zip(missing, block, strict=True)]
        for low, high in _comparisons(width):
            block[low], block[high] = np.minimum(block[low], block[high]), np.maximum(block[low], block[high])
        with np.errstate(invalid="ignore"):  # where a value is infinite
            middle = (block[(width - 1) // 2] + block[width // 2]) / 2
            if any(lack.any() for lack in missing):
                count = width - np.sum(missing, axis=0)
                for number in range(1, width):
                    if (here := count == number).any():
                        np.copyto(middle, (block[(number - 1) // 2] + block[number // 2]) / 2, where=here)
                middle[count < max(least_share * width, 1)] = np.nan
        medians[begin : begin + rows] = middle
    return medians


@cache
def _comparisons(count: int) -> tuple[tuple[int, int], ...]:
    """Return the comparisons of a network that sorts ``count`` values: Batcher's odd-even merge sort.

    Source: K. E. Batcher, Sorting networks and their applications, AFIPS Spring Joint Computer Conference, 1968.
    """
    return tuple(
        (first, first + apart)
        for size in (1 << power for power in range(max(count - 1, 0).bit_length()))
        for apart in (size >> power for power in range(size.bit_length()))
        for begin in range(apart % size, count - apart, 2 * apart)
        for first in range(begin, min(begin + apart, count - apart))
        if first // (2 * size) == (first + apart) // (2 * size)
    )


def _medians(windows: NDArray[Any], least_share: float = _LEAST_SHARE) -> NDArray[Any]:
    width = windows.shape[-1]
    ordered = np.sort(windows, axis=-1)  # NaN last
    count = np.count_nonzero(~np.isnan(windows), axis=-1)
    low = np.maximum((count - 1) // 2, 0)[..., None]
    high = np.minimum(count // 2, width - 1)[..., None]
    middle = (np.take_along_axis(ordered, low, -1) + np.take_along_axis(ordered, high, -1))[..., 0] / 2
    return np.where(count >= max(least_share * width, 1), middle, np.nan).astype(windows.dtype, copy=False)
