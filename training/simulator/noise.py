"""Noise and annual cycle of points without motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import AnnualConfig, NoiseConfig
from training.simulator.draws import Floats, chosen, log_uniform, uniform


@dataclass(frozen=True)
class Noise:
    """Noise and its components.

    Attributes
    ----------
    values : ndarray of float32, shape [N, T]
        mm.
    white_mm, short_mm, slow_mm : ndarray of float32, shape [N]
        RMS of the white part and of the two Ornstein-Uhlenbeck parts, without changes of scatter in time and without
        common epoch errors.
    short_days, slow_days : ndarray of float32, shape [N]
        Time constants of the Ornstein-Uhlenbeck parts.
    """

    values: Floats
    white_mm: Floats
    short_mm: Floats
    short_days: Floats
    slow_mm: Floats
    slow_days: Floats


def draw_noise(rng: np.random.Generator, days: Floats, count: int, config: NoiseConfig) -> Noise:
    """Draw noise with a white, a short and a slow part for the points of one file.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    count : int
        Number of points N.
    config : NoiseConfig
        Settings.

    Returns
    -------
    Noise
        Noise of N points at T epochs.
    """
    file_median = config.sigma_median_mm * np.exp(config.sigma_file_log_spread * rng.standard_normal())
    sigma = file_median * np.exp(config.sigma_log_spread * rng.standard_normal(count))
    sigma = np.clip(sigma, *config.sigma_limits_mm).astype(np.float32)
    slow = _share_of_file(rng, config.slow_share, count)
    short = _share_of_file(rng, config.short_share, count) * (1 - slow)
    white = 1 - slow - short

    shape = (count, len(days))
    white_mm, short_mm, slow_mm = (np.sqrt(share) * sigma for share in (white, short, slow))
    short_days = uniform(rng, config.short_days, count)
    slow_days = log_uniform(rng, *config.slow_days, count)
    if config.student_degrees is None:
        values = rng.standard_normal(shape, dtype=np.float32)
    else:
        values = student(rng, config.student_degrees, shape)
    values *= white_mm[:, None]
    values += ornstein_uhlenbeck(rng, days, short_days) * short_mm[:, None]
    unit = np.maximum(np.sqrt(white_mm**2 + short_mm**2), np.float32(1e-6))[:, None]
    # The scatter does not exceed that of a uniformly distributed phase.
    values *= np.minimum(_growth(rng, days, count, config), np.maximum(config.random_phase_mm / unit, 1))
    if rng.random() < config.folded_probability:
        values -= 2 * config.fold_mm * np.rint(values / (2 * config.fold_mm))
    _filter(rng, values, config)
    values += _wander(rng, days, slow_days, config) * slow_mm[:, None]
    # Epoch errors that all points share, with a slightly different factor for each point.
    common = rng.standard_normal(len(days), dtype=np.float32) * rng.uniform(*config.common_sigma_mm)
    values += common * uniform(rng, (0.5, 1.5), count)[:, None]
    if rng.random() < config.common_wander_probability:
        pace = log_uniform(rng, *config.common_wander_days, 1)
        wander = ornstein_uhlenbeck(rng, days, pace) * rng.uniform(*config.common_wander_mm)
        values += wander.astype(np.float32) * uniform(rng, (0.6, 1.4), (count, 1))
    return Noise(values, white_mm, short_mm, short_days, slow_mm, slow_days)


def _share_of_file(rng: np.random.Generator, bounds: tuple[float, float], count: int) -> Floats:
    """Draw shares of rows below a bound that is drawn for each file."""
    low, high = bounds
    return uniform(rng, (low, low + (high - low) * rng.random()), count)


def _filter(rng: np.random.Generator, values: Floats, config: NoiseConfig) -> None:
    """Smooth the rows [N, T] of some files; in some, interpolate every second epoch from a date on. In place."""
    if rng.random() < config.smoothed_probability:
        values[:, 1:-1] = (values[:, :-2] + 2 * values[:, 1:-1] + values[:, 2:]) / 4
    if rng.random() < config.resampled_probability:
        filled = np.arange(rng.integers(1, values.shape[1] - 1), values.shape[1] - 1, 2)
        values[:, filled] = (values[:, filled - 1] + values[:, filled + 1]) / 2


def _wander(rng: np.random.Generator, days: Floats, slow_days: Floats, config: NoiseConfig) -> Floats:
    """Draw slow noise of unit variance with one or two time constants, [N, T]."""
    values = ornstein_uhlenbeck(rng, days, slow_days)
    if rng.random() < config.second_slow_probability:
        share = uniform(rng, config.second_slow_share, len(values))[:, None]
        slower = ornstein_uhlenbeck(rng, days, log_uniform(rng, *config.second_slow_days, len(values)))
        values *= np.sqrt(1 - share)
        values += np.sqrt(share) * slower
    return values


def student(rng: np.random.Generator, degrees: int, shape: tuple[int, int]) -> Floats:
    """Draw Student-t numbers of unit variance.

    With an even number of degrees of freedom, a chi-square variable is -2 times the logarithm of a product of uniform
    numbers, which is much faster than gamma random numbers.
    """
    product = rng.random(shape, dtype=np.float32)
    for _ in range(degrees // 2 - 1):
        product *= rng.random(shape, dtype=np.float32)
    chi_square = -2 * np.log(np.maximum(product, np.float32(1e-30)))
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= np.sqrt((degrees - 2) / np.maximum(chi_square, np.float32(1e-6)))
    return values


def ornstein_uhlenbeck(rng: np.random.Generator, days: Floats, time_constant: Floats) -> Floats:
    """Draw a stationary process of unit variance with correlation exp(-dt / time constant), exact at uneven dates.

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
    # Epochs are the first axis, so that each step of the recursion reads contiguous memory.
    values = rng.standard_normal((len(days), len(time_constant)), dtype=np.float32)
    steps = np.diff(days)
    lengths, kind = np.unique(steps, return_inverse=True)
    # A calendar has few different intervals: one exponential per interval instead of one per step.
    decay = np.exp(-lengths[:, None] / time_constant[None, :]).astype(np.float32)
    fresh = np.sqrt(1 - decay * decay)
    for epoch, interval in enumerate(kind, start=1):
        values[epoch] *= fresh[interval]
        values[epoch] += decay[interval] * values[epoch - 1]
    return np.ascontiguousarray(values.T)


