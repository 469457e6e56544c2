"""Priors of one unwrapping error: epochs and size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.limit.geometry import Floats
from training.simulator.config import UnwrappingConfig
from training.simulator.unwrapping import add_unwrapping_errors

_ROWS_AT_ONCE: Final = 1000
"""Number of rows that are drawn together and share the date of midwinter; few, so that all dates occur."""
_TABLE_SEED: Final = 20_260_101


@dataclass(frozen=True)
class JumpTable:
    """Prior of the epochs of a jump.

    Attributes
    ----------
    begin, stop : ndarray of int64, shape [P]
        First epoch of the jump and first epoch after it; ``stop`` is the number of epochs if it lasts.
    log_prior : ndarray of float64, shape [P]
        Log probability of each pair.
    """

    begin: NDArray[np.int64]
    stop: NDArray[np.int64]
    log_prior: Floats


@lru_cache(maxsize=16)
def jump_table(days: tuple[float, ...], config: UnwrappingConfig, draws: int) -> JumpTable:
    """Return the prior of the epochs of a jump as frequencies in simulated jumps.

    Parameters
    ----------
    days : tuple of float
        Days since the first acquisition, of T epochs.
    config : UnwrappingConfig
        Settings with one jump per row: see ``limit_config``.
    draws : int
        Number of simulated jumps.

    Returns
    -------
    JumpTable
    """
    rng = np.random.default_rng(_TABLE_SEED)
    exact = replace(config, damped_probability=0.0)
    epochs = len(days)
    dates = np.asarray(days, dtype=np.float32)
    counts = np.zeros((epochs + 1) ** 2, dtype=np.int64)
    for first in range(0, draws, _ROWS_AT_ONCE):
        count = min(_ROWS_AT_ONCE, draws - first)
        still = np.zeros((count, epochs), dtype=np.float32)
        _, error = add_unwrapping_errors(rng, dates, still, np.zeros(count, dtype=np.float32), exact)
        moved = error != 0
        begin = moved.argmax(axis=1)
        stop = epochs - moved[:, ::-1].argmax(axis=1)
        counts += np.bincount(begin * (epochs + 1) + stop, minlength=len(counts))
    seen = np.flatnonzero(counts)
    return JumpTable(seen // (epochs + 1), seen % (epochs + 1), np.log(counts[seen] / draws))


@dataclass(frozen=True)
class SizeKinds:
    """Kinds of jump sizes: one or two cycles, up or down, exact or damped.

    Attributes
    ----------
    log_prior : ndarray of float64, shape [8]
        Log probability of each kind.
    low, high : ndarray of float64, shape [8]
        Bounds of the size in mm, equal for exact sizes.
    cycles : ndarray of float64, shape [8]
        Number of cycles, with sign.
    """

    log_prior: Floats
    low: Floats
    high: Floats
    cycles: Floats


def size_kinds(config: UnwrappingConfig) -> SizeKinds:
    """Return the kinds of jump sizes of a configuration."""
    cycles, damped = (part.ravel() for part in np.meshgrid([-2.0, -1.0, 1.0, 2.0], [False, True]))
    two = np.where(np.abs(cycles) == 2, config.two_cycles_probability, 1 - config.two_cycles_probability)
    share = np.where(damped, config.damped_probability, 1 - config.damped_probability)
    least, most = np.where(damped[:, None], config.damped_mm, config.half_wavelength_mm).T
    ends = np.stack([cycles * least, cycles * most])
    with np.errstate(divide="ignore"):
        log_prior = np.log(two * share / 2)
    return SizeKinds(log_prior, ends.min(axis=0), ends.max(axis=0), cycles)
