"""Grid of noise models that a file may contain, and its local refinement."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime._diagnosis.noise.noise_model import NoiseKind

_SLOW: Final = (0.0, 0.15, 0.4, 0.7)
_SHORT: Final = (0.0, 0.2, 0.45, 0.75)
"""Slow share of the variance, and short share of the remainder. Our choice, following the simulator."""
_SHORT_DAYS: Final = (7.0, 14.0, 28.0)
_SLOW_DAYS: Final = (60.0, 130.0, 300.0)
_ANNUAL: Final = (0.3, 1.0, 3.0)
"""Time constants in days, and RMS of the annual cycle over the scatter. Our choice, following the simulator."""
_LEAST_WHITE: Final = 0.03
"""Least white share of the variance: files are rounded, and without white noise a covariance may be singular."""
_OF_INTERVAL: Final = 0.6
"""Below this part of the median interval, a time constant is indistinguishable from white noise."""
_OF_SPAN: Final = 1 / 3
"""Above this part of the span, a time constant is indistinguishable from motion."""
_SHARE_STEP: Final = 0.12
_DAYS_STEP: Final = 1.5
"""Steps of the refinement: about half the distance of neighbouring shares of the grid, and the square root of the ratio
of its neighbouring time constants."""
_DIRECTIONS: Final = (
    *((1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, 0, 1)),
    *((1, 0, 0, 1, 0), (0, 1, -1, 0, 0), (1, -1, 0, -1, 0), (1, -1, -1, 0, 0)),
)
_MOVES: Final = ((0, 0, 0, 0, 0), *(tuple(sign * part for part in way) for way in _DIRECTIONS for sign in (-1, 1)))
"""Directions of the refinement: slow and short share, their time constants, and the annual cycle. Some pairs of them
compensate each other."""
_SHORT_BOUNDS: Final = (5.0, 45.0)
_SLOW_BOUNDS: Final = (45.0, 500.0)
"""Bounds of the time constants in days; they keep the short one below the slow one."""

COARSE_GRID: Final = tuple(
    NoiseKind((1 - slow) * (1 - short), (1 - slow) * short, slow)
    for slow, short in product((0.0, 0.25, 0.6), (0.0, 0.2, 0.5, 0.8))
)
"""Models for a first estimate."""


def candidate_kinds(days: FloatArray) -> list[NoiseKind]:
    """Return the noise models that are distinguishable on a time axis [T]."""
    interval = float(np.median(np.diff(days)))
    short_days = [constant for constant in _SHORT_DAYS if constant >= _OF_INTERVAL * interval] or _SHORT_DAYS[-1:]
    slow_days = [constant for constant in _SLOW_DAYS if constant <= _OF_SPAN * days[-1]] or _SLOW_DAYS[:1]
    return [
        _mixed(slow, short, one, other, annual)
        for slow, short in product(_SLOW, _SHORT)
        for one, other in product(short_days if short else short_days[:1], slow_days if slow else slow_days[:1])
        for annual in _ANNUAL
    ]


def neighbours(kinds: Iterable[NoiseKind], size: float) -> list[NoiseKind]:
    """Return kinds and their neighbours, ``size`` refinement steps away.

    Kinds that differ in the annual cycle alone follow each other.
    """
    found: dict[NoiseKind, None] = {}
    for kind in kinds:
        slow, short = kind.slow, kind.short / max(1 - kind.slow, 1e-9)
        share, factor = _SHARE_STEP * size, _DAYS_STEP**size
        for more_slow, more_short, longer, slower, stronger in _MOVES:
            moved = _mixed(
                slow + share * more_slow,
                short + share * more_short,
                kind.short_days * factor**longer,
                kind.slow_days * factor**slower,
                kind.annual * factor**stronger,
            )
            found[moved] = None
    return sorted(found, key=lambda kind: (kind.white, kind.short, kind.slow, kind.short_days, kind.slow_days))


def _mixed(slow: float, short: float, short_days: float, slow_days: float, annual: float) -> NoiseKind:
    """Return a noise model from the slow share of the variance and the short share of the remainder."""
    slow, short = min(max(slow, 0.0), 0.9), min(max(short, 0.0), 0.95)
    white = max((1 - slow) * (1 - short), _LEAST_WHITE)
    total = white + (1 - slow) * short + slow
    # A part with no variance has a fixed time constant, so that equal models compare equal.
    short_days = float(np.clip(short_days, *_SHORT_BOUNDS)) if short else _SHORT_DAYS[0]
    slow_days = float(np.clip(slow_days, *_SLOW_BOUNDS)) if slow else _SLOW_DAYS[0]
    return NoiseKind(white / total, (1 - slow) * short / total, slow / total, short_days, slow_days, annual)
