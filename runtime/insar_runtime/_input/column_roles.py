"""Roles of columns: ids, positions, velocities and quality measures, by their usual names or as the user names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import pyarrow as pa

from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.dates.date_columns import ID_ALIASES
from insar_runtime.errors import DataError, UsageError

Role = Literal["id", "longitude", "latitude", "easting", "northing", "velocity", "coherence", "height"]

# Compared without regard to case; the first alias that the file has wins. Sources: research on ecosystems.
# A shapefile cuts names to ten characters.
# The velocities are those documented in mm/yr; stmtools' pnt_linear has no stated unit and is not one.
_ALIASES: Final[Mapping[Role, tuple[str, ...]]] = {
    "id": ID_ALIASES,
    "longitude": ("longitude", "lon", "long", "lng", "x_lon", "pnt_lon"),
    "latitude": ("latitude", "lat", "y_lat", "pnt_lat"),
    "easting": ("easting",),
    "northing": ("northing",),
    "velocity": ("mean_velocity", "mean_veloc", "vel", "vlos", "velocity"),
    "coherence": ("temporal_coherence", "temporal_c", "coherence", "coher", "pnt_enscoh"),
    "height": ("height", "height_ortho", "h", "pnt_height", "z", "height_wgs84", "height_ellipse"),
}
NUMERIC_NAMES: Final = frozenset(name for role, names in _ALIASES.items() if role != "id" for name in names)
"""Names that are taken for a role only if their column holds numbers."""


def find_roles(schema: pa.Schema, attributes: Sequence[str], overrides: Mapping[Role, str]) -> dict[Role, str | None]:
    """Find the columns of ids, positions and velocities by their usual names, or take those that the user names."""
    for role, name in overrides.items():
        if role not in _ALIASES:
            raise UsageError(f"no such column role '{role}': one of {', '.join(_ALIASES)}")
        if name not in attributes:
            raise UsageError(f"{role} column '{name}' is not in the table: it has {', '.join(attributes[:12])}")
        if role != "id" and not is_numeric(schema.field(name).type):
            raise DataError(f"{role} column '{name}' is of type {schema.field(name).type}, not a number")
    lower: dict[str, str] = {}
    for name in attributes:
        lower.setdefault(name.lower(), name)
    roles: dict[Role, str | None] = {}
    for role, aliases in _ALIASES.items():
        usable = (
            lower[alias]
            for alias in aliases
            if alias in lower and (role == "id" or is_numeric(schema.field(lower[alias]).type))
        )
        roles[role] = overrides.get(role) or next(usable, None)
    return roles
