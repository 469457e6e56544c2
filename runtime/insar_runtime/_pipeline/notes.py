"""Notes on a table: what a person should know before trusting its classes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.recent.recent_design import LEAST_EARLIER_EPOCHS, LEAST_RECENT_EPOCHS, enough_epochs
from insar_runtime._findings.wording import counted
from insar_runtime._input.producers import Domain
from insar_runtime._input.table import TableDescription
from insar_runtime._output.geometry import find_geometry
from insar_runtime.models import Model

_SAME_WAVELENGTH: Final = 0.03
"""C-band radars differ by 2 % among themselves, which no jump in noise shows."""


def notes_on(description: TableDescription, *, doubts: bool = True) -> tuple[str, ...]:
    """Return what a person should know before trusting the classes, one line each.

    Parameters
    ----------
    description : TableDescription
        Of the table.
    doubts : bool
        Whether they include what is among the findings, too (``list_findings``): fillers, and quiet series.
    """
    notes = list(description.layout.origin.notes)
    if description.units.note:
        notes.append(description.units.note)
    if description.units.sign == "opposite_to_velocity":
        notes.append("the series have the opposite sign of the velocity column")
    if doubts and description.units.doubt:
        notes.append(description.units.doubt)
    if doubts and description.fillers:
        notes.append(description.fillers.note)
    if description.joins:
        notes.append(_on_joins(description))
    layout = description.layout
    is_placed = description.position is not None or find_geometry(description.schema) is not None
    if not is_placed and layout.longitude and layout.latitude:
        notes.append(
            "the columns of longitude and latitude hold no degrees; the output has no geometry unless their system is "
            "named, such as --crs EPSG:32633"
        )
    elif not is_placed and layout.easting and layout.northing:
        notes.append(
            "nothing says in which system easting and northing are; the output has no geometry unless it is named, "
            "such as --crs EPSG:32633"
        )
    if layout.producer == "EGMS L3":
        notes.append(_on_projected(layout.domain))
    return tuple(notes)


def notes_on_radar(half_wavelength_mm: float, model: Model) -> tuple[str, ...]:
    """Return what a person should know if a model was trained for another radar."""
    if abs(half_wavelength_mm / model.half_wavelength_mm - 1) <= _SAME_WAVELENGTH:
        return ()
    return (
        f"half a wavelength is {half_wavelength_mm:.1f} mm here, and model {model.name} has learned "
        f"{model.half_wavelength_mm:.1f} mm: take class PUE with care",
    )


def notes_on_recent_change(dates: NDArray[np.datetime64], recent_days: int) -> tuple[str, ...]:
    """Return what a person should know if no series of these dates [T] is long enough for a recent change."""
    days = (dates - dates[:1]).astype(np.float64)
    if not len(days):
        return ()
    begin = float(days[-1]) - recent_days
    if enough_epochs(np.ones((1, len(days)), dtype=np.bool_), days, begin)[0]:
        return ()
    before = days[days <= begin]
    within = len(days) - len(before)
    if within < LEAST_RECENT_EPOCHS:
        lacking = f"holds {counted(within, 'epoch')}, and {LEAST_RECENT_EPOCHS} are needed"
    else:
        span = f" over {counted(round(before[-1] - before[0]), 'day')}" if len(before) else ""
        lacking = (
            f"leaves {counted(len(before), 'epoch')}{span} before it, and {LEAST_EARLIER_EPOCHS} over a year are needed"
        )
    window = f"the window of {counted(recent_days, 'day')}"
    return (f"no point has a recent change: {window} {lacking}; --recent-days changes it",)


def _on_joins(description: TableDescription) -> str:
    dates = ", ".join(str(join.date) for join in description.joins)
    common = [join.common_mm for join in description.joins if join.common_mm]
    steps = f" (all points by {', '.join(f'{one:+.1f}' for one in common)} mm)" if common else ""
    return (
        f"releases are joined at {dates}: a step there{steps} is no jump and no break, and is taken out of the series"
    )


def _on_projected(domain: Domain) -> str:
    what = {"vertical": "the vertical", "east": "the east-west"}.get(domain, "the vertical or east-west")
    return (
        f"EGMS L3 is projected to {what} component and mixes tracks: an unwrapping error is not a multiple of half a "
        f"wavelength there, so take class PUE with care"
    )
