"""Series with known breaks and jumps, and diagnoses made by hand."""

from __future__ import annotations

import numpy as np

from insar_runtime._diagnosis.diagnosis import Diagnosis
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.results import Breaks, Jumps, Rates, RecentChanges
from insar_runtime._input.units.sensors import SENTINEL1_MM

EPOCHS = 150
DATES = np.datetime64("2019-01-04") + 6 * np.arange(EPOCHS)
"""Of Sentinel-1, and of no other radar."""
STEADY, STEPPED, BOXED, BENT = (slice(begin, begin + 15) for begin in (0, 15, 30, 45))
"""Rows of ``moving``: noise; a lasting jump of one cycle; a temporary one of two; a break of 30 mm/yr."""


def moving(rows: int = 60, seed: int = 0) -> np.ndarray:
    """Noise of 1.5 mm, with jumps and breaks in some rows, rounded to 0.1 mm."""
    displacement = np.random.default_rng(seed).normal(0, 1.5, (rows, EPOCHS))
    displacement[STEPPED, 70:] += SENTINEL1_MM
    displacement[BOXED, 40:60] -= 2 * SENTINEL1_MM
    displacement[BENT] += np.maximum(np.arange(EPOCHS) - 75, 0) * 6 * 30 / 365.25
    return np.round(displacement, 1)


def by_hand(series: np.ndarray, dates: np.ndarray, jumps: list[tuple[int, int, int]]) -> Diagnosis:
    """Diagnose series [N, T] as having only these jumps, all repaired: row, epoch and cycles of each, sorted."""
    rows, epochs, cycles = (np.array([jump[i] for jump in jumps], dtype=np.int64) for i in range(3))
    count = len(series)
    repaired = np.unique(rows)
    offsets = np.zeros((len(repaired), len(dates)))
    for row, epoch, number in jumps:
        offsets[np.searchsorted(repaired, row), epoch:] += number * SENTINEL1_MM
    nothing = np.full(count, np.nan, dtype=np.float32)
    none, ok = np.empty(0, dtype=np.float32), np.zeros(count, dtype=np.int8)
    day = none.astype(np.float64)
    ones = np.ones(len(rows), dtype=np.float32)
    return Diagnosis(
        displacement=series.astype(np.float32),
        dates=dates,
        half_wavelength_mm=SENTINEL1_MM,
        noise=FileNoise.typical((dates - dates[:1]).astype(np.float64)),
        rates=Rates(nothing, nothing, nothing, nothing, nothing, nothing, nothing, ok),
        recent=RecentChanges.unknown(count),
        break_rows=np.empty(0, dtype=np.intp),
        breaks=Breaks(day, day, day, none, none, none, none, none, none.astype(np.bool_), none.astype(np.int8)),
        jump_rows=np.arange(count),
        jumps=Jumps(
            begins=np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]),
            epoch=epochs.astype(np.int32),
            mm=(cycles * SENTINEL1_MM).astype(np.float32),
            mm_std=ones,
            cycles=cycles.astype(np.int8),
            distance=0 * ones,
            probability=ones,
            half_wavelength_mm=SENTINEL1_MM,
            status=ok,
        ),
        jump_repaired=np.ones(len(rows), dtype=np.bool_),
        repaired_rows=repaired,
        offsets=offsets,
        class_after_repair=np.zeros(len(repaired), dtype=np.int8),
        status=ok,
    )
