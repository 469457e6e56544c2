"""Series that a classified table has kept, by what the metadata of the run say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from insar_runtime._input.column_roles import Role
from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import TableHead
from insar_runtime._input.table import TableDescription
from insar_runtime.errors import DataError
from insar_runtime.models import load_model

STORED_ROLES: Final[tuple[Role, ...]] = ("id", "longitude", "latitude", "velocity")
"""Roles whose columns are named in the metadata."""


def stored_columns(block: Mapping[str, Any], schema: pa.Schema) -> dict[Role, str]:
    """Return the columns that the metadata name by role, as far as the table has them."""
    known = block.get("input", {})
    return {
        role: known[role]
        for role in STORED_ROLES
        if known.get(role) in schema.names and (role == "id" or is_numeric(schema.field(known[role]).type))
    }


def kept_series(
    head: TableHead, block: Mapping[str, Any], roles: Mapping[Role, str | None]
) -> tuple[TableDescription | None, str | None]:
    """Return the description of the series, or None and why existing ones cannot be read.

    Parameters
    ----------
    head : TableHead
        First rows of the table.
    block : mapping
        Metadata of the run that classified it; its declarations and its unit hold for the series.
    roles : mapping of str to str or None
        Columns by their roles.
    """
    parameters = block.get("parameters", {})
    kept = parameters.get("keep_series")
    if kept is False:
        return None, None
    declared = UserDeclarations(
        units=block.get("input", {}).get("unit"),
        columns={role: name for role, name in roles.items() if name is not None},
        date_format=parameters.get("date_format"),
        half_wavelength_mm=parameters.get("half_wavelength_mm"),
    )
    try:
        series = head.describe(declared.or_radar(load_model().half_wavelength_mm))
    except DataError as error:
        return None, str(error) if kept else None
    return (series, None) if len(series.layout.dates) else (None, None)
