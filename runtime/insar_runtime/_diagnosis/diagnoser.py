"""Diagnosis of series that share a time axis: estimate rates, break dates and jumps, and repair the jumps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, DateArray, Float32Array, IndexArray, IntArray
from insar_runtime._diagnosis.breaks.break_finder import BreakFinder
from insar_runtime._diagnosis.diagnosis import DiagnosedRows, Diagnosis, subtract_offsets
from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.recent.recent_finder import RecentChangeFinder, StepErrors
from insar_runtime._diagnosis.repair.jump_repair import jump_offsets, jumps_to_repair
from insar_runtime._diagnosis.repair.repair_check import SmoothMotion
from insar_runtime._diagnosis.results import FitStatus, Jumps, RecentChanges
from insar_runtime._diagnosis.row_selection import WITH_BREAK, RowSelector, SelectedRows
from insar_runtime.classes import TrendClass
from insar_runtime.result import Result

Reclassify = Callable[[Float32Array, IndexArray], Result]
"""Classifies corrected series [n, T] of selected rows, which are counted through all sets of rows [n]."""
Spare = Callable[[IndexArray, Jumps], BoolArray]
"""Returns which of the jumps of some selected rows, counted in the same way, are left in the series."""


class Diagnoser:
    """Diagnoses series of one time axis. May be shared between threads.

    Parameters
    ----------
    noise : FileNoise
        Noise of the file, on this time axis.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    half_wavelength_mm : float or None
        Half the radar wavelength; None if jumps are to have no number of cycles.
    options : Diagnose
    """

    def __init__(
        self,
        noise: FileNoise,
        dates: DateArray,
        half_wavelength_mm: float | None,
        options: Diagnose | None = None,
    ) -> None:
        self._noise = noise
        self._dates = dates
        self._half_wavelength_mm = half_wavelength_mm
        self._options = options or Diagnose()
        self._selector = RowSelector(dates, self._options)
        self._breaks = BreakFinder(noise)
        self._jumps = JumpFinder(noise, half_wavelength_mm)
        self._motion = SmoothMotion(noise.days)
        self._recent = RecentChangeFinder(noise, self._options.recent_days)

    def diagnose(self, displacement: Float32Array, result: Result, reclassify: Reclassify) -> Diagnosis:
        """Diagnose rows.

        Parameters
        ----------
        displacement : ndarray of float32, shape [N, T]
            mm; NaN = missing.
        result : Result
            Their classes.
        reclassify : callable
            See ``Reclassify``.
        """
        (found,) = self.diagnose_selected([self._selector.select(displacement, result)], reclassify)
        known = {field.name: getattr(found, field.name) for field in fields(found) if field.init}
        return Diagnosis(displacement=displacement, **known)

    def with_recent(self, part: SelectedRows) -> SelectedRows:
        """Return selected rows with the recent changes of all their series, which are then no longer held."""
        if part.displacement is None:
            return part
        with np.errstate(all="ignore"):
            return replace(part, displacement=None, recent=self._recent.find(part.displacement))

    def diagnose_selected(
        self, parts: Sequence[SelectedRows], reclassify: Reclassify, spare: Spare | None = None
    ) -> list[DiagnosedRows]:
        """Diagnose the selected rows of several sets of rows together, which takes less time than one after the other.

        Parameters
        ----------
        parts : sequence of SelectedRows
        reclassify : callable
            See ``Reclassify``.
        spare : callable, optional
            See ``Spare``; by default no jump is left that can be repaired.

        Returns
        -------
        list of DiagnosedRows
            One for each set; the bits of a row do not depend on the others.
        """
        # Values that cannot be estimated become NaN, and the status of the row gives the reason.
        parts = [self.with_recent(part) for part in parts]
        with np.errstate(all="ignore"):
            return self._diagnose(parts, reclassify, spare)

    def _diagnose(
        self, parts: Sequence[SelectedRows], reclassify: Reclassify, spare: Spare | None
    ) -> list[DiagnosedRows]:
        series, class_id = _joined(parts, "series"), _joined(parts, "class_id")
        searched = np.flatnonzero(_joined(parts, "searched"))
        jumps = self._jumps.find(
            series[searched], _joined(parts, "p_pue")[searched], _joined(parts, "is_pue")[searched]
        )
        above, damped = self._options.repair_above, self._options.repair_damped
        spared = None if spare is None else spare(searched, jumps)
        repaired = jumps_to_repair(jumps, series[searched], self._motion, above=above, damped=damped, spared=spared)
        changed = np.unique(jumps.rows[repaired])
        rows, offsets = searched[changed], jump_offsets(jumps, repaired, series.shape[1])[changed]
        class_after = np.empty(0, dtype=np.int8)
        if len(rows):
            series, class_id = series.copy(), class_id.copy()
            series[rows] = subtract_offsets(series[rows], offsets)
            class_after = reclassify(series[rows], rows).class_id
            class_id[rows] = class_after
        tested = np.flatnonzero(np.isin(class_id, WITH_BREAK))
        breaks = self._breaks.find(series[tested])
        accepted = (breaks.status == FitStatus.OK) & (breaks.explains | (class_id[tested] == TrendClass.BILINEAR))
        accepted &= breaks.clear
        jumping = np.flatnonzero(jumps.counts)
        recent = self._recent_beside_jumps(series[searched[jumping]], jumps, jumping, repaired)
        found, end = [], 0
        for part in parts:
            begin, end = end, end + len(part.rows)
            own_tested, own_searched, own_repaired = (
                slice(*np.searchsorted(of_rows, (begin, end)).tolist()) for of_rows in (tested, searched, rows)
            )
            own_jumps = jumps.of_rows(own_searched.start, own_searched.stop)
            of_jumps = slice(int(jumps.begins[own_searched.start]), int(jumps.begins[own_searched.stop]))
            status = part.rates.status.copy()
            for of_rows, fit_status in (
                (part.rows[searched[own_searched] - begin], own_jumps.status),
                (part.rows[tested[own_tested] - begin], breaks.status[own_tested]),
            ):
                status[of_rows] = np.where(status[of_rows] == FitStatus.OK, fit_status, status[of_rows])
            own_breaks = own_tested.start + np.flatnonzero(accepted[own_tested])
            own_jumping = slice(*np.searchsorted(jumping, (own_searched.start, own_searched.stop)).tolist())
            of_jumping = part.rows[searched[jumping[own_jumping]] - begin]
            found.append(
                DiagnosedRows(
                    dates=self._dates,
                    half_wavelength_mm=self._half_wavelength_mm,
                    noise=self._noise,
                    rates=part.rates,
                    recent=_known(part).put(of_jumping, recent.take(own_jumping)),
                    break_rows=part.rows[tested[own_breaks] - begin],
                    breaks=breaks.take(own_breaks),
                    jump_rows=part.rows[searched[own_searched] - begin],
                    jumps=own_jumps,
                    jump_repaired=repaired[of_jumps],
                    repaired_rows=part.rows[rows[own_repaired] - begin],
                    offsets=offsets[own_repaired],
                    class_after_repair=class_after[own_repaired],
                    status=status,
                    options=self._options,
                    jump_spared=None if spared is None else spared[of_jumps],
                )
            )
        return found

    def _recent_beside_jumps(
        self, series: Float32Array, jumps: Jumps, rows: IntArray, repaired: BoolArray
    ) -> RecentChanges:
        """Return the recent changes of series with jumps, which are the given rows of those of the jumps.

        The repaired jumps are taken out of the series. Sizes of whole cycles are certain there, all others are not.
        """
        left = series - jump_offsets(jumps, ~repaired, series.shape[1])[rows]
        certain = repaired & (jumps.cycles != 0)
        std = np.where(certain, 0.0, jumps.mm_std.astype(np.float64))
        steps = StepErrors(np.searchsorted(rows, jumps.rows), jumps.epoch.astype(np.intp), std)
        return self._recent.find(left.astype(np.float32), steps)


def _known(part: SelectedRows) -> RecentChanges:
    return RecentChanges.unknown(len(part.rates.status)) if part.recent is None else part.recent


def _joined(parts: Sequence[SelectedRows], name: str) -> Any:
    return np.concatenate([getattr(part, name) for part in parts])
