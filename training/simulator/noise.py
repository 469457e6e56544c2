"""Scatter and yearly cycle: what a point shows that does not move."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.simulator.config import AnnualConfig, NoiseConfig
from training.simulator.draws import Floats, chosen, log_uniform, uniform

_YEAR: Final = 365.25


def draw_noise(rng: np.random.Generator, days: Floats, count: int, config: NoiseConfig) -> Floats:
    """Draw white, short and slow scatter for the points of one file.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    count : int
        Number of points N.
    config : NoiseConfig
        Its numbers.

    Returns
    -------
    ndarray of float32, shape [N, T]
        mm.
    """
    sigma = np.exp(rng.normal(np.log(config.sigma_median_mm), config.sigma_log_spread, count))
    sigma = np.clip(sigma, *config.sigma_limits_mm).astype(np.float32)
    slow = uniform(rng, config.slow_share, count)
    short = uniform(rng, config.short_share, count) * (1 - slow)
    white = 1 - slow - short

    shape = (count, len(days))
    noise = student(rng, config.student_degrees, shape) * np.sqrt(white)[:, None]
    noise += ornstein_uhlenbeck(rng, days, uniform(rng, config.short_days, count)) * np.sqrt(short)[:, None]
    slow_days = log_uniform(rng, *config.slow_days, count)
    noise += ornstein_uhlenbeck(rng, days, slow_days) * np.sqrt(slow)[:, None]
    rows = chosen(rng, config.uneven_probability, count)
    noise[rows] *= _uneven(rng, days, len(rows), config)
    noise *= sigma[:, None]
    # Epoch errors that the whole area shares, a little stronger here and there.
    common = rng.standard_normal(len(days), dtype=np.float32) * rng.uniform(*config.common_sigma_mm)
    noise += common * uniform(rng, (0.5, 1.5), count)[:, None]
    return noise


def student(rng: np.random.Generator, degrees: int, shape: tuple[int, int]) -> Floats:
    """Draw Student-t values scaled to unit variance.

    Half an even number of degrees is a number of exponential draws, whose product of uniforms is much
    quicker than a gamma draw a value.
    """
    product = rng.random(shape, dtype=np.float32)
    for _ in range(degrees // 2 - 1):
        product *= rng.random(shape, dtype=np.float32)
    chi_square = -2 * np.log(np.maximum(product, np.float32(1e-30)))
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= np.sqrt((degrees - 2) / np.maximum(chi_square, np.float32(1e-6)))
    return values


def ornstein_uhlenbeck(rng: np.random.Generator, days: Floats, time_constant: Floats) -> Floats:
    """Draw stationary noise of unit variance with correlation exp(-dt / time constant), exact on uneven dates.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    time_constant : ndarray of float32, shape [N]
        Days.

    Returns
    -------
    ndarray of float32, shape [N, T]
    """
    # Epochs first, so that each step of the recursion walks through memory in order.
    values = rng.standard_normal((len(days), len(time_constant)), dtype=np.float32)
    steps = np.diff(days)
    lengths, kind = np.unique(steps, return_inverse=True)
    # Calendars know few intervals: one exponential for each of them, not one for each step.
    decay = np.exp(-lengths[:, None] / time_constant[None, :]).astype(np.float32)
    fresh = np.sqrt(1 - decay * decay)
    for epoch, interval in enumerate(kind, start=1):
        values[epoch] *= fresh[interval]
        values[epoch] += decay[interval] * values[epoch - 1]
    return np.ascontiguousarray(values.T)


def draw_annual(rng: np.random.Generator, days: Floats, count: int, config: AnnualConfig) -> Floats:
    """Draw yearly cycles whose amplitude changes from year to year, with some half-yearly part.

    Returns
    -------
    ndarray of float32, shape [N, T]
        mm.
    """
    amplitude = np.abs(rng.normal(0, config.amplitude_mm, count)).astype(np.float32)
    strong = chosen(rng, config.strong_probability, count)
    amplitude[strong] = uniform(rng, config.strong_amplitude_mm, len(strong))

    year = days / np.float32(_YEAR)
    years = int(year[-1]) + 2
    factors = 1 + rng.normal(0, config.year_to_year, (count, years)).astype(np.float32)
    whole = year.astype(np.int64)
    part = year - whole
    factor = factors[:, whole] * (1 - part) + factors[:, whole + 1] * part

    # Sines of sums by sines and cosines of the dates alone: two products a value instead of a sine.
    angle = 2 * np.pi * year
    phase = uniform(rng, (0, 2 * np.pi), (2, count))
    cycle = np.cos(phase[0])[:, None] * np.sin(angle) + np.sin(phase[0])[:, None] * np.cos(angle)
    half = np.cos(phase[1])[:, None] * np.sin(2 * angle) + np.sin(phase[1])[:, None] * np.cos(2 * angle)
    cycle += uniform(rng, config.half_year_share, count)[:, None] * half
    return np.asarray(cycle * factor * amplitude[:, None], dtype=np.float32)


def _uneven(rng: np.random.Generator, days: Floats, count: int, config: NoiseConfig) -> Floats:
    """Draw factors by which the scatter of some rows grows: in summer, from or until a date, for some months."""
    kind = rng.integers(0, 4, count)
    when = uniform(rng, (0.15, 0.85), count)[:, None] * days[-1]
    length = uniform(rng, config.burst_days, count)[:, None]
    season = (days[None, :] + uniform(rng, (0, _YEAR), count)[:, None]) % _YEAR < _YEAR / 3
    inside: NDArray[np.bool_] = np.select(
        [kind[:, None] == k for k in range(4)],
        [season, days >= when, days < when, np.abs(days - when) < length / 2],
    )
    factor = uniform(rng, config.uneven_factor, count)[:, None]
    return np.where(inside, factor, np.float32(1))
