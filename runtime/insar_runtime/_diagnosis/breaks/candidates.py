"""Candidate break dates of a time axis, as hinge functions, and their prior.

A parabola is one of the candidates, so that hinges and constant acceleration are compared by the same likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray
from insar_runtime._diagnosis.missing_epochs import first_and_last
from insar_runtime.definitions import DAYS_PER_YEAR

_STEP_DAYS: Final = 6.0
_STEPS: Final = 300
"""Candidate dates are at the epochs and between them, about ``_STEP_DAYS`` apart, or a part of 1 / ``_STEPS`` of the
span if that is more. With half the step, ``python -m evaluation diagnosis`` finds the same to the last digit or two."""
_USUAL_SHARE: Final = 0.15
_LEAST_SHARE: Final = 0.05
_LEAST_WEIGHT: Final = 0.1
"""The prior is flat over the inner 70 % of the span, as in the definition of the class Bilinear, and falls linearly to
``_LEAST_WEIGHT`` at 5 % from either end."""
_LEAST_EPOCHS: Final = 3
"""Least number of epochs on either side of a break: fewer may as well be outliers."""
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
        Each date represents the days between two of these edges.
    line : ndarray of float64, shape [T, 2]
        A constant 1, and years from the middle of the span.
    column : ndarray of float64, shape [T, J]
        Hinges: years since the date, 0 before it; the last column is the parabola.
    """

    days: FloatArray
    day: FloatArray
    edge: FloatArray
    line: FloatArray
    column: FloatArray

    @classmethod
    def for_days(cls, days: FloatArray) -> BreakCandidates:
        """Return the candidates of a time axis [T]."""
        step = max(_STEP_DAYS, (days[-1] - days[0]) / _STEPS)
        gaps = np.diff(days)
        parts = np.maximum(np.rint(gaps / step), 1).astype(np.int64)
        first = np.repeat(np.cumsum(parts) - parts, parts)
        within = (np.arange(parts.sum()) - first) / np.repeat(parts, parts)
        day = np.append(np.repeat(days[:-1], parts) + within * np.repeat(gaps, parts), days[-1])
        # Neither end can be a break. Without them, no column is a line.
        edge = (day[:-1] + day[1:]) / 2
        day = day[1:-1]
        years = (days - (days[0] + days[-1]) / 2) / DAYS_PER_YEAR
        hinges = np.maximum(days[:, None] - day, 0) / DAYS_PER_YEAR
        line = np.stack([np.ones_like(years), years], axis=1)
        return cls(days, day, edge, line, np.concatenate([hinges, years[:, None] ** 2], axis=1))

    def log_prior(self, present: BoolArray) -> FloatArray:
        """Return the log prior of the candidates.

        The parabola has the same prior weight as all hinges together. The prior of the amplitude is flat in the RMS
        departure from a straight line, so the same departure is equally likely at each date.

        Parameters
        ----------
        present : ndarray of bool, shape [n, T]

        Returns
        -------
        ndarray of float64, shape [n, J]
            -inf at dates where a row cannot have a break.
        """
        # Sums of powers of time over the present epochs from each epoch to the end: a hinge is 0 before its date.
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
        # Mean square residual of its least-squares line.
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
