"""Arrays of the diagnosis for a page: rates, trends, breaks and jumps of the points with series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._classified.diagnosis_columns import stored_half_wavelength_mm, stored_recent_days
from insar_runtime._diagnosis.arrays import FloatArray
from insar_runtime._diagnosis.results import FIT_STATUS_NAMES
from insar_runtime._diagnosis.trend.point_trends import DiagnosedRates, TrendJumps, fit_point_trends, trend_class
from insar_runtime._report.classified_table import ClassifiedTable
from insar_runtime._report.pack import MISSING, Packed, of_tenths, pack, tenths
from insar_runtime.classes import CLASS_NAMES

_RATES: Final = (
    "velocity_mm_yr",
    "velocity_std",
    "acceleration_mm_yr2",
    "acceleration_std",
    "season_amp_mm",
    "season_amp_std",
    "rmse_mm",
)
_BREAK_DAYS: Final = ("break_date", "break_lo", "break_hi")
_BREAK_RATES: Final = ("v_before", "v_before_std", "v_after", "v_after_std")
_JUMP_NUMBERS: Final = ("jump_mm", "jump_mm_std", "jump_cycles", "jump_prob", "jump_distance", "jump_repaired")
_AT_ONCE: Final = 4096
"""Number of rows whose trends are fitted at a time."""


def diagnosis_facts(table: ClassifiedTable, points: pa.Table | None) -> dict[str, Any] | None:
    """Return the facts about a diagnosis that the script needs; None without a diagnosis.

    Returns
    -------
    dict or None
        ``origin``, the date from which days are counted; ``cycle``, the size of a cycle in mm, and
        ``recentDays``, the length of the window of the recent change, if known;
        ``statuses``; and ``changed``, the days of the first and of the last break, if there is one.
    """
    if not table.diagnosed or points is None:
        return None
    first, last = pc.min_max(points["break_date"]).as_py().values()
    known = [*_dates(table), *([str(first)] if first else [])]
    origin = min(known, default="1970-01-01")
    span = _day_numbers([str(first), str(last)], origin).astype(int).tolist() if first else None
    return {
        "origin": origin,
        "cycle": stored_half_wavelength_mm(table.block),
        "recentDays": stored_recent_days(table.block),
        "statuses": list(FIT_STATUS_NAMES),
        "changed": span,
    }


def days_since(dates: pa.ChunkedArray, origin: str) -> NDArray[np.uint16]:
    """Return dates as days since the origin; ``MISSING`` for null."""
    days = _days(dates, origin)
    return np.where(np.isnan(days), MISSING, np.clip(np.nan_to_num(days), 0, MISSING - 1)).astype(np.uint16)


def diagnosis_arrays(
    details: pa.Table, series: NDArray[np.uint16], dates: Sequence[str], facts: Mapping[str, Any]
) -> dict[str, Packed]:
    """Return the arrays of the diagnosis of K points.

    Parameters
    ----------
    details : pyarrow.Table
        Columns of ``DIAGNOSIS_SCHEMA``, ``class_id`` and ``class_top``.
    series : ndarray of uint16, shape [K, T]
        Tenths of mm, zigzag; T is 0 if the page has no series.
    dates : sequence of str
        Dates of the epochs.
    facts : mapping
        As returned by ``diagnosis_facts``.

    Returns
    -------
    dict of str to Packed
        ``rates`` [K, 7] in the order of the columns; ``story`` [K, 5]: shape of the trend (``Shape``), 1 with a break,
        number of jumps plus 1 (0 if the series was not searched), class after repair plus 1 (0 for none), status;
        ``trend`` [K, 3]: mm at its begin, its middle or break, and its end, without jumps, in tenths, zigzag;
        ``breaks`` [B, 7]: days and rates of the points with a break; ``jumps`` [J, 8]: days and numbers of all jumps in
        the order of the points, and the step of the trend there, NaN without one. Floats are float32, NaN = null; days
        are counted from the origin.
    """
    origin = facts["origin"]
    rows = len(details)
    numbers = {name: _floats(details[name]) for name in (*_RATES, *_BREAK_RATES)}
    breaks = np.stack([*(_days(details[name], origin) for name in _BREAK_DAYS), *_pick(numbers, _BREAK_RATES)], axis=1)
    broken = np.isfinite(breaks[:, 0])
    counts = _floats(details["n_jumps"])
    jumps = _jumps(details, origin)
    of_row = np.repeat(np.arange(rows), np.nan_to_num(counts).astype(np.int64))
    after = pc.fill_null(pc.index_in(details["class_after_repair"], pa.array(CLASS_NAMES)), -1).to_numpy()
    class_id = trend_class(after, details["class_id"].to_numpy(), details["class_top"].to_numpy())
    shape, trend = np.zeros(rows, dtype=np.int8), np.full((rows, 3), np.nan)
    steps = np.full(len(jumps), np.nan)
    days = _day_numbers(dates, origin)
    # Without series there is nothing to fit a trend to.
    for start in range(0, rows if series.shape[1] else 0, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        inside = (of_row >= part.start) & (of_row < part.stop)
        day, mm, _, cycles, _, _, repaired = jumps[inside].T
        found = fit_point_trends(
            of_tenths(series[part]),
            days,
            class_id[part],
            DiagnosedRates(
                velocity=numbers["velocity_mm_yr"][part],
                velocity_std=numbers["velocity_std"][part],
                acceleration=numbers["acceleration_mm_yr2"][part],
                acceleration_std=numbers["acceleration_std"][part],
                break_day=breaks[part, 0],
                before=breaks[part, 3],
                after=breaks[part, 5],
            ),
            TrendJumps.of_columns(of_row[inside] - start, day, mm, cycles, repaired == 1, facts["cycle"]),
        )
        shape[part], trend[part], steps[inside] = found.curves.shape, found.curves.mm, found.steps
    status = pc.index_in(details["diagnosis_status"], pa.array(FIT_STATUS_NAMES)).to_numpy()
    story = (shape, broken, np.where(np.isnan(counts), 0, np.nan_to_num(counts) + 1), after + 1, status)
    return {
        "rates": pack(np.round(np.stack(_pick(numbers, _RATES), axis=1), 2).astype(np.float32)),
        "story": pack(np.stack(story, axis=1).astype(np.uint8)),
        "trend": pack(tenths(trend)),
        "breaks": pack(np.round(breaks[broken], 2).astype(np.float32)),
        "jumps": pack(np.round(np.column_stack([jumps, steps]), 3).astype(np.float32)),
    }


def _jumps(details: pa.Table, origin: str) -> FloatArray:
    """Return day, mm, its standard deviation, cycles, probability, distance and repair of all jumps [J, 7]."""
    flat = [pc.list_flatten(details[name]) for name in ("jump_dates", *_JUMP_NUMBERS)]
    return np.stack([_days(flat[0], origin), *(_floats(column) for column in flat[1:])], axis=1)


def _pick(numbers: Mapping[str, FloatArray], names: Sequence[str]) -> list[FloatArray]:
    return [numbers[name] for name in names]


def _floats(column: pa.ChunkedArray) -> FloatArray:
    return column.cast(pa.float64()).to_numpy()  # type: ignore[no-any-return]


def _days(dates: pa.ChunkedArray, origin: str) -> FloatArray:
    days: FloatArray = _floats(dates.cast(pa.int32())) - np.datetime64(origin).astype(int)
    return days


def _day_numbers(dates: Sequence[str], origin: str) -> FloatArray:
    days = np.array(dates, dtype="datetime64[D]") - np.datetime64(origin)
    return days.astype(np.float64)


def _dates(table: ClassifiedTable) -> list[str]:
    return [] if table.series is None else [str(date) for date in table.series.layout.dates[:1]]
