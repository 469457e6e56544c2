"""What a page holds of a diagnosis: trends, breaks and jumps of the points whose series are in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._classified.diagnosis_columns import stored_half_wavelength_mm
from insar_runtime._diagnosis.rates.egms_rates import estimate_rates
from insar_runtime._diagnosis.results import FIT_STATUS_NAMES
from insar_runtime._diagnosis.trend.curves import Shape, Shapes, fit_trends
from insar_runtime._diagnosis.trend.stepped_trend import stepped_trend
from insar_runtime._report.pack import MISSING, Packed, of_tenths, pack, tenths
from insar_runtime._report.sample import GROUP
from insar_runtime._report.table import ClassifiedTable
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
_REPAIRED: Final = 6
"""Place in the numbers of a jump of whether it is repaired."""
_AT_ONCE: Final = 4096
"""Rows whose trends are fitted together."""

Floats = NDArray[np.float64]


def diagnosis_facts(table: ClassifiedTable, points: pa.Table | None) -> dict[str, Any] | None:
    """Return what the script needs to know of a diagnosis; None if there is none.

    Returns
    -------
    dict or None
        ``origin``, the date from which days are counted; ``cycle``, mm, if it is known; ``statuses``; and ``changed``,
        the first and last day of a break, if there is one.
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
        "statuses": list(FIT_STATUS_NAMES),
        "changed": span,
    }


def days_since(dates: pa.ChunkedArray, origin: str) -> NDArray[np.uint16]:
    """Return dates as days, ``MISSING`` for null."""
    days = _days(dates, origin)
    return np.where(np.isnan(days), MISSING, np.clip(np.nan_to_num(days), 0, MISSING - 1)).astype(np.uint16)


