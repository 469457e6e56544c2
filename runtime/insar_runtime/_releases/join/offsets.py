"""Offset between the series of a point in two releases, from the epochs that both have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.robust import nanmedian, robust_scatter


class JoinStatus(IntEnum):
    """What became of a point."""

    JOINED = 0
    ONLY_OLD = 1
    ONLY_NEW = 2
    NO_COMMON_EPOCHS = 3
    TOO_FEW_COMMON_EPOCHS = 4
    SERIES_DISAGREE = 5


JOIN_STATUS_NAMES: Final = tuple(status.name.lower() for status in JoinStatus)

_PARTS: Final = 4
"""Parts of the common epochs whose medians are compared: a jump or a drift of one release alone lifts some of them."""
_LEAST_PART: Final = 5
"""Least values of such a part."""
_OF_MEDIAN: Final = float(np.sqrt(np.pi / 2))
"""Standard deviation of a median of many values over that of their mean, for normal noise."""
_CLIPPED: Final = 3.0
_MOST_CORRELATION: Final = 0.95
_LEAST_STD_MM: Final = 0.03
"""That of values rounded to 0.1 mm."""


@dataclass(frozen=True, slots=True)
class JoinLimits:
    """Limits within which the series of a point are joined.

    Attributes
    ----------
    epochs : int
        Least common epochs of a point.
    difference_mm : float
        Greatest departure of the differences from their median: typical (1.4826 times the median absolute deviation),
        and of the median of a quarter of the common epochs. What all points depart by does not count.
    correlation : float
        Least correlation of the changes from epoch to epoch of points that were matched by position: two neighbouring
        scatterers share motion and atmosphere, one scatterer shares its noise.
    """

    epochs: int = 10
    difference_mm: float = 5.0
    correlation: float = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class PointOffsets:
    """Offsets of n points.

    Attributes
    ----------
    mm : ndarray of float64, shape [n]
        Median of new less old; NaN without common epochs.
    std_mm : ndarray of float64, shape [n]
        Its standard deviation.
    scatter_mm : ndarray of float64, shape [n]
        Robust scatter of the differences about it.
    epochs : ndarray of int32, shape [n]
        Number of common epochs.
    status : ndarray of int8, shape [n]
        ``JoinStatus``: joined, or why not.
    """

    mm: NDArray[np.float64]
    std_mm: NDArray[np.float64]
    scatter_mm: NDArray[np.float64]
    epochs: NDArray[np.int32]
    status: NDArray[np.int8]


def measure_offsets(
    old: NDArray[np.floating],
    new: NDArray[np.floating],
    limits: JoinLimits,
    common_mm: NDArray[np.float64] | None = None,
    by_position: NDArray[np.bool_] | None = None,
) -> PointOffsets:
    """Return the offset of each point, and whether its series can be joined by it.

    Parameters
    ----------
    old, new : ndarray of float, shape [n, C]
        Both series of each point at the common epochs, mm; NaN = missing.
    limits : JoinLimits
    common_mm : ndarray of float64, shape [C], optional
        Departure of the differences from their medians that all points share.
    by_position : ndarray of bool, shape [n], optional
        Which points were matched by position.

    Notes
    -----
    The standard deviation of the median is sqrt(pi / 2) times that of a mean of n (1 - r) / (1 + r) independent values,
    where r is the correlation of neighbouring differences (a process of order one: Zwiers and von Storch 1995, Journal
    of Climate 8, 336-351), and at least that of values rounded to 0.1 mm.
    """
    before, after = old.astype(np.float64), new.astype(np.float64)
    with np.errstate(invalid="ignore"):  # where a value is infinite
        differences = after - before
    differences[~np.isfinite(differences)] = np.nan
    count = np.count_nonzero(~np.isnan(differences), axis=1)
    offset = _median(differences)
    left = differences - offset[:, None]
    scatter = _or_nan(robust_scatter, left)
    std = np.maximum(_OF_MEDIAN * scatter / np.sqrt(_independent(left, scatter, count)), _LEAST_STD_MM)
    own = left if common_mm is None else left - common_mm
    own = own - _median(own)[:, None]
    departure = np.fmax(_or_nan(robust_scatter, own), _largest_part(own))
    agree = departure <= limits.difference_mm
    if by_position is not None and by_position.any():
        agree &= ~by_position | (correlation_of_changes(before, after) >= limits.correlation)
    status = np.select(
        [count == 0, count < limits.epochs, ~agree],
        [JoinStatus.NO_COMMON_EPOCHS, JoinStatus.TOO_FEW_COMMON_EPOCHS, JoinStatus.SERIES_DISAGREE],
        JoinStatus.JOINED,
    )
    return PointOffsets(offset, std, scatter, count.astype(np.int32), status.astype(np.int8))


def correlation_of_changes(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlation of the changes from epoch to epoch of two series of each point [n]; 0 without changes.

    Changes beyond three times the usual one are clipped.
    """
    changes = []
    for series in (old, new):
        with np.errstate(invalid="ignore"):
            change = np.diff(series, axis=1)
        change[~np.isfinite(change)] = np.nan
        limit = _CLIPPED * np.maximum(_or_nan(robust_scatter, change), _LEAST_STD_MM)[:, None]
        changes.append(np.clip(change, -limit, limit))
    there = ~np.isnan(changes[0]) & ~np.isnan(changes[1])
    first, second = (np.where(there, change, 0.0) for change in changes)
    size = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
    correlation: NDArray[np.float64] = np.divide(
        (first * second).sum(axis=1), size, out=np.zeros(len(size)), where=size > 0
    )
    return correlation


def _independent(
    left: NDArray[np.float64], scatter: NDArray[np.float64], count: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the number of independent values of each row [n] of residuals [n, C]."""
    limit = _CLIPPED * np.maximum(scatter, _LEAST_STD_MM)[:, None]
    values = np.nan_to_num(np.clip(left, -limit, limit))
    square = (values * values).sum(axis=1)
    # Where one of two neighbours is missing, their product is 0: the correlation is underestimated by that share.
    pairs = np.count_nonzero(~np.isnan(left[:, 1:]) & ~np.isnan(left[:, :-1]), axis=1)
    product = (values[:, 1:] * values[:, :-1]).sum(axis=1)
    known = (square > 0) & (pairs > 0)
    ratio = np.divide(product * count, square * np.maximum(pairs, 1), out=np.zeros(len(left)), where=known)
    correlation = np.clip(ratio, 0.0, _MOST_CORRELATION)
    return np.asarray(np.maximum(count * (1 - correlation) / (1 + correlation), 1.0))


def _largest_part(left: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest median of a part of the common epochs, [n]; 0 where parts have too few values."""
    largest = np.zeros(len(left))
    for part in np.array_split(left, _PARTS, axis=1):
        if part.shape[1]:
            enough = np.count_nonzero(~np.isnan(part), axis=1) >= _LEAST_PART
            largest = np.maximum(largest, np.where(enough, np.abs(_median(part)), 0.0))
    return largest


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return _or_nan(nanmedian, values)


def _or_nan(function: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a statistic of each row; NaN if there are no epochs."""
    return np.asarray(function(values, 1)) if values.shape[1] else np.full(len(values), np.nan)
