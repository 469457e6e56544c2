"""Columns of the recent change on a time axis: a change of rate where the window begins, and the trends before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray
from insar_runtime._diagnosis.missing_epochs import first_and_last
from insar_runtime.definitions import DAYS_PER_YEAR

LEAST_RECENT_EPOCHS: Final = 5
"""Least number of values in the window: two rates and their scatter cannot be distinguished from outliers with
fewer."""
LEAST_EARLIER_EPOCHS: Final = 12
LEAST_EARLIER_DAYS: Final = DAYS_PER_YEAR
"""Least number of values before the window and least span of them, as for the rates: over less than a year, part of an
annual cycle resembles a change of rate."""
_BREAKS: Final = 20
"""Dates of earlier breaks, evenly spaced. The noise models include slow drift, which makes up for breaks between."""
_BREAK_BEGIN: Final = 0.15
"""Part of the span before the first of them, as in the definition of the class Bilinear."""
_LEAST_APART_DAYS: Final = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class RecentDesign:
    """Columns of the fits.

    The first column is the change of rate at the begin of the window. The others are the trends before it that are no
    lines, each with an RMS departure of 1 from its least-squares line: a parabola, and breaks that are at least one
    window older than the window. A break that is nearer to the window counts as recent.

    Attributes
    ----------
    days : ndarray of float64, shape [T]
        Time axis.
    begin : float
        Day at which the window begins; epochs after it are recent.
    line : ndarray of float64, shape [T, 2]
        A constant 1, and years from the middle of the span.
    columns : ndarray of float64, shape [T, 1 + J]
        Per mm/yr, and per mm.
    rates : ndarray of float64, shape [1 + J]
        Slope of each column in the window, 1/yr; that of the parabola in the middle of the window.
    """

    days: FloatArray
    begin: float
    line: FloatArray
    columns: FloatArray
    rates: FloatArray

    @classmethod
    def for_days(cls, days: FloatArray, recent_days: float) -> RecentDesign | None:
        """Return the design of a time axis [T]; None if no complete series has enough epochs before and within.

        Parameters
        ----------
        days : ndarray of float64, shape [T]
        recent_days : float
            Length of the window, which ends at the last epoch of the axis.
        """
        if not len(days):
            return None
        begin = float(days[-1]) - recent_days
        if not enough_epochs(np.ones((1, len(days)), dtype=np.bool_), days, begin)[0]:
            return None
        middle = (days[0] + days[-1]) / 2
        years = (days - middle) / DAYS_PER_YEAR
        line = np.stack([np.ones_like(years), years], axis=1)
        first = days[0] + _BREAK_BEGIN * (days[-1] - days[0])
        last = begin - recent_days
        count = int(np.clip((last - first) // _LEAST_APART_DAYS + 1, 0, _BREAKS))
        breaks = np.linspace(first, last, count) if count > 1 else np.full(count, last)
        hinges = np.maximum(days[:, None] - np.append(begin, breaks), 0) / DAYS_PER_YEAR
        trends = np.concatenate([years[:, None] ** 2, hinges[:, 1:]], axis=1)
        within = (begin + days[-1]) / 2
        slopes = np.append(2 * (within - middle) / DAYS_PER_YEAR, np.ones(count))
        rest = trends - line @ np.linalg.lstsq(line, trends, rcond=None)[0]
        scale = 1 / np.sqrt(np.mean(rest**2, axis=0))
        columns = np.concatenate([hinges[:, :1], trends * scale], axis=1)
        return cls(days, begin, line, columns, np.append(1.0, slopes * scale))


def enough_epochs(present: BoolArray, days: FloatArray, begin: float) -> BoolArray:
    """Return which rows [n] have enough values within the window and before it.

    Parameters
    ----------
    present : ndarray of bool, shape [n, T]
    days : ndarray of float64, shape [T]
    begin : float
        Day at which the window begins.
    """
    recent = days > begin
    before = present[:, ~recent]
    enough = present[:, recent].sum(axis=1) >= LEAST_RECENT_EPOCHS
    enough &= before.sum(axis=1) >= LEAST_EARLIER_EPOCHS
    first, last = first_and_last(before, days[~recent])
    return np.asarray(enough & (last - first >= LEAST_EARLIER_DAYS))
