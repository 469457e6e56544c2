"""Declarations of the user about a table: unit, columns, date format, wavelength."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from insar_runtime._input.column_roles import Role
from insar_runtime._input.units.series_units import Unit


@dataclass(frozen=True, slots=True)
class UserDeclarations:
    """What the user declares about a table.

    Attributes
    ----------
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the series.
    columns : mapping of role to column name
        Columns to take for ids, positions and velocities.
    date_format : str, optional
        How names of columns and texts spell dates (``DDMMYYYY``, ``%d%m%Y``), where they do not in a usual way.
    half_wavelength_mm : float, optional
        Half the wavelength of the radar, which fixes what a radian is.
    crs : str, optional
        Coordinate reference system of the positions, as ``parse_crs`` returns it.
    as_table : bool
        Whether a folder is one table, whose files hold parts of its rows.
    """

    units: Unit | None = None
    columns: Mapping[Role, str] = field(default_factory=dict)
    date_format: str | None = None
    half_wavelength_mm: float | None = None
    crs: str | None = None
    as_table: bool = False

    @property
    def roles(self) -> dict[str, str]:
        """Names of the columns by their roles."""
        return {str(role): name for role, name in self.columns.items()}

    def half_wavelength(self, usual_mm: float) -> float:
        """Return half the wavelength of the radar in mm: the usual one where the user names none."""
        return usual_mm if self.half_wavelength_mm is None else self.half_wavelength_mm

    def or_radar(self, usual_mm: float) -> UserDeclarations:
        """Return the same with half the wavelength filled in, where the user names none."""
        return replace(self, half_wavelength_mm=self.half_wavelength(usual_mm))
