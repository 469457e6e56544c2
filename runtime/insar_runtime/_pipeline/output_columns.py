"""Columns of an output table: those of the input that are kept, then those that are added."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from insar_runtime._input.table import TableDescription
from insar_runtime.errors import DataError
from insar_runtime.result import RESULT_SCHEMA

VELOCITY: Final = "velocity"
"""Column that viewers look for; written beside a diagnosis where the table has no velocity."""
_OF_INPUT: Final = "_input"
"""Added to the name of a column of the input that has one of the names of a diagnosis: files of EGMS have an
``acceleration_std`` of their own, and those of MintPy a ``velocity_std``. The columns of a diagnosis have the same
names in every file."""


def renamed_columns(
    description: TableDescription, *, keep_series: bool, diagnosed: bool, neighbours: bool = False
) -> dict[str, str]:
    """Return the columns of the input that are kept under another name, with that name."""
    if not diagnosed:
        return {}
    kept = description.kept(keep_series=keep_series)
    diagnosis = _diagnosis_fields(neighbours=neighbours).names
    ours = {*diagnosis, *RESULT_SCHEMA.names}
    taken = {name.lower() for name in (*ours, *kept)}
    names = {}
    # SQLite, DuckDB and Spark take names that differ in case alone for the same.
    for old in (name for name in kept if name.lower() in diagnosis):
        new = old + _OF_INPUT
        while new.lower() in taken:
            new += _OF_INPUT
        taken.add(new.lower())
        names[old] = new
    return names


def kept_fields(
    description: TableDescription, *, keep_series: bool, diagnosed: bool, neighbours: bool = False
) -> list[pa.Field]:
    """Return the columns of the input that are kept, as the output names them."""
    names = renamed_columns(description, keep_series=keep_series, diagnosed=diagnosed, neighbours=neighbours)
    fields = (description.schema.field(name) for name in description.kept(keep_series=keep_series))
    return [field.with_name(names.get(field.name, field.name)) for field in fields]


def added_fields(description: TableDescription, *, diagnosed: bool, neighbours: bool = False) -> list[pa.Field]:
    """Return the columns that are added to a table."""
    fields = list(RESULT_SCHEMA)
    if diagnosed:
        fields += _diagnosis_fields(neighbours=neighbours)
        taken = {name.lower() for name in description.schema.names}
        if description.layout.velocity is None and VELOCITY not in taken:
            fields.append(pa.field(VELOCITY, pa.float32()))
    return fields


def refuse_taken_names(
    description: TableDescription, *, keep_series: bool, diagnosed: bool, neighbours: bool = False
) -> None:
    """Refuse a table that has a column of the same name as one that would be added.

    Raises
    ------
    DataError
        If it has one.
    """
    taken = {field.name for field in added_fields(description, diagnosed=diagnosed, neighbours=neighbours)}
    kept = kept_fields(description, keep_series=keep_series, diagnosed=diagnosed, neighbours=neighbours)
    for field in kept:
        if field.name in taken:
            raise DataError(
                f"the input has a column {field.name} already (was it classified before?); drop or rename it"
            )
        taken.add(field.name)


def _diagnosis_fields(*, neighbours: bool) -> pa.Schema:
    """Return the columns of a diagnosis, and those of the neighbours of its jumps if they are looked at."""
    from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA  # noqa: PLC0415 - most runs take none of it

    if not neighbours:
        return DIAGNOSIS_SCHEMA
    from insar_runtime._diagnosis.jumps.jump_kinds import NEIGHBOUR_SCHEMA  # noqa: PLC0415 - few runs take it

    return pa.schema([*DIAGNOSIS_SCHEMA, *NEIGHBOUR_SCHEMA])
