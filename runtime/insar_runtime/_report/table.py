"""A classified table, opened for reading: what its columns mean, and what its metadata say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from insar_runtime._classified.columns import has_classes
from insar_runtime._classified.diagnosis_columns import has_diagnosis
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import TableHead, read_head
from insar_runtime._input.layout import Role, find_roles
from insar_runtime._input.opening import open_source
from insar_runtime._input.table import TableDescription
from insar_runtime._output.run_metadata import read_block
from insar_runtime._report.position import Position, find_position
from insar_runtime.errors import DataError
from insar_runtime.models import load_model
from insar_runtime.result import RESULT_SCHEMA

_ROLES: Final[tuple[Role, ...]] = ("id", "longitude", "latitude", "velocity")
"""Roles whose columns the metadata block names."""
_SHOWN: Final[tuple[Role, ...]] = (*_ROLES, "easting", "northing")
"""Roles that a page has a place of its own for."""


@dataclass(frozen=True, slots=True)
class ClassifiedTable:
    """An open classified table.

    Attributes
    ----------
    block : mapping
        What ``classify`` wrote of itself into the file, or beside it; empty if there is nothing.
    roles : mapping of str to str or None
        Columns of id, velocity and so on.
    position : Position or None
        Where the points lie; None if the table does not say.
    diagnosed : bool
        Whether it has the columns of a diagnosis.
    series : TableDescription or None
        How to read the series; None if the table has none, or none that can be read.
    trouble : str or None
        Why series that are there cannot be read.
    attributes : tuple of str
        Further numeric columns.
    rows : int or None
        Rows in all, if the container tells.
    batches : iterator of pyarrow.RecordBatch
        All rows, once.
    """

    block: Mapping[str, Any]
    roles: Mapping[Role, str | None]
    position: Position | None
    diagnosed: bool
    series: TableDescription | None
    trouble: str | None
    attributes: tuple[str, ...]
    rows: int | None
    batches: Iterator[pa.RecordBatch]


def is_classified(path: Path) -> bool:
    """Tell whether a table has the columns that ``classify`` adds.

    Raises
    ------
    InsarRuntimeError
        If it cannot be opened.
    """
    with open_source(path, exact=False) as source:
        return has_classes(source.schema)


@contextmanager
def open_classified(path: Path) -> Iterator[ClassifiedTable]:
    """Open a classified table in any container.

    Parameters
    ----------
    path : Path
        Parquet, CSV, zip or Arrow file with the columns of ``RESULT_SCHEMA``.

    Yields
    ------
    ClassifiedTable
        Open until the context ends.

    Raises
    ------
    InsarRuntimeError
        If it cannot be opened or read.
    """
    block = read_block(path) or {}
    date_format = block.get("parameters", {}).get("date_format")
    with open_source(path, exact=False, date_format=date_format) as source:
        head = read_head(source.batches(), source.schema, source.origin)
        diagnosed = has_diagnosis(source.schema)
        ours = {*RESULT_SCHEMA.names, *(DIAGNOSIS_SCHEMA.names if diagnosed else ())}
        plain = [name for name in source.schema.names if name not in ours]
        roles = find_roles(source.schema, plain, _named(block, source.schema))
        series, trouble = _series(head, block, roles)
        if series is not None:
            plain = [name for name in plain if name in series.layout.attributes]
        producer = block.get("input", {}).get("producer") or (series.layout.producer if series else None)
        shown = {roles.get(role) for role in _SHOWN}
        yield ClassifiedTable(
            block=block,
            roles=roles,
            position=find_position(source.schema, roles, producer, head.rows),
            diagnosed=diagnosed,
            series=series,
            trouble=trouble,
            attributes=tuple(
                name for name in plain if is_numeric(source.schema.field(name).type) and name not in shown
            ),
            rows=source.rows,
            batches=head.batches,
        )


def _named(block: Mapping[str, Any], schema: pa.Schema) -> dict[Role, str]:
    """Columns that the user may have named when the table was classified."""
    told = block.get("input", {})
    return {
        role: told[role]
        for role in _ROLES
        if told.get(role) in schema.names and (role == "id" or is_numeric(schema.field(told[role]).type))
    }


def _series(
    head: TableHead, block: Mapping[str, Any], roles: Mapping[Role, str | None]
) -> tuple[TableDescription | None, str | None]:
    """Return the description of the series, if the table has some; a report of classes does not fail without them."""
    # What was declared to the run that classified the table, and what it found, holds for its series as well.
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