def diagnosis_arrays(
    details: pa.Table, series: NDArray[np.uint16], dates: Sequence[str], facts: Mapping[str, Any]
) -> dict[str, Packed]:
    """Pack the diagnosis of K points.

    Parameters
    ----------
    details : pyarrow.Table
        Columns of ``DIAGNOSIS_SCHEMA``, and the class.
    series : ndarray of uint16, shape [K, T]
        Tenths of mm, zigzag; T is 0 where the page has no series.
    dates : sequence of str
        Of the page.
    facts : mapping
        What ``diagnosis_facts`` gives.

    Returns
    -------
    dict of str to Packed
        ``rates`` [K, 7] in the order of the columns; ``story`` [K, 5]: shape of the trend (``Shape``), 1 with a break,
        number of jumps and one (0 where none were looked for), class after repair and one (0 for none), status;
        ``trend`` [K, 3]: mm at its begin, middle or break, and end, without any jump, tenths, zigzag; ``breaks``
        [B, 7]: days and rates of the points that have one; ``jumps`` [J, 8]: days and numbers of all jumps in the
        order of the points, and what the trend changes by there, NaN where it does not. Floats are float32, NaN = null;
        days are counted from the origin.
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
    shape, trend = np.zeros(rows, dtype=np.int8), np.full((rows, 3), np.nan)
    drawn = np.full(len(jumps), np.nan)
    class_id = np.where(after >= 0, after, details[GROUP].to_numpy())
    # Without series there is nothing to put a trend through.
    for start in range(0, rows if series.shape[1] else 0, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        inside = (of_row >= part.start) & (of_row < part.stop)
        days = _day_numbers(dates, origin)
        places = of_row[inside] - start
        steps = _steps(jumps[inside], places, min(rows - start, _AT_ONCE), days, facts["cycle"])
        rates = (numbers["velocity_mm_yr"][part], numbers["acceleration_mm_yr2"][part])
        values = of_tenths(series[part])
        shape[part], trend[part] = _trends(values, days, steps, class_id[part], rates, breaks[part])
        corrected = values - steps[0]
        drawn[inside] = _put_segments(shape[part], trend[part], corrected, days, class_id[part], jumps[inside], places)
    status = pc.index_in(details["diagnosis_status"], pa.array(FIT_STATUS_NAMES)).to_numpy()
    story = (shape, broken, np.where(np.isnan(counts), 0, np.nan_to_num(counts) + 1), after + 1, status)
    return {
        "rates": pack(np.round(np.stack(_pick(numbers, _RATES), axis=1), 2).astype(np.float32)),
        "story": pack(np.stack(story, axis=1).astype(np.uint8)),
        "trend": pack(tenths(trend)),
        "breaks": pack(np.round(breaks[broken], 2).astype(np.float32)),
        "jumps": pack(np.round(np.column_stack([jumps, drawn]), 3).astype(np.float32)),
    }


def _trends(
    series: Floats,
    days: Floats,
    steps: tuple[Floats, Floats],
    class_id: NDArray[Any],
    rates: tuple[Floats, Floats],
    breaks: Floats,
) -> tuple[NDArray[np.int8], Floats]:
    """Put trends through series without their jumps; give their shapes and three values each."""
    repaired, left = steps
    velocity, acceleration = (rate.copy() for rate in rates)
    jumping = np.flatnonzero((repaired != 0).any(axis=1) | (left != 0).any(axis=1))
    corrected = series - repaired
    if len(jumping):
        # The diagnosis has the rates of the series with their jumps.
        found = estimate_rates((corrected - left)[jumping].astype(np.float32), days)
        velocity[jumping], acceleration[jumping] = found.velocity, found.acceleration
    shapes = Shapes.by_class(
        class_id,
        velocity=velocity,
        acceleration=acceleration,
        break_day=breaks[:, 0],
        before=breaks[:, 3],
        after=breaks[:, 5],
    )
    # The rates about a break are those of the series with the jumps that were not repaired.
    broken = shapes.shape == Shape.BROKEN
    trends = fit_trends(np.where(broken[:, None], corrected, corrected - left), days, shapes)
    return trends.shape, trends.mm


def _put_segments(
    shape: NDArray[np.int8],
    trend: Floats,
    corrected: Floats,
    days: Floats,
    class_id: NDArray[Any],
    jumps: Floats,
    row: NDArray[np.int64],
) -> Floats:
    """Put segments in the place of the trends of points with jumps that are not repaired, but of those that break.

    Parameters
    ----------
    shape : ndarray of int8, shape [n]
    trend : ndarray of float64, shape [n, 3]
        Both are changed in place.
    corrected : ndarray of float64, shape [n, T]
        Series without the repaired jumps, mm.
    days : ndarray of float64, shape [T]
    class_id : ndarray of int, shape [n]
    jumps : ndarray of float64, shape [j, 7]
        Of these points.
    row : ndarray of int64, shape [j]
        Which of the points each jump is of.

    Returns
    -------
    ndarray of float64, shape [j]
        What the trend changes by at each jump, mm; NaN where it does not.
    """
    drawn = np.full(len(jumps), np.nan)
    left = jumps[:, _REPAIRED] != 1
    for point in np.unique(row[left]).tolist():
        if shape[point] == Shape.BROKEN:
            continue
        mine = np.flatnonzero(left & (row == point))
        found = stepped_trend(corrected[point], days, jumps[mine, 0], jumps[mine, 1], int(class_id[point]))
        shape[point], trend[point] = Shape.NONE, np.nan
        if found is not None:
            there = days[np.isfinite(corrected[point])]
            nodes = np.array([there[0], (there[0] + there[-1]) / 2, there[-1]])
            shape[point] = Shape.PARABOLA if found.curved else Shape.LINE
            trend[point], drawn[mine] = found.polynomial(nodes), found.steps
    return drawn


def _jumps(details: pa.Table, origin: str) -> Floats:
    """Return day, mm, its standard deviation, cycles, probability, distance and repair of all jumps [J, 7]."""
    flat = [pc.list_flatten(details[name]) for name in ("jump_dates", *_JUMP_NUMBERS)]
    return np.stack([_days(flat[0], origin), *(_floats(column) for column in flat[1:])], axis=1)


def _steps(
    jumps: Floats, row: NDArray[np.int64], rows: int, days: Floats, cycle: float | None
) -> tuple[Floats, Floats]:
    """Return what the repaired jumps, and what the others, have added to series [rows, T]."""
    steps = np.zeros((2, rows, len(days)))
    day, mm, _, cycles, _, _, repaired = jumps.T
    exact = (repaired == 1) & np.isfinite(cycles) & (cycle is not None)
    step = np.where(exact, np.nan_to_num(cycles) * (cycle or 0.0), mm)
    for i in range(len(jumps)):
        steps[0 if repaired[i] == 1 else 1, row[i], days >= day[i]] += step[i]
    return steps[0], steps[1]


def _pick(numbers: Mapping[str, Floats], names: Sequence[str]) -> list[Floats]:
    return [numbers[name] for name in names]


def _floats(column: pa.ChunkedArray) -> Floats:
    return column.cast(pa.float64()).to_numpy()  # type: ignore[no-any-return]


def _days(dates: pa.ChunkedArray, origin: str) -> Floats:
    days: Floats = _floats(dates.cast(pa.int32())) - np.datetime64(origin).astype(int)
    return days


def _day_numbers(dates: Sequence[str], origin: str) -> Floats:
    days = np.array(dates, dtype="datetime64[D]") - np.datetime64(origin)
    return days.astype(np.float64)


def _dates(table: ClassifiedTable) -> list[str]:
    return [] if table.series is None else [str(date) for date in table.series.layout.dates[:1]]
