"""Data augmentation: random training batches from labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from insar_runtime.errors import DataError
from training.dataset import LIMITS
from training.labelled_rows.labels import LabelledFile
from training.simulator.draws import Floats


@dataclass(frozen=True)
class AugmentConfig:
    """Probabilities and sizes of the changes of a row; every change keeps the class.

    Attributes
    ----------
    frequency_power : float
        A label is drawn with a probability proportional to its frequency to this power; rows without a majority count
        as a label of their own.
    rate_probability : float
        Probability that a row which all readers label Stable or Linear gets another rate, and the class of that rate.
    stable_mm_yr, linear_mm_yr : tuple of float
        Bounds of the absolute value of such a rate: uniform for Stable, log-uniform for Linear. Readers disagree on
        rates between them.
    other_mix_probability : float
        Probability that the residual of a Stable row of any file is added, as far as that file is sampled densely
        enough; scaled to the scatter of the row, times ``mix_share``.
    mix_probability, mix_share : float, tuple of float
        Otherwise, probability that the residual of a Stable row of the same file is added, and bounds of its factor.
    sign_probability, reversal_probability : float
        Probability that the sign is changed, and that the order of time is reversed.
    annual_probability, annual_mm : float
        Probability that an annual cycle is added, and standard deviation of its amplitude.
    noise_probability, noise_share : float
        Probability that white noise is added, and the largest ratio of its RMS to the scatter of the row from one epoch
        to the next.
    line_probability, line_mm_yr : float
        Probability that a line is added, and standard deviation of its rate; not for rows that may be Stable or Linear.
    scale_probability, scale_log_spread : float
        Probability that the row is multiplied by a factor, and standard deviation of its logarithm; not for rows that
        may be Stable or Linear, whose class depends on the rate; at least 1 for rows that may be PUE.
    drop_probability, drop_share : float
        Probability that epochs are removed at random, and their largest share.
    thin_probability : float
        Probability that every second epoch is removed; not for rows that may be PUE, whose jumps may be short.
    cut_probability, cut_share : float
        Probability that both ends are cut, and the largest share of epochs that each loses; not for rows that may be
        PUE or Other, whose events may lie there.
    """

    frequency_power: float = 0.5
    rate_probability: float = 0.5
    stable_mm_yr: tuple[float, float] = (0.0, 1.4)
    linear_mm_yr: tuple[float, float] = (2.1, 12.0)
    other_mix_probability: float = 0.4
    mix_probability: float = 0.4
    mix_share: tuple[float, float] = (0.2, 0.7)
    sign_probability: float = 0.5
    reversal_probability: float = 0.35
    annual_probability: float = 0.5
    annual_mm: float = 1.5
    noise_probability: float = 0.3
    noise_share: float = 0.5
    line_probability: float = 0.5
    line_mm_yr: float = 3.0
    scale_probability: float = 0.5
    scale_log_spread: float = 0.1
    drop_probability: float = 0.4
    drop_share: float = 0.3
    thin_probability: float = 0.15
    cut_probability: float = 0.4
    cut_share: float = 0.08


_HALF: Final = 0.5
_STABLE_SHARE: Final = 0.55
"""Share of the rows with another rate that become Stable."""
_MAY_BE: Final = 0.3
"""A row may be of a class if it has at least this share of the votes."""
_MOST_TRIES: Final = 20
_SPACING_RATIO: Final = 1.2
"""Noise is taken from files whose median interval is at most this multiple of the row's, so that no epoch is repeated
often."""


class LabelledRows:
    """Labelled rows from which batches are drawn.

    Parameters
    ----------
    files : sequence of LabelledFile
        Rows with their votes.
    width : int
        Number of epochs to which rows are padded.
    seed : int
        Seed of all random draws.
    config : AugmentConfig, optional
        Settings of the augmentation.

    Raises
    ------
    DataError
        If there are no rows, or a file has more epochs than ``width``.
    """

    def __init__(
        self, files: Sequence[LabelledFile], *, width: int, seed: int, config: AugmentConfig | None = None
    ) -> None:
        longest = max((file.displacement.shape[1] for file in files if len(file.label)), default=0)
        if not 0 < longest <= width:
            raise DataError(f"labelled rows have up to {longest} epochs; give files with rows of 1 to {width}")
        self._files, self._width = files, width
        self._config = config or AugmentConfig()
        self._rng = np.random.default_rng(seed)
        self._place = [(place, row) for place, file in enumerate(files) for row in range(len(file.label))]
        self._votes = [file.soft_labels for file in files]
        self._still = [_stable_residuals(file) for file in files]
        self._spacing = [float(np.median(np.diff(file.days))) for file in files]
        label = np.concatenate([file.label for file in files])
        _, kind, count = np.unique(label, return_inverse=True, return_counts=True)
        weight = count[kind] ** (self._config.frequency_power - 1)
        self._chance = weight / weight.sum()

    @property
    def class_shares(self) -> NDArray[np.float64]:
        """Return the expected shares of the six classes [6] in a batch, by the votes of the readers.

        Changes of class by another rate (``AugmentConfig.rate_probability``) are not counted.
        """
        votes = np.concatenate([file.soft_labels for file in self._files]).astype(np.float64)
        return np.asarray(self._chance @ votes)

    def batch(self, rows: int) -> tuple[Floats, Floats, Floats]:
        """Draw a batch.

        Returns
        -------
        displacement : ndarray of float32, shape [rows, width]
            mm; NaN = missing or padding.
        days : ndarray of float32, shape [rows, width]
            Days since the first acquisition; padding repeats the last day.
        target : ndarray of float32, shape [rows, 6]
            Share of the readers for each class.
        """
        displacement = np.full((rows, self._width), np.nan, dtype=np.float32)
        days = np.empty((rows, self._width), dtype=np.float32)
        target = []
        for i, drawn in enumerate(self._rng.choice(len(self._place), size=rows, p=self._chance)):
            place, row = self._place[drawn]
            file = self._files[place]
            values, votes = self._with_other_rate(file, row, self._votes[place][row])
            values, axis = self._varied(self._with_other_noise(values, place), file.days, votes)
            displacement[i, : len(values)] = values
            days[i, : len(axis)], days[i, len(axis) :] = axis, axis[-1]
            target.append(votes)
        return displacement, days, np.stack(target)

    def _with_other_rate(self, file: LabelledFile, row: int, votes: Floats) -> tuple[Floats, Floats]:
        """Return a row and its votes; a Stable or Linear row may get another rate, and the class of that rate."""
        values = file.displacement[row]
        rng, config = self._rng, self._config
        if votes[[TrendClass.STABLE, TrendClass.LINEAR]].sum() < 1 or rng.random() >= config.rate_probability:
            return values, votes
        kind = TrendClass.STABLE if rng.random() < _STABLE_SHARE else TrendClass.LINEAR
        if kind == TrendClass.STABLE:
            rate = rng.uniform(*config.stable_mm_yr)
        else:
            rate = np.exp(rng.uniform(*np.log(config.linear_mm_yr)))
        rate = rate if rng.random() < _HALF else -rate
        line = np.float32(rate - file.readings.rate[row]) * (file.days / np.float32(DAYS_PER_YEAR))
        return values + line, np.eye(len(votes), dtype=np.float32)[kind]

    def _with_other_noise(self, values: Floats, place: int) -> Floats:
        """Add a fraction of the residual of a Stable row, of any file or of the same one."""
        rng, config = self._rng, self._config
        if rng.random() < config.other_mix_probability:
            return self._with_noise_of_any_file(values, place)
        still = self._still[place]
        if not len(still) or rng.random() >= config.mix_probability:
            return values
        return np.asarray(values + still[rng.integers(len(still))] * rng.uniform(*config.mix_share))

    def _with_noise_of_any_file(self, values: Floats, place: int) -> Floats:
        """Add a fraction of the residual of a Stable row of a file that is sampled about as densely, or more so."""
        rng = self._rng
        densest = _SPACING_RATIO * self._spacing[place]
        places = [i for i, still in enumerate(self._still) if len(still) and self._spacing[i] <= densest]
        if not places:
            return values
        chosen = places[rng.integers(len(places))]
        residual = self._still[chosen][rng.integers(len(self._still[chosen]))]
        noise = _at_other_dates(residual, self._files[chosen].days, self._files[place].days, rng)
        scatter = _scatter(noise)
        if scatter <= 0:
            return values
        factor = _scatter(values) / scatter * rng.uniform(*self._config.mix_share)
        return np.asarray(values + noise * factor, dtype=np.float32)

    def _varied(self, values: Floats, days: Floats, votes: Floats) -> tuple[Floats, Floats]:
        """Return a changed row, or the row itself if every attempt leaves too few epochs."""
        for _ in range(_MOST_TRIES):
            varied, axis = vary(self._rng, values, days, votes, self._config)
            if np.count_nonzero(np.isfinite(varied)) >= LIMITS.min_epochs:
                return varied, axis
        return values, days


def vary(
    rng: np.random.Generator, values: Floats, days: Floats, votes: Floats, config: AugmentConfig
) -> tuple[Floats, Floats]:
    """Return a changed row of the same class.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    values : ndarray of float32, shape [T]
        Displacement in mm; NaN = missing.
    days : ndarray of float32, shape [T]
        Days since the first acquisition.
    votes : ndarray of float32, shape [6]
        Share of the readers for each class.
    config : AugmentConfig
        Settings of the augmentation.

    Returns
    -------
    values, days : ndarray of float32, shape [t]
        t is T, or less if ends are cut.
    """
    steady = votes[[TrendClass.STABLE, TrendClass.LINEAR]].sum() >= _MAY_BE
    jumps = votes[TrendClass.PUE] >= _MAY_BE
    event = jumps or votes[TrendClass.OTHER] >= _MAY_BE
    if rng.random() < config.sign_probability:
        values = -values
    if rng.random() < config.reversal_probability:
        values, days = values[::-1], (days[-1] - days)[::-1]
    years = days / np.float32(DAYS_PER_YEAR)
    scatter = _scatter(values)
    varied = values.astype(np.float32, copy=True)
    if rng.random() < config.annual_probability:
        varied += abs(rng.normal(0, config.annual_mm)) * np.sin(2 * np.pi * (years + rng.random()))
    if rng.random() < config.noise_probability:
        varied += rng.standard_normal(len(varied)) * scatter * rng.uniform(0, config.noise_share)
    if not steady and rng.random() < config.line_probability:
        varied += rng.normal(0, config.line_mm_yr) * years
    if not steady and rng.random() < config.scale_probability:
        factor = np.exp(rng.normal(0, config.scale_log_spread))
        varied *= max(factor, 1 / factor) if jumps else factor
    if rng.random() < config.drop_probability:
        varied[rng.random(len(varied)) < rng.uniform(0, config.drop_share)] = np.nan
    if not jumps and rng.random() < config.thin_probability:
        varied[rng.integers(2) :: 2] = np.nan
    if not event and rng.random() < config.cut_probability:
        first, last = (int(rng.uniform(0, config.cut_share) * len(varied)) for _ in range(2))
        part = slice(first, len(varied) - last)
        varied, days = varied[part], days[part] - days[first]
    return np.round(varied, 1), np.ascontiguousarray(days)


def _stable_residuals(file: LabelledFile) -> Floats:
    """Return the residuals from a line of the rows that all readers label Stable, [n, T]; NaN = missing."""
    rows = np.flatnonzero(file.soft_labels[:, TrendClass.STABLE] == 1)
    line = file.readings.rate[rows, None].astype(np.float32) * (file.days / np.float32(DAYS_PER_YEAR))
    rest = file.displacement[rows] - line
    return np.asarray(rest - np.nanmean(rest, axis=1, keepdims=True) if len(rest) else rest, dtype=np.float32)


def _at_other_dates(noise: Floats, days: Floats, other: Floats, rng: np.random.Generator) -> Floats:
    """Return noise [T] at other dates [t] from a random start, mirrored at the last date; missing values become 0."""
    last = days[-1]
    at = (other + rng.uniform(0, last)) % (2 * last)
    at = np.where(at > last, 2 * last - at, at)
    taken = noise[np.clip(np.searchsorted(days, at), 0, len(days) - 1)]
    return np.where(np.isfinite(taken), taken, np.float32(0))


def _scatter(values: Floats) -> float:
    """Return the RMS difference of successive valid epochs, divided by sqrt(2)."""
    steps: NDArray[np.float32] = np.diff(values[np.isfinite(values)])
    return float(np.sqrt(np.mean(steps * steps) / 2)) if len(steps) else 0.0
