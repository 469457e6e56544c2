"""Motions of class Other, which none of the five other classes describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.config import OtherConfig
from training.simulator.draws import Floats, log_uniform, sign, uniform

Draw = Callable[[np.random.Generator, Floats, Floats, Floats, OtherConfig], Floats]


def draw_others(
    rng: np.random.Generator,
    days: Floats,
    noise_sigma: Floats,
    local_scatter: Floats,
    config: OtherConfig,
    kind: str | None = None,
) -> Floats:
    """Draw motions of class Other for the points of one file.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    noise_sigma : ndarray of float32, shape [N]
        RMS of the noise of each row in mm, with slow noise.
    local_scatter : ndarray of float32, shape [N]
        The same without slow noise.
    config : OtherConfig
        Settings.
    kind : str, optional
        One of ``OTHERS``; by default, kinds are drawn by their shares.

    Returns
    -------
    ndarray of float32, shape [N, T]
        mm.
    """
    count = len(noise_sigma)
    names = list(OTHERS) if kind is None else [kind]
    shares = np.array([OTHERS[name][1] for name in names])
    which = rng.choice(len(names), size=count, p=shares / shares.sum())
    out = np.zeros((count, len(days)), dtype=np.float32)
    for i, name in enumerate(names):
        rows = np.flatnonzero(which == i)
        out[rows] = OTHERS[name][0](rng, days, noise_sigma[rows], local_scatter[rows], config)
    return out


def _size(rng: np.random.Generator, noise_sigma: Floats, config: OtherConfig) -> Floats:
    """Draw signed sizes in mm, [N, 1], large in relation to the noise."""
    low, high = config.size_over_noise
    least = np.maximum(low * noise_sigma, config.least_size_mm)
    most = np.maximum(high * noise_sigma, 1.5 * least)
    return (log_uniform(rng, least, most, len(least)) * sign(rng, len(least)))[:, None]


def _place(rng: np.random.Generator, bounds: tuple[float, float], days: Floats, count: int) -> Floats:
    """Draw days within bounds that are shares of the span, [N, 1]."""
    return uniform(rng, bounds, (count, 1)) * days[-1]


def _several_breaks(
    rng: np.random.Generator, days: Floats, noise_sigma: Floats, local_scatter: Floats, config: OtherConfig
) -> Floats:
    """Draw two to four breaks whose changes of rate alternate in sign: a motion that stops and starts again."""
    del local_scatter
    count, years = len(noise_sigma), days / np.float32(DAYS_PER_YEAR)
    out = np.zeros((count, len(days)), dtype=np.float32)
    breaks = rng.integers(2, 5, count)
    turn = sign(rng, count)
    for place in range(4):
        rows = np.flatnonzero(breaks > place)
        share = (place + uniform(rng, (0.6, 1.4), len(rows))) / (breaks[rows] + 1)
        change = uniform(rng, (0.7, 1.4), len(rows)) * (1.0 if place == 0 else 1.8) * turn[rows] * (-1) ** place
        out[rows] += change[:, None] * np.maximum(years - (share * years[-1])[:, None], 0)
    # The size is the range of the residuals from the least-squares line.
    time = years - years.mean()
    rest = out - out.mean(axis=1, keepdims=True)
    rest -= (rest @ time / (time @ time))[:, None] * time
    return out * np.abs(_size(rng, noise_sigma, config)) / np.ptp(rest, axis=1)[:, None]


def _s_shape(
    rng: np.random.Generator, days: Floats, noise_sigma: Floats, local_scatter: Floats, config: OtherConfig
) -> Floats:
    """Draw a motion that starts and stops: a logistic curve."""
    del local_scatter
    count = len(noise_sigma)
    # A logistic curve rises from 10 to 90 % within 4.4 times its scale.
    rise = np.maximum(uniform(rng, config.rise_share, (count, 1)) * days[-1], config.least_rise_days)
    away = (days[None, :] - _place(rng, (0.2, 0.8), days, count)) * (4.4 / rise)
    return _size(rng, noise_sigma, config) / (1 + np.exp(-np.clip(away, -30, 30)))


def _transient(
    rng: np.random.Generator, days: Floats, noise_sigma: Floats, local_scatter: Floats, config: OtherConfig
) -> Floats:
    """Draw a transient: a motion that begins and reverses, each over months, possibly with a plateau."""
    del local_scatter
    count = len(noise_sigma)
    up, down = (
        np.maximum(uniform(rng, config.rise_share, (count, 1)) * days[-1] / 2, config.least_rise_days) for _ in range(2)
    )
    top = uniform(rng, (0.0, 0.25), (count, 1)) * days[-1]
    begin = _place(rng, (-0.05, 0.8), days, count)
    rising = np.clip((days[None, :] - begin) / up, 0, 1)
    falling = np.clip((begin + up + top + down - days[None, :]) / down, 0, 1)
    return _size(rng, noise_sigma, config) * (0.5 - 0.5 * np.cos(np.pi * np.minimum(rising, falling)))


def _end_break(
    rng: np.random.Generator, days: Floats, noise_sigma: Floats, local_scatter: Floats, config: OtherConfig
) -> Floats:
    """Draw a break that is too early or too late for Bilinear."""
    del local_scatter
    count = len(noise_sigma)
    share = uniform(rng, config.edge_share, (count, 1))
    time = days[None, :] / days[-1]
    from_the_end = np.where(rng.random((count, 1)) < 0.5, time, 1 - time)
    return np.maximum(from_the_end - (1 - share), 0) / share * _size(rng, noise_sigma, config)


def _decay(
    rng: np.random.Generator, days: Floats, noise_sigma: Floats, local_scatter: Floats, config: OtherConfig
) -> Floats:
    """Draw a motion that begins with an event and decays exponentially."""
    del local_scatter
    count = len(noise_sigma)
    since = np.maximum(days[None, :] - _place(rng, (0.05, 0.8), days, count), 0)
    constant = uniform(rng, config.decay_share, (count, 1)) * days[-1]
    return _size(rng, noise_sigma, config) * (1 - np.exp(-since / constant))


def _small_step(
    rng: np.random.Generator, days: Floats, noise_sigma: Floats, local_scatter: Floats, config: OtherConfig
) -> Floats:
    """Draw a lasting step below the smallest size of a jump; an S-shape if the step would be below the noise."""
    count = len(noise_sigma)
    low, high = config.step_mm
    least = np.maximum(low, config.step_scatters * local_scatter)
    size = uniform(rng, (0.0, 1.0), count) * np.maximum(high - least, 0) + least
    step = (size * sign(rng, count))[:, None] * (days[None, :] >= _place(rng, config.break_share, days, count))
    smooth = _s_shape(rng, days, noise_sigma, local_scatter, config)
    return np.where((least < high)[:, None], step, smooth)


def _random_walk(
    rng: np.random.Generator, days: Floats, noise_sigma: Floats, local_scatter: Floats, config: OtherConfig
) -> Floats:
    """Draw a smooth random walk, which has several bends."""
    del local_scatter
    count = len(noise_sigma)
    steps = rng.standard_normal((count, len(days)), dtype=np.float32)
    steps[:, 1:] *= np.sqrt(np.diff(days) / days[-1])
    steps[:, 0] = 0
    return np.cumsum(steps, axis=1) * np.abs(_size(rng, noise_sigma, config))


OTHERS: Final[Mapping[str, tuple[Draw, float]]] = {
    "several_breaks": (_several_breaks, 1.5),
    "s_shape": (_s_shape, 1.0),
    "transient": (_transient, 2.0),
    "end_break": (_end_break, 1.5),
    "decay": (_decay, 0.7),
    "small_step": (_small_step, 1.5),
    "random_walk": (_random_walk, 0.5),
}
"""Kinds of class Other by name, with their shares (from plots of real series, and our choice)."""


def draw_decorrelated(rng: np.random.Generator, epochs: int, count: int) -> Floats:
    """Draw decorrelated series: independent values, uniform within a cycle, [N, T] mm. They show no class."""
    half = uniform(rng, (12, 28), count)[:, None]
    return half * (2 * rng.random((count, epochs), dtype=np.float32) - 1)
