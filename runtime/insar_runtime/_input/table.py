"""The description of a table, resolved once: columns, dates, unit and position from its first rows, joins from all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.dates.date_search import DateSearch
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.join_steps import (
    JOIN_ROWS,
    JOINS_KEY,
    RELEASE_COLUMN,
    JoinStep,
    find_joins,
    without_join_steps,
)
from insar_runtime._input.layout import UNIT_KEY, Layout, resolve_layout
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.nodata_values import Fillers, find_fillers
from insar_runtime._input.origin import Origin
from insar_runtime._input.position import Position, find_position
from insar_runtime._input.row_axes import rows_by_axis
from insar_runtime._input.units.sensors import SENTINEL1_ROUNDED_MM
from insar_runtime._input.units.series_units import Unit, Units, prove_units
from insar_runtime._input.units.wavelength import Wavelength, find_wavelength
from insar_runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What the columns of a table mean, and what unit its series have; every command has it from ``describe_table``."""

    schema: pa.Schema
    layout: Layout
    units: Units
    position: Position | None
    """Columns that say where a point lies, if they hold such coordinates."""
    any_axis: bool = False
    """Whether rows may have other dates than the first one: list tables that unite files, each row with its dates."""
    fillers: Fillers | None = None
    """Numbers in the first rows that mostly stand for a missing value."""
    joins: tuple[JoinStep, ...] = ()
    """Joins of releases that the table states, and how its rows step there."""

    def matrix(self, batch: pa.RecordBatch, first_row: int = 0) -> NDArray[np.float32]:
        """Return the displacements of a batch [N, T] in mm, NaN = missing, without their steps at joins."""
        series = self.as_stored(batch, first_row)
        levelled = self.without_join_steps(series)
        if levelled is series or RELEASE_COLUMN not in batch.schema.names:
            return levelled
        release = batch.column(RELEASE_COLUMN).cast(pa.string()).to_numpy(zero_copy_only=False)
        return np.where(np.isin(release, ("old", "new"))[:, None], series, levelled)

    def as_stored(self, batch: pa.RecordBatch, first_row: int = 0) -> NDArray[np.float32]:
        """Return the displacements of a batch [N, T] in mm, NaN = missing, as the table has them."""
        matrix = to_matrix(batch, self.layout, first_row=first_row)
        if self.units.factor_to_mm != 1:
            matrix = matrix * np.float32(self.units.factor_to_mm)
        return matrix

    def without_join_steps(self, series: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return series of the table [N, T] in mm without their steps at joins."""
        return without_join_steps(series, self.layout.dates, self.joins) if self.joins else series

    def wavelength(self, declared: UserDeclarations) -> Wavelength:
        """Return half the wavelength that jumps of the series are multiples of; see ``find_wavelength``.

        Raises
        ------
        UsageError
            If the declared length is not positive.
        """
        return find_wavelength(self.layout.dates, self.layout.made_by, declared.half_wavelength_mm)

    def kept(self, *, keep_series: bool) -> list[str]:
        """Return the names of the input columns that the output keeps, in the input's order."""
        return list(self.schema.names) if keep_series else list(self.layout.attributes)


def describe_table(
    schema: pa.Schema,
    head: pa.RecordBatch | None,
    declared: UserDeclarations | None = None,
    *,
    any_axis: bool = False,
    origin: Origin | None = None,
    search: DateSearch | None = None,
    sample: Callable[[Layout, int], NDArray[np.float32]] | None = None,
) -> TableDescription:
    """Resolve layout, dates and units of a table from its schema and its first rows.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table.
    head : pyarrow.RecordBatch, optional
        The first rows, as many as are at hand; None if the table has none.
    declared : UserDeclarations, optional
        What the user says of it; the radar is Sentinel-1 unless another is named.
    any_axis : bool
        Whether rows with dates of their own may differ in them; the first axis then speaks for the units.
    origin : Origin, optional
        Where the table comes from.
    search : DateSearch, optional
        What was found when the names of the columns were searched for dates.
    sample : callable, optional
        Returns the series of so many rows of the whole table by its layout, or of none. They show how rows step at
        joins that the table states; without them, the first rows do.

    Raises
    ------
    DataError
        If the table cannot be read as series.
    """
    declared = declared or UserDeclarations()
    search = search or DateSearch.among(schema.names, declared.date_format)
    resolve = partial(
        resolve_layout, overrides=declared.columns, date_format=declared.date_format, origin=origin, search=search
    )
    layout = resolve(schema, head)
    if head is None and origin is not None and origin.form == "long":
        raise DataError(
            "the table has no rows, so it has no dates either (one row per point and date): give one with rows"
        )
    any_axis = any_axis and layout.dates_column is not None
    if any_axis and head is not None:
        groups = rows_by_axis(head.column(layout.dates_column), str(layout.dates_column))
        head = head.take(pa.array(groups[0])) if groups else head
        layout = resolve(schema, head)
    if head is None:
        first = np.empty((0, len(layout.dates)), dtype=np.float32)
        velocity = None
    else:
        first, velocity = to_matrix(head, layout), _velocity(head, layout)
    try:
        proven = prove_units(
            first,
            layout,
            velocity,
            declared=declared.units,
            stated=_stated_unit(schema, layout),
            half_wavelength_mm=declared.half_wavelength(SENTINEL1_ROUNDED_MM),
        )
    except DataError as error:
        raise _blame_fillers(error, first) from error
    position = find_position(head, layout, declared.crs)
    # Rows with dates of their own have no join in common.
    joins = () if any_axis else _joins(schema, layout, first, sample, proven.factor_to_mm)
    return TableDescription(schema, layout, proven, position, any_axis, find_fillers(first), joins)


def _joins(
    schema: pa.Schema,
    layout: Layout,
    first: NDArray[np.float32],
    sample: Callable[[Layout, int], NDArray[np.float32]] | None,
    factor_to_mm: float,
) -> tuple[JoinStep, ...]:
    """Return the joins that a table states: the first rows of one that is sorted by place may step as no others do."""
    some = first[:0]
    if sample is not None and JOINS_KEY.encode() in (schema.metadata or {}):
        some = sample(layout, JOIN_ROWS)
    return find_joins(schema.metadata, layout.dates, some if len(some) else first, factor_to_mm)


def _blame_fillers(error: DataError, sample: NDArray[np.float32]) -> DataError:
    """Say that no unit was found because of numbers that mean no value, if there are any."""
    fillers = find_fillers(sample)
    return error if fillers is None else DataError(f"{fillers.note}; with it no unit is found ({error})")


def as_first(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with the schema of the first one; only names and types of columns must be the same."""
    if batch.schema.names != schema.names or batch.schema.types != schema.types:
        raise DataError(
            "the batches of one stream differ in their columns; classify each file by itself, on its own dates"
        )
    return pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _stated_unit(schema: pa.Schema, layout: Layout) -> Unit | None:
    """Return the unit that the metadata of a list column state, as what ``insar-rt convert`` writes does."""
    if layout.kind != "list":
        return None
    text = (schema.field(layout.columns[0]).metadata or {}).get(UNIT_KEY.encode(), b"")
    return next((unit for unit in ("mm", "cm", "m") if text == unit.encode()), None)


def _velocity(head: pa.RecordBatch, layout: Layout) -> NDArray[np.float64] | None:
    if layout.velocity is None:
        return None
    try:
        values: Any = head.column(layout.velocity).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        # A velocity that is not a number proves nothing; it stays an attribute.
        return None
    return np.asarray(values, dtype=np.float64)
