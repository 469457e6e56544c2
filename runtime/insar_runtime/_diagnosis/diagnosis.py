"""The diagnosis of a set of series: what was found, and its columns in a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from insar_runtime._diagnosis.arrays import BoolArray, DateArray, Float32Array, FloatArray, IndexArray, Int8Array
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.repair.unrepaired import count_unrepaired
from insar_runtime._diagnosis.results import FIT_STATUS_NAMES, Breaks, FitStatus, Jumps, Rates, RecentChanges
from insar_runtime._engine.row_labels import RowLabels
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
"""Columns of the rates, and the attributes of ``Rates`` that they contain."""
_BREAK_DATES: Final = ("break_date", "break_lo", "break_hi")
_BREAK_RATES: Final = ("v_before", "v_before_std", "v_after", "v_after_std")
_RECENT: Final = {
    "v_recent_mm_yr": "v_recent",
    "v_recent_std": "v_recent_std",
    "recent_change_prob": "probability",
}
"""Columns of the recent change, and the attributes of ``RecentChanges`` that they contain."""

DIAGNOSIS_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.float32()) for name in _RATES),
        *(pa.field(name, pa.date32()) for name in _BREAK_DATES),
        *(pa.field(name, pa.float32()) for name in _BREAK_RATES),
        *(pa.field(name, pa.float32()) for name in _RECENT),
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
"""Columns that a diagnosis adds to a table, after the columns of the classes."""

LATER_COLUMNS: Final = frozenset(_RECENT)
"""Columns of these that tables of earlier versions lack."""


@dataclass(frozen=True, slots=True, eq=False)
class DiagnosedRows:
    """What was found of N series that share a time axis, without the series themselves.

    Its attributes are those of ``Diagnosis``, where they are documented, but for the series.
    """

    dates: DateArray
    half_wavelength_mm: float | None
    noise: FileNoise
    rates: Rates
    recent: RecentChanges
    break_rows: IndexArray
    breaks: Breaks
    jump_rows: IndexArray
    jumps: Jumps
    jump_repaired: BoolArray
    repaired_rows: IndexArray
    offsets: FloatArray
    class_after_repair: Int8Array
    status: Int8Array
    options: Diagnose = field(default_factory=Diagnose)
    jump_spared: BoolArray | None = None
    _labels: RowLabels = field(default_factory=RowLabels, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.status)

    @property
    def status_name(self) -> list[str]:
        """Names of the states, one a series: those of ``FitStatus`` in lower case."""
        return [FIT_STATUS_NAMES[i] for i in self.status.tolist()]

    @property
    def break_date(self) -> DateArray:
        """Date at which the rate of each series changed [N], datetime64[D]; NaT where there is no break."""
        return self._dates_of_rows(self.breaks.day)

    @property
    def break_interval(self) -> DateArray:
        """First and last day of the interval that contains the break with a probability of 90 % [N, 2]."""
        return np.stack([self._dates_of_rows(self.breaks.day_lo), self._dates_of_rows(self.breaks.day_hi)], axis=1)

    @property
    def jump_date(self) -> DateArray:
        """First epoch on the new level of each jump [number of jumps], datetime64[D]."""
        return self.dates[self.jumps.epoch]

    @property
    def jump_series(self) -> IndexArray:
        """Index of the series of each jump [number of jumps], increasing."""
        return self.jump_rows[self.jumps.rows]

    @property
    def taken_out_mm(self) -> Float32Array:
        """Change of level that was removed for each of the repaired jumps, mm."""
        jumps, repaired = self.jumps, self.jump_repaired
        exact = jumps.cycles[repaired] * np.float64(jumps.half_wavelength_mm or 0)
        return np.where(jumps.cycles[repaired] != 0, exact, jumps.mm[repaired]).astype(np.float32)

    def counts(self) -> dict[str, int]:
        """Return the numbers of series and jumps, by the names in ``COUNTS``, and ``spared`` if jumps may be."""
        return {
            "rows": len(self),
            "fitted": int(np.count_nonzero(self.rates.status == FitStatus.OK)),
            "with_break": len(self.break_rows),
            "searched_for_jumps": len(self.jump_rows),
            "with_jumps": int(np.count_nonzero(self.jumps.counts)),
            "jumps": len(self.jumps.epoch),
            "repaired": len(self.repaired_rows),
            "repaired_jumps": int(np.count_nonzero(self.jump_repaired)),
            **count_unrepaired(self.jumps, self.jump_repaired, self.options, self.jump_spared),
        }

    def to_pandas(self) -> Any:
        """Return the columns of ``to_arrow`` as a ``pandas.DataFrame``; dates are ``datetime64``.

        Its index is that of ``Result.to_pandas``: for a raster, ``to_pandas().to_xarray()`` has its shape.

        Raises
        ------
        UnavailableError
            If pandas is not installed.
        """
        return self._labels.to_frame(self.to_arrow())

    def to_arrow(self) -> pa.RecordBatch:
        """Return the columns that ``insar-rt classify --diagnose`` adds to a table; null where there is no result."""
        rates = self.rates
        failed = rates.status != FitStatus.OK
        columns = [_numbers(getattr(rates, name), failed) for name in _RATES.values()]
        columns += [_dates(days) for days in (self.break_date, *self.break_interval.T)]
        without_break = np.ones(len(self), dtype=np.bool_)
        without_break[self.break_rows] = False
        for name in _BREAK_RATES:
            values = np.zeros(len(self), dtype=np.float32)
            values[self.break_rows] = getattr(self.breaks, name)
            columns.append(_numbers(values, without_break))
        for name in _RECENT.values():
            values = getattr(self.recent, name)
            columns.append(_numbers(values, np.isnan(values)))
        columns += _jump_columns(self)
        classes = np.full(len(self), NO_CLASS, dtype=np.int8)
        classes[self.repaired_rows] = self.class_after_repair
        columns += [
            _labels(classes, CLASS_NAMES, classes == NO_CLASS),
            _labels(self.status, FIT_STATUS_NAMES, None),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=DIAGNOSIS_SCHEMA)

    def _dates_of_rows(self, days: FloatArray) -> DateArray:
        dates = np.full(len(self), np.datetime64("NaT", "D"))
        dates[self.break_rows] = self.dates[:1] + np.rint(days).astype(np.int64)
        return dates


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Diagnosis(DiagnosedRows):
    """Rates, break dates and jumps of N series that share a time axis, with their uncertainties.

    Attributes
    ----------
    displacement : ndarray of float32, shape [N, T]
        The series, mm; NaN = missing. Their epochs are in the order of ``dates``, whatever the order of the input was.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    half_wavelength_mm : float or None
        Size of one cycle; None if the jumps have no number of cycles.
    noise : FileNoise
        Noise model of the fits.
    rates : Rates
        Velocity, acceleration, season and rmse of all N series.
    recent : RecentChanges
        Rates of all N series in the window at their end, and the probability that they are new.
    break_rows : ndarray of intp, shape [B]
        Indices of the series that have a break, increasing.
    breaks : Breaks
        The breaks of these series.
    jump_rows : ndarray of intp, shape [J]
        Indices of the series that were searched for jumps, increasing.
    jumps : Jumps
        The jumps of these series; each series has any number of them.
    jump_repaired : ndarray of bool, shape [number of jumps]
        Whether a jump is removed from the corrected series.
    repaired_rows : ndarray of intp, shape [R]
        Indices of the series that were corrected, increasing.
    offsets : ndarray of float64, shape [R, T]
        Offsets that were subtracted from these series, mm.
    class_after_repair : ndarray of int8, shape [R]
        Class of each corrected series; -1 where it has none.
    status : ndarray of int8, shape [N]
        ``FitStatus`` of the first fit that failed, in the order rates, jumps, break; OK if none failed.
    options : Diagnose
        Options of the diagnosis.
    jump_spared : ndarray of bool, shape [number of jumps], or None
        Jumps that are left in any case, because they are shared by neighbours or by the whole file.
    """

    displacement: Float32Array

    def __repr__(self) -> str:
        counts = self.counts()
        axis = f"{len(self.dates)} epochs" + (f", {self.dates[0]} to {self.dates[-1]}" if len(self.dates) else "")
        return (
            f"Diagnosis({len(self)} series of {axis}: {counts['with_break']} with a break, {counts['with_jumps']} of "
            f"{counts['searched_for_jumps']} searched ones with jumps, {counts['repaired']} repaired)"
        )

    @property
    def corrected(self) -> Float32Array:
        """The series without the repaired jumps [N, T], mm; a copy."""
        corrected = self.displacement.astype(np.float32)
        corrected[self.repaired_rows] = subtract_offsets(self.displacement[self.repaired_rows], self.offsets)
        return corrected


def subtract_offsets(series: Float32Array, offsets: FloatArray) -> Float32Array:
    """Return series [n, T] less their offsets [n, T], in single precision."""
    corrected: Float32Array = (series - offsets).astype(np.float32)
    return corrected


def _jump_columns(diagnosis: DiagnosedRows) -> list[pa.Array]:
    jumps, rows = diagnosis.jumps, diagnosis.jump_rows
    searched = np.zeros(len(diagnosis), dtype=np.bool_)
    searched[rows] = jumps.status == FitStatus.OK
    counts = np.zeros(len(diagnosis), dtype=np.int32)
    counts[rows] = jumps.counts
    offsets = pa.array(np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)]))
    missing = pa.array(~searched)

    def lists(values: pa.Array) -> pa.Array:
        # The searched rows are in increasing order, so their jumps are in the order of the lists.
        return pa.ListArray.from_arrays(offsets, values, mask=missing)

    return [
        pa.array(counts.astype(np.int16), mask=~searched),
        lists(_dates(diagnosis.jump_date)),
        lists(pa.array(_rounded(jumps.mm, 3))),
        lists(pa.array(_rounded(jumps.mm_std, 3))),
        lists(pa.array(jumps.cycles, mask=jumps.cycles == 0)),
        lists(pa.array(_rounded(jumps.probability, 4))),
        lists(pa.array(_rounded(jumps.distance, 2), mask=~np.isfinite(jumps.distance))),
        lists(pa.array(diagnosis.jump_repaired)),
    ]


def _rounded(values: Float32Array, decimals: int) -> Float32Array:
    """Drop meaningless digits, which text formats would print."""
    return np.round(values, decimals)


def _dates(values: DateArray) -> pa.Array:
    return pa.array(np.ascontiguousarray(values, dtype="datetime64[D]"), pa.date32())


def _numbers(values: Float32Array, missing: BoolArray) -> pa.Array:
    return pa.array(values, mask=missing | ~np.isfinite(values))


def _labels(ids: Int8Array, names: tuple[str, ...], missing: Any) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(ids, mask=missing), pa.array(names, pa.string()))