def draw_annual(rng: np.random.Generator, days: Floats, count: int, config: AnnualConfig) -> Floats:
    """Draw annual cycles whose amplitude changes from year to year, with a semi-annual part.

    Returns
    -------
    ndarray of float32, shape [N, T]
        mm.
    """
    scale = config.amplitude_mm * np.exp(config.amplitude_log_spread * rng.standard_normal())
    amplitude = np.abs(rng.normal(0, scale, count)).astype(np.float32)
    strong = chosen(rng, config.strong_probability, count)
    amplitude[strong] = log_uniform(rng, *config.strong_amplitude_mm, len(strong))

    year = days / np.float32(DAYS_PER_YEAR)
    years = np.arange(int(year[-1]) + 2, dtype=np.float32)
    # Coefficients are interpolated linearly between the beginnings of successive years.
    hats = np.maximum(1 - np.abs(year[None, :] - years[:, None]), 0)
    cycle = np.zeros((count, len(days)), dtype=np.float32)
    for harmonic, share in ((1, np.ones(count)), (2, uniform(rng, config.half_year_share, count))):
        phase = uniform(rng, (0, 2 * np.pi), count)
        angle = 2 * np.pi * harmonic * year
        for wave, part in ((np.sin(angle), np.cos(phase)), (np.cos(angle), np.sin(phase))):
            of_year = 1 + config.year_to_year * rng.standard_normal((count, len(years)), dtype=np.float32)
            cycle += ((amplitude * share * part)[:, None] * of_year).astype(np.float32) @ (hats * wave)
    return cycle


def _growth(rng: np.random.Generator, days: Floats, count: int, config: NoiseConfig) -> Floats:
    """Draw factors [N, T] on the scatter: by epoch of the file, by value of a row, by season and for some months."""
    epochs = len(days)
    of_epoch = np.exp(config.epoch_log_spread * rng.random() * rng.standard_normal(epochs))
    if rng.random() < config.noisy_epochs_probability:
        share = rng.uniform(*config.noisy_epochs_share)
        season = 1 + rng.random() * np.cos(2 * np.pi * (days / DAYS_PER_YEAR + rng.random()))
        of_epoch[rng.random(epochs) < share * season] *= rng.uniform(*config.noisy_epochs_factor)
    factor = np.tile(of_epoch.astype(np.float32), (count, 1))

    rows = chosen(rng, config.noisy_values_probability, count)
    hits = rng.poisson(uniform(rng, config.noisy_values_share, len(rows)) * epochs)
    size = uniform(rng, config.noisy_values_factor, len(rows))
    factor[np.repeat(rows, hits), rng.integers(0, epochs, hits.sum())] *= np.repeat(size, hits)

    rows = chosen(rng, config.uneven_probability, count)
    kind, when = rng.integers(0, 4, len(rows)), uniform(rng, (0.15, 0.85), len(rows)) * days[-1]
    factor[rows] *= _uneven(rng, days, kind, when, config)
    if rng.random() < config.uneven_file_probability:
        kind = np.full(count, rng.integers(0, 4))
        when = np.full(count, rng.uniform(0.15, 0.85) * days[-1], dtype=np.float32)
        if rng.random() < 0.5:
            when[:] = change_of_sampling(days)
        factor *= _uneven(rng, days, kind, when, config)
    return factor


def change_of_sampling(days: Floats) -> float:
    """Return the day on which the mean interval between epochs changes most."""
    steps = np.diff(days)
    return float(days[1 + int(np.argmax(np.abs(np.cumsum(steps - steps.mean()))))])


def _uneven(
    rng: np.random.Generator, days: Floats, kind: NDArray[np.int64], when: Floats, config: NoiseConfig
) -> Floats:
    """Draw factors on the scatter of rows: in one season, from a date on, until a date, or for some months."""
    count = len(kind)
    length = uniform(rng, config.burst_days, count)[:, None]
    season = (days[None, :] + uniform(rng, (0, DAYS_PER_YEAR), count)[:, None]) % DAYS_PER_YEAR < DAYS_PER_YEAR / 3
    since = days[None, :] - when[:, None]
    inside: NDArray[np.bool_] = np.select(
        [kind[:, None] == k for k in range(4)],
        [season, since >= 0, since < 0, np.abs(since) < length / 2],
    )
    factor = uniform(rng, config.uneven_factor, count)[:, None]
    return np.where(inside, factor, np.float32(1))
