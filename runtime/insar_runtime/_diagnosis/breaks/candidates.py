"""Dates at which a series may break.

A parabola stands beside the hinges, so that both are judged by the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray
from insar_runtime._diagnosis.missing import first_and_last
from insar_runtime._input.slopes import DAYS_PER_YEAR

_STEP_DAYS: Final = 3.0
_STEPS: Final = 300
"""Dates are tried at the epochs and between them, about this far apart, or this part of the span where that is more."""
_USUAL_SHARE: Final = 0.15
_LEAST_SHARE: Final = 0.05
_LEAST_WEIGHT: Final = 0.1
"""A break is taken to lie in the inner 70 % of the span [design], each day alike; further out, less and less likely."""
_LEAST_EPOCHS: Final = 3
"""Epochs on either side of a break: fewer are outliers as well as a rate."""
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class BreakCandidates:
    """Hinges at J - 1 dates, and a parabola.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
        Time axis.
    day : ndarray of float64, shape [J - 1]
        Dates of the hinges.
    edge : ndarray of float64, shape [J]
        Each date stands for the days between two of these.
    line : ndarray of float64, shape [T, 2]
        One, and years from the middle of the span.
    column : ndarray of float64, shape [T, J]
        Years since the date, or 0 before it; the last one is the parabola.
    """

    days: FloatArray
    day: FloatArray
    edge: FloatArray
    line: FloatArray
    column: FloatArray

    @classmethod
    def on(cls, days: FloatArray) -> BreakCandidates:
        """Lay out dates on a time axis [T]."""
        step = max(_STEP_DAYS, (days[-1] - days[0]) / _STEPS)
        gaps = np.diff(days)
        parts = np.maximum(np.rint(gaps / step), 1).astype(np.int64)
        first = np.repeat(np.cumsum(parts) - parts, parts)
        within = (np.arange(parts.sum()) - first) / np.repeat(parts, parts)
        day = np.append(np.repeat(days[:-1], parts) + within * np.repeat(gaps, parts), days[-1])
        # Neither end can be a break; leaving them out keeps every column from being a line.
        edge = (day[:-1] + day[1:]) / 2
        day = day[1:-1]
        years = (days - (days[0] + days[-1]) / 2) / DAYS_PER_YEAR
        hinges = np.maximum(days[:, None] - day, 0) / DAYS_PER_YEAR
        line = np.stack([np.ones_like(years), years], axis=1)
        return cls(days, day, edge, line, np.concatenate([hinges, years[:, None] ** 2], axis=1))

    def log_prior(self, present: BoolArray) -> FloatArray:
        """Give what is known of each candidate before its row is looked at.

        The parabola weighs as much as all hinges together. An amplitude counts by how far it departs from a line
        (RMS): the same departure is as likely at every date.

        Parameters
        ----------
        present : ndarray of bool, shape [n, T]

        Returns
        -------
        ndarray of float64, shape [n, J]
            -inf where a row cannot break.
        """
        # Sums over the epochs that are there, of powers of time, up to the end: a hinge is 0 before its date.
        years = self.line[:, 1]
        powers = [np.cumsum(np.where(present, years**power, 0.0)[:, ::-1], axis=1)[:, ::-1] for power in range(5)]
        count, *means = (power[:, :1] for power in powers)
        mean, square, third, fourth = (total / count for total in means)
        later = np.searchsorted(self.days, self.day, side="right")
        after, first, second = (power[:, later] for power in powers[:3])
        at = (self.day - (self.days[0] + self.days[-1]) / 2) / DAYS_PER_YEAR
        # Means of each column, of its square and of it times years.
        average = np.concatenate([(first - at * after) / count, square], axis=1)
        energy = np.concatenate([(second - at * (2 * first - at * after)) / count, fourth], axis=1)
        across = np.concatenate([(second - at * first) / count, third], axis=1)
        # What its least-squares line leaves.
        departure = energy - average**2 - (across - mean * average) ** 2 / (square - mean**2)

        begin, end = (day[:, None] for day in first_and_last(present, self.days))
        share = (self.day - begin) / (end - begin)
        outside = (np.minimum(share, 1 - share) - _LEAST_SHARE) / (_USUAL_SHARE - _LEAST_SHARE)
        weight = np.diff(self.edge) * np.clip(_LEAST_WEIGHT + (1 - _LEAST_WEIGHT) * outside, 0, 1)
        enough = np.minimum(after, count - after) >= _LEAST_EPOCHS
        weight *= enough & (outside >= 0)
        whole = weight.sum(axis=1, keepdims=True)
        weight = np.concatenate([weight / np.maximum(whole, _TINY), np.ones_like(whole)], axis=1)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(weight) + 0.5 * np.log(np.maximum(departure, _TINY)))
