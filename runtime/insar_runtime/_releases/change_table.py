"""The table of changes: one row a point of either release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._output.geoparquet import GEOMETRY_FIELDS, PointBounds, geo_metadata, point_columns
from insar_runtime._releases.alert_rules import RULES
from insar_runtime._releases.changes import Changes
from insar_runtime._releases.distances import is_in_degrees, positions_in
from insar_runtime._releases.matching import Matches
from insar_runtime._releases.release import NOT_SEARCHED, Release
from insar_runtime._spatial.metres import System, system_name
from insar_runtime.classes import CLASS_NAMES, NO_CLASS

_BATCH_ROWS: Final = 65_536
_LABEL: Final = pa.dictionary(pa.int8(), pa.string())
MATCHES: Final = ("both", "gone", "new")
_MATCHED_BY: Final = ("id", "position")
_NOWHERE: Final = -1
"""Row of a release that has no such point."""

CHANGE_FIELDS: Final = (
    pa.field("match", _LABEL),
    pa.field("matched_by", _LABEL),
    pa.field("distance_m", pa.float32()),
    pa.field("reasons", pa.string()),
    pa.field("class_before", _LABEL),
    pa.field("class_after", _LABEL),
    pa.field("confidence_before", pa.float32()),
    pa.field("confidence_after", pa.float32()),
    pa.field("class_changed", pa.bool_()),
    pa.field("class_change_prob", pa.float32()),
    pa.field("rate_before_mm_yr", pa.float32()),
    pa.field("rate_after_mm_yr", pa.float32()),
    pa.field("rate_change_mm_yr", pa.float32()),
    pa.field("rate_change_std", pa.float32()),
    pa.field("rate_change_prob", pa.float32()),
    pa.field("break_before", pa.date32()),
    pa.field("break_after", pa.date32()),
    pa.field("new_break", pa.bool_()),
    pa.field("n_new_jumps", pa.int16()),
    pa.field("new_jump_dates", pa.list_(pa.date32())),
    pa.field("new_jump_mm", pa.list_(pa.float32())),
    pa.field("v_recent_mm_yr", pa.float32()),
    pa.field("v_recent_std", pa.float32()),
    pa.field("recent_change_prob", pa.float32()),
)
"""Columns after the ids and the position; ``v_recent_mm_yr`` and the following ones are those of the new release."""


@dataclass(frozen=True, slots=True, eq=False)
class ChangeTable:
    """The rows of a comparison: the points of the new release in its order, then those that are gone.

    Attributes
    ----------
    old, new : Release
    matches : Matches
    changes : Changes
    system : str, mapping or None
        System of the positions; None if it is not known.
    positions : ndarray of float64, shape [R, 2], or None
        Of all rows; NaN = no position.
    old_rows, new_rows, pairs : ndarray of intp, shape [R]
        Rows of the releases, and indices of the pairs; -1 for none.
    schema : pyarrow.Schema
    """

    old: Release
    new: Release
    matches: Matches
    changes: Changes
    system: System | None
    positions: NDArray[np.float64] | None
    old_rows: NDArray[np.intp]
    new_rows: NDArray[np.intp]
    pairs: NDArray[np.intp]
    schema: pa.Schema

    @classmethod
    def of(cls, old: Release, new: Release, matches: Matches, changes: Changes) -> ChangeTable:
        """Return the rows of all points.

        Raises
        ------
        UnavailableError
            If points that are gone lie in another system, and pyproj is not installed.
        """
        new_rows = np.arange(new.points.count, dtype=np.intp)
        old_rows = np.full(new.points.count, _NOWHERE, dtype=np.intp)
        pairs = old_rows.copy()
        old_rows[matches.new_rows] = matches.old_rows
        pairs[matches.new_rows] = np.arange(len(matches.new_rows))
        is_gone = np.ones(old.points.count, dtype=np.bool_)
        is_gone[matches.old_rows] = False
        gone = np.flatnonzero(is_gone)
        nowhere = np.full(len(gone), _NOWHERE, dtype=np.intp)
        rows = [np.concatenate(parts) for parts in ((old_rows, gone), (new_rows, nowhere), (pairs, nowhere))]
        system, positions = _positions(old, new, rows[0], rows[1])
        return cls(old, new, matches, changes, system, positions, rows[0], rows[1], rows[2], _schema(system, positions))

    def rows(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
        """Return the numbers of all rows, or of those whose points [P] are chosen."""
        if chosen is None:
            return np.arange(len(self.pairs))
        # The last one stands for all points that only one of the releases has, whose pair is -1.
        return np.flatnonzero(np.append(chosen, False)[self.pairs])

    def batches(self, rows: NDArray[np.intp], bounds: PointBounds) -> Iterator[pa.RecordBatch]:
        """Yield some of the rows in batches, and widen the bounds by their points."""
        for start in range(0, len(rows), _BATCH_ROWS):
            yield self._batch(rows[start : start + _BATCH_ROWS], bounds)

    def geo(self, bounds: PointBounds) -> dict[str, str]:
        """Return the metadata of GeoParquet that describe the geometry; empty without one."""
        if self.system is None or self.positions is None:
            return {}
        name = system_name(self.system)
        # PROJJSON of a file is kept as it is.
        geo = dict(geo_metadata(bounds, name if isinstance(self.system, str) and name else "OGC:CRS84"))
        if not isinstance(self.system, str):
            geo["columns"]["geometry"]["crs"] = dict(self.system)
        return {"geo": json.dumps(geo)}

    def _batch(self, rows: NDArray[np.intp], bounds: PointBounds) -> pa.RecordBatch:
        i, j, p = self.old_rows[rows], self.new_rows[rows], self.pairs[rows]
        changes, matches = self.changes, self.matches
        before, after, rates = self.old.states, self.new.states, changes.rates
        gone, fresh, both = j == _NOWHERE, i == _NOWHERE, p != _NOWHERE
        old_ids, new_ids = _ids(self.old, i), _ids(self.new, j)
        columns: list[pa.Array] = [pc.coalesce(new_ids, old_ids), old_ids]
        points = None
        if self.positions is not None:
            points = self.positions[rows]
            columns += [_numbers(points[:, axis]) for axis in (0, 1)]
        by_id = np.where(_taken(matches.by_id, p), 0, 1)
        dates, sizes = self._jumps(p)
        columns += [
            _labels(np.where(gone, 1, np.where(fresh, 2, 0)), MATCHES, None),
            _labels(by_id, _MATCHED_BY, ~both),
            _numbers(_taken(matches.distance_m, p).astype(np.float32), ~both),
            self._reasons(p),
            _labels(_taken(before.class_id, i), CLASS_NAMES, fresh | (_taken(before.class_id, i) == NO_CLASS)),
            _labels(_taken(after.class_id, j), CLASS_NAMES, gone | (_taken(after.class_id, j) == NO_CLASS)),
            _numbers(_taken(before.confidence, i), fresh),
            _numbers(_taken(after.confidence, j), gone),
            pa.array(_taken(changes.class_changed, p), mask=~both),
            _numbers(_taken(changes.class_change_prob, p), ~both),
            _numbers(_taken(before.rate, i), fresh),
            _numbers(_taken(after.rate, j), gone),
            *(_numbers(_taken(values, p), ~both) for values in (rates.change, rates.std, rates.probability)),
            _dates(_taken(before.break_date, i), fresh),
            _dates(_taken(after.break_date, j), gone),
            pa.array(_taken(changes.new_break, p), mask=~both | (not self.new.diagnosed)),
            pa.array(_taken(changes.jump_counts, p).astype(np.int16), mask=self._unsearched(j, both)),
            dates,
            sizes,
            *(
                _numbers(_taken(values, j), gone)
                for values in (after.recent_rate, after.recent_std, after.recent_change_prob)
            ),
        ]
        if points is not None and self.system is not None:
            bounds.add(points)
            columns += point_columns(points)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _unsearched(self, j: NDArray[np.intp], both: NDArray[np.bool_]) -> NDArray[np.bool_]:
        searched: NDArray[np.bool_] = _taken(self.new.states.n_jumps, j) != NOT_SEARCHED
        return ~(both & searched)

    def _jumps(self, p: NDArray[np.intp]) -> tuple[pa.Array, pa.Array]:
        """Return the dates and the sizes of the new jumps of pairs; null for none."""
        counts = self.changes.jump_counts
        begins = np.cumsum(counts) - counts
        wanted = np.where(p == _NOWHERE, 0, _taken(counts, p))
        offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(wanted, dtype=np.int32)])
        places = np.repeat(_taken(begins, p), wanted) + np.arange(offsets[-1]) - np.repeat(offsets[:-1], wanted)
        jumps = self.changes.jumps[places]
        states, missing = self.new.states, pa.array(wanted == 0)
        values = pa.array(states.jump_date[jumps], pa.date32()), pa.array(states.jump_mm[jumps])
        dates, sizes = (pa.ListArray.from_arrays(pa.array(offsets), part, mask=missing) for part in values)
        return dates, sizes

    def _reasons(self, p: NDArray[np.intp]) -> pa.Array:
        """Return the rules that pairs meet, joined by ``;``; null for none."""
        met = np.where((p != _NOWHERE)[:, None], _taken(self.changes.reasons, p), False)
        # Each set of rules is a number, whose text is made once.
        texts = [
            ";".join(rule for place, rule in enumerate(RULES) if code >> place & 1) or None
            for code in range(1 << len(RULES))
        ]
        codes = (met << np.arange(len(RULES))).sum(axis=1)
        return pa.array(texts, pa.string()).take(pa.array(codes))


def _schema(system: System | None, positions: NDArray[np.float64] | None) -> pa.Schema:
    fields = [pa.field("id", pa.string()), pa.field("id_before", pa.string())]
    if positions is not None:
        fields += [pa.field(name, pa.float64()) for name in position_names(system)]
    fields += CHANGE_FIELDS
    if positions is not None and system is not None:
        fields += GEOMETRY_FIELDS
    return pa.schema(fields)


def position_names(system: System | None) -> tuple[str, str]:
    """Return the names of the columns of positions in a system."""
    if system is not None and is_in_degrees(system):
        return "longitude", "latitude"
    return "easting", "northing"


def _positions(
    old: Release, new: Release, old_rows: NDArray[np.intp], new_rows: NDArray[np.intp]
) -> tuple[System | None, NDArray[np.float64] | None]:
    """Return the positions of all rows in the system of the new release, or of the old one if it has none."""
    of_old, of_new = old.points.positions, new.points.positions
    if of_new is None and of_old is None:
        return None, None
    system = old.points.system if of_new is None else new.points.system
    points = np.full((len(old_rows), 2), np.nan)
    if of_new is not None:
        there = new_rows != _NOWHERE
        points[there] = of_new[new_rows[there]]
    lacking = ~np.isfinite(points).all(axis=1) & (old_rows != _NOWHERE)
    if of_old is not None and lacking.any():
        if system is not None and old.points.system is not None:
            of_old = positions_in(old.points, system)
            points[lacking] = of_old[old_rows[lacking]]
        elif system is None and old.points.system is None:
            points[lacking] = of_old[old_rows[lacking]]
    return system, points


def _ids(release: Release, rows: NDArray[np.intp]) -> pa.Array:
    if release.points.ids is None or not release.points.count:
        return pa.nulls(len(rows), pa.string())
    return release.points.ids.take(pa.array(rows, mask=rows == _NOWHERE)).cast(pa.string())


def _taken(values: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[Any]:
    """Return values by their rows; any value where there is no row."""
    if not len(values):
        return np.zeros((len(rows), *values.shape[1:]), dtype=values.dtype)
    return np.asarray(values[np.maximum(rows, 0)])


def _numbers(values: NDArray[Any], missing: NDArray[np.bool_] | bool = False) -> pa.Array:
    return pa.array(values, mask=np.isnan(values) | missing)


def _dates(values: NDArray[np.datetime64], missing: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, pa.date32(), mask=np.isnat(values) | missing)


def _labels(ids: NDArray[Any], names: tuple[str, ...], missing: NDArray[np.bool_] | None) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(ids.astype(np.int8), mask=missing), pa.array(names, pa.string()))
