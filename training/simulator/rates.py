"""Least-squares rate of a series and its standard deviation, which draw the line between Stable and Linear."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import MotionConfig
from training.simulator.draws import Floats, log_uniform, uniform

_CLUSTER_DAYS: Final = 90.0
"""Residuals within so many days count as one: slow wander makes neighbours alike."""
_LEAST_CLUSTERS: Final = 6
_LEAST_YEARS: Final = 1.0
"""Within less than a year, a part of an annual cycle looks like a line."""


def rates_and_deviations(displacement: Floats, days: Floats) -> tuple[Floats, Floats]:
    """Estimate the rate of each series by least squares beside an annual cycle, and its standard deviation.

    The standard deviation is robust to correlation within clusters of time (Liang and Zeger 1986), with the usual
    correction for their number.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm, no missing values.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.

    Returns
    -------
    rate, deviation : ndarray of float32, shape [N]
        mm a year.
    """
    years = days.astype(np.float64) / DAYS_PER_YEAR
    functions = [np.ones_like(years), years]
    if years[-1] >= _LEAST_YEARS:
        functions += [np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)]
    design = np.stack(functions, axis=1)
    inverse = np.linalg.pinv(design).astype(np.float32)
    coefficients = displacement @ inverse.T
    rest = displacement - coefficients @ design.T.astype(np.float32)
    clusters = max(int(days[-1] / _CLUSTER_DAYS), _LEAST_CLUSTERS)
    begins = np.unique(np.searchsorted(days, np.linspace(0, days[-1], clusters, endpoint=False)))
    sums = np.add.reduceat(rest * inverse[1], begins, axis=1)
    count, unknowns = len(begins), design.shape[1]
    spare = len(days) / max(len(days) - unknowns, 1) * count / max(count - 1, 1)
    return coefficients[:, 1], np.sqrt(spare * np.sum(sums * sums, axis=1))


def settle_rates(
    rng: np.random.Generator, displacement: Floats, days: Floats, label: NDArray[np.int8], config: MotionConfig
) -> Floats:
    """Draw lines that make Stable and Linear series show a rate of their class.

    Noise has a rate of its own. A Stable series whose rate, noise and all, passes both bounds of Linear, and a Linear
    one that does not, get another rate.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    displacement : ndarray of float32, shape [N, T]
        Series in mm, noise included.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    label : ndarray of int8, shape [N]
        Stable or Linear.
    config : MotionConfig
        Where the line between them is.

    Returns
    -------
    ndarray of float32, shape [N]
        Rates to add, mm a year; 0 for nearly all.
    """
    rate, deviation = rates_and_deviations(displacement, days)
    certain = config.linear_rate_stds * deviation
    least = np.maximum(config.linear_rate_mm_yr[0], certain)
    highest = np.maximum(config.stable_rate_mm_yr, certain)
    wrong_stable = (label == TrendClass.STABLE) & (np.abs(rate) >= highest)
    wrong_linear = (label == TrendClass.LINEAR) & (np.abs(rate) < least)
    still = uniform(rng, (-1.0, 1.0), len(rate)) * highest
    moving = np.where(rate < 0, np.float32(-1), np.float32(1)) * log_uniform(rng, least, 2 * least, len(rate))
    wanted = np.where(wrong_stable, still, np.where(wrong_linear, moving, rate))
    return np.asarray(wanted - rate, dtype=np.float32)
