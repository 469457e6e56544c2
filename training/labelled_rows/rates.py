"""Least-squares rate, fitted together with an annual cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import DAYS_PER_YEAR


def least_squares_rates(displacement: NDArray[np.float32], days: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the rate of each row: the slope of constant, line and annual sine and cosine fitted together.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.

    Returns
    -------
    ndarray of float64, shape [N]
        mm/yr. Each row is fitted separately. A row with fewer than four epochs gets the minimum-norm solution.
    """
    years = days.astype(np.float64) / DAYS_PER_YEAR
    angle = 2 * np.pi * years
    design = np.stack([np.ones_like(years), years, np.sin(angle), np.cos(angle)], axis=1)
    rate = np.empty(len(displacement))
    for row, values in enumerate(displacement.astype(np.float64)):
        there = np.isfinite(values)
        rate[row] = np.linalg.lstsq(design[there], values[there], rcond=None)[0][1]
    return rate
