"""Change of rate that is found in nine of ten series, by noise, sampling and length of the window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.known_noise import Known, draw_known
from evaluation.diagnosis.metrics import Numbers
from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._diagnosis.recent.recent_finder import RecentChangeFinder
from insar_runtime._diagnosis.recent.recent_spread import with_recent_spread
from insar_runtime.definitions import DAYS_PER_YEAR
from training.metrics import rounded

_SPAN_DAYS: Final = 5 * DAYS_PER_YEAR
_SCATTERS_MM: Final = (1.0, 2.0, 4.0)
_NOISES: Final = {"white": (1.0, 0.0, 0.0), "typical": (0.5, 0.25, 0.25), "slow": (0.3, 0.1, 0.6)}
"""Shares of white noise, and of noise with time constants of 12 and of 150 days (our choice)."""
_EVERY_DAYS: Final = (6.0, 12.0)
WINDOWS_DAYS: Final = (90, 180, 365)
_SIZES_MM_YR: Final = 1.25 ** np.arange(0, 28)
"""From 1 to 413 mm/yr."""
FOUND_FROM: Final = 0.95
_WANTED: Final = 0.9
_FIRST_DATE: Final = np.datetime64("2018-01-03")


@dataclass(frozen=True)
class PowerCase:
    """Noise and sampling of a file of five years."""

    noise: str
    scatter_mm: float
    every_days: float

    def known(self) -> Known:
        """Return the file; the annual cycle grows with the scatter."""
        white, short, slow = _NOISES[self.noise]
        epochs = round(_SPAN_DAYS / self.every_days)
        annual = 0.5 * self.scatter_mm
        return Known(white, short, slow, self.scatter_mm, annual, epochs=epochs, every_days=self.every_days)


def power_cases() -> list[PowerCase]:
    """Return all cases."""
    return [PowerCase(noise, mm, every) for every in _EVERY_DAYS for noise in _NOISES for mm in _SCATTERS_MM]


def measure_power(case: PowerCase, rows: int, *, seed: int) -> Iterator[Numbers]:
    """Yield, for each window, the share of unchanged series above 0.95 and the change found in nine of ten series."""
    file, days, _ = draw_known(case.known(), rows, seed=seed)
    series, _, _ = draw_known(case.known(), rows, seed=seed + 1)
    noise = estimate_noise(file, _FIRST_DATE + days.astype("timedelta64[D]"))
    for window in WINDOWS_DAYS:
        finder = RecentChangeFinder(with_recent_spread(noise, file, window), window)
        still = finder.find(series).probability
        recent = np.maximum(days - (days[-1] - window), 0) / DAYS_PER_YEAR
        shares = []
        for size in _SIZES_MM_YR:
            moved = (series + size * recent).round(1).astype(np.float32)
            shares.append(float(np.mean(finder.find(moved).probability > FOUND_FROM)))
            if shares[-1] == 1:
                break
        yield {
            "noise": case.noise,
            "scatter_mm": case.scatter_mm,
            "every_days": case.every_days,
            "window_days": window,
            "unchanged_above": rounded(float(np.mean(still > FOUND_FROM))),
            "found_in_90_percent_mm_yr": rounded(_size_at(np.array(shares))),
        }


def _size_at(shares: NDArray[np.float64]) -> float:
    """Return the size at which the wanted share is found; NaN if none is large enough."""
    enough = np.flatnonzero(shares >= _WANTED)
    if not len(enough):
        return float("nan")
    place = int(enough[0])
    if place == 0:
        return float(_SIZES_MM_YR[0])
    part = (_WANTED - shares[place - 1]) / (shares[place] - shares[place - 1])
    low, high = np.log(_SIZES_MM_YR[place - 1 : place + 1])
    return float(np.exp(low + part * (high - low)))
