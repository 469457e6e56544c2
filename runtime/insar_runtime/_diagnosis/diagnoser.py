"""Diagnosis of series that share a time axis: estimate rates, break dates and jumps, and repair the jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import DateArray, Float32Array, IndexArray, Int8Array
from insar_runtime._diagnosis.breaks.break_finder import BreakFinder
from insar_runtime._diagnosis.diagnosis import Diagnosis, subtract_offsets
from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.rates.egms_rates import EgmsRateEstimator
from insar_runtime._diagnosis.repair.jump_repair import jump_offsets, jumps_to_repair
from insar_runtime._diagnosis.repair.repair_check import SmoothMotion
from insar_runtime._diagnosis.results import Breaks, FitStatus
from insar_runtime.classes import RowStatus, TrendClass
from insar_runtime.result import Result

Reclassify = Callable[[Float32Array], Result]

_WITH_BREAK: Final = (TrendClass.BILINEAR, TrendClass.QUADRATIC)
"""Classes whose series may have a break."""


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
        self._rates = EgmsRateEstimator(noise.days)
        self._breaks = BreakFinder(noise)
        self._jumps = JumpFinder(noise, half_wavelength_mm)
        self._motion = SmoothMotion(noise.days)

    def diagnose(self, displacement: Float32Array, result: Result, reclassify: Reclassify) -> Diagnosis:
        """Diagnose rows.

        Parameters
        ----------
        displacement : ndarray of float32, shape [N, T]
            mm; NaN = missing.
        result : Result
            Their classes.
        reclassify : callable
            Classifies corrected series, shape [n, T].
        """
        # Values that cannot be estimated become NaN, and the status of the row gives the reason.
        with np.errstate(all="ignore"):
            return self._diagnose(displacement, result, reclassify)

    def _diagnose(self, displacement: Float32Array, result: Result, reclassify: Reclassify) -> Diagnosis:
        rates = self._rates.estimate(displacement)
        is_pue = (result.class_id == TrendClass.PUE) | (result.class_top == TrendClass.PUE)
        # Rows with infinite values have no class, so ``is_pue`` already excludes them.
        usable = result.status != RowStatus.NON_FINITE
        searched = np.flatnonzero(usable if self._options.jumps == "all" else is_pue)
        p_pue = result.probabilities[searched, TrendClass.PUE]
        jumps = self._jumps.find(displacement[searched], p_pue, is_pue[searched])
        above, damped = self._options.repair_above, self._options.repair_damped
        repaired = jumps_to_repair(jumps, displacement[searched], self._motion, above=above, damped=damped)
        changed = np.unique(jumps.rows[repaired])
        rows, offsets = searched[changed], jump_offsets(jumps, repaired, displacement.shape[1])[changed]
        series, class_id = displacement, result.class_id
        class_after = np.empty(0, dtype=np.int8)
        if len(rows):
            series, class_id = displacement.copy(), class_id.copy()
            series[rows] = subtract_offsets(displacement[rows], offsets)
            class_after = reclassify(series[rows]).class_id
            class_id[rows] = class_after
        tested, breaks = self._find_breaks(series, class_id)
        status = rates.status.copy()
        for part, fit_status in ((searched, jumps.status), (tested, breaks.status)):
            status[part] = np.where(status[part] == FitStatus.OK, fit_status, status[part])
        accepted = (breaks.status == FitStatus.OK) & (breaks.explains | (class_id[tested] == TrendClass.BILINEAR))
        accepted &= breaks.clear
        return Diagnosis(
            displacement=displacement,
            dates=self._dates,
            half_wavelength_mm=self._half_wavelength_mm,
            noise=self._noise,
            rates=rates,
            break_rows=tested[accepted],
            breaks=breaks.take(accepted),
            jump_rows=searched,
            jumps=jumps,
            jump_repaired=repaired,
            repaired_rows=rows,
            offsets=offsets,
            class_after_repair=class_after,
            status=status,
            options=self._options,
        )

    def _find_breaks(self, series: Float32Array, class_id: Int8Array) -> tuple[IndexArray, Breaks]:
        tested = np.flatnonzero(np.isin(class_id, _WITH_BREAK))
        return tested, self._breaks.find(series[tested])
