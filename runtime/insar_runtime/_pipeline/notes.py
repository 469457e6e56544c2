"""Notes on a table: what a person should know before trusting its classes."""

from __future__ import annotations

from typing import Final

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
