"""The rate that divides Stable from Linear, if it is not that of the training."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.hac import RateEstimator, rates_without_std
from insar_runtime.classes import TrendClass
from insar_runtime.errors import UsageError

Floats = NDArray[np.float64]

_LEAST_STDS: Final = 2.0
"""A rate below so many of its standard deviations is not significant, however low the limit. Without this, noise would
be Linear wherever the standard deviation is as large as ``stable_rate``; with 3, rows that readers call Linear would be
Stable."""

_NEAR: Final = (0.75, 1.25)
"""Rates near the limit, as multiples of it: between them a series may be Stable or Linear."""

_SMALLEST: Final = 1e-12
"""mm/yr; stands for a standard deviation of 0."""


def checked_stable_rate(rate: float) -> float:
    """Return a rate that can divide Stable from Linear.

    Raises
    ------
    UsageError
        If it is not a finite number above 0.
    """
    try:
        value = float(rate)
    except (TypeError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"stable_rate is {rate!r}; give a rate above 0 in mm a year, such as 2")
    return value


class RateSplit:
    """Divides the share of Stable and Linear together by the rates of the series, on one time axis.

    Several threads may use it at a time. A row's bits depend on this row and the axis alone.

    Parameters
    ----------
    days : ndarray of float32, shape [T]
        Days since any date, strictly increasing.
    stable_rate : float
        mm/yr. Below it a series is Stable, from it on Linear.
    """

    def __init__(self, days: NDArray[np.float32], stable_rate: float) -> None:
        self._rates = RateEstimator(days)
        self._stable_rate = stable_rate

    def split(self, probabilities: NDArray[np.float32], displacement: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities whose Stable and Linear are divided anew; their sum and the other classes stay.

        Parameters
        ----------
        probabilities : ndarray of float32, shape [N, C]
            As the network gives them; C is the number of its classes.
        displacement : ndarray of float32, shape [N, T]
            mm, finite; NaN = missing.

        Returns
        -------
        ndarray of float32, shape [N, C]
        """
        linear = probability_of_linear(*self._rates.estimate(displacement), self._stable_rate)
        pair = [TrendClass.STABLE, TrendClass.LINEAR]
        together = probabilities[:, pair].astype(np.float64).sum(axis=1)
        divided = probabilities.copy()
        divided[:, pair] = np.stack([together * (1 - linear), together * linear], axis=1)
        return divided


def probability_of_linear(rate: Floats, std: Floats, stable_rate: float) -> Floats:
    """Return the probability that rates are large enough for Linear.

    That is P(abs(rate) >= limit) under a normal distribution about each estimate. The limit is ``stable_rate``, or
    twice the standard deviation if that is larger.

    Parameters
    ----------
    rate, std : ndarray of float64, shape [N]
        mm/yr.
    stable_rate : float
        mm/yr.

    Returns
    -------
    ndarray of float64, shape [N]
    """
    limit = np.maximum(stable_rate, _LEAST_STDS * std)
    width = math.sqrt(2) * np.maximum(std, _SMALLEST)
    above, below = ((limit - rate) / width).tolist(), ((limit + rate) / width).tolist()
    # numpy has no error function.
    return np.array([(math.erfc(a) + math.erfc(b)) / 2 for a, b in zip(above, below, strict=True)], dtype=np.float64)


def contradicts_rate(
    probabilities: NDArray[np.float32],
    displacement: NDArray[np.float32],
    days: NDArray[np.float32],
    *,
    answered: NDArray[np.bool_],
    stable_rate: float,
    abstain_below: float,
) -> NDArray[np.bool_]:
    """Return which rows get a class only because Stable and Linear count together, although their rate is not near it.

    A row's bits depend on this row and the axis alone.

    Parameters
    ----------
    probabilities : ndarray of float32, shape [N, C]
        Of the rows with an answer; C is the number of classes of the model.
    displacement : ndarray of float32, shape [M, T]
        mm, of all rows; NaN = missing. Rows with an answer are finite elsewhere.
    days : ndarray of float32, shape [T]
        Days since any date, strictly increasing.
    answered : ndarray of bool, shape [M]
        Which N of the M rows have an answer.
    stable_rate : float
        Limit between Stable and Linear in mm/yr. Linear below 0.75 times it, and Stable above 1.25 times it, are
        contradictions.
    abstain_below : float
        Probability from which a class is certain enough by itself.

    Returns
    -------
    ndarray of bool, shape [N]
    """
    found = np.zeros(len(probabilities), dtype=np.bool_)
    top = probabilities.argmax(axis=1)
    highest = np.take_along_axis(probabilities, top[:, None], axis=1)[:, 0]
    rows = np.flatnonzero((top <= TrendClass.LINEAR) & (highest < abstain_below))
    if len(rows):
        # Few rows are copied out of the matrix, which may be large.
        series = displacement[np.flatnonzero(answered)[rows]]
        size = np.abs(rates_without_std(series, days)) / stable_rate
        least, most = _NEAR
        found[rows] = np.where(top[rows] == TrendClass.LINEAR, size < least, size > most)
    return found
