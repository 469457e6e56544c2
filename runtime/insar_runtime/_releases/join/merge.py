"""The join of two releases that were read: offsets, joined series, and the rows of the output."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime._input.producers import attribution_of
from insar_runtime._output.atomic import Sink
from insar_runtime._output.list_table import ListTable
from insar_runtime._releases.join.columns import BOTH, JOIN_FIELDS, NEW, OLD, JoinedColumns, JoinedRows
from insar_runtime._releases.join.compatible import OpenRelease, join_dates
from insar_runtime._releases.join.offsets import JOIN_STATUS_NAMES, JoinLimits, JoinStatus, measure_offsets
from insar_runtime._releases.join.reference import MOST_POINTS, ReferenceDifference, measure_reference
from insar_runtime._releases.join.spill import Rows, SpilledRelease
from insar_runtime._releases.matching import Matches

_BATCH_ROWS: Final = 8192
_BATCH_VALUES: Final = 1 << 21
_SAMPLE_VALUES: Final = 1_500_000
"""Values of a batch, and of the sample for the difference of the references."""
_DECIMALS: Final = 4
"""Decimals of moved values, so that those of one or two decimals stay short."""
_RULE: Final = (
    "NEW where it has a value; otherwise OLD plus join_offset_mm. A point of one release alone, or whose series could "
    "not be joined, has its own values"
)


class ReleaseJoin:
    """Joins two releases that were read.

    Parameters
    ----------
    both : list of OpenRelease
        OLD and NEW.
    rows : list of SpilledRelease
        Their rows.
    matches : Matches
        Of their points.
    common : ndarray of datetime64[D], shape [C]
        Dates that both have.
    limits : JoinLimits

    Attributes
    ----------
    dates : ndarray of datetime64[D], shape [T]
        The joined axis.
    joins : ndarray of datetime64[D]
        First dates after each join, with those of earlier joins.
    columns : JoinedColumns
    reference : ReferenceDifference

    Raises
    ------
    DataError
        If the series of the same points have opposite signs, or other units.
    """

    def __init__(
        self,
        both: list[OpenRelease],
        rows: list[SpilledRelease],
        matches: Matches,
        common: NDArray[np.datetime64],
        limits: JoinLimits,
    ) -> None:
        self._both, (self._old, self._new) = both, rows
        self._limits = limits
        old, new = both
        self.dates = np.union1d(old.dates, new.dates)
        earlier = [join.date for one in both for join in one.description.joins]
        self.joins = np.unique(np.concatenate([join_dates(old.dates, new.dates), np.array(earlier, "datetime64[D]")]))
        self._places = [np.searchsorted(self.dates, one.dates) for one in both]
        self._common = [np.searchsorted(one.dates, common) for one in both]
        self._partner = np.full(rows[1].rows, -1)
        self._partner[matches.new_rows] = matches.old_rows
        self._distance = np.full(rows[1].rows, np.nan)
        self._distance[matches.new_rows] = matches.distance_m
        self._by_position = np.zeros(rows[1].rows, dtype=np.bool_)
        self._by_position[matches.new_rows] = ~matches.by_id
        self.columns = JoinedColumns(old.description, new.description, *rows)
        self.reference, self._shared = self._measure(matches, common)
        self._counts: Counter[int] = Counter()

    @property
    def statuses(self) -> dict[str, int]:
        """Rows by status, those that occur."""
        return {name: self._counts[i] for i, name in enumerate(JOIN_STATUS_NAMES) if self._counts[i]}

    def output(self, notes: list[str], options: dict[str, Any]) -> ListTable:
        """Return the table to write."""
        old, new = self._both
        position = self.columns.position
        known: dict[str, Any] = {
            "old": old.facts(),
            "new": new.facts(),
            "dates": [str(date) for date in self.joins],
            "common_epochs": len(self._common[0]),
            "rule": _RULE,
            "options": options,
            "reference": self.reference.to_dict(),
            "statuses": {},
            "notes": notes,
        }
        self._known = known
        return ListTable(
            [*self.columns.fields, *JOIN_FIELDS],
            self.dates,
            position=position,
            proven=all(one.description.units.evidence != "assumed" for one in self._both),
            block={
                "joined": known,
                "attribution": attribution_of(new.description.layout.producer or old.description.layout.producer),
            },
            metadata={} if position else _geo_of(new),
            joins=self.joins,
            names_series=True,
        )

    def write(self, table: ListTable, sink: Sink, advance: Callable[[int], None]) -> None:
        """Write the rows of the new release, then those of the old one that are not part of them."""
        left = np.ones(self._old.rows, dtype=np.bool_)
        statuses = np.full(self._old.rows, JoinStatus.ONLY_OLD, dtype=np.int8)
        for rows in _chunks(np.arange(self._new.rows), len(self.dates)):
            partners, found, series = self._joined(rows)
            # An id of the old release says something where it is another one.
            others = np.where(self._by_position[rows], partners, -1)
            taken = found.release == BOTH
            left[partners[taken]] = False
            apart = (partners >= 0) & ~taken
            statuses[partners[apart]] = found.status[apart]
            self._write(table, sink, self.columns.of_new(rows, np.where(taken, partners, -1)), found, others, series)
            advance(len(rows))
        rest = np.flatnonzero(left)
        advance(self._old.rows - len(rest))
        for rows in _chunks(rest, len(self.dates)):
            found = replace(JoinedRows.alone(len(rows), JoinStatus.ONLY_OLD, OLD), status=statuses[rows])
            series = self._on_axis(self._old.series(rows), self._places[0])
            self._write(table, sink, self.columns.of_old(rows), found, np.full(len(rows), -1), series)
            advance(len(rows))
        self._known["statuses"] = self.statuses

    def _write(
        self,
        table: ListTable,
        sink: Sink,
        columns: list[pa.Array],
        found: JoinedRows,
        others: Rows,
        series: NDArray[np.float32],
    ) -> None:
        self._counts.update(found.status.tolist())
        sink.write(table.batch([*columns, *found.columns(self.columns.old_ids(others))], series))

    def _joined(self, rows: Rows) -> tuple[Rows, JoinedRows, NDArray[np.float32]]:
        """Return the partners of rows of the new release, what became of them, and their series on the joined axis."""
        partners = self._partner[rows]
        own = self._new.series(rows)
        series = self._on_axis(own, self._places[1])
        found = JoinedRows.alone(len(rows), JoinStatus.ONLY_NEW, NEW)
        pairs = np.flatnonzero(partners >= 0)
        if not len(pairs):
            return partners, found, series
        other = self._old.series(partners[pairs])
        offsets = measure_offsets(
            other[:, self._common[0]],
            own[pairs][:, self._common[1]],
            self._limits,
            self._shared,
            self._by_position[rows[pairs]],
        )
        joined = offsets.status == JoinStatus.JOINED
        found = found.with_rows(
            pairs,
            JoinedRows(
                offsets.status,
                np.where(joined, BOTH, NEW).astype(np.int8),
                offsets.mm,
                np.where(offsets.epochs >= self._limits.epochs, offsets.std_mm, np.nan),
                offsets.epochs,
                self._distance[rows[pairs]],
            ),
        )
        moved = np.round(other[joined] + offsets.mm[joined, None], _DECIMALS).astype(np.float32)
        moved = self._on_axis(moved, self._places[0])
        series[pairs[joined]] = np.where(np.isnan(series[pairs[joined]]), moved, series[pairs[joined]])
        return partners, found, series

    def _measure(
        self, matches: Matches, common: NDArray[np.datetime64]
    ) -> tuple[ReferenceDifference, NDArray[np.float64]]:
        """Measure what all points differ by, on a sample of them."""
        trusted = np.flatnonzero(matches.by_id) if matches.by_id.any() else np.arange(len(matches.by_id))
        some = trusted[evenly_spaced(len(trusted), min(MOST_POINTS, max(_SAMPLE_VALUES // len(common), 1)))]
        old = self._old.series(matches.old_rows[some])[:, self._common[0]]
        new = self._new.series(matches.new_rows[some])[:, self._common[1]]
        return measure_reference(old, new, common, self._limits)

    def _on_axis(self, series: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
        whole = np.full((len(series), len(self.dates)), np.nan, dtype=np.float32)
        whole[:, places] = series
        return whole


def _chunks(rows: Rows, epochs: int) -> Iterator[Rows]:
    size = max(min(_BATCH_ROWS, _BATCH_VALUES // max(epochs, 1)), 1)
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]


def _geo_of(release: OpenRelease) -> dict[str, str]:
    """Return the description of the geometry of a release, without the box of its points, to which others are added."""
    try:
        geo = json.loads(release.source.metadata["geo"])
        for column in geo["columns"].values():
            column.pop("bbox", None)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return {"geo": json.dumps(geo)}
