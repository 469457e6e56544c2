"""A release in memory: ids, positions, classes, rates, breaks and jumps of its points, some 100 bytes a point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._classified.class_columns import read_class_ids, read_numbers, read_probabilities
from insar_runtime._classified.columns import stored_run_metadata
from insar_runtime._classified.diagnosis_columns import has_diagnosis, read_diagnosis
from insar_runtime._classified.kept_series import stored_columns
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._input.column_roles import find_roles
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import head_of
from insar_runtime._input.matrix import as_floats
from insar_runtime._input.opening import open_source
from insar_runtime._pipeline.table_points import TablePoints
from insar_runtime._progress import Progress
from insar_runtime._releases.places import find_place
from insar_runtime._releases.points import PointCollector, ReleasePoints
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.result import RESULT_SCHEMA

_PROBABILITIES: Final = tuple(f"p_{name.lower()}" for name in CLASS_NAMES)
_RECENT: Final = ("v_recent_mm_yr", "v_recent_std", "recent_change_prob")
NOT_SEARCHED: Final = -1

Floats = NDArray[np.float32]
Dates = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class PointStates:
    """What a release says of its N points.

    Attributes
    ----------
    class_id : ndarray of int8, shape [N]
        -1 without a class.
    confidence : ndarray of float32, shape [N]
        NaN if the status allows no class.
    probabilities : ndarray of float32, shape [N, 6]
        NaN as for the confidence; that of Other is also NaN for models of five classes.
    rate, rate_std : ndarray of float32, shape [N]
        mm/yr; NaN if not known.
    break_date, break_lo, break_hi : ndarray of datetime64[D], shape [N]
        NaT without a break.
    n_jumps : ndarray of int16, shape [N]
        ``NOT_SEARCHED`` if the point was not searched for jumps.
    jump_date : ndarray of datetime64[D], shape [J]
        Of all points, one after the other.
    jump_mm : ndarray of float32, shape [J]
    recent_rate, recent_std, recent_change_prob : ndarray of float32, shape [N]
        Rate of the last months, mm/yr, its standard deviation, and the probability that it has changed; NaN if the
        table has none.
    """

    class_id: NDArray[np.int8]
    confidence: Floats
    probabilities: Floats
    rate: Floats
    rate_std: Floats
    break_date: Dates
    break_lo: Dates
    break_hi: Dates
    n_jumps: NDArray[np.int16]
    jump_date: Dates
    jump_mm: Floats
    recent_rate: Floats
    recent_std: Floats
    recent_change_prob: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """A classified table, read once.

    Attributes
    ----------
    points : ReleasePoints
        Ids and positions.
    states : PointStates
    dates : ndarray of datetime64[D], shape [T], or None
        Epochs of its series; None if the run metadata do not state them.
    diagnosed : bool
        Whether it has the columns of a diagnosis.
    rate_column : str or None
        Column of the rates.
    block : mapping
        Run metadata; empty if there are none.
    """

    points: ReleasePoints
    states: PointStates
    dates: Dates | None
    diagnosed: bool
    rate_column: str | None
    block: Mapping[str, Any]


def read_release(
    path: Path, declared: UserDeclarations, *, name: str | None = None, progress: Progress | None = None
) -> Release:
    """Read a classified table.

    Parameters
    ----------
    path : Path
        Any container that ``classify`` writes.
    declared : UserDeclarations
        Columns and system of the positions that the user names.
    name : str, optional
        What messages call it; by default its path.
    progress : callable, optional
        Called with the number of rows read, and of all if known.

    Raises
    ------
    InsarRuntimeError
        If it cannot be read, or its columns are not those that ``classify`` writes.
    """
    with open_source(
        path, roles=declared.roles, exact=False, date_format=declared.date_format, as_table=declared.as_table
    ) as source:
        block = stored_run_metadata(source.name, source.metadata)
        head = head_of(source)
        diagnosed = has_diagnosis(source.schema)
        ours = {*RESULT_SCHEMA.names, *(DIAGNOSIS_SCHEMA.names if diagnosed else ())}
        plain = [column for column in source.schema.names if column not in ours]
        stated = block.get("input", {})
        roles = find_roles(source.schema, plain, {**stored_columns(block, source.schema), **declared.columns})
        place = find_place(
            source.schema,
            roles,
            head.rows,
            stated=None if declared.columns else stated.get("position"),
            producer=stated.get("producer"),
            crs=declared.crs,
        )
        points = PointCollector(name or str(path), None if place is None else place.system)
        states = _StateCollector(source.schema, diagnosed=diagnosed, velocity=roles.get("velocity"))
        done = 0
        for batch in head.batches:
            _add_points(points, batch, roles.get("id"), place)
            states.add(batch)
            done += batch.num_rows
            if progress:
                progress(done, source.rows)
    dates = stated.get("dates")
    return Release(
        points.points(),
        states.states(),
        np.array(dates, dtype="datetime64[D]") if dates else None,
        diagnosed,
        "velocity_mm_yr" if diagnosed else roles.get("velocity"),
        block,
    )


def _add_points(
    points: PointCollector, batch: pa.RecordBatch, id_column: str | None, place: TablePoints | None
) -> None:
    points.add(
        batch.num_rows,
        batch.column(id_column) if id_column else None,
        place.read(batch) if place is not None else None,
    )


class _StateCollector:
    """Collects the states of points batch by batch."""

    def __init__(self, schema: pa.Schema, *, diagnosed: bool, velocity: str | None) -> None:
        self._schema = schema
        self._diagnosed = diagnosed
        self._velocity = velocity
        self._parts: list[dict[str, NDArray[Any]]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the points of a batch."""
        there = batch.schema.names
        missing = np.full(batch.num_rows, np.nan, dtype=np.float32)
        columns = [read_probabilities(batch, name) if name in there else missing for name in _PROBABILITIES]
        recent = [read_numbers(batch, name) if name in there else missing for name in _RECENT]
        part: dict[str, NDArray[Any]] = {
            "class_id": read_class_ids(batch, "class_id").astype(np.int8),
            "confidence": read_probabilities(batch, "confidence"),
            "probabilities": np.stack(columns, axis=1),
            **dict(zip(("recent_rate", "recent_std", "recent_change_prob"), recent, strict=True)),
        }
        if self._diagnosed:
            part |= _of_diagnosis(read_diagnosis(batch))
        else:
            none, nowhere = np.full(batch.num_rows, "NaT", "datetime64[D]"), np.empty(0, "datetime64[D]")
            part |= {
                "rate": read_numbers(batch, self._velocity) if self._velocity else missing,
                "rate_std": missing,
                **dict.fromkeys(("break_date", "break_lo", "break_hi"), none),
                "n_jumps": np.full(batch.num_rows, NOT_SEARCHED, dtype=np.int16),
                "jump_date": nowhere,
                "jump_mm": missing[:0],
            }
        self._parts.append(part)

    def states(self) -> PointStates:
        """Return the states of all points; nothing more can be added then."""
        if not self._parts:
            nothing = [pa.nulls(0, field.type) for field in self._schema]
            self.add(pa.RecordBatch.from_arrays(nothing, schema=self._schema))
        # Taken out one by one, so that not all are in memory twice.
        names = list(self._parts[0])
        return PointStates(**{name: np.concatenate([part.pop(name) for part in self._parts]) for name in names})


def _of_diagnosis(found: pa.RecordBatch) -> dict[str, NDArray[Any]]:
    counts = pc.fill_null(found.column("n_jumps"), NOT_SEARCHED).to_numpy(zero_copy_only=False).astype(np.int16)
    return {
        "rate": read_numbers(found, "velocity_mm_yr"),
        "rate_std": read_numbers(found, "velocity_std"),
        **{name: _days(found.column(name)) for name in ("break_date", "break_lo", "break_hi")},
        "n_jumps": counts,
        "jump_date": _days(found.column("jump_dates").flatten()),
        "jump_mm": as_floats(found.column("jump_mm").flatten()),
    }


def _days(column: pa.Array) -> Dates:
    days: Dates = column.cast(pa.date32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return days
