"""Signals that resemble a jump or a trend (outliers, small steps, excursions), added to series of every class."""

from __future__ import annotations

import numpy as np

from training.simulator.config import NuisanceConfig
from training.simulator.draws import Floats, chosen, log_uniform, sign, uniform
from training.simulator.noise import change_of_sampling


def draw_nuisances(rng: np.random.Generator, days: Floats, noise_sigma: Floats, config: NuisanceConfig) -> Floats:
    """Draw bad epochs, outliers, small steps, excursions, ramps and joins of two releases for the points of one file.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    noise_sigma : ndarray of float32, shape [N]
        RMS of the noise of each row in mm.
    config : NuisanceConfig
        Settings.

    Returns
    -------
    ndarray of float32, shape [N, T]
        mm.
    """
    count, epochs = len(noise_sigma), len(days)
    index = np.arange(epochs)[None, :]
    out = np.zeros((count, epochs), dtype=np.float32)

    for epoch in chosen(rng, config.common_bad_epoch_probability, epochs):
        out[:, epoch] += rng.normal(0, config.bad_epoch_sigma_mm) * uniform(rng, (0.5, 1.5), count)
    hits = rng.poisson(config.bad_epoch_probability * count * epochs)
    where = rng.integers(0, count, hits), rng.integers(0, epochs, hits)
    out[where] += rng.normal(0, config.bad_epoch_sigma_mm, hits).astype(np.float32)

    # Drawn twice, so that some rows have two outliers.
    for _ in range(2):
        rows = chosen(rng, config.outlier_probability, count)
        place = rng.integers(0, epochs, len(rows))[:, None]
        width = rng.integers(1, 3, len(rows))[:, None]
        size = (uniform(rng, config.outlier_mm, len(rows)) * sign(rng, len(rows)))[:, None]
        out[rows] += size * ((index >= place) & (index < place + width))
        rows = chosen(rng, config.ragged_probability, count)
        out[rows] += _ragged(rng, epochs, noise_sigma[rows], config)

    rows = chosen(rng, config.step_probability, count)
    begin = rng.integers(1, epochs, len(rows))[:, None]
    lasting = rng.random(len(rows))[:, None] < 0.5
    stop = np.where(lasting, epochs, begin + log_uniform(rng, 3, 41, len(rows))[:, None])
    size = (uniform(rng, config.step_mm, len(rows)) * sign(rng, len(rows)))[:, None]
    out[rows] += size * ((index >= begin) & (index < stop))

    rows = chosen(rng, config.excursion_probability, count)
    out[rows] += _excursions(rng, epochs, len(rows), config)

    rows = chosen(rng, config.ramp_probability, count)
    middle = uniform(rng, (0, 1), len(rows))[:, None] * days[-1]
    half = uniform(rng, config.ramp_days, len(rows))[:, None]
    size = (uniform(rng, config.ramp_mm, len(rows)) * sign(rng, len(rows)))[:, None]
    # A raised cosine has no corner that would resemble a break.
    phase = np.clip(np.abs(days[None, :] - middle) / half, 0, 1)
    out[rows] += size * (0.5 + 0.5 * np.cos(np.pi * phase))

    if rng.random() < config.join_probability:
        where_it_joins = rng.uniform(0.1, 0.9) * days[-1] if rng.random() < 0.5 else change_of_sampling(days)
        limit = config.join_limit_mm
        size = rng.normal(0, rng.uniform(*config.join_sigma_mm), count)
        out += np.clip(size, -limit, limit).astype(np.float32)[:, None] * (days >= where_it_joins)
    return out


def _ragged(rng: np.random.Generator, epochs: int, noise_sigma: Floats, config: NuisanceConfig) -> Floats:
    """Draw two to four successive outliers of different sizes; only two if more would be a jump."""
    count = len(noise_sigma)
    index = np.arange(epochs)[None, :]
    begin = rng.integers(0, epochs, count)[:, None]
    width = rng.integers(2, 5, count)[:, None]
    size = (uniform(rng, config.ragged_mm, count) * sign(rng, count))[:, None]
    share = uniform(rng, config.ragged_share, (count, epochs))
    off = size * share * ((index >= begin) & (index < begin + width))
    jumps = np.sqrt(np.sum(off * off, axis=1)) >= config.ragged_over_noise * noise_sigma
    return np.asarray(np.where(jumps[:, None] & (index >= begin + 2), 0, off), dtype=np.float32)


def _excursions(rng: np.random.Generator, epochs: int, count: int, config: NuisanceConfig) -> Floats:
    """Draw excursions that rise and fall gradually; some last beyond the end."""
    index = np.arange(epochs, dtype=np.float32)[None, :]
    rise, fall = uniform(rng, config.excursion_edge_epochs, (2, count, 1))
    top = log_uniform(rng, *config.excursion_top_epochs, (count, 1))
    begin = uniform(rng, (-0.05, 1.0), (count, 1)) * epochs
    up = np.clip((index - begin) / rise, 0, 1)
    down = np.clip((begin + rise + top + fall - index) / fall, 0, 1)
    size = (uniform(rng, config.excursion_mm, count) * sign(rng, count))[:, None]
    return np.asarray(size * (0.5 - 0.5 * np.cos(np.pi * np.minimum(up, down))), dtype=np.float32)
