"""What a search of areas takes from a classified table: position, class, rate, acceleration and break of its points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._areas.alike import DEFAULT_STD_MM_YR, Motion
from insar_runtime._areas.positions import find_positions
from insar_runtime._areas.settings import AreaSettings
from insar_runtime._classified.class_columns import read_class_ids, read_numbers
from insar_runtime._classified.diagnosis_columns import has_diagnosis, read_diagnosis_dates
from insar_runtime._classified.kept_series import kept_series, stored_columns
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._engine.hac import RateEstimator
from insar_runtime._input.column_roles import Role, find_roles
from insar_runtime._input.column_types import is_numeric
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import head_of
from insar_runtime._input.opening import open_source
from insar_runtime._input.plain_types import as_plain
from insar_runtime._input.source import Source
from insar_runtime._input.table import TableDescription
from insar_runtime._output.run_metadata import read_block
from insar_runtime._output.stated_joins import with_stated_joins
from insar_runtime._pipeline.table_points import TablePoints
from insar_runtime._progress import Progress
from insar_runtime.errors import DataError
from insar_runtime.result import RESULT_SCHEMA

_LEAST_EPOCHS: Final = 10
"""Fewest values of a series for a rate."""
_NO_DATE: Final = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True)
class OpenTable:
    """An open classified table.

    Attributes
    ----------
    source : Source
        The table.
    block : mapping
        Metadata of the run that classified it; empty if there are none.
    roles : mapping
        Columns by their roles.
    positions : TablePoints or None
        Where the points lie.
    series : TableDescription or None
        Description of the series, if the table holds any that can be read.
    diagnosed : bool
        Whether it has the columns of the diagnosis.
    batches : iterator of pyarrow.RecordBatch
        All rows, once.
    """

    source: Source
    block: Mapping[str, Any]
    roles: Mapping[Role, str | None]
    positions: TablePoints | None
    series: TableDescription | None
    diagnosed: bool
    batches: Iterator[pa.RecordBatch]

    def some_columns(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Return all rows, with these columns at least; no others where the file allows to leave them out."""
        again = self.source.read_again
        if again is None or self.source.kind != "parquet" or any("." in name for name in names):
            return self.batches
        return map(as_plain, again(names))


@contextmanager
def open_points(path: Path, declared: UserDeclarations, *, name: str | None = None) -> Iterator[OpenTable]:
    """Open a classified table.

    Parameters
    ----------
    path : Path
        With the columns of ``RESULT_SCHEMA``.
    declared : UserDeclarations
        Columns and system that the user names.
    name : str, optional
        What messages call it; by default its path.

    Raises
    ------
    InsarRuntimeError
        If the table cannot be opened, or a named column is not there.
    """
    block = read_block(path) or {}
    date_format = block.get("parameters", {}).get("date_format")
    with open_source(path, exact=False, date_format=date_format, as_table=declared.as_table) as source:
        head = head_of(with_stated_joins(source))
        diagnosed = has_diagnosis(source.schema)
        ours = {*RESULT_SCHEMA.names, *(DIAGNOSIS_SCHEMA.names if diagnosed else ())}
        plain = [name for name in source.schema.names if name not in ours]
        roles = find_roles(source.schema, plain, {**stored_columns(block, source.schema), **declared.columns})
        series, _ = kept_series(head, block, roles)
        producer = block.get("input", {}).get("producer") or (series.layout.producer if series else None)
        positions = find_positions(source.schema, roles, block, producer, declared.crs)
        named = replace(source, name=name or source.name)
        yield OpenTable(named, block, roles, positions, series, diagnosed, head.batches)


@dataclass(frozen=True, slots=True)
class AreaPoints:
    """The points of a table.

    Attributes
    ----------
    points : ndarray of float64, shape [N, 2]
        Positions in the system of the table; NaN = none.
    class_id : ndarray of int8, shape [N]
        -1 = none.
    moving : ndarray of bool, shape [N]
        Points of a moving class that have a position, M in all.
    motion : Motion
        Rates of the M moving points.
    acceleration : ndarray of float32, shape [M]
        mm/yr²; NaN = not known.
    break_day : ndarray of datetime64[D], shape [M]
        NaT = none.
    break_half_days : ndarray of float32, shape [M]
        Half of the interval that holds the break with a probability of 90 %; NaN = none.
    rates_from : str
        Where the rates come from: ``diagnosis``, ``series``, ``velocity column`` or ``nowhere``.
    """

    points: NDArray[np.float64]
    class_id: NDArray[np.int8]
    moving: NDArray[np.bool_]
    motion: Motion
    acceleration: NDArray[np.float32]
    break_day: NDArray[np.datetime64]
    break_half_days: NDArray[np.float32]
    rates_from: str


