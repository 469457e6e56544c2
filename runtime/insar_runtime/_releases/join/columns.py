"""Columns of a joined table: those of the new release, those that only the old one has, and the results of the join."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._classified.columns import has_classes
from insar_runtime._classified.diagnosis_columns import has_diagnosis
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._diagnosis.jumps.jump_kinds import NEIGHBOUR_SCHEMA
from insar_runtime._input.join_steps import RELEASE_COLUMN
from insar_runtime._input.layout import Layout
from insar_runtime._input.table import TableDescription
from insar_runtime._output.geometry import find_geometry
from insar_runtime._releases.join.offsets import JOIN_STATUS_NAMES
from insar_runtime._releases.join.spill import Rows, SpilledRelease
from insar_runtime._releases.points import id_texts
from insar_runtime.result import RESULT_SCHEMA

RELEASE_NAMES: Final = ("both", "old", "new")
BOTH, OLD, NEW = range(3)
"""Where the series of a row comes from."""
_LABEL: Final = pa.dictionary(pa.int8(), pa.string())
JOIN_FIELDS: Final = (
    pa.field("join_status", _LABEL),
    pa.field(RELEASE_COLUMN, _LABEL),
    pa.field("join_offset_mm", pa.float32()),
    pa.field("join_offset_std_mm", pa.float32()),
    pa.field("join_epochs", pa.int32()),
    pa.field("join_distance_m", pa.float32()),
    pa.field("join_old_id", pa.string()),
)
_ROLES: Final = ("id", "longitude", "latitude", "easting", "northing", "velocity", "coherence", "height")
_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class JoinedRows:
    """What became of n rows.

    Attributes
    ----------
    status : ndarray of int8, shape [n]
        ``JoinStatus``.
    release : ndarray of int8, shape [n]
        Index of ``RELEASE_NAMES``.
    offset_mm, offset_std_mm : ndarray of float64, shape [n]
        NaN where there is none.
    epochs : ndarray of int32, shape [n]
        Common epochs; -1 for a point of one release alone.
    distance_m : ndarray of float64, shape [n]
        Between both positions; NaN where it is not known.
    """

    status: NDArray[np.int8]
    release: NDArray[np.int8]
    offset_mm: NDArray[np.float64]
    offset_std_mm: NDArray[np.float64]
    epochs: NDArray[np.int32]
    distance_m: NDArray[np.float64]

    @classmethod
    def alone(cls, count: int, status: int, release: int) -> JoinedRows:
        """Return rows of points that one release alone has."""
        unknown = np.full(count, np.nan)
        return cls(
            np.full(count, status, dtype=np.int8),
            np.full(count, release, dtype=np.int8),
            unknown,
            unknown,
            np.full(count, -1, dtype=np.int32),
            unknown,
        )

    def with_rows(self, rows: Rows, other: JoinedRows) -> JoinedRows:
        """Return a copy with some of the rows replaced."""
        parts = [getattr(self, field.name).copy() for field in fields(self)]
        for part, field in zip(parts, fields(self), strict=True):
            part[rows] = getattr(other, field.name)
        return JoinedRows(*parts)

    def columns(self, old_ids: pa.Array) -> list[pa.Array]:
        """Return the columns ``JOIN_FIELDS``."""
        return [
            _labels(self.status, JOIN_STATUS_NAMES),
            _labels(self.release, RELEASE_NAMES),
            _numbers(self.offset_mm),
            _numbers(self.offset_std_mm),
            pa.array(self.epochs, mask=self.epochs < 0),
            _numbers(self.distance_m),
            old_ids,
        ]


class JoinedColumns:
    """Columns of both releases under the names of the new one.

    A column that both have is one column, of a type that holds both; ids of different types become text. Points of the
    old release alone have no value in columns that only the new one has.

    Parameters
    ----------
    old, new : TableDescription
    old_rows, new_rows : SpilledRelease

    Attributes
    ----------
    fields : list of pyarrow.Field
    notes : tuple of str
        Columns of the old release that could not be united with those of the new one, and columns that are left out.
    """

    def __init__(
        self, old: TableDescription, new: TableDescription, old_rows: SpilledRelease, new_rows: SpilledRelease
    ) -> None:
        self._old, self._new = old_rows, new_rows
        names = _renamed(old.layout, new.layout)
        # Geometry is made again of the columns of positions.
        placed = old.position is not None or new.position is not None
        drop = {field.name for field in JOIN_FIELDS}
        if placed:
            drop |= _geometry_columns(old) | _geometry_columns(new)
        dropped = [drop | _result_columns(one.schema) for one in (old, new)]
        of_new = {field.name: field for field in new_rows.fields if field.name not in dropped[1]}
        of_old = {names.get(field.name, field.name): field for field in old_rows.fields if field.name not in dropped[0]}
        self._stored_as = {name: field.name for name, field in of_old.items()}
        self.fields: list[pa.Field] = []
        notes = [
            f"{name} is classified: its classes and diagnosis are left out, as they are not those of the joined series"
            for name, one in (("OLD", old), ("NEW", new))
            if has_classes(one.schema)
        ]
        notes += _lost_positions(old, new)
        for name, field in of_new.items():
            other = of_old.get(name)
            kind = field.type if other is None else _common_type(field.type, other.type)
            if other is not None and name == new.layout.id and field.type != other.type:
                # 12 and "12" are one point, so the column of ids holds both.
                kind = pa.string()
            if kind is None and other is not None:
                notes.append(
                    f"column {name} is of type {field.type} in NEW and {other.type} in OLD: points of OLD alone have "
                    "no value in it"
                )
                del self._stored_as[name]
            self.fields.append(field.with_type(kind or field.type))
        self.fields += [field.with_name(name) for name, field in of_old.items() if name not in of_new]
        self._of_new = set(of_new)
        self.notes = tuple(notes)
        self.position = new.position or old.position
        self.old_id = old.layout.id

    def of_new(self, rows: Rows, partners: Rows) -> list[pa.Array]:
        """Return the columns of rows of the new release; partners are their rows in the old one, -1 without one."""
        known = np.flatnonzero(partners >= 0)
        place = np.full(len(rows), -1)
        place[known] = np.arange(len(known))
        taken = pa.array(place, mask=place < 0)
        here = [field.name for field in self.fields if field.name in self._of_new]
        there = [field.name for field in self.fields if field.name not in self._of_new]
        columns = dict(zip(here, self._new.columns(here, rows), strict=True))
        of_old = self._old.columns([self._stored_as[name] for name in there], partners[known])
        columns |= {name: column.take(taken) for name, column in zip(there, of_old, strict=True)}
        return [_cast(columns[field.name], field.type) for field in self.fields]

    def of_old(self, rows: Rows) -> list[pa.Array]:
        """Return the columns of rows of the old release alone."""
        known = [field.name for field in self.fields if field.name in self._stored_as]
        found = self._old.columns([self._stored_as[name] for name in known], rows)
        columns = dict(zip(known, found, strict=True))
        return [
            _cast(columns[field.name], field.type) if field.name in columns else pa.nulls(len(rows), field.type)
            for field in self.fields
        ]

    def old_ids(self, partners: Rows) -> pa.Array:
        """Return the ids in the old release of rows with these partners; null without one."""
        known = np.flatnonzero(partners >= 0)
        if self.old_id is None or not len(known):
            return pa.nulls(len(partners), pa.string())
        (ids,) = self._old.columns([self.old_id], partners[known])
        place = np.full(len(partners), -1)
        place[known] = np.arange(len(known))
        return _cast(ids, pa.string()).take(pa.array(place, mask=place < 0))


def _renamed(old: Layout, new: Layout) -> dict[str, str]:
    """Return the columns of the old release that have another name in the new one, as ids and coordinates may."""
    pairs = ((getattr(old, role), getattr(new, role)) for role in _ROLES)
    return {
        first: second
        for first, second in pairs
        if first and second and first not in new.attributes and second not in old.attributes
    }


def _geometry_columns(description: TableDescription) -> set[str]:
    geometry = find_geometry(description.schema)
    return set() if geometry is None else {geometry.column, *filter(None, [geometry.covering])}


def _result_columns(schema: pa.Schema) -> set[str]:
    """Return the columns that ``classify`` has added to a release; they are not those of the joined series."""
    if not has_classes(schema):
        return set()
    diagnosed = {*DIAGNOSIS_SCHEMA.names, *NEIGHBOUR_SCHEMA.names} if has_diagnosis(schema) else set()
    return {*RESULT_SCHEMA.names, *diagnosed}


def _common_type(first: pa.DataType, second: pa.DataType) -> pa.DataType | None:
    """Return a type that holds the values of both; None if there is none."""
    if first != second:  # a dictionary and text are text
        first, second = (kind.value_type if pa.types.is_dictionary(kind) else kind for kind in (first, second))
    if first == second:
        return first
    try:
        united = pa.unify_schemas(
            [pa.schema([("column", first)]), pa.schema([("column", second)])], promote_options="permissive"
        )
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return None
    return united.field(0).type


def _lost_positions(old: TableDescription, new: TableDescription) -> Iterator[str]:
    """Yield a note if one release has its points in a geometry only, and the other one in columns."""
    for role, one, other in (("OLD", old, new), ("NEW", new, old)):
        if one.position is None and other.position is not None and _geometry_columns(one):
            yield (
                f"{role} has the positions of its points in a geometry alone, and the other release in columns: points "
                f"of {role} alone have no position; give it columns of coordinates first"
            )


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if pa.types.is_string(kind) and pa.types.is_floating(column.type):
        # A whole number is 12, not 12.0; a text is kept as it is, also an empty one.
        return id_texts(column).cast(kind)
    # Unsafe means: whole numbers beyond 2**53 are rounded.
    return column.cast(kind, safe=False)


def _labels(ids: NDArray[np.int8], names: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(ids), pa.array(names, pa.string()))


def _numbers(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(np.round(values, _DECIMALS).astype(np.float32), mask=~np.isfinite(values))
