"""A diagnosis as the columns of a table."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._diagnosis.diagnosis import Diagnosis
from insar_runtime._diagnosis.status import FIT_STATUS_NAMES, FitStatus
from insar_runtime.classes import CLASS_NAMES, NO_CLASS

_LABEL: Final = pa.dictionary(pa.int8(), pa.string())
_RATES: Final = {
    "velocity_mm_yr": "velocity",
    "velocity_std": "velocity_std",
    "acceleration_mm_yr2": "acceleration",
    "acceleration_std": "acceleration_std",
    "season_amp_mm": "season_amp",
    "season_amp_std": "season_amp_std",
    "rmse_mm": "rmse",
}
_BREAK_DATES: Final = {"break_date": "day", "break_lo": "day_lo", "break_hi": "day_hi"}
_BREAK_RATES: Final = ("v_before", "v_before_std", "v_after", "v_after_std")

DIAGNOSIS_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.float32()) for name in _RATES),
        *(pa.field(name, pa.date32()) for name in _BREAK_DATES),
        *(pa.field(name, pa.float32()) for name in _BREAK_RATES),
        pa.field("n_jumps", pa.int16()),
        pa.field("jump_dates", pa.list_(pa.date32())),
        pa.field("jump_mm", pa.list_(pa.float32())),
        pa.field("jump_mm_std", pa.list_(pa.float32())),
        pa.field("jump_cycles", pa.list_(pa.int8())),
        pa.field("jump_prob", pa.list_(pa.float32())),
        pa.field("jump_distance", pa.list_(pa.float32())),
        pa.field("jump_repaired", pa.list_(pa.bool_())),
        pa.field("class_after_repair", _LABEL),
        pa.field("diagnosis_status", _LABEL),
    ]
)
"""Columns that a diagnosis adds to a table, after those of the classes."""


def to_arrow(diagnosis: Diagnosis) -> pa.RecordBatch:
    """Give the columns of a diagnosis; see ``Diagnosis.to_arrow``."""
    rows, rates = len(diagnosis), diagnosis.rates
    unknown = rates.status != FitStatus.OK
    columns = [_numbers(getattr(rates, name), unknown) for name in _RATES.values()]
    breaks, where = diagnosis.breaks, diagnosis.break_rows
    first = diagnosis.dates[:1].astype(np.int64)
    without = np.ones(rows, dtype=np.bool_)
    without[where] = False
    for name in _BREAK_DATES.values():
        days = np.zeros(rows, dtype=np.int32)
        days[where] = first + np.rint(getattr(breaks, name)).astype(np.int64)
        columns.append(pa.array(days, mask=without).cast(pa.date32()))
    for name in _BREAK_RATES:
        values = np.zeros(rows, dtype=np.float32)
        values[where] = getattr(breaks, name)
        columns.append(_numbers(values, without))
    columns += _jump_columns(diagnosis)
    classes = np.full(rows, NO_CLASS, dtype=np.int8)
    classes[diagnosis.repaired_rows] = diagnosis.class_after_repair
    columns += [
        _labels(classes, CLASS_NAMES, classes == NO_CLASS),
        _labels(diagnosis.status, FIT_STATUS_NAMES, None),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=DIAGNOSIS_SCHEMA)


def _jump_columns(diagnosis: Diagnosis) -> list[pa.Array]:
    jumps, searched = diagnosis.jumps, diagnosis.jump_rows
    looked = np.zeros(len(diagnosis), dtype=np.bool_)
    looked[searched] = jumps.status == FitStatus.OK
    counts = np.zeros(len(diagnosis), dtype=np.int32)
    counts[searched] = jumps.counts
    offsets = pa.array(np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)]))
    missing = pa.array(~looked)

    def lists(values: pa.Array) -> pa.Array:
        # Rows that were searched are in rising order, so their jumps follow one another as the lists do.
        return pa.ListArray.from_arrays(offsets, values, mask=missing)

    dates = diagnosis.dates[jumps.epoch].astype(np.int64).astype(np.int32)
    return [
        pa.array(counts.astype(np.int16), mask=~looked),
        lists(pa.array(dates).cast(pa.date32())),
        lists(pa.array(_rounded(jumps.mm, 3))),
        lists(pa.array(_rounded(jumps.mm_std, 3))),
        lists(pa.array(jumps.cycles, mask=jumps.cycles == 0)),
        lists(pa.array(_rounded(jumps.probability, 4))),
        lists(pa.array(_rounded(jumps.distance, 2), mask=~np.isfinite(jumps.distance))),
        lists(pa.array(diagnosis.jump_repaired)),
    ]


def _rounded(values: NDArray[np.float32], decimals: int) -> NDArray[np.float32]:
    """Drop digits that mean nothing, which text would spell out."""
    return np.round(values, decimals)


def _numbers(values: NDArray[np.float32], missing: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=missing | ~np.isfinite(values))


def _labels(ids: NDArray[np.int8], names: tuple[str, ...], missing: Any) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(ids, mask=missing), pa.array(names, pa.string()))
