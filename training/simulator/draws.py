"""Random numbers that several parts of the simulator need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def uniform(rng: np.random.Generator, bounds: tuple[float, float], shape: Any) -> Floats:
    """Draw uniform float32 numbers between two bounds."""
    low, high = bounds
    return np.float32(low) + np.float32(high - low) * rng.random(shape, dtype=np.float32)


def log_uniform(rng: np.random.Generator, low: Any, high: Any, shape: Any) -> Floats:
    """Draw log-uniform float32 numbers; the bounds may be arrays."""
    log_low, log_high = np.log(low), np.log(high)
    drawn = np.exp(log_low + (log_high - log_low) * rng.random(shape, dtype=np.float32))
    return np.asarray(drawn, dtype=np.float32)


def sign(rng: np.random.Generator, shape: Any) -> Floats:
    """Draw signs, -1 or 1."""
    return np.where(rng.random(shape, dtype=np.float32) < 0.5, np.float32(-1), np.float32(1))


def chosen(rng: np.random.Generator, probability: float, count: int) -> NDArray[np.int64]:
    """Draw row numbers below ``count``, each with this probability."""
    return np.flatnonzero(rng.random(count, dtype=np.float32) < probability)
