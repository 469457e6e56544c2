"""Acquisition calendars of missions and products: days since the first acquisition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import DAYS_PER_YEAR
from insar_runtime.errors import UsageError
from training.simulator.config import CalendarConfig

Days = NDArray[np.float32]
_MAX_TRIES: Final = 50


def _segments(*segments: tuple[float, float]) -> Days:
    """Return the concatenation of segments of (duration, interval) in days."""
    pieces, begin = [], 0.0
    for length, interval in segments:
        pieces.append(begin + np.arange(0.0, length, interval))
        begin = pieces[-1][-1] + interval
    return np.concatenate(pieces).astype(np.float32)


def _paper(rng: np.random.Generator) -> Days:
    """139 Sentinel-1 images, March 2015 to September 2018 (Mirmazloumi et al. 2022)."""
    # One satellite (12 days) until October 2016, then two (6 days); the paper does not state which images are missing.
    plan = _segments((580.0, 12.0), (710.0, 6.0))
    inner = np.sort(rng.choice(len(plan) - 2, size=137, replace=False)) + 1
    return plan[np.concatenate([[0], inner, [len(plan) - 1]])]


def _egms_2015_2021(rng: np.random.Generator) -> Days:
    return _segments((rng.uniform(560, 620), 12.0), (1900.0, 6.0))


def _joined_2015_2022(rng: np.random.Generator) -> Days:
    return _segments((rng.uniform(560, 620), 12.0), (1900.0, 6.0), (365.0, 12.0))


def _joined_2015_2024(rng: np.random.Generator) -> Days:
    return _segments((rng.uniform(560, 620), 12.0), (1900.0, 6.0), (3 * DAYS_PER_YEAR, 12.0))


def _egms_2018_2022(_: np.random.Generator) -> Days:
    return _segments((4 * DAYS_PER_YEAR - 10, 6.0), (DAYS_PER_YEAR, 12.0))


def _egms_2019_2023(_: np.random.Generator) -> Days:
    return _segments((3 * DAYS_PER_YEAR - 10, 6.0), (2 * DAYS_PER_YEAR, 12.0))


def _egms_2020_2024(_: np.random.Generator) -> Days:
    return _segments((2 * DAYS_PER_YEAR - 10, 6.0), (3 * DAYS_PER_YEAR, 12.0))


def _egms_l3(_: np.random.Generator) -> Days:
    """Regular grid of 6 days over five years, to which EGMS Ortho is resampled."""
    return _segments((5 * DAYS_PER_YEAR, 6.0))


def _regular_6(rng: np.random.Generator) -> Days:
    return _segments((rng.uniform(0.8, 8.4) * DAYS_PER_YEAR, 6.0))


def _regular_12(rng: np.random.Generator) -> Days:
    return _segments((rng.uniform(1.5, 9.0) * DAYS_PER_YEAR, 12.0))


def _sparse(rng: np.random.Generator) -> Days:
    """Early years and archives: 12, 24 or 36 days, in any order."""
    steps = rng.choice([12.0, 24.0, 36.0, 48.0], p=[0.4, 0.4, 0.15, 0.05], size=int(rng.integers(35, 130)))
    return (np.cumsum(steps) - steps[0]).astype(np.float32)


def _short(rng: np.random.Generator) -> Days:
    """One to a few years at one interval: new areas and short projects."""
    step = rng.choice([6.0, 12.0, 24.0], p=[0.4, 0.35, 0.25])
    return np.arange(rng.integers(31, 60), dtype=np.float32) * np.float32(step)


def _sparse_24(rng: np.random.Generator) -> Days:
    """Every second image of one satellite."""
    return np.arange(rng.integers(36, 120), dtype=np.float32) * np.float32(24)


def _x_band(rng: np.random.Generator) -> Days:
    """TerraSAR-X: every 11 days."""
    return np.arange(rng.integers(36, 150), dtype=np.float32) * np.float32(11)


def _constellation(rng: np.random.Generator) -> Days:
    """COSMO-SkyMed and the like: 4, 8 or 16 days apart."""
    steps = rng.choice([4.0, 8.0, 16.0], p=rng.dirichlet([1, 1, 1]), size=int(rng.integers(45, 500)))
    return (np.cumsum(steps) - steps[0]).astype(np.float32)


CALENDARS: Final[Mapping[str, Callable[[np.random.Generator], Days]]] = {
    "paper": _paper,
    "egms_2015_2021": _egms_2015_2021,
    "joined_2015_2022": _joined_2015_2022,
    "joined_2015_2024": _joined_2015_2024,
    "egms_2018_2022": _egms_2018_2022,
    "egms_2019_2023": _egms_2019_2023,
    "egms_2020_2024": _egms_2020_2024,
    "egms_l3": _egms_l3,
    "regular_6": _regular_6,
    "regular_12": _regular_12,
    "sparse": _sparse,
    "sparse_24": _sparse_24,
    "short": _short,
    "x_band": _x_band,
    "constellation": _constellation,
}
"""Functions that draw the planned acquisitions, by name. Those of EGMS change from 6 to 12 days in December 2021, when
Sentinel-1B failed."""

_COMPLETE: Final = ("paper", "egms_l3")
"""Calendars without missing acquisitions: that of the paper has exactly 139 epochs, and L3 is a complete grid."""


def draw_calendar(rng: np.random.Generator, name: str, config: CalendarConfig) -> Days:
    """Draw one calendar.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    name : str
        One of ``CALENDARS``.
    config : CalendarConfig
        Settings for missing acquisitions.

    Returns
    -------
    ndarray of float32, shape [T]
        Days since the first acquisition, from 0, strictly increasing; T is ``min_epochs`` to ``max_epochs``.

    Raises
    ------
    UsageError
        If the name is unknown.
    """
    if name not in CALENDARS:
        raise UsageError(f"calendar {name!r} is unknown; choose one of {', '.join(CALENDARS)}")
    for _ in range(_MAX_TRIES):
        plan = CALENDARS[name](rng)
        kept = plan if name in _COMPLETE else plan[~_lost(rng, plan, config)]
        if len(kept) >= config.min_epochs and np.diff(kept).max() <= config.max_gap_days:
            kept = kept[: config.max_epochs]
            return kept - kept[0]
    raise UsageError(
        f"calendar {name!r} hardly ever has {config.min_epochs} epochs and no gap above {config.max_gap_days:g} days; "
        "ask for fewer epochs or fewer gaps"
    )


def _lost(rng: np.random.Generator, plan: Days, config: CalendarConfig) -> NDArray[np.bool_]:
    low, high = config.dropped_share
    lost = rng.random(len(plan)) < low + (high - low) * rng.random() ** 2
    if rng.random() < config.winter_block_probability:
        length = rng.uniform(*config.winter_days)
        lost |= (plan + rng.uniform(0, DAYS_PER_YEAR)) % DAYS_PER_YEAR < length
    if rng.random() < config.gap_probability:
        length = rng.uniform(*config.gap_days)
        begin = rng.uniform(0, max(float(plan[-1]) - length, 1.0))
        lost |= (plan >= begin) & (plan < begin + length)
    return lost
