"""EGMSpy's rules for EGMS series (Catani, Floris, Nava, Palmieri and Todde, 2026, EarthArXiv, doi 10.31223/X55B59).

Written by us from the thresholds that the authors publish (github fcatani/EGMSpy, MIT, ``egms_classify.py``, scheme v3,
commits 52744645 and f3f87fea, which agree in every rule); no line of theirs is in here. Its classes are coarser than
the five of the project, and its jump is a flag beside the class:

=================================  ===================================================================================
EGMSpy                             here
=================================  ===================================================================================
stable, noisy (slow; more scatter) Stable
linear                             Linear
accel, decel                       Quadratic: no corner is looked for, so nothing is ever Bilinear
unresolved, flag ``jumpy``         PUE
unresolved otherwise               no class: equal probabilities
=================================  ===================================================================================

A class that its rules give is final there, and the flag of a jump stands beside it; so it does here. The flag alone
would not do: at the published 5 mm it is raised for half of the rows that readers call Stable. What its rules leave
unresolved goes to a Gaussian mixture fitted to the file at hand, whose components take their names from members that
a rule has named, of which there are none; that part is left out. Halves here are those of the epochs that a row has,
there those of the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.baselines.contestant import Floats, gather
from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.dataset import LabelledSeries

_CLASSES: Final = len(SEED_CLASS_NAMES)
_UNRESOLVED: Final = -1
_LEAST_EPOCHS: Final = 10
_TINY: Final = 1e-9


@dataclass(frozen=True)
class EgmspyConfig:
    """Its published thresholds, each by the name of its option where it has one.

    Attributes
    ----------
    stable_mm_yr : float
        Rates below are stable or noisy (``--v-stable``); scatter distinguishes the two, both are Stable here.
    curved_gain : float
        Share of the variance that a parabola takes off beyond a line, at least, for accel and decel (``--quad-r2``).
    half_change_mm_yr : float
        Difference between the rates of the two halves, at least, for accel and decel (``--accel-thresh``).
    curved_line_share : float
        Share of the variance that a line explains, above which nothing is accel or decel.
    linear_share : float
        The same, at least, for linear.
    jump_mm : float
        Least size of a step (``--jump-mm``); a sixth of it a day is the least slope.
    jump_slopes : float
        Least slope of a step, in upper quartiles of the slopes between neighbouring epochs.
    """

    stable_mm_yr: float = 2.5
    curved_gain: float = 0.05
    half_change_mm_yr: float = 1.5
    curved_line_share: float = 0.85
    linear_share: float = 0.65
    jump_mm: float = 5.0
    jump_slopes: float = 4.0


class EgmspyRules:
    """EGMSpy's rules as a contestant; the module says how its classes are mapped."""

    name = "EGMSpy rules"

    def __init__(self, config: EgmspyConfig | None = None) -> None:
        self.config = config or EgmspyConfig()

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Learn nothing: the thresholds are published."""

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return 1 for the class of the rules and 0 for the others, [N, 5]; equal ones for unresolved series."""
        label = np.full(len(series), _UNRESOLVED, dtype=np.int64)
        for group in gather(series):
            if len(group.days) >= _LEAST_EPOCHS:
                label[group.rows] = _rules(group.displacement, group.days, self.config)
        out = np.full((len(series), _CLASSES), 1 / _CLASSES, dtype=np.float32)
        known = label != _UNRESOLVED
        out[known] = np.eye(_CLASSES, dtype=np.float32)[label[known]]
        return out


def _rules(values: Floats, days: Floats, config: EgmspyConfig) -> NDArray[np.int64]:
    """Return the class ids [n] of values [n, T] in mm; -1 where the rules leave a series unresolved."""
    years = days / DAYS_PER_YEAR
    time = years - years.mean()
    total = np.maximum(((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1), _TINY)
    line, rest = _fit(values, np.stack([np.ones_like(time), time]))
    curve, curve_rest = _fit(values, np.stack([np.ones_like(time), time, time**2]))
    left, curve_left = (rest**2).sum(axis=1), (curve_rest**2).sum(axis=1)
    rate, explained = line[:, 1], 1 - left / total

    half = len(days) // 2
    first, second = (_rate(values[:, part], time[part]) for part in (slice(None, half), slice(half, None)))
    change = second - first
    # Of one sign: the rates of the halves and the parabola turn the same way.
    turns = (change * curve[:, 2] > 0) & (np.abs(change) > config.half_change_mm_yr)
    curved = turns & ((left - curve_left) / total > config.curved_gain) & (explained < config.curved_line_share)

    return np.select(
        [
            np.abs(rate) < config.stable_mm_yr,
            curved,
            explained >= config.linear_share,
            _jumpy(values, rest, days, config),
        ],
        [TrendClass.STABLE, TrendClass.QUADRATIC, TrendClass.LINEAR, TrendClass.PUE],
        _UNRESOLVED,
    )


def _jumpy(values: Floats, rest: Floats, days: Floats, config: EgmspyConfig) -> NDArray[np.bool_]:
    """Return which rows [n] have a step between neighbouring epochs beside line and yearly cycles.

    Residuals of the line [n, T], less the cycles that are fitted together with a line, are searched.
    """
    time = (days - days.mean()) / DAYS_PER_YEAR
    angle = 2 * np.pi * time
    cycles = np.stack([wave(k * angle) for k in (1, 2) for wave in (np.cos, np.sin)])
    found, _ = _fit(values, np.concatenate([np.stack([np.ones_like(time), time]), cycles]))
    step = np.abs(np.diff(rest - found[:, 2:] @ cycles, axis=1))
    slope = step / np.maximum(np.diff(days), 1.0)
    quartile = np.quantile(slope, 0.75, axis=1, keepdims=True)
    steep = slope > np.maximum(config.jump_slopes * quartile, config.jump_mm / 6)
    return np.asarray(np.where(steep, step, 0.0).max(axis=1) > config.jump_mm)


def _fit(values: Floats, design: Floats) -> tuple[Floats, Floats]:
    """Return coefficients [n, k] and residuals [n, T] of a least-squares fit by the rows of a design [k, T]."""
    found = values @ np.linalg.pinv(design)
    return found, values - found @ design


def _rate(values: Floats, time: Floats) -> Floats:
    found, _ = _fit(values, np.stack([np.ones_like(time), time]))
    return found[:, 1]
