"""Diagnosis of one point, read from its row of a diagnosed table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from insar_runtime._classified.diagnosis_columns import read_diagnosis
from insar_runtime._classified.scalars import short
from insar_runtime._show.point_diagnosis import Estimate, FoundBreak, FoundJump, PointDiagnosis, RecentRate


def read_point_diagnosis(
    record: pa.RecordBatch, half_wavelength_mm: float | None, recent_days: int | None, origin: str
) -> PointDiagnosis:
    """Read the diagnosis of one row.

    Parameters
    ----------
    record : pyarrow.RecordBatch
        One row, with the columns of ``DIAGNOSIS_SCHEMA``.
    half_wavelength_mm : float or None
        Size of one cycle.
    recent_days : int or None
        Length of the window of the recent change; None if it is not known.
    origin : str
        Origin of the diagnosis, for people.

    Raises
    ------
    DataError
        If the columns hold other values than ``classify`` writes.
    """
    cells = read_diagnosis(record).to_pylist()[0]
    return PointDiagnosis(
        velocity=_estimate(cells["velocity_mm_yr"], cells["velocity_std"]),
        acceleration=_estimate(cells["acceleration_mm_yr2"], cells["acceleration_std"]),
        season=_estimate(cells["season_amp_mm"], cells["season_amp_std"]),
        rmse=_number(cells["rmse_mm"]),
        change=_break_of(cells),
        recent=_recent_of(cells, recent_days),
        jumps=None if cells["n_jumps"] is None else _jumps_of(cells),
        class_after_repair=cells["class_after_repair"],
        status=cells["diagnosis_status"],
        half_wavelength_mm=half_wavelength_mm,
        origin=origin,
    )


def _break_of(cells: Mapping[str, Any]) -> FoundBreak | None:
    day, earliest, latest = (cells[name] for name in ("break_date", "break_lo", "break_hi"))
    before = _estimate(cells["v_before"], cells["v_before_std"])
    after = _estimate(cells["v_after"], cells["v_after_std"])
    if day is None or before is None or after is None:
        return None
    return FoundBreak(_day(day), _day(earliest or day), _day(latest or day), before, after)


def _recent_of(cells: Mapping[str, Any], days: int | None) -> RecentRate | None:
    rate = _estimate(cells["v_recent_mm_yr"], cells["v_recent_std"])
    probability = _number(cells["recent_change_prob"])
    return None if rate is None or probability is None else RecentRate(rate, probability, days)


def _jumps_of(cells: Mapping[str, Any]) -> tuple[FoundJump, ...]:
    names = ("jump_dates", "jump_mm", "jump_mm_std", "jump_cycles", "jump_prob", "jump_distance", "jump_repaired")
    jumps = zip(*(cells[name] or () for name in names), strict=True)
    return tuple(
        FoundJump(
            day=_day(day),
            mm=Estimate(_number(mm) or 0.0, _number(std)),
            cycles=cycles,
            probability=_number(probability),
            distance=_number(distance),
            repaired=bool(repaired),
        )
        for day, mm, std, cycles, probability, distance, repaired in jumps
        if day is not None
    )


def _estimate(value: float | None, std: float | None) -> Estimate | None:
    known = _number(value)
    return None if known is None else Estimate(known, _number(std))


def _number(value: float | None) -> float | None:
    """Return a float32 as the shortest decimal number."""
    return None if value is None else short(np.float32(value))


def _day(day: date) -> np.datetime64:
    return np.datetime64(day, "D")
