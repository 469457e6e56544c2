"""What happened to one point, when, and how sure that is: as pictures and texts need it, whatever it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._classified.diagnosis_columns import read_diagnosis
from insar_runtime._classified.scalars import short


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard deviation, None if that is unknown."""

    value: float
    std: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Return both as plain values."""
        return {"value": self.value, "std": self.std}


@dataclass(frozen=True, slots=True)
class FoundBreak:
    """A change of rate.

    Attributes
    ----------
    day, earliest, latest : datetime64[D]
        The date, and the interval that holds it with a probability of 90 %.
    before, after : Estimate
        Rates, mm/yr.
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
    """A change of level.

    Attributes
    ----------
    day : datetime64[D]
        First epoch on the new level.
    mm : Estimate
    cycles : int or None
        Half wavelengths that it is; None if it is no multiple, or the wavelength is unknown.
    probability : float or None
    distance : float or None
        From the nearest multiple, in standard deviations.
    repaired : bool
        Whether the corrected series is without it.
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
class PointDiagnosis:
    """What is known about the motion of one point.

    Attributes
    ----------
    velocity, acceleration, season : Estimate or None
        mm/yr, mm/yr^2, and the amplitude of the yearly cycle in mm, by the definitions of EGMS.
    rmse : float or None
        mm about a cubic polynomial with the yearly cycle.
    change : FoundBreak or None
    jumps : tuple of FoundJump, or None
        In the order of time; None where none were looked for.
    class_after_repair : str or None
        None where nothing was repaired.
    status : str or None
        Why something is missing; ``ok`` where nothing is.
    half_wavelength_mm : float or None
        What a cycle is.
    origin : str
        Where it comes from, in words.
    """

    velocity: Estimate | None
    acceleration: Estimate | None
    season: Estimate | None
    rmse: float | None
    change: FoundBreak | None
    jumps: tuple[FoundJump, ...] | None
    class_after_repair: str | None
    status: str | None
    half_wavelength_mm: float | None
    origin: str

    @property
    def repairs(self) -> bool:
        """Whether the corrected series differs from the series."""
        return any(jump.repaired for jump in self.jumps or ())

    def offsets(self, dates: NDArray[np.datetime64], *, repaired: bool = True) -> NDArray[np.float64]:
        """Return what the repaired jumps, or else the others, have added to a series, mm at each date."""
        added = np.zeros(len(dates))
        for jump in self.jumps or ():
            if jump.repaired is repaired:
                added[dates >= jump.day] += self._step(jump)
        return added

    def _step(self, jump: FoundJump) -> float:
        """Return what a jump adds, mm: if it is repaired, whole cycles exactly, as far as it is a multiple of them."""
        if jump.repaired and jump.cycles is not None and self.half_wavelength_mm is not None:
            return jump.cycles * self.half_wavelength_mm
        return jump.mm.value

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "velocity_mm_per_year": self.velocity and self.velocity.to_dict(),
            "acceleration_mm_per_year2": self.acceleration and self.acceleration.to_dict(),
            "season_amplitude_mm": self.season and self.season.to_dict(),
            "rmse_mm": self.rmse,
            "break": self.change and self.change.to_dict(),
            "jumps": None if self.jumps is None else [jump.to_dict() for jump in self.jumps],
            "class_after_repair": self.class_after_repair,
            "status": self.status,
            "half_wavelength_mm": self.half_wavelength_mm,
            "origin": self.origin,
        }


def read_point_diagnosis(record: pa.RecordBatch, half_wavelength_mm: float | None, origin: str) -> PointDiagnosis:
    """Read the diagnosis of a row.

    Parameters
    ----------
    record : pyarrow.RecordBatch
        One row, with the columns of ``DIAGNOSIS_SCHEMA``.
    half_wavelength_mm : float or None
        What a cycle is.
    origin : str
        Where it comes from, in words.

    Raises
    ------
    DataError
        If the columns hold what is none of ours.
    """
    cells = read_diagnosis(record).to_pylist()[0]
    return PointDiagnosis(
        velocity=_estimate(cells["velocity_mm_yr"], cells["velocity_std"]),
        acceleration=_estimate(cells["acceleration_mm_yr2"], cells["acceleration_std"]),
        season=_estimate(cells["season_amp_mm"], cells["season_amp_std"]),
        rmse=_number(cells["rmse_mm"]),
        change=_break_of(cells),
        jumps=None if cells["n_jumps"] is None else _jumps_of(cells),
        class_after_repair=cells["class_after_repair"],
        status=cells["diagnosis_status"],
        half_wavelength_mm=half_wavelength_mm,
        origin=origin,
    )


def _break_of(cells: Mapping[str, Any]) -> FoundBreak | None:
    day, earliest, latest = (cells[name] for name in ("break_date", "break_lo", "break_hi"))
    before = _estimate(cells["v_before"], cells["v_before_std"])
    after = _estimate(cells["v_after"], cells["v_after_std"])
    if day is None or before is None or after is None:
        return None
    return FoundBreak(_day(day), _day(earliest or day), _day(latest or day), before, after)


def _jumps_of(cells: Mapping[str, Any]) -> tuple[FoundJump, ...]:
    names = ("jump_dates", "jump_mm", "jump_mm_std", "jump_cycles", "jump_prob", "jump_distance", "jump_repaired")
    jumps = zip(*(cells[name] or () for name in names), strict=True)
    return tuple(
        FoundJump(
            day=_day(day),
            mm=Estimate(_number(mm) or 0.0, _number(std)),
            cycles=cycles,
            probability=_number(probability),
            distance=_number(distance),
            repaired=bool(repaired),
        )
        for day, mm, std, cycles, probability, distance, repaired in jumps
        if day is not None
    )


def _estimate(value: float | None, std: float | None) -> Estimate | None:
    known = _number(value)
    return None if known is None else Estimate(known, _number(std))


def _number(value: float | None) -> float | None:
    """Return a float32 with no digits but its own."""
    return None if value is None else short(np.float32(value))


def _day(day: date) -> np.datetime64:
    return np.datetime64(day, "D")
