"""Rates, breaks, jumps and their repair for the rows of one time axis: which row is asked what, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.breaks import BreakFinder
from insar_runtime._diagnosis.calming import OrdinaryMotion
from insar_runtime._diagnosis.found import Breaks, Jumps, Rates
from insar_runtime._diagnosis.jumps import JumpFinder
from insar_runtime._diagnosis.noise import FileNoise
from insar_runtime._diagnosis.options import COUNTS, Diagnose
from insar_runtime._diagnosis.rates import RateEstimator
from insar_runtime._diagnosis.repair import offsets, repairs
from insar_runtime._diagnosis.status import FitStatus
from insar_runtime.classes import RowStatus, TrendClass
from insar_runtime.result import Result

if TYPE_CHECKING:
    import pyarrow as pa

Rows = NDArray[np.intp]
Reclassify = Callable[[NDArray[np.float32]], Result]

_WITH_BREAK: Final = (TrendClass.BILINEAR, TrendClass.QUADRATIC)


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """What happened to N series of one time axis, when, and how sure that is.

    Attributes
    ----------
    displacement : ndarray of float32, shape [N, T]
        The series, mm; NaN = missing. Their epochs are in the order of ``dates``, whatever order they were given in.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    half_wavelength_mm : float or None
        What a cycle is; None where jumps get no cycles.
    noise : FileNoise
        What the fits took for noise.
    rates : Rates
        Of every series: velocity, acceleration, season and rmse.
    break_rows : ndarray of intp, shape [B]
        Series that have a break, in rising order.
    breaks : Breaks
        Of these series.
    jump_rows : ndarray of intp, shape [J]
        Series that were searched for jumps, in rising order.
    jumps : Jumps
        Of these series; each has any number of them.
    jump_repaired : ndarray of bool, shape [number of jumps]
        Whether a jump is taken out of the corrected series.
    repaired_rows : ndarray of intp, shape [R]
        Series that were corrected, in rising order.
    offsets : ndarray of float64, shape [R, T]
        What was taken out of them, mm.
    class_after_repair : ndarray of int8, shape [R]
        Class of each corrected series; -1 where it has none.
    status : ndarray of int8, shape [N]
        ``FitStatus`` of the first fit that failed, in the order rates, jumps, break; OK if none did.
    """

    displacement: NDArray[np.float32]
    dates: NDArray[np.datetime64]
    half_wavelength_mm: float | None
    noise: FileNoise
    rates: Rates
    break_rows: Rows
    breaks: Breaks
    jump_rows: Rows
    jumps: Jumps
    jump_repaired: NDArray[np.bool_]
    repaired_rows: Rows
    offsets: NDArray[np.float64]
    class_after_repair: NDArray[np.int8]
    status: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.displacement)

    @property
    def corrected(self) -> NDArray[np.float32]:
        """The series with the repaired jumps taken out [N, T], mm; a copy."""
        corrected = self.displacement.astype(np.float32)
        corrected[self.repaired_rows] = _without(self.displacement[self.repaired_rows], self.offsets)
        return corrected

    @property
    def break_date(self) -> NDArray[np.datetime64]:
        """When the rate of each series changed [N], as datetime64[D]; NaT where there is no break."""
        return self._in_rows(self.breaks.day)

    @property
    def break_interval(self) -> NDArray[np.datetime64]:
        """First and last day of the interval that holds the break with a probability of 90 % [N, 2]."""
        return np.stack([self._in_rows(self.breaks.day_lo), self._in_rows(self.breaks.day_hi)], axis=1)

    @property
    def jump_date(self) -> NDArray[np.datetime64]:
        """First epoch on the new level of each jump [number of jumps], as datetime64[D]."""
        return self.dates[self.jumps.epoch]

    @property
    def jump_series(self) -> Rows:
        """Which of the N series each jump is of [number of jumps], in rising order."""
        return self.jump_rows[self.jumps.rows]

    @property
    def taken_out_mm(self) -> NDArray[np.float32]:
        """Change of level that was taken out for each of the repaired jumps, mm."""
        jumps, taken = self.jumps, self.jump_repaired
        exact = jumps.cycles[taken] * np.float64(jumps.half_wavelength_mm or 0)
        return np.where(jumps.cycles[taken] != 0, exact, jumps.mm[taken]).astype(np.float32)

    def counts(self) -> dict[str, int]:
        """Give how many series have what."""
        counts = (
            len(self),
            int(np.count_nonzero(self.rates.status == FitStatus.OK)),
            len(self.break_rows),
            len(self.jump_rows),
            int(np.count_nonzero(self.jumps.counts)),
            len(self.jumps.epoch),
            len(self.repaired_rows),
            int(np.count_nonzero(self.jump_repaired)),
        )
        return dict(zip(COUNTS, counts, strict=True))

    def to_arrow(self) -> pa.RecordBatch:
        """Give the columns that ``insar-rt classify --diagnose`` adds to a table; null where there is no answer."""
        from insar_runtime._diagnosis.columns import to_arrow  # noqa: PLC0415 - pyarrow only where tables are made

        return to_arrow(self)

    def _in_rows(self, days: NDArray[np.float64]) -> NDArray[np.datetime64]:
        dates = np.full(len(self), np.datetime64("NaT", "D"))
        dates[self.break_rows] = self.dates[:1] + np.rint(days).astype(np.int64)
        return dates


class Diagnoser:
    """Diagnose series of one time axis. May be shared between threads.

    Parameters
    ----------
    noise : FileNoise
        Of the file, on this time axis.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    half_wavelength_mm : float or None
        Of the radar; None where jumps are to get no cycles.
    options : Diagnose
    """

    def __init__(
        self,
        noise: FileNoise,
        dates: NDArray[np.datetime64],
        half_wavelength_mm: float | None,
        options: Diagnose | None = None,
    ) -> None:
        self._noise = noise
        self._dates = dates
        self._half_wavelength_mm = half_wavelength_mm
        self._options = options or Diagnose()
        self._rates = RateEstimator(noise.days)
        self._breaks = BreakFinder(noise)
        self._jumps = JumpFinder(noise, half_wavelength_mm)
        self._motion = OrdinaryMotion(noise.days)

    def diagnose(self, displacement: NDArray[np.float32], result: Result, reclassify: Reclassify) -> Diagnosis:
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
        # What cannot be told of a row becomes NaN, and its status says so.
        with np.errstate(all="ignore"):
            return self._diagnose(displacement, result, reclassify)

    def _diagnose(self, displacement: NDArray[np.float32], result: Result, reclassify: Reclassify) -> Diagnosis:
        rates = self._rates.estimate(displacement)
        called = (result.class_id == TrendClass.PUE) | (result.class_top == TrendClass.PUE)
        # A status that forbids a class leaves infinite rows out.
        usable = result.status != RowStatus.NON_FINITE
        searched = np.flatnonzero(usable if self._options.jumps == "all" else called)
        p_pue = result.probabilities[searched, TrendClass.PUE]
        jumps = self._jumps.find(displacement[searched], p_pue, called[searched])
        above, damped = self._options.repair_above, self._options.repair_damped
        repaired = repairs(jumps, displacement[searched], self._motion, above=above, damped=damped)
        changed = np.unique(jumps.rows[repaired])
        rows, taken_out = searched[changed], offsets(jumps, repaired, displacement.shape[1])[changed]
        series, class_id = displacement, result.class_id
        class_after = np.empty(0, dtype=np.int8)
        if len(rows):
            series, class_id = displacement.copy(), class_id.copy()
            series[rows] = _without(displacement[rows], taken_out)
            class_after = reclassify(series[rows]).class_id
            class_id[rows] = class_after
        asked, breaks = self._find_breaks(series, class_id)
        status = rates.status.copy()
        for part, found in ((searched, jumps.status), (asked, breaks.status)):
            status[part] = np.where(status[part] == FitStatus.OK, found, status[part])
        there = (breaks.status == FitStatus.OK) & (breaks.explains | (class_id[asked] == TrendClass.BILINEAR))
        there &= breaks.clear
        return Diagnosis(
            displacement=displacement,
            dates=self._dates,
            half_wavelength_mm=self._half_wavelength_mm,
            noise=self._noise,
            rates=rates,
            break_rows=asked[there],
            breaks=_some(breaks, there),
            jump_rows=searched,
            jumps=jumps,
            jump_repaired=repaired,
            repaired_rows=rows,
            offsets=taken_out,
            class_after_repair=class_after,
            status=status,
        )

    def _find_breaks(self, series: NDArray[np.float32], class_id: NDArray[np.int8]) -> tuple[Rows, Breaks]:
        asked = np.flatnonzero(np.isin(class_id, _WITH_BREAK))
        return asked, self._breaks.find(series[asked])


def _without(series: NDArray[np.float32], taken_out: NDArray[np.float64]) -> NDArray[np.float32]:
    corrected: NDArray[np.float32] = (series - taken_out).astype(np.float32)
    return corrected


def _some(breaks: Breaks, wanted: NDArray[np.bool_]) -> Breaks:
    return Breaks(**{name: getattr(breaks, name)[wanted] for name in Breaks.__slots__})
