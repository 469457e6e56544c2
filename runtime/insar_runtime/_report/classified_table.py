"""An open classified table: roles of its columns, position, series, and metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from insar_runtime._classified.diagnosis_columns import has_diagnosis
from insar_runtime._classified.kept_series import STORED_ROLES, kept_series, stored_columns
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._input.column_roles import Role, find_roles
from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.head import head_of
from insar_runtime._input.opening import open_source
from insar_runtime._input.table import TableDescription
from insar_runtime._output.run_metadata import read_block
from insar_runtime._output.stated_joins import with_stated_joins
from insar_runtime._report.measures import Measure, find_measures
from insar_runtime._report.page_position import PagePosition, find_page_position
from insar_runtime.result import RESULT_SCHEMA

_SHOWN: Final[tuple[Role, ...]] = (*STORED_ROLES, "easting", "northing")
"""Roles that the page does not show as attributes."""


@dataclass(frozen=True, slots=True)
class ClassifiedTable:
    """An open classified table.

    Attributes
    ----------
    block : mapping
        Run metadata of ``classify``, in the file or beside it; empty if there are none.
    roles : mapping of str to str or None
        Columns by their roles.
    position : PagePosition or None
        PagePosition of the points; None if the table has none.
    diagnosed : bool
        Whether it has diagnosis columns.
    series : TableDescription or None
        Description of the series; None if the table has none, or none that can be read.
    trouble : str or None
        Why existing series cannot be read.
    attributes : tuple of str
        Further numeric columns.
    measures : tuple of Measure
        Numbers by which the page colours points.
    rows : int or None
        Number of rows, if the container states it.
    batches : iterator of pyarrow.RecordBatch
        All rows, once.
    """

    block: Mapping[str, Any]
    roles: Mapping[Role, str | None]
    position: PagePosition | None
    diagnosed: bool
    series: TableDescription | None
    trouble: str | None
    attributes: tuple[str, ...]
    measures: tuple[Measure, ...]
    rows: int | None
    batches: Iterator[pa.RecordBatch]


@contextmanager
def open_classified(path: Path, *, as_table: bool = False) -> Iterator[ClassifiedTable]:
    """Open a classified table in any container.

    Parameters
    ----------
    path : Path
        Parquet, CSV, zip or Arrow file with the columns of ``RESULT_SCHEMA``.
    as_table : bool
        Whether a folder is one table in many files.

    Yields
    ------
    ClassifiedTable
        Open until the context ends.

    Raises
    ------
    InsarRuntimeError
        If the table cannot be opened or read.
    """
    block = read_block(path) or {}
    date_format = block.get("parameters", {}).get("date_format")
    with open_source(path, exact=False, date_format=date_format, as_table=as_table) as source:
        head = head_of(with_stated_joins(source))
        diagnosed = has_diagnosis(source.schema)
        ours = {*RESULT_SCHEMA.names, *(DIAGNOSIS_SCHEMA.names if diagnosed else ())}
        plain = [name for name in source.schema.names if name not in ours]
        roles = find_roles(source.schema, plain, stored_columns(block, source.schema))
        series, trouble = kept_series(head, block, roles)
        if series is not None:
            plain = [name for name in plain if name in series.layout.attributes]
        producer = block.get("input", {}).get("producer") or (series.layout.producer if series else None)
        shown = {roles.get(role) for role in _SHOWN}
        numeric = (name for name in plain if is_numeric(source.schema.field(name).type))
        attributes = tuple(name for name in numeric if name not in shown)
        egms = (producer or "").startswith("EGMS")
        yield ClassifiedTable(
            block=block,
            roles=roles,
            position=find_page_position(source.schema, roles, producer, head.rows),
            diagnosed=diagnosed,
            series=series,
            trouble=trouble,
            attributes=attributes,
            measures=find_measures(
                attributes, egms=egms, diagnosed=diagnosed, kinds="jump_kind" in source.schema.names
            ),
            rows=source.rows,
            batches=head.batches,
        )
