"""Which jumps may be taken out of a series, and what that takes off each epoch.

A jump up whose way back stays would leave the series wrong from then on, where it was wrong for some epochs only. So a
jump and its way back are taken out together or not at all. And a series may come back by degrees from where it went at
once: its way there may look like a whole cycle, but without it the series is worse. So jumps are taken out only of
series that are calmer without them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray, IndexArray, RealArray
from insar_runtime._diagnosis.repair.repair_check import SmoothMotion
from insar_runtime._diagnosis.results import Jumps

_ALIKE: Final = 0.35
_ALIKE_STD: Final = 3.0
"""A jump that is no multiple takes another one back if they differ by less than this part of half a wavelength, or
these standard deviations [ours]."""


def jumps_to_repair(
    jumps: Jumps, displacement: RealArray, motion: SmoothMotion, *, above: float, damped: bool
) -> BoolArray:
    """Tell which jumps [M] of series [n, T] to take out: those ``repairable`` that are ``calming``."""
    return improving_repairs(jumps, repairable(jumps, above=above, damped=damped), displacement, motion)


def repairable(jumps: Jumps, *, above: float, damped: bool) -> BoolArray:
    """Tell which jumps may be taken out.

    Parameters
    ----------
    jumps : Jumps
    above : float
        Least probability.
    damped : bool
        Whether jumps that are no multiple of half a wavelength may be, too.

    Returns
    -------
    ndarray of bool, shape [M]
        A jump goes only together with the one that it takes back: the last one before that went the other way and has
        not been taken back. That is sought among all jumps that were found, whatever their probability.
    """
    sure: BoolArray = (jumps.probability >= above) & ((jumps.cycles != 0) | damped)
    rows = jumps.rows
    # Only where some jumps of a row go and others stay can one be parted from its way back.
    going = np.bincount(rows[sure], minlength=len(jumps.status))
    for row in np.flatnonzero((going > 0) & (going < jumps.counts)):
        own = slice(int(jumps.begins[row]), int(jumps.begins[row + 1]))
        sure[own] = _paired_repairs(jumps, own, sure[own])
    return sure


def improving_repairs(jumps: Jumps, mask: BoolArray, displacement: RealArray, motion: SmoothMotion) -> BoolArray:
    """Tell which of the jumps that may be taken out leave a calmer series if they are.

    Parameters
    ----------
    jumps : Jumps
    mask : ndarray of bool, shape [M]
        Jumps that may be taken out; see ``repairable``.
    displacement : ndarray of float, shape [n, T]
        The series, mm; NaN = missing.
    motion : SmoothMotion
        On the epochs of the series.

    Returns
    -------
    ndarray of bool, shape [M]
        Jumps are held against leaving them in from where a series leaves its level to where it is back, then all that
        are left of a series together.
    """
    if not mask.any():
        return mask
    jump = np.flatnonzero(mask)
    begins = _starts_of_excursions(jumps, jump)
    group = np.cumsum(begins) - 1
    rows, place = np.unique(jumps.rows[jump][begins], return_inverse=True)
    series = displacement[rows].astype(np.float64)
    levels = _offset_rows(jumps, jump, group, (len(place), series.shape[1]))
    kept = np.ones(len(place), dtype=np.bool_)
    several = np.flatnonzero(np.bincount(place)[place] > 1)
    corrected = (series - _sum_by_row(levels, place, len(rows)))[place[several]]
    kept[several] = motion.improves(corrected, corrected + levels[several])
    corrected = series - _sum_by_row(levels[kept], place[kept], len(rows))
    kept &= motion.improves(corrected, series)[place]
    improving = mask.copy()
    improving[jump] = kept[group]
    return improving


def jump_offsets(jumps: Jumps, mask: BoolArray, epochs: int) -> FloatArray:
    """Give what jumps add to each epoch; the series less this are without them.

    Parameters
    ----------
    jumps : Jumps
    mask : ndarray of bool, shape [M]
        The jumps that are meant.
    epochs : int
        Number T of epochs.

    Returns
    -------
    ndarray of float64, shape [n, T]
        mm: whole multiples of half the wavelength, so that adding them again restores the series, plus the sizes of
        jumps that are no multiple.
    """
    jump = np.flatnonzero(mask)
    return _offset_rows(jumps, jump, jumps.rows[jump], (len(jumps.status), epochs))


def _offset_rows(jumps: Jumps, jump: IndexArray, line: NDArray[np.integer], shape: tuple[int, int]) -> FloatArray:
    """Give what some jumps add to each epoch, mm, each in one of the lines of an array of that shape."""
    place = line, jumps.epoch[jump]
    cycles = np.zeros(shape, dtype=np.int64)
    np.add.at(cycles, place, jumps.cycles[jump])
    mm = np.zeros(shape)
    np.add.at(mm, place, np.where(jumps.cycles[jump] == 0, jumps.mm[jump], 0))
    return np.cumsum(cycles, axis=1) * np.float64(jumps.half_wavelength_mm or 0) + np.cumsum(mm, axis=1)


def _sum_by_row(levels: FloatArray, row: IndexArray, count: int) -> FloatArray:
    """Add up lines [G, T] that are of the same row, [count, T]."""
    sums = np.zeros((count, levels.shape[1]))
    np.add.at(sums, row, levels)
    return sums


def _starts_of_excursions(jumps: Jumps, jump: IndexArray) -> BoolArray:
    """Tell which of some jumps are the first of their row, or the first after their row is back at its level."""
    row, cycles = jumps.rows[jump], jumps.cycles[jump].astype(np.int64)
    level = np.cumsum(cycles)
    first = np.append(True, row[1:] != row[:-1])
    level -= (level - cycles)[first][np.cumsum(first) - 1]
    # Where jumps have no cycles, nobody knows when the level is reached again.
    unknown = np.bincount(row, cycles == 0)[row] > 0
    back = (level == 0) & ~unknown
    return np.asarray(first | np.append(False, back[:-1]))


def _paired_repairs(jumps: Jumps, own: slice, sure: BoolArray) -> BoolArray:
    """Keep those jumps of one row of which none that belongs to them is unsure."""
    group = list(range(len(sure)))
    waiting: list[_OpenJump] = []
    for place, jump in enumerate(range(own.start, own.stop)):
        new = _OpenJump(place, int(jumps.cycles[jump]), float(jumps.mm[jump]), float(jumps.mm_std[jump]))
        while waiting and waiting[-1].mm * new.mm < 0:
            old = waiting.pop()
            if not _may_cancel(old, new, jumps.half_wavelength_mm):
                # A jump of another size, which the whole cycles around it have nothing to do with.
                if old.cycles:
                    waiting.append(old)
                    new = replace(new, mm=0.0)
                continue
            group = [group[old.place] if one == group[place] else one for one in group]
            if not old.cycles or not new.cycles or abs(old.cycles) == abs(new.cycles):
                new = replace(new, mm=0.0)
            elif abs(old.cycles) > abs(new.cycles):
                waiting.append(old.less(new))
                new = replace(new, mm=0.0)
            else:
                new = new.less(old)
        if new.mm:
            waiting.append(new)
    unsure = {one for one, good in zip(group, sure, strict=True) if not good}
    return np.array([one not in unsure for one in group])


@dataclass(frozen=True)
class _OpenJump:
    """What of a jump has not been taken back."""

    place: int
    cycles: int
    mm: float
    std: float

    def less(self, other: _OpenJump) -> _OpenJump:
        """Give what is left when a smaller one the other way takes some of it back."""
        return replace(self, cycles=self.cycles + other.cycles, mm=self.mm + other.mm)


def _may_cancel(old: _OpenJump, new: _OpenJump, cycle: float | None) -> bool:
    """Tell whether two jumps the other way round may be one error: whole cycles, or sizes that are alike."""
    if old.cycles and new.cycles:
        return True
    return abs(old.mm + new.mm) <= max(_ALIKE * (cycle or 0.0), _ALIKE_STD * math.hypot(old.std, new.std))
