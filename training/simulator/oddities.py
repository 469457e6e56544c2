"""Series that show none of the five trends, so that a network learns to be unsure of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from training.simulator.draws import Floats, log_uniform, sign, uniform

_YEAR: Final = 365.25


def draw_oddities(rng: np.random.Generator, days: Floats, noise_sigma: Floats, kind: str | None = None) -> Floats:
    """Draw motions that no class describes, for the points of one file.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    noise_sigma : ndarray of float32, shape [N]
        RMS of each row's scatter in mm.
    kind : str, optional
        One of ``ODDITIES``; all of them equally often if not given.

    Returns
    -------
    ndarray of float32, shape [N, T]
        mm.
    """
    count = len(noise_sigma)
    names = list(ODDITIES) if kind is None else [kind]
    which = rng.integers(0, len(names), count)
    out = np.zeros((count, len(days)), dtype=np.float32)
    for i, name in enumerate(names):
        rows = np.flatnonzero(which == i)
        out[rows] = ODDITIES[name](rng, days, noise_sigma[rows])
    return out


def _several_breaks(rng: np.random.Generator, days: Floats, noise_sigma: Floats) -> Floats:
    """Draw two to four breaks, each a change of rate that stands out: a motion that stops and starts again."""
    count, years = len(noise_sigma), days / np.float32(_YEAR)
    out = np.zeros((count, len(days)), dtype=np.float32)
    breaks = rng.integers(2, 5, count)
    turn = sign(rng, count)
    for place in range(4):
        rows = np.flatnonzero(breaks > place)
        share = (place + uniform(rng, (0.6, 1.4), len(rows))) / (breaks[rows] + 1)
        change = log_uniform(rng, 12, 40, len(rows)) * noise_sigma[rows] / years[-1]
        # Changes that take turns in sign leave a zigzag rather than one long curve.
        change = np.where(place == 0, change, 1.6 * change) * turn[rows] * (-1) ** place
        out[rows] += change[:, None] * np.maximum(years - (share * years[-1])[:, None], 0)
    return out


def _thermal_giant(rng: np.random.Generator, days: Floats, noise_sigma: Floats) -> Floats:
    """Draw a yearly cycle of 15-40 mm: a long bridge, a tall tower."""
    count = len(noise_sigma)
    phase = uniform(rng, (0, 2 * np.pi), count)[:, None]
    amplitude = uniform(rng, (15, 40), count)[:, None]
    return amplitude * np.sin(np.float32(2 * np.pi / _YEAR) * days + phase)


def _random_walk(rng: np.random.Generator, days: Floats, noise_sigma: Floats) -> Floats:
    """Draw a walk that never returns: a point whose phase was lost bit by bit."""
    count = len(noise_sigma)
    steps = rng.standard_normal((count, len(days)), dtype=np.float32)
    steps[:, 1:] *= np.sqrt(np.diff(days) / days[-1])
    steps[:, 0] = 0
    return np.cumsum(steps, axis=1) * log_uniform(rng, 8, 30, count)[:, None] * noise_sigma[:, None]


def _decorrelated(rng: np.random.Generator, days: Floats, noise_sigma: Floats) -> Floats:
    """Draw phase without coherence: any value within a cycle at any epoch."""
    half = uniform(rng, (12, 28), len(noise_sigma))[:, None]
    return half * (2 * rng.random((len(noise_sigma), len(days)), dtype=np.float32) - 1)


ODDITIES: Final[Mapping[str, Callable[[np.random.Generator, Floats, Floats], Floats]]] = {
    "several_breaks": _several_breaks,
    "thermal_giant": _thermal_giant,
    "random_walk": _random_walk,
    "decorrelated": _decorrelated,
}
"""What no class describes, by name [ours]."""
