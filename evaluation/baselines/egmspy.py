"""Rules of EGMSpy for EGMS series (Catani, Floris, Nava, Palmieri and Todde, 2026, EarthArXiv, doi 10.31223/X55B59).

Our implementation of the thresholds that the authors publish (github fcatani/EGMSpy, MIT, ``egms_classify.py``, scheme
v3, commits 52744645 and f3f87fea, which agree in every rule); it contains no code of EGMSpy. Its classes are coarser
than the five of this project, and a jump is a flag in addition to the class:

=================================  ===================================================================================
EGMSpy                             here
=================================  ===================================================================================
stable, noisy (slow; more scatter) Stable
linear                             Linear
accel, decel                       Quadratic; corners are not detected, so no series is Bilinear
unresolved, flag ``jumpy``         PUE
unresolved otherwise               no class: equal probabilities
=================================  ===================================================================================

A class from the rules is final, whatever the flag; PUE is therefore only assigned to unresolved series with the flag.
The flag alone is not specific enough: with the published limit of 5 mm it is set for half of the rows that readers
label Stable. EGMSpy fits a Gaussian mixture to unresolved series, whose components are named after members with a class
from the rules; unresolved series have none, so this step is left out. Here the two halves of a series are those of its
valid epochs; in EGMSpy, those of the calendar.
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
    """Published thresholds, with the option of EGMSpy in brackets if there is one.

    Attributes
    ----------
    stable_mm_yr : float
        Largest rate of stable and noisy series (``--v-stable``), which differ by their scatter; both are Stable here.
    curved_gain : float
        Smallest increase of the explained variance by a parabola, for accel and decel (``--quad-r2``).
    half_change_mm_yr : float
        Smallest difference of the rates of the two halves, for accel and decel (``--accel-thresh``).
    curved_line_share : float
        Largest share of the variance explained by a line, for accel and decel.
    linear_share : float
        Smallest share of the variance explained by a line, for linear.
    jump_mm : float
        Smallest size of a step (``--jump-mm``); the smallest slope is one sixth of it per day.
    jump_slopes : float
        Smallest slope of a step, as a multiple of the upper quartile of the slopes between successive epochs.
    """

    stable_mm_yr: float = 2.5
    curved_gain: float = 0.05
    half_change_mm_yr: float = 1.5
    curved_line_share: float = 0.85
    linear_share: float = 0.65
    jump_mm: float = 5.0
    jump_slopes: float = 4.0


class EgmspyRules:
    """Rules of EGMSpy; the module describes the mapping of classes."""

    name = "EGMSpy rules"

    def __init__(self, config: EgmspyConfig | None = None) -> None:
        self.config = config or EgmspyConfig()

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Do nothing: the thresholds are published."""

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return 1 for the class of the rules and 0 for others, [N, 5]; equal probabilities for unresolved series."""
        label = np.full(len(series), _UNRESOLVED, dtype=np.int64)
        for group in gather(series):
            if len(group.days) >= _LEAST_EPOCHS:
                label[group.rows] = _rules(group.displacement, group.days, self.config)
        out = np.full((len(series), _CLASSES), 1 / _CLASSES, dtype=np.float32)
        known = label != _UNRESOLVED
        out[known] = np.eye(_CLASSES, dtype=np.float32)[label[known]]
        return out


def _rules(values: Floats, days: Floats, config: EgmspyConfig) -> NDArray[np.int64]:
    """Return the class ids [n] of values [n, T] in mm; -1 for unresolved series."""
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
    # The change of rate between the halves and the curvature of the parabola have the same sign.
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
    """Return which rows [n] have a step between successive epochs.

    Steps are searched in the residuals of the line [n, T], minus the annual cycles that are fitted with a line.
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
    """Return coefficients [n, k] and residuals [n, T] of a least-squares fit with design functions [k, T]."""
    found = values @ np.linalg.pinv(design)
    return found, values - found @ design


def _rate(values: Floats, time: Floats) -> Floats:
    found, _ = _fit(values, np.stack([np.ones_like(time), time]))
    return found[:, 1]
