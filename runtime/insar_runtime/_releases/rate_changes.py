"""Changes of rate between two releases, with standard deviations that know of the epochs that both share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._releases.release import Dates, Floats
from insar_runtime.definitions import DAYS_PER_YEAR, MAD_TO_STD

LEAST_POINTS: Final = 50
"""Points from which a median change is that of the release, and not that of the points."""
_BIN_POINTS: Final = 200
_MOST_BINS: Final = 20
"""Groups of equally noisy points, whose changes show how much rates vary between these releases."""
_UNKNOWNS: Final = 4
"""Of a line beside an annual sine."""
"""Standard deviation of normal noise over its median absolute deviation."""


@dataclass(frozen=True, slots=True, eq=False)
class RateChanges:
    """Changes of rate of the P points of both releases.

    Attributes
    ----------
    change : ndarray of float32, shape [P]
        Rate after minus rate before, less the offset where that is subtracted, mm/yr; NaN if a rate is missing.
    std : ndarray of float32, shape [P]
        Standard deviation of the change, mm/yr; NaN if it is not known.
    probability : ndarray of float32, shape [P]
        1 minus the probability of a change that large or larger without any change of motion.
    offset : float or None
        Median change, mm/yr; None if there are too few points to say.
    correlation : float or None
        Correlation of the errors of both rates that the shared epochs imply; None if the dates are not known.
    """

    change: Floats
    std: Floats
    probability: Floats
    offset: float | None
    correlation: float | None


def rate_changes(
    before: Floats,
    after: Floats,
    before_std: Floats,
    after_std: Floats,
    *,
    correlation: float | None,
    keep_offset: bool = False,
) -> RateChanges:
    """Return how much rates have changed, and how sure that is.

    The variance of a change is s1^2 + s2^2 - 2 r s1 s2, with the correlation r of both errors that white noise in the
    shared epochs implies (``shared_correlation``). Real noise is not white, and releases differ in processing and
    reference; so what equally noisy points of these two releases show is taken where it is more: 1.4826 times the
    median absolute change of the points in twenty groups by noise, interpolated. Most points do not change. With fewer
    than ``LEAST_POINTS`` points, r is 0.

    Parameters
    ----------
    before, after : ndarray of float32, shape [P]
        mm/yr; NaN = missing.
    before_std, after_std : ndarray of float32, shape [P]
        Standard deviations for white noise, mm/yr; NaN = not known.
    correlation : float or None
        See ``shared_correlation``.
    keep_offset : bool
        Whether the median change, which another reference of the release causes, is part of the changes.

    Returns
    -------
    RateChanges
    """
    change = after.astype(np.float64) - before
    known = np.isfinite(change)
    enough = int(np.count_nonzero(known)) >= LEAST_POINTS
    offset = float(np.median(change[known])) if enough else None
    about_offset = change - (offset or 0.0)
    first, second = before_std.astype(np.float64), after_std.astype(np.float64)
    noise = np.hypot(first, second)
    if enough:
        std = np.fmax(_theory(first, second, correlation), _observed(np.abs(about_offset), noise, known))
    else:
        std = noise
    std[~known] = np.nan
    shown = change if keep_offset else about_offset
    return RateChanges(
        shown.astype(np.float32), std.astype(np.float32), _probability(about_offset, std), offset, correlation
    )


def shared_correlation(old: Dates, new: Dates) -> float | None:
    """Return the correlation of the errors of two rates in white noise, from the epochs of both.

    A rate is a sum of the values with weights w, those of the line in the least-squares fit of a line and an annual
    sine; the errors share those of the common epochs: r = sum(w1 w2 over common epochs) / (|w1| |w2|). For a release
    that adds epochs to another one this is the ratio of both standard deviations, so the variance of the change is the
    difference of both variances (Hausman, Econometrica 46, 1251, 1978).

    Parameters
    ----------
    old, new : ndarray of datetime64[D], shapes [T1] and [T2]
        Increasing.

    Returns
    -------
    float or None
        Between -1 and 1; 0 without a common epoch. None if one has too few epochs for a rate.
    """
    if min(len(old), len(new)) <= _UNKNOWNS:
        return None
    origin = min(old[0], new[0])
    first, second = _weights((old - origin).astype(np.float64)), _weights((new - origin).astype(np.float64))
    _, i, j = np.intersect1d(old, new, return_indices=True)
    if np.array_equal(old, new):
        return 1.0
    return float(first[i] @ second[j] / np.sqrt((first @ first) * (second @ second)))


def _weights(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of the values in the rate of a line beside an annual sine [T]."""
    years = (days - days.mean()) / DAYS_PER_YEAR
    phase = 2 * np.pi * days / DAYS_PER_YEAR
    design = np.stack([years, np.ones_like(years), np.sin(phase), np.cos(phase)], axis=1)
    weights: NDArray[np.float64] = np.linalg.pinv(design)[0]
    return weights


def _theory(before: NDArray[np.float64], after: NDArray[np.float64], correlation: float | None) -> NDArray[np.float64]:
    if correlation is None:
        return np.full(len(before), np.nan)
    variance = before**2 + after**2 - 2 * correlation * before * after
    std: NDArray[np.float64] = np.sqrt(np.maximum(variance, 0))
    return std


def _observed(size: NDArray[np.float64], noise: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the spread of the changes of equally noisy points [P], from the sizes of changes and the noise."""
    grouped = known & np.isfinite(noise)
    order = np.flatnonzero(grouped)[np.argsort(noise[grouped], kind="stable")]
    bins = min(_MOST_BINS, len(order) // _BIN_POINTS)
    if bins < 2:
        return np.full(len(size), MAD_TO_STD * float(np.median(size[known])))
    groups = np.array_split(order, bins)
    middles = [float(np.median(noise[rows])) for rows in groups]
    spreads = [MAD_TO_STD * float(np.median(size[rows])) for rows in groups]
    everywhere = MAD_TO_STD * float(np.median(size[known]))
    return np.where(np.isfinite(noise), np.interp(noise, middles, spreads), everywhere)


def _probability(change: NDArray[np.float64], std: NDArray[np.float64]) -> Floats:
    """Return 1 minus the two-sided p-value of changes with normal errors [P]; NaN without a standard deviation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.where(change == 0, 0.0, np.abs(change) / std)
    deviation[np.isnan(std) | np.isnan(change)] = np.nan
    # numpy has no error function.
    values: Any = [math.erf(one) for one in (deviation / math.sqrt(2)).tolist()]
    return np.array(values, dtype=np.float32)
