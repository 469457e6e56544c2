"""Endless batches of read rows, each time a little different, to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import TrendClass
from insar_runtime.errors import DataError
from training.dataset import LIMITS
from training.readings.labels import ReadFile
from training.simulator.draws import Floats

_YEAR: Final = 365.25


@dataclass(frozen=True)
class AugmentConfig:
    """By how much rows are changed; each change keeps the class.

    Attributes
    ----------
    frequency_power : float
        Rows of a label are drawn as often as its frequency to this power; rows without a majority are a label of
        their own.
    sign_probability, reversal_probability : float
        Of turning a row over, and of letting time run backwards.
    annual_probability, annual_mm : float
        Of an annual cycle on top, and the spread of its amplitude.
    noise_probability, noise_share : float
        Of white noise on top, and its largest RMS over the row's scatter from one epoch to the next.
    line_probability, line_mm_yr : float
        Of a line on top, and the spread of its rate; not for rows that may be Stable or Linear.
    scale_probability, scale_log_spread : float
        Of a factor, and the spread of its logarithm.
    drop_probability, drop_share : float
        Of missing epochs, and their largest share.
    thin_probability : float
        Of leaving out every second epoch; not for rows that may be PUE, whose jumps may be short.
    cut_probability, cut_share : float
        Of cutting both ends, and the largest share that each loses; not for rows that may be PUE or Other, whose events
        may lie there.
    """

    frequency_power: float = 0.5
    sign_probability: float = 0.5
    reversal_probability: float = 0.35
    annual_probability: float = 0.5
    annual_mm: float = 1.5
    noise_probability: float = 0.5
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


_MAY_BE: Final = 0.3
"""Share of the votes from which a row may be of a class."""
_MOST_TRIES: Final = 20


class ReadRows:
    """Read rows to draw batches from.

    Parameters
    ----------
    files : sequence of ReadFile
        Rows with their votes.
    width : int
        Epochs that rows are padded to.
    seed : int
        Of everything drawn.
    config : AugmentConfig, optional
        By how much rows are changed.

    Raises
    ------
    DataError
        If there are no rows, or a file has more epochs than ``width``.
    """

    def __init__(
        self, files: Sequence[ReadFile], *, width: int, seed: int, config: AugmentConfig | None = None
    ) -> None:
        longest = max((file.displacement.shape[1] for file in files if len(file.label)), default=0)
        if not 0 < longest <= width:
            raise DataError(f"read rows have up to {longest} epochs; give files with rows of 1 to {width}")
        self._files, self._width = files, width
        self._config = config or AugmentConfig()
        self._rng = np.random.default_rng(seed)
        self._place = [(place, row) for place, file in enumerate(files) for row in range(len(file.label))]
        label = np.concatenate([file.label for file in files])
        _, kind, count = np.unique(label, return_inverse=True, return_counts=True)
        weight = count[kind] ** (self._config.frequency_power - 1)
        self._chance = weight / weight.sum()

    @property
    def class_shares(self) -> NDArray[np.float64]:
        """Expected shares of the six classes [6] in a batch."""
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
            votes = file.soft_labels[row]
            values, axis = self._varied(file.displacement[row], file.days, votes)
            displacement[i, : len(values)] = values
            days[i, : len(axis)], days[i, len(axis) :] = axis, axis[-1]
            target.append(votes)
        return displacement, days, np.stack(target)

    def _varied(self, values: Floats, days: Floats, votes: Floats) -> tuple[Floats, Floats]:
        """Change a row; the row itself if it loses too many epochs time and again."""
        for _ in range(_MOST_TRIES):
            varied, axis = vary(self._rng, values, days, votes, self._config)
            if np.count_nonzero(np.isfinite(varied)) >= LIMITS.min_epochs:
                return varied, axis
        return values, days


def vary(
    rng: np.random.Generator, values: Floats, days: Floats, votes: Floats, config: AugmentConfig
) -> tuple[Floats, Floats]:
    """Change a row in ways that keep its class.

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
        By how much.

    Returns
    -------
    values, days : ndarray of float32, shape [t]
        t is T, or less where ends are cut.
    """
    steady = votes[[TrendClass.STABLE, TrendClass.LINEAR]].sum() >= _MAY_BE
    jumps = votes[TrendClass.PUE] >= _MAY_BE
    event = jumps or votes[TrendClass.OTHER] >= _MAY_BE
    if rng.random() < config.sign_probability:
        values = -values
    if rng.random() < config.reversal_probability:
        values, days = values[::-1], (days[-1] - days)[::-1]
    years = days / np.float32(_YEAR)
    scatter = _scatter(values)
    varied = values.astype(np.float32, copy=True)
    if rng.random() < config.annual_probability:
        varied += abs(rng.normal(0, config.annual_mm)) * np.sin(2 * np.pi * (years + rng.random()))
    if rng.random() < config.noise_probability:
        varied += rng.standard_normal(len(varied)) * scatter * rng.uniform(0, config.noise_share)
    if not steady and rng.random() < config.line_probability:
        varied += rng.normal(0, config.line_mm_yr) * years
    if rng.random() < config.scale_probability:
        varied *= np.exp(rng.normal(0, config.scale_log_spread))
    if rng.random() < config.drop_probability:
        varied[rng.random(len(varied)) < rng.uniform(0, config.drop_share)] = np.nan
    if not jumps and rng.random() < config.thin_probability:
        varied[rng.integers(2) :: 2] = np.nan
    if not event and rng.random() < config.cut_probability:
        first, last = (int(rng.uniform(0, config.cut_share) * len(varied)) for _ in range(2))
        part = slice(first, len(varied) - last)
        varied, days = varied[part], days[part] - days[first]
    return np.round(varied, 1), np.ascontiguousarray(days)


def _scatter(values: Floats) -> float:
    """Return the RMS from one valid epoch to the next over the root of 2."""
    steps: NDArray[np.float32] = np.diff(values[np.isfinite(values)])
    return float(np.sqrt(np.mean(steps * steps) / 2)) if len(steps) else 0.0
