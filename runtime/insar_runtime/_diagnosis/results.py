"""Results of the fits, one value per series or per jump: rates, breaks, jumps, and the status of each fit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IndexArray, Int8Array, IntArray


class FitStatus(IntEnum):
    """Reason why a series has no rates, break or jumps; OK where it was fitted."""

    OK = 0
    NON_FINITE = 1
    TOO_FEW_EPOCHS = 2
    SPAN_TOO_SHORT = 3
    SINGULAR = 4


FIT_STATUS_NAMES: Final = tuple(status.name.lower() for status in FitStatus)
"""Names in the order of ``FitStatus``, as written to tables."""

CLEAR_CHANGE_STDS: Final = 2.0
"""A break is reported if the rates before and after it differ by at least this many standard deviations of their
difference; a smaller difference is compatible with one constant rate."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Rates of N series by the definitions of EGMS; NaN where the status is not OK.

    Attributes
    ----------
    velocity, velocity_std : ndarray of float32, shape [N]
        mm/yr; a year has 365.25 days.
    acceleration, acceleration_std : ndarray of float32, shape [N]
        mm/yr^2: twice the quadratic coefficient.
    season_amp, season_amp_std : ndarray of float32, shape [N]
        Amplitude of the annual sine, mm.
    rmse : ndarray of float32, shape [N]
        Root mean square residual of a cubic polynomial with an annual sine, mm.
    status : ndarray of int8, shape [N]
        ``FitStatus``.
    """

    velocity: Float32Array
    velocity_std: Float32Array
    acceleration: Float32Array
    acceleration_std: Float32Array
    season_amp: Float32Array
    season_amp_std: Float32Array
    rmse: Float32Array
    status: Int8Array


@dataclass(frozen=True, slots=True, eq=False)
class RecentChanges:
    """Rates of N series in their last months, and how certain it is that they are new; NaN where that is unknown.

    Attributes
    ----------
    v_recent, v_recent_std : ndarray of float32, shape [N]
        Rate in the window at the end of the time axis, mm/yr, and its standard deviation for coloured noise.
    probability : ndarray of float32, shape [N]
        One minus the two-sided p-value of no change of rate at the begin of the window: above 0.95 for one in twenty
        series that continue their trend.
    """

    v_recent: Float32Array
    v_recent_std: Float32Array
    probability: Float32Array

    @classmethod
    def unknown(cls, count: int) -> RecentChanges:
        """Return the results of series of which nothing is known."""
        return cls(*np.full((3, count), np.nan, dtype=np.float32))

    def take(self, wanted: slice) -> RecentChanges:
        """Return the results of some series."""
        return RecentChanges(*(getattr(self, name)[wanted] for name in RecentChanges.__slots__))

    def put(self, rows: IndexArray, others: RecentChanges) -> RecentChanges:
        """Return a copy with the results of other series at some rows."""
        copies = []
        for name in RecentChanges.__slots__:
            copies.append(getattr(self, name).copy())
            copies[-1][rows] = getattr(others, name)
        return RecentChanges(*copies)


@dataclass(frozen=True, slots=True, eq=False)
class Breaks:
    """The break of each of n series; NaN where the status is not OK.

    Attributes
    ----------
    day, day_lo, day_hi : ndarray of float64, shape [n]
        Posterior median of the date, and the interval that contains it with a probability of 90 %; days since the first
        epoch of the time axis.
    v_before, v_before_std, v_after, v_after_std : ndarray of float32, shape [n]
        Rates in mm/yr; a year has 365.25 days. The standard deviations include coloured noise and the uncertainty of
        the date.
    change_std : ndarray of float32, shape [n]
        Standard deviation of the difference between both rates, mm/yr. It accounts for the correlation of their errors.
    explains : ndarray of bool, shape [n]
        Whether a break explains the series at least as well as a constant acceleration does.
    status : ndarray of int8, shape [n]
        ``FitStatus``.
    """

    day: FloatArray
    day_lo: FloatArray
    day_hi: FloatArray
    v_before: Float32Array
    v_before_std: Float32Array
    v_after: Float32Array
    v_after_std: Float32Array
    change_std: Float32Array
    explains: BoolArray
    status: Int8Array

    @property
    def clear(self) -> BoolArray:
        """Whether both rates differ by ``CLEAR_CHANGE_STDS`` of their difference or more, [n]."""
        return np.asarray(np.abs(self.v_after - self.v_before) >= CLEAR_CHANGE_STDS * self.change_std)

    def take(self, wanted: BoolArray | IndexArray) -> Breaks:
        """Return the breaks of the series selected by a mask [n] or by indices."""
        return Breaks(**{name: getattr(self, name)[wanted] for name in Breaks.__slots__})


@dataclass(frozen=True, slots=True, eq=False)
class Jumps:
    """All jumps of n series, ordered by series and then by time.

    A jump changes the level of a series from an epoch on. A temporary jump is followed by a second one in the opposite
    direction.

    Attributes
    ----------
    begins : ndarray of int64, shape [n + 1]
        The jumps of series i have the indices from ``begins[i]`` to ``begins[i + 1] - 1``.
    epoch : ndarray of int32, shape [M]
        Index of the first epoch on the new level; never 0.
    mm, mm_std : ndarray of float32, shape [M]
        Change of level and its standard deviation.
    cycles : ndarray of int8, shape [M]
        Number of half wavelengths; 0 if the size is probably no multiple of half a wavelength, or if the wavelength is
        unknown.
    distance : ndarray of float32, shape [M]
        Distance from the nearest multiple other than 0, in standard deviations; NaN if the wavelength is unknown.
    probability : ndarray of float32, shape [M]
        Probability that there is a jump at this epoch or a neighbouring one and, where ``cycles`` is not 0, that it has
        this number of cycles. Calibrated on series of which half have jumps; three fifths of these jump by less than
        whole cycles.
    status : ndarray of int8, shape [n]
        ``FitStatus``; series whose status is not OK have no jumps.
    half_wavelength_mm : float, optional
        Size of one of the ``cycles``.
    """

    begins: IntArray
    epoch: NDArray[np.int32]
    mm: Float32Array
    mm_std: Float32Array
    cycles: Int8Array
    distance: Float32Array
    probability: Float32Array
    status: Int8Array
    half_wavelength_mm: float | None = None

    @property
    def counts(self) -> IntArray:
        """Number of jumps of each series, [n]."""
        return np.diff(self.begins)

    @property
    def rows(self) -> IntArray:
        """Index of the series of each jump, [M]."""
        return np.repeat(np.arange(len(self.begins) - 1), self.counts)

    def of_rows(self, begin: int, end: int) -> Jumps:
        """Return the jumps of the series from ``begin`` to ``end - 1``, numbered from 0."""
        first, last = self.begins[begin], self.begins[end]
        own = slice(int(first), int(last))
        return Jumps(
            begins=self.begins[begin : end + 1] - first,
            epoch=self.epoch[own],
            mm=self.mm[own],
            mm_std=self.mm_std[own],
            cycles=self.cycles[own],
            distance=self.distance[own],
            probability=self.probability[own],
            status=self.status[begin:end],
            half_wavelength_mm=self.half_wavelength_mm,
        )

    def keep(self, wanted: BoolArray) -> Jumps:
        """Return the jumps selected by a mask [M]; the series stay the same."""
        counts = np.bincount(self.rows[wanted], minlength=len(self.status))
        return Jumps(
            begins=np.concatenate([[0], np.cumsum(counts)]),
            epoch=self.epoch[wanted],
            mm=self.mm[wanted],
            mm_std=self.mm_std[wanted],
            cycles=self.cycles[wanted],
            distance=self.distance[wanted],
            probability=self.probability[wanted],
            status=self.status,
            half_wavelength_mm=self.half_wavelength_mm,
        )
