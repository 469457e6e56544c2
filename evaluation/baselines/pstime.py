"""PS-Time's conditional sequence of tests (Berti, Corsini, Franceschini, Iannacone, NHESS 13:1945-1958, 2013).

F tests distinguish an uncorrelated series from a line and a line from a parabola; an information criterion decides
whether two lines do better than one curve; t tests distinguish a hinge from a jump with one rate or two. The tests
assume white noise. Where the paper's numbers could not be read, they are named as ours.
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
    """Its numbers.

    Attributes
    ----------
    level : float
        Significance of the F and t tests [Berti et al.: 0.01]. That of the step is divided by the number of breaks
        tried: the best of many breaks shows a step by chance [ours, without it most hinges end as jumps].
    weight : float
        Least weight of two lines against the single curve, by exp(-BIC / 2) (our choice).
    margin_epochs : int
        Epochs on each side of a break, at least (our choice).
    stable_mm_yr : float
        A line of at most this rate is Stable [the project's definition of classes].
    """

    level: float = 0.01
    weight: float = 0.75
    margin_epochs: int = 5
    stable_mm_yr: float = 1.5


class PsTime:
    """PS-Time, its six trends mapped to five classes: both discontinuous ones count as PUE."""

    name = "ps-time"

    def __init__(self, config: PsTimeConfig | None = None) -> None:
        self.config = config or PsTimeConfig()

    def fit(self, series: LabelledSeries, *, seed: int) -> None:
        """Learn nothing: the tests have fixed levels."""

    def probabilities(self, series: LabelledSeries) -> NDArray[np.float32]:
        """Return 1 for the class that the tests end at and 0 for the others, [N, 5]."""
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

    # Two free lines: constant, rate, step and change of rate at the break that leaves least.
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
    """Fit values [n, T] by the rows of a design [k, T]; the covariance is that of noise of unit variance."""
    covariance = np.linalg.inv(design @ design.T)
    coefficients = values @ design.T @ covariance
    rest = values - coefficients @ design
    return _Fit(coefficients, np.maximum((rest * rest).sum(axis=1), 1e-9), np.asarray(covariance, dtype=np.float64))


def _two_lines(time: Floats, place: int) -> Floats:
    """Return constant, rate, step and change of rate [4, T]; the step is the offset between two epochs."""
    after = np.arange(len(time)) >= place
    border = 0.5 * (time[place - 1] + time[place])
    return np.stack([np.ones_like(time), time, after.astype(np.float64), after * (time - border)])


def _two_lines_left(values: Floats, time: Floats, place: int) -> Floats:
    return _fit(values, _two_lines(time, place)).left


def _two_lines_class(values: Floats, time: Floats, place: int, level: float) -> NDArray[np.int64]:
    """Distinguish hinge from jump: a break without a significant offset is bilinear, any other discontinuous."""
    fit = _fit(values, _two_lines(time, place))
    freedom = len(time) - 5
    error = np.sqrt(fit.left / freedom * fit.covariance[2, 2])
    offset = 2 * stats.t.sf(np.abs(fit.coefficients[:, 2]) / error, freedom) < level
    # The two discontinuous types differ in whether the rate changes; here both are PUE.
    return np.where(offset, TrendClass.PUE, TrendClass.BILINEAR)


def _f_test(simple: Floats, rich: Floats, freedom: int) -> Floats:
    """Return the significance [n] of one more parameter."""
    return np.asarray(stats.f.sf((simple - rich) / (rich / freedom), 1, freedom))


def _bic(left: Floats, epochs: int, parameters: int) -> Floats:
    return np.asarray(epochs * np.log(left / epochs) + parameters * np.log(epochs))
