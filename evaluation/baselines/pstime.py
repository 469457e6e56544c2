"""Sequence of conditional tests of PS-Time (Berti, Corsini, Franceschini, Iannacone, NHESS 13:1945-1958, 2013).

F tests distinguish an uncorrelated series from a line, and a line from a parabola; an information criterion compares
two lines with one curve; t tests distinguish a hinge from a jump with one rate or two. The tests assume white noise.
Numbers that were not accessible are marked as our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.baselines.contestant import Floats, gather
from insar_runtime.classes import SEED_CLASS_NAMES, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.dataset import LabelledSeries


@dataclass(frozen=True)
class PsTimeConfig:
    """Settings.

    Attributes
    ----------
    level : float
        Significance level of the F and t tests (0.01 in the paper). The level of the test of a step is divided by the
        number of possible breaks, because the best of many breaks may have a step by chance (our choice; without it
        most hinges would be classified as jumps).
    weight : float
        Smallest weight of two lines against the single curve, by exp(-BIC / 2) (our choice).
    margin_epochs : int
        Smallest number of epochs on each side of a break (our choice).
    stable_mm_yr : float
        Largest rate of a Stable line (`insar_runtime.definitions`).
    """

    level: float = 0.01
    weight: float = 0.75
    margin_epochs: int = 5
    stable_mm_yr: float = 1.5


class PsTime:
    """PS-Time, with its six trends mapped to five classes: both discontinuous trends are PUE."""

    name = "ps-time"

    def __init__(self, config: PsTimeConfig | None = None) -> None:
        self.config = config or PsTimeConfig()

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Do nothing: the levels of the tests are fixed."""

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return 1 for the class from the tests and 0 for the others, [N, 5]."""
        label = np.empty(len(series), dtype=np.int64)
        for group in gather(series):
            label[group.rows] = _run_tests(group.displacement, group.days / DAYS_PER_YEAR, self.config)
        return np.eye(len(SEED_CLASS_NAMES), dtype=np.float32)[label]


def _run_tests(values: Floats, years: Floats, config: PsTimeConfig) -> NDArray[np.int64]:
    """Return the class ids of values [n, T] in mm."""
    epochs = len(years)
    time = years - years.mean()
    constant, line, parabola = (_fit(values, time[None] ** np.arange(degree)[:, None]) for degree in (1, 2, 3))
    sloped = _f_test(constant.left, line.left, epochs - 2) < config.level
    curved = _f_test(line.left, parabola.left, epochs - 3) < config.level
    rate = line.coefficients[:, 1]
    label = np.where(sloped & (np.abs(rate) > config.stable_mm_yr), TrendClass.LINEAR, TrendClass.STABLE)
    label = np.where(curved, TrendClass.QUADRATIC, label)

    # Two free lines: constant, rate, step and change of rate at the break with the smallest sum of squares.
    margin = config.margin_epochs
    breaks = np.arange(margin, epochs - margin + 1)
    left = np.stack([_two_lines_left(values, time, place) for place in breaks.tolist()], axis=1)
    best = left.argmin(axis=1)
    segmented = left[np.arange(len(left)), best]
    single = np.select(
        [curved, sloped],
        [_bic(parabola.left, epochs, 3), _bic(line.left, epochs, 2)],
        _bic(constant.left, epochs, 1),
    )
    advantage = single - _bic(segmented, epochs, 5)
    accepted = 1 / (1 + np.exp(np.clip(-advantage / 2, -500, 500))) > config.weight
    for place in np.unique(best[accepted]):
        rows = np.flatnonzero(accepted & (best == place))
        label[rows] = _two_lines_class(values[rows], time, int(breaks[place]), config.level / len(breaks))
    return label


@dataclass(frozen=True)
class _Fit:
    coefficients: Floats
    left: Floats
    covariance: Floats


def _fit(values: Floats, design: Floats) -> _Fit:
    """Return the fit of values [n, T] with design functions [k, T]; the covariance is for noise of unit variance."""
    covariance = np.linalg.inv(design @ design.T)
    coefficients = values @ design.T @ covariance
    rest = values - coefficients @ design
    return _Fit(coefficients, np.maximum((rest * rest).sum(axis=1), 1e-9), np.asarray(covariance, dtype=np.float64))


def _two_lines(time: Floats, place: int) -> Floats:
    """Return constant, rate, step and change of rate as functions [4, T]; the step is between two epochs."""
    after = np.arange(len(time)) >= place
    border = 0.5 * (time[place - 1] + time[place])
    return np.stack([np.ones_like(time), time, after.astype(np.float64), after * (time - border)])


def _two_lines_left(values: Floats, time: Floats, place: int) -> Floats:
    return _fit(values, _two_lines(time, place)).left


def _two_lines_class(values: Floats, time: Floats, place: int, level: float) -> NDArray[np.int64]:
    """Return Bilinear for a break without a significant step, otherwise PUE."""
    fit = _fit(values, _two_lines(time, place))
    freedom = len(time) - 5
    error = np.sqrt(fit.left / freedom * fit.covariance[2, 2])
    offset = 2 * stats.t.sf(np.abs(fit.coefficients[:, 2]) / error, freedom) < level
    # The two discontinuous trends differ by a change of rate; here both are PUE.
    return np.where(offset, TrendClass.PUE, TrendClass.BILINEAR)


def _f_test(simple: Floats, rich: Floats, freedom: int) -> Floats:
    """Return the p-value [n] of one more parameter."""
    return np.asarray(stats.f.sf((simple - rich) / (rich / freedom), 1, freedom))


def _bic(left: Floats, epochs: int, parameters: int) -> Floats:
    return np.asarray(epochs * np.log(left / epochs) + parameters * np.log(epochs))