def read_points(table: OpenTable, settings: AreaSettings, progress: Progress | None = None) -> AreaPoints:
    """Read the points of a table; of its series only those of moving points are looked at, if rates need them.

    Raises
    ------
    DataError
        If the table has no positions, or its columns hold other values than ``classify`` writes.
    """
    positions = table.positions
    if positions is None:
        raise DataError(
            f"{table.source.name} has no columns of coordinates; name them with --lon-column and --lat-column"
        )
    kind = _rates_from(table)
    places: list[NDArray[np.float64]] = []
    classes: list[NDArray[np.int8]] = []
    facts: list[NDArray[np.float64]] = []
    estimator = RateEstimator(table.series.layout.days) if kind == "series" and table.series else None
    rows = 0
    batches = table.batches if kind == "series" else table.some_columns(_needed(table, kind))
    for batch in batches:
        at = positions.read(batch)
        class_id = read_class_ids(batch, "class_id").astype(np.int8)
        moving = np.flatnonzero(np.isin(class_id, settings.class_ids) & np.isfinite(at).all(axis=1))
        places.append(at)
        classes.append(class_id)
        facts.append(_facts(table, kind, batch, moving, estimator))
        rows += batch.num_rows
        if progress:
            progress(rows, table.source.rows)
    points = np.concatenate(places) if places else np.empty((0, 2))
    class_id = np.concatenate(classes) if classes else np.empty(0, dtype=np.int8)
    rate, std, acceleration, day, half = np.concatenate(facts).T if facts else np.empty((5, 0))
    return AreaPoints(
        points=points,
        class_id=class_id,
        moving=np.isin(class_id, settings.class_ids) & np.isfinite(points).all(axis=1),
        motion=Motion(rate, np.where(np.isfinite(std), std, DEFAULT_STD_MM_YR)),
        acceleration=acceleration.astype(np.float32),
        break_day=_as_dates(day),
        break_half_days=half.astype(np.float32),
        rates_from=kind,
    )


def _rates_from(table: OpenTable) -> str:
    if table.diagnosed:
        return "diagnosis"
    if table.series is not None:
        return "series"
    return "velocity column" if table.roles.get("velocity") else "nowhere"


_DIAGNOSIS: Final = ("velocity_mm_yr", "velocity_std", "acceleration_mm_yr2")
_BREAKS: Final = ("break_date", "break_lo", "break_hi")


def _needed(table: OpenTable, kind: str) -> list[str]:
    names = ["class_id", *(table.positions.columns if table.positions else ())]
    velocity = table.roles.get("velocity")
    if kind == "diagnosis":
        names += [*_DIAGNOSIS, *_BREAKS]
    elif velocity:
        names += [velocity, *_std_column(table, velocity)]
    return list(dict.fromkeys(names))


def _std_column(table: OpenTable, velocity: str) -> list[str]:
    """Return the column of the standard deviations of velocities, as EGMS names it; none if there is none."""
    name = f"{velocity}_std"
    schema = table.source.schema
    return [name] if name in schema.names and is_numeric(schema.field(name).type) else []


def _facts(
    table: OpenTable,
    kind: str,
    batch: pa.RecordBatch,
    moving: NDArray[np.intp],
    estimator: RateEstimator | None,
) -> NDArray[np.float64]:
    """Return rate, its standard deviation, acceleration, day of the break and half of its interval [m, 5]."""
    facts = np.full((len(moving), 5), np.nan)
    if not len(moving):
        return facts
    if estimator is not None and table.series is not None:
        matrix = finite(table.series.matrix(batch.take(pa.array(moving))))
        enough = np.isfinite(matrix).sum(axis=1) >= _LEAST_EPOCHS
        facts[enough, 0], facts[enough, 1] = estimator.estimate(matrix[enough])
        return facts
    names: list[str] = []
    if kind == "diagnosis":
        names = list(_DIAGNOSIS)
        days = np.stack([_days(read_diagnosis_dates(batch, name))[moving] for name in _BREAKS], axis=1)
        facts[:, 3], facts[:, 4] = days[:, 0], (days[:, 2] - days[:, 1]) / 2
    elif velocity := table.roles.get("velocity"):
        names = [velocity, *_std_column(table, velocity)]
    for place, name in enumerate(names):
        facts[:, place] = finite(read_numbers(batch, name))[moving]
    return facts


def finite(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values with NaN in place of infinities."""
    return np.where(np.isfinite(matrix), matrix, np.float32(np.nan))


def _days(column: pa.Array) -> NDArray[np.float64]:
    """Return dates as days since 1970; NaN = none."""
    dates = column.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return np.where(np.isnat(dates), np.nan, dates.astype(np.int64))


def _as_dates(days: NDArray[np.float64]) -> NDArray[np.datetime64]:
    known = np.isfinite(days)
    dates = np.full(len(days), _NO_DATE)
    dates[known] = days[known].astype(np.int64).astype("datetime64[D]")
    return dates
