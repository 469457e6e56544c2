"""Least-squares rate of a series and its standard deviation, which define the limit between Stable and Linear."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import MotionConfig
from training.simulator.draws import Floats, log_uniform, uniform

_CLUSTER_DAYS: Final = 90.0
"""Length of a cluster of residuals: slow noise makes residuals within so many days dependent."""
_LEAST_CLUSTERS: Final = 6
_LEAST_YEARS: Final = 1.0
"""Shortest span with an annual cycle in the fit: over less than a year, part of a cycle resembles a line."""


def rates_and_deviations(displacement: Floats, days: Floats) -> tuple[Floats, Floats]:
    """Return the least-squares rate of each series, fitted with an annual cycle, and its standard deviation.

    The standard deviation is cluster-robust for clusters in time (Liang and Zeger 1986), with the usual correction for
    the number of clusters.

    Parameters
    ----------
    displacement : ndarray of float32, shape [N, T]
        mm, no missing values.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.

    Returns
    -------
    rate, deviation : ndarray of float32, shape [N]
        mm/yr.
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
    """Return rates to add, so that the rate of Stable and Linear series with noise is in the range of the class.

    The noise contributes to the rate. A Stable series whose rate exceeds both limits of Linear, and a Linear series
    whose rate does not, get another rate.

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
        Settings, with the limit between the classes.

    Returns
    -------
    ndarray of float32, shape [N]
        Rates to add, mm/yr; 0 for nearly all series.
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
