"""What happened to one point, when, and how sure that is: as pictures and texts need it, whatever it was read from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._views.cells import number, text
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.errors import DataError

DIAGNOSIS_NAMES: Final = (
    "velocity_mm_yr",
    "velocity_std",
    "acceleration_mm_yr2",
    "acceleration_std",
    "season_amp_mm",
    "season_amp_std",
    "rmse_mm",
    "break_date",
    "break_lo",
    "break_hi",
    "v_before",
    "v_before_std",
    "v_after",
    "v_after_std",
    "n_jumps",
    "jump_dates",
    "jump_mm",
    "jump_mm_std",
    "jump_cycles",
    "jump_prob",
    "jump_distance",
    "jump_repaired",
    "class_after_repair",
    "diagnosis_status",
)
_SEPARATOR: Final = ";"
"""Between the items of a list in text."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard deviation, None if that is unknown."""

    value: float
    std: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Give both as plain values."""
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
        """Give plain values."""
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
        """Give plain values."""
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

    def offsets(self, dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Give what the repaired jumps have added to a series, mm at each date."""
        added = np.zeros(len(dates))
        for jump in self.jumps or ():
            if jump.repaired:
                added[dates >= jump.day] += self.step(jump)
        return added

    def step(self, jump: FoundJump) -> float:
        """Give what the repair of a jump takes out, mm: whole cycles exactly, else what was estimated."""
        exact = jump.cycles is not None and self.half_wavelength_mm is not None
        return jump.cycles * self.half_wavelength_mm if exact else jump.mm.value  # type: ignore[operator]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
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


def has_diagnosis(schema: pa.Schema) -> bool:
    """Whether a table has the columns that ``classify --diagnose`` adds."""
    return set(DIAGNOSIS_NAMES) <= set(schema.names)


def diagnosis_of(record: pa.RecordBatch, half_wavelength_mm: float | None, origin: str) -> PointDiagnosis:
    """Read the diagnosis of a row; lists and their text alike, as others may have written the table again.

    Parameters
    ----------
    record : pyarrow.RecordBatch
        One row, with the columns of ``DIAGNOSIS_NAMES``.
    half_wavelength_mm : float or None
        What a cycle is.
    origin : str
        Where it comes from, in words.

    Raises
    ------
    DataError
        If the columns hold what is none of ours.
    """
    cells = {name: record.column(name)[0].as_py() for name in DIAGNOSIS_NAMES}
    name = text(cells["class_after_repair"])
    if name not in {*CLASS_NAMES, None}:
        raise DataError(f"class_after_repair {name!r} is none of ours: drop the columns of the diagnosis")
    return PointDiagnosis(
        velocity=_estimate(cells, "velocity_mm_yr", "velocity_std"),
        acceleration=_estimate(cells, "acceleration_mm_yr2", "acceleration_std"),
        season=_estimate(cells, "season_amp_mm", "season_amp_std"),
        rmse=_number(cells["rmse_mm"]),
        change=_break_of(cells),
        jumps=_jumps_of(cells),
        class_after_repair=name,
        status=text(cells["diagnosis_status"]),
        half_wavelength_mm=half_wavelength_mm,
        origin=origin,
    )


def _estimate(cells: Mapping[str, Any], name: str, std: str) -> Estimate | None:
    value = _number(cells[name])
    return None if value is None else Estimate(value, _number(cells[std]))


def _break_of(cells: Mapping[str, Any]) -> FoundBreak | None:
    day, earliest, latest = (_day(cells[name]) for name in ("break_date", "break_lo", "break_hi"))
    before, after = _estimate(cells, "v_before", "v_before_std"), _estimate(cells, "v_after", "v_after_std")
    if day is None or before is None or after is None:
        return None
    return FoundBreak(day, day if earliest is None else earliest, day if latest is None else latest, before, after)


def _jumps_of(cells: Mapping[str, Any]) -> tuple[FoundJump, ...] | None:
    if _number(cells["n_jumps"]) is None:
        return None
    days = _items(cells["jump_dates"])
    names = ("jump_mm", "jump_mm_std", "jump_cycles", "jump_prob", "jump_distance", "jump_repaired")
    # Nulls at the end of a list are lost in text.
    columns = [[*items, *[None] * (len(days) - len(items))] for items in (_items(cells[name]) for name in names)]
    jumps = []
    for day, mm, std, cycles, probability, distance, repaired in zip(days, *columns, strict=True):
        known, size, whole = _day(day), _number(mm), _number(cycles)
        if known is None or size is None:
            raise DataError(f"a jump of {mm!r} mm at {day!r} is none of ours: drop the columns of the diagnosis")
        jumps.append(
            FoundJump(
                day=known,
                mm=Estimate(size, _number(std)),
                cycles=None if whole is None else int(whole),
                probability=_number(probability),
                distance=_number(distance),
                repaired=repaired is True or repaired == "true",
            )
        )
    return tuple(jumps)


def _items(cell: Any) -> list[Any]:
    """Give the items of a list, of its text, or the only one that a reader of text has taken for a number or a date."""
    if cell is None or cell == "":
        return []
    if isinstance(cell, list):
        return cell
    return [item or None for item in cell.split(_SEPARATOR)] if isinstance(cell, str) else [cell]


def _number(cell: Any) -> float | None:
    """Give a number with the digits that float32 has: no column has more."""
    found = number(cell)
    return None if found is None or math.isinf(np.float32(found)) else float(str(np.float32(found)))


def _day(cell: Any) -> np.datetime64 | None:
    if cell is None or cell == "":
        return None
    try:
        return np.datetime64(cell.date() if hasattr(cell, "date") else cell, "D")
    except ValueError as error:
        raise DataError(f"{cell!r} is no date: drop the columns of the diagnosis") from error
