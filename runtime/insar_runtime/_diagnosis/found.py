"""What the fits give, one value a row; orchestration, columns and pictures read it, the fits write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float32]

CLEAR_CHANGE_STDS: Final = 2.0
"""Rates before and after a break that differ by fewer standard deviations may be one rate: no break is reported."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Rates of N series by the definitions of EGMS; NaN where the status is not OK.

    Attributes
    ----------
    velocity, velocity_std : ndarray of float32, shape [N]
        mm a year of 365.25 days.
    acceleration, acceleration_std : ndarray of float32, shape [N]
        mm/yr^2: twice the quadratic coefficient.
    season_amp, season_amp_std : ndarray of float32, shape [N]
        Amplitude of the annual sine, mm.
    rmse : ndarray of float32, shape [N]
        mm, about a cubic polynomial with the annual sine.
    status : ndarray of int8, shape [N]
        ``FitStatus``.
    """

    velocity: Column
    velocity_std: Column
    acceleration: Column
    acceleration_std: Column
    season_amp: Column
    season_amp_std: Column
    rmse: Column
    status: NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Breaks:
    """The best break of n series; NaN where the status is not OK.

    Attributes
    ----------
    day, day_lo, day_hi : ndarray of float64, shape [n]
        Days since the first epoch of the axis, and the interval that holds the break with a probability of 90 %.
    v_before, v_before_std, v_after, v_after_std : ndarray of float32, shape [n]
        Rates in mm a year of 365.25 days; the standard deviations hold for coloured noise and an uncertain date.
    change_std : ndarray of float32, shape [n]
        Standard deviation of the difference of both rates, mm/yr: their errors depend on each other.
    explains : ndarray of bool, shape [n]
        Whether a break explains the series at least as well as a constant acceleration does.
    status : ndarray of int8, shape [n]
        ``FitStatus``.
    """

    day: NDArray[np.float64]
    day_lo: NDArray[np.float64]
    day_hi: NDArray[np.float64]
    v_before: Column
    v_before_std: Column
    v_after: Column
    v_after_std: Column
    change_std: Column
    explains: NDArray[np.bool_]
    status: NDArray[np.int8]

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Whether both rates differ by ``CLEAR_CHANGE_STDS`` of their difference or more, [n]."""
        return np.asarray(np.abs(self.v_after - self.v_before) >= CLEAR_CHANGE_STDS * self.change_std)


@dataclass(frozen=True, slots=True, eq=False)
class Jumps:
    """All jumps of n series, row after row, in the order of time.

    A jump changes the level of a series from an epoch on; one that is temporary is followed by another one back.

    Attributes
    ----------
    begins : ndarray of int64, shape [n + 1]
        The jumps of row i are those from ``begins[i]`` to before ``begins[i + 1]``.
    epoch : ndarray of int32, shape [M]
        Index of the first epoch on the new level; never 0.
    mm, mm_std : ndarray of float32, shape [M]
        Change of level and its standard deviation.
    cycles : ndarray of int8, shape [M]
        Half wavelengths that it is; 0 where it is more likely no multiple, or the wavelength is not known.
    distance : ndarray of float32, shape [M]
        From the nearest multiple (not 0) in standard deviations; NaN where the wavelength is not known.
    probability : ndarray of float32, shape [M]
        That there is a jump at this epoch or the one before or after, and of so many cycles where it has them. Fitted
        to series of which half jump, and three fifths of these by less than whole cycles.
    status : ndarray of int8, shape [n]
        ``FitStatus``; rows without one that is OK have no jumps.
    half_wavelength_mm : float, optional
        What one of the ``cycles`` is.
    """

    begins: NDArray[np.int64]
    epoch: NDArray[np.int32]
    mm: Column
    mm_std: Column
    cycles: NDArray[np.int8]
    distance: Column
    probability: Column
    status: NDArray[np.int8]
    half_wavelength_mm: float | None = None

    @property
    def counts(self) -> NDArray[np.int64]:
        """Jumps of each row, [n]."""
        return np.diff(self.begins)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row of each jump, [M]."""
        return np.repeat(np.arange(len(self.begins) - 1), self.counts)

    def keep(self, wanted: NDArray[np.bool_]) -> Jumps:
        """Give some of the jumps [M], of the same rows."""
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
