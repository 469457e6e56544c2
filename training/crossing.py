"""Where a classifier draws the line between Stable and Linear: the rate at which P(Linear) crosses one half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass

Floats = NDArray[np.float32]
Ask = Callable[[Floats, Floats], NDArray[np.floating[Any]]]
"""Probabilities [N, classes] of series [N, T] in mm, with days [N, T]."""

SPANS_YEARS: Final = (1.0, 2.0, 3.0, 5.0, 8.0)
NOISE_MM: Final = (1.0, 2.0, 3.0, 4.0)
SAMPLING_DAYS: Final = 12.0
_RATES: Final = np.arange(0, 12.01, 0.25)
_DRAWS: Final = 40
_SEED: Final = 10_004
_YEAR: Final = 365.25


@dataclass(frozen=True)
class Crossing:
    """The line between Stable and Linear in white noise.

    Attributes
    ----------
    spans_years, noise_mm : tuple of float
        Spans of the series and RMS of their noise.
    rate_mm_yr : tuple of tuple of float or None
        By span and noise, the rate above which the median of P(Linear) over draws of noise is one half or more; None
        where it is above 12 mm/yr.
    """

    spans_years: tuple[float, ...]
    noise_mm: tuple[float, ...]
    rate_mm_yr: tuple[tuple[float | None, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "sampling_days": SAMPLING_DAYS,
            "noise": "white",
            "spans_years": list(self.spans_years),
            "noise_mm": list(self.noise_mm),
            "rate_mm_yr": [list(row) for row in self.rate_mm_yr],
        }


def crossing_of(ask: Ask, spans_years: Sequence[float] = SPANS_YEARS, noise_mm: Sequence[float] = NOISE_MM) -> Crossing:
    """Measure the rate at which P(Linear) crosses one half, for steady rates in white noise.

    Parameters
    ----------
    ask : callable
        The classifier.
    spans_years, noise_mm : sequence of float
        Spans of the series, with an epoch every 12 days, and RMS of their noise in mm.
    """
    rows = tuple(tuple(_crossing(ask, span, noise) for noise in noise_mm) for span in spans_years)
    return Crossing(tuple(spans_years), tuple(noise_mm), rows)


def _crossing(ask: Ask, span_years: float, noise_mm: float) -> float | None:
    days = np.arange(0, span_years * _YEAR + 1, SAMPLING_DAYS, dtype=np.float32)
    # The same draws at all rates, half of them moving up and half moving down.
    noise = np.random.default_rng(_SEED).normal(0, noise_mm, (_DRAWS, len(days)))
    signed = np.where(np.arange(_DRAWS) % 2, -1.0, 1.0)[None, :, None] * _RATES[:, None, None]
    series = (signed * days / _YEAR + noise).reshape(-1, len(days)).astype(np.float32)
    found = ask(series, np.tile(days, (len(series), 1)))[:, TrendClass.LINEAR].reshape(len(_RATES), _DRAWS)
    middle = np.median(found, axis=1).astype(np.float64)
    below = np.flatnonzero(middle < 0.5)
    if not len(below):
        return 0.0
    last = int(below[-1])
    if last == len(_RATES) - 1:
        return None
    low, high = middle[last], middle[last + 1]
    return round(float(_RATES[last] + (0.5 - low) / (high - low) * (_RATES[last + 1] - _RATES[last])), 2)
