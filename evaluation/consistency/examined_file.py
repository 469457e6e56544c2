"""Class and diagnosis of a real file, and contradictions between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.consistency.contradictions import (
    CERTAIN_STD_MM_YR,
    CONTRADICTIONS,
    MOVING_MM_YR,
    STILL_MM_YR,
    SURE,
    Contradiction,
    Numbers,
    of,
)
from insar_runtime import Classifier, Result
from insar_runtime._diagnosis.diagnosis import Diagnosis
from insar_runtime._diagnosis.repair.jump_repair import jump_offsets
from insar_runtime._diagnosis.trend.stepped_trend import stepped_trend
from insar_runtime._engine.hac import RateEstimator
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import JUMP_HELD_EPOCHS
from training.labelled_rows.labels import Readings
from training.real_files import RealFile, read_real, real_axis

Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
Floats = NDArray[np.float64]

_AS_IT_IS: Final = {"pue_without_jump", "stable_with_jump"}
_MOST_ROWS: Final = 30
_BACK: Final = 0.35
"""Largest relative difference between the two changes of level of a temporary jump."""
_AS_READ: Final = 0.99
"""Probability of PUE that is assumed for a row if its class is set to PUE."""


@dataclass(frozen=True, eq=False)
class ExaminedFile:
    """Classification and diagnosis of one file.

    Attributes
    ----------
    classifier : Classifier
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing.
    dates : ndarray of datetime64[D], shape [T]
    half_wavelength_mm : float or None
    result : Result
    diagnosis : Diagnosis
        Diagnosis with default options.
    everywhere : Diagnosis
        Diagnosis with jumps in all rows (``jumps="all"``).
    """

    classifier: Classifier
    displacement: NDArray[np.float32]
    dates: NDArray[np.datetime64]
    half_wavelength_mm: float | None
    result: Result
    diagnosis: Diagnosis
    everywhere: Diagnosis

    @classmethod
    def at(cls, classifier: Classifier, real: Path, file: RealFile) -> ExaminedFile:
        """Return the classification and diagnosis of a file below a folder."""
        displacement, _ = read_real(real, file)
        dates, half = real_axis(real, file)
        result = classifier.classify(displacement, dates)
        diagnosis = classifier.diagnose(displacement, dates, result=result, half_wavelength_mm=half)
        everywhere = classifier.diagnose(
            displacement, dates, result=result, noise=diagnosis.noise, half_wavelength_mm=half, jumps="all"
        )
        return cls(classifier, displacement, dates, half, result, diagnosis, everywhere)

    @property
    def days(self) -> Floats:
        """Days since the first epoch, [T]."""
        return (self.dates - self.dates[:1]).astype(np.float64)

    @property
    def class_of_motion(self) -> NDArray[np.int8]:
        """Class of each series [N]; of a repaired series, that of the corrected series."""
        motion = self.result.class_id.copy()
        motion[self.diagnosis.repaired_rows] = self.diagnosis.class_after_repair
        return motion

    def counts(self) -> Numbers:
        """Return the number of contradictions, and of the rows in which each may occur."""
        counts: Numbers = {"rows": len(self.result)}
        for kind in CONTRADICTIONS:
            counts[kind.key] = int(np.count_nonzero(self.found[kind.key]))
            counts[of(kind.key)] = int(np.count_nonzero(self._class_of(kind) == kind.of))
        return counts

    def rows(self) -> dict[str, list[int]]:
        """Return the first row numbers of each contradiction, for visual inspection."""
        return {key: np.flatnonzero(mask)[:_MOST_ROWS].tolist() for key, mask in self.found.items()}

    @cached_property
    def found(self) -> dict[str, Mask]:
        """Mask [N] of the rows of each contradiction."""
        diagnosis = self.diagnosis
        rate, std = self.rates()
        marks = {
            "pue_without_jump": ~self._mask(diagnosis.jump_series),
            "stable_with_jump": self._mask(self.sure_lasting()),
            "stable_with_rate": (np.abs(rate) > MOVING_MM_YR) & (std < CERTAIN_STD_MM_YR),
            "linear_without_rate": np.abs(rate) < STILL_MM_YR,
            "bilinear_with_one_rate": self._mask(diagnosis.break_rows[~diagnosis.breaks.clear]),
            "bilinear_without_break": ~self._mask(diagnosis.break_rows),
            "pue_without_trend": ~self._mask(self.with_trend()),
        }
        return {kind.key: marks[kind.key] & (self._class_of(kind) == kind.of) for kind in CONTRADICTIONS}

    def _class_of(self, kind: Contradiction) -> NDArray[np.int8]:
        # Jumps are compared with the class of the original series, rates and breaks with that of the corrected one.
        return self.result.class_id if kind.key in _AS_IT_IS else self.class_of_motion

    def _mask(self, rows: Rows) -> Mask:
        mask = np.zeros(len(self.displacement), dtype=np.bool_)
        mask[rows] = True
        return mask

    def rates(self) -> tuple[Floats, Floats]:
        """Return rates of the series without reported jumps, and HAC standard deviations, mm/yr; NaN if undefined."""
        diagnosis = self.diagnosis
        series = self.displacement.copy()
        every = np.ones(len(diagnosis.jumps.epoch), dtype=np.bool_)
        series[diagnosis.jump_rows] -= jump_offsets(diagnosis.jumps, every, series.shape[1]).astype(np.float32)
        rate, std = np.full((2, len(series)), np.nan)
        rows = np.flatnonzero(np.isfinite(self.result.confidence))
        rate[rows], std[rows] = RateEstimator(self.days.astype(np.float32)).estimate(series[rows])
        return rate, std

    def sure_lasting(self) -> Rows:
        """Return the rows with a certain jump whose level is held for more than ``JUMP_HELD_EPOCHS`` epochs.

        The return of a temporary jump does not count as another jump.
        """
        jumps, row = self.everywhere.jumps, self.everywhere.jump_series
        until = np.pad(np.cumsum(np.isfinite(self.displacement), axis=1), ((0, 0), (1, 0)))
        follows = np.append(row[1:] == row[:-1], False)[: len(row)]
        end = np.where(follows, np.roll(jumps.epoch, -1), self.displacement.shape[1])
        held = until[row, end] - until[row, jumps.epoch]
        size = np.abs(jumps.mm)
        level = np.abs(jumps.mm[1:] + jumps.mm[:-1]) <= _BACK * np.maximum(size[1:], size[:-1])
        back = np.append(False, level & (row[1:] == row[:-1]))[: len(row)]
        for place in np.flatnonzero(back).tolist():
            # A change of level that reverses such a return is a jump again.
            back[place] = not back[place - 1]
        return np.asarray(np.unique(row[(jumps.probability > SURE) & (held > JUMP_HELD_EPOCHS) & ~back]), dtype=np.intp)

    def with_trend(self) -> Rows:
        """Return the rows with jumps that are not repaired and a trend that fits the points."""
        diagnosis, days = self.diagnosis, self.days
        left = ~diagnosis.jump_repaired
        row, epoch, mm = (
            diagnosis.jump_series[left],
            diagnosis.jumps.epoch[left],
            diagnosis.jumps.mm[left].astype(np.float64),
        )
        corrected = diagnosis.corrected.astype(np.float64)
        lying = [
            one
            for one in np.unique(row).tolist()
            if stepped_trend(corrected[one], days, days[epoch[row == one]], mm[row == one], TrendClass.PUE) is not None
        ]
        return np.array(lying, dtype=np.intp)

    def of_readings(self, readings: Readings) -> Numbers:
        """Return numbers of jumps in rows on which all readers agree, for PUE also if the class were PUE."""
        pue, stable = (readings.row[readings.label == one] for one in (TrendClass.PUE, TrendClass.STABLE))
        return {
            "pue": len(pue),
            "pue_with_jump": int(np.isin(pue, self.diagnosis.jump_series).sum()),
            "pue_with_jump_if_called": self._jumps_if_called(pue),
            "stable": len(stable),
            "stable_with_sure_jump": int(np.isin(stable, self.sure_lasting()).sum()),
        }

    def _jumps_if_called(self, rows: NDArray[np.int64]) -> int:
        if not len(rows):
            return 0
        columns = {name: getattr(self.result, name) for name in Result.__slots__}
        part: dict[str, Any] = {name: one[rows] for name, one in columns.items() if isinstance(one, np.ndarray)}
        result = replace(self.result, **part)
        probabilities = np.full_like(result.probabilities, (1 - _AS_READ) / (result.probabilities.shape[1] - 1))
        probabilities[:, TrendClass.PUE] = _AS_READ
        called = np.full(len(rows), TrendClass.PUE, dtype=np.int8)
        found = self.classifier.diagnose(
            self.displacement[rows],
            self.dates,
            result=replace(result, class_id=called, class_top=called, probabilities=probabilities),
            noise=self.diagnosis.noise,
            half_wavelength_mm=self.half_wavelength_mm,
        )
        return len(np.unique(found.jump_series))
