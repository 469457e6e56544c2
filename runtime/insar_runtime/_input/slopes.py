"""Least-squares rates of displacement series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import DAYS_PER_YEAR


def slopes(sample: NDArray[np.floating], days: NDArray[np.floating], *, least_epochs: int) -> NDArray[np.float64]:
    """Least-squares slope of each row over its valid epochs.

    Parameters
    ----------
    sample : ndarray of float, shape (N, T)
        NaN = missing.
    days : ndarray of float, shape (T,)
        Since any date.
    least_epochs : int
        Valid epochs that a row needs.

    Returns
    -------
    ndarray of float64, shape (N,)
        Change in a year of 365.25 days; NaN with too few epochs.
    """
    sample, years = sample.astype(np.float64), days.astype(np.float64) / DAYS_PER_YEAR
    valid = ~np.isnan(sample)
    count = valid.sum(axis=1)
    safe = np.maximum(count, 1)
    values = np.where(valid, sample, 0.0)
    x_mean = valid @ years / safe
    x = np.where(valid, years - x_mean[:, None], 0.0)
    spread = (x * x).sum(axis=1)
    enough = (count >= least_epochs) & (spread > 0)
    slope: NDArray[np.float64] = np.where(enough, (x * values).sum(axis=1) / np.where(enough, spread, 1.0), np.nan)
    return slope
