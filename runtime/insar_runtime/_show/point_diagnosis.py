"""Diagnosis of one point: rates, break and jumps with their uncertainties, for texts and plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.trend.point_trends import DiagnosedRates, TrendJumps


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard deviation, which is None if unknown."""

    value: float
    std: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Return plain values."""
        return {"value": self.value, "std": self.std}


@dataclass(frozen=True, slots=True)
class FoundBreak:
    """A break: a change of rate.

    Attributes
    ----------
    day, earliest, latest : datetime64[D]
        Date of the break and its 90 % interval.
    before, after : Estimate
        Rates before and after the break, mm/yr.
    """

    day: np.datetime64
    earliest: np.datetime64
    latest: np.datetime64
    before: Estimate
    after: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "date": str(self.day),
            "interval": [str(self.earliest), str(self.latest)],
            "mm_per_year_before": self.before.to_dict(),
            "mm_per_year_after": self.after.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class FoundJump:
    """A jump: a change of level.

    Attributes
    ----------
    day : datetime64[D]
        First epoch of the new level.
    mm : Estimate
        Size of the jump.
    cycles : int or None
        Number of half wavelengths; None if it is not a multiple of them, or if the wavelength is unknown.
    probability : float or None
        That there is a jump.
    distance : float or None
        Distance from the nearest multiple, in standard deviations.
    repaired : bool
        Whether it is taken out of the corrected series.
    """

    day: np.datetime64
    mm: Estimate
    cycles: int | None
    probability: float | None
    distance: float | None
    repaired: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "date": str(self.day),
            "mm": self.mm.to_dict(),
            "cycles": self.cycles,
            "probability": self.probability,
            "distance": self.distance,
            "repaired": self.repaired,
        }


@dataclass(frozen=True, slots=True)
class RecentRate:
    """Rate in the window at the end of a series.

    Attributes
    ----------
    rate : Estimate
        mm/yr.
    probability : float
        That it differs from the trend before.
    days : int or None
        Length of the window; None if it is not known.
    """

    rate: Estimate
    probability: float
    days: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"mm_per_year": self.rate.to_dict(), "change_probability": self.probability, "days": self.days}


@dataclass(frozen=True, slots=True)
class PointDiagnosis:
    """Diagnosis of one point.

    Attributes
    ----------
    velocity, acceleration, season : Estimate or None
        Velocity in mm/yr, acceleration in mm/yr^2, amplitude of the annual cycle in mm, by the definitions of EGMS.
    rmse : float or None
        RMS residual of a cubic polynomial with an annual cycle, mm.
    change : FoundBreak or None
    recent : RecentRate or None
        None if there are too few epochs in the window, or if an earlier version wrote the file.
    jumps : tuple of FoundJump, or None
        In order of time; None if the series was not searched for jumps.
    class_after_repair : str or None
        None if nothing was repaired, or if the corrected series has no class.
    status : str or None
        Why rates are missing; ``ok`` if they are not.
    half_wavelength_mm : float or None
        Size of one cycle.
    origin : str
        Origin of the diagnosis, for people.
    """

    velocity: Estimate | None
    acceleration: Estimate | None
    season: Estimate | None
    rmse: float | None
    change: FoundBreak | None
    recent: RecentRate | None
    jumps: tuple[FoundJump, ...] | None
    class_after_repair: str | None
    status: str | None
    half_wavelength_mm: float | None
    origin: str

    @property
    def repairs(self) -> bool:
        """Whether any jump is repaired."""
        return any(jump.repaired for jump in self.jumps or ())

    def offsets(self, dates: NDArray[np.datetime64], *, repaired: bool = True) -> NDArray[np.float64]:
        """Return the sum of the repaired jumps, or of the others, at each date [T], mm."""
        (offsets,) = self.trend_jumps.offsets(1, as_days(dates), repaired=repaired)
        return np.asarray(offsets)

    @property
    def trend_jumps(self) -> TrendJumps:
        """The jumps as arrays, with days since 1970."""
        jumps = self.jumps or ()
        return TrendJumps.of_columns(
            np.zeros(len(jumps), dtype=np.intp),
            as_days(np.array([jump.day for jump in jumps], dtype="datetime64[D]")),
            np.array([jump.mm.value for jump in jumps], dtype=np.float64),
            np.array([np.nan if jump.cycles is None else jump.cycles for jump in jumps], dtype=np.float64),
            np.array([jump.repaired for jump in jumps], dtype=np.bool_),
            self.half_wavelength_mm,
        )

    @property
    def rates(self) -> DiagnosedRates:
        """Rates and break as arrays of one element, with days since 1970; NaN for unknown ones."""
        change = self.change
        return DiagnosedRates(
            *_value_and_std(self.velocity),
            *_value_and_std(self.acceleration),
            break_day=as_days(np.array(["NaT" if change is None else change.day], dtype="datetime64[D]")),
            before=_value_and_std(None if change is None else change.before)[0],
            after=_value_and_std(None if change is None else change.after)[0],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "velocity_mm_per_year": self.velocity and self.velocity.to_dict(),
            "acceleration_mm_per_year2": self.acceleration and self.acceleration.to_dict(),
            "season_amplitude_mm": self.season and self.season.to_dict(),
            "rmse_mm": self.rmse,
            "break": self.change and self.change.to_dict(),
            "recent": self.recent and self.recent.to_dict(),
            "jumps": None if self.jumps is None else [jump.to_dict() for jump in self.jumps],
            "class_after_repair": self.class_after_repair,
            "status": self.status,
            "half_wavelength_mm": self.half_wavelength_mm,
            "origin": self.origin,
        }


def as_days(dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return dates as days since 1970; NaN for NaT."""
    days = dates.astype("datetime64[D]").astype(np.float64)
    days[np.isnat(dates)] = np.nan
    return np.asarray(days)


def _value_and_std(estimate: Estimate | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    numbers = (None, None) if estimate is None else (estimate.value, estimate.std)
    value, std = (np.array([np.nan if number is None else number]) for number in numbers)
    return value, std
