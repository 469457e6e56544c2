"""Selection of the jumps that are removed from a series, and the offsets that remove them.

If a jump is removed and the jump back is not, the series is wrong from then on, where before it was wrong for a few
epochs. A jump and its jump back are therefore removed together or not at all. A series may also return gradually from
where an abrupt change took it; the change may resemble a whole cycle, but the series without it is worse. Jumps are
therefore removed only if that reduces the residuals of a smooth motion model.
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
"""A jump that is no multiple cancels another one if their sizes differ by at most this part of half a wavelength, or by
this many standard deviations. Our choice."""


def jumps_to_repair(
    jumps: Jumps,
    displacement: RealArray,
    motion: SmoothMotion,
    *,
    above: float,
    damped: bool,
    spared: BoolArray | None = None,
) -> BoolArray:
    """Return which jumps [M] of series [n, T] to remove: those that are ``repairable`` and improve the series."""
    candidates = repairable(jumps, above=above, damped=damped, spared=spared)
    return improving_repairs(jumps, candidates, displacement, motion)


def repairable(jumps: Jumps, *, above: float, damped: bool, spared: BoolArray | None = None) -> BoolArray:
    """Return which jumps may be removed.

    Parameters
    ----------
    jumps : Jumps
    above : float
        Least probability.
    damped : bool
        Whether jumps that are not a multiple of half a wavelength may be removed, too.
    spared : ndarray of bool, shape [M], optional
        Jumps that stay in any case.

    Returns
    -------
    ndarray of bool, shape [M]
        A jump is removed only together with the one that it cancels: the last one before in the opposite direction that
        is not yet cancelled. It is sought among all jumps that were found, whatever their probability.
    """
    certain: BoolArray = (jumps.probability >= above) & ((jumps.cycles != 0) | damped)
    if spared is not None:
        certain &= ~spared
    rows = jumps.rows
    # A jump can be separated from its jump back only if some jumps of a row are removed and others are not.
    removed = np.bincount(rows[certain], minlength=len(jumps.status))
    for row in np.flatnonzero((removed > 0) & (removed < jumps.counts)):
        own = slice(int(jumps.begins[row]), int(jumps.begins[row + 1]))
        certain[own] = _paired_repairs(jumps, own, certain[own])
    return certain


def improving_repairs(jumps: Jumps, mask: BoolArray, displacement: RealArray, motion: SmoothMotion) -> BoolArray:
    """Return which of the jumps that may be removed improve the series.

    Parameters
    ----------
    jumps : Jumps
    mask : ndarray of bool, shape [M]
        Jumps that may be removed; see ``repairable``.
    displacement : ndarray of float, shape [n, T]
        The series, mm; NaN = missing.
    motion : SmoothMotion
        Motion model on the epochs of the series.

    Returns
    -------
    ndarray of bool, shape [M]
        Each group of jumps between leaving a level and returning to it is tested by itself. Then all remaining groups
        of a series are tested together.
    """
    if not mask.any():
        return mask
    jump = np.flatnonzero(mask)
    begins = _starts_of_excursions(jumps, jump)
    group = np.cumsum(begins) - 1
    rows, place = np.unique(jumps.rows[jump][begins], return_inverse=True)
    series = displacement[rows].astype(np.float64)
    levels = _offset_rows(jumps, jump, group, (len(place), series.shape[1]))
    improved = np.ones(len(place), dtype=np.bool_)
    several = np.flatnonzero(np.bincount(place)[place] > 1)
    corrected = (series - _sum_by_row(levels, place, len(rows)))[place[several]]
    improved[several] = motion.improves(corrected, corrected + levels[several])
    corrected = series - _sum_by_row(levels[improved], place[improved], len(rows))
    improved &= motion.improves(corrected, series)[place]
    improving = mask.copy()
    improving[jump] = improved[group]
    return improving


def jump_offsets(jumps: Jumps, mask: BoolArray, epochs: int) -> FloatArray:
    """Return the offsets of jumps at each epoch, to be subtracted from the series.

    Parameters
    ----------
    jumps : Jumps
    mask : ndarray of bool, shape [M]
        Jumps that are included.
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
    """Return the offsets of some jumps at each epoch, mm, each in one row of an array of a given shape."""
    place = line, jumps.epoch[jump]
    cycles = np.zeros(shape, dtype=np.int64)
    np.add.at(cycles, place, jumps.cycles[jump])
    mm = np.zeros(shape)
    np.add.at(mm, place, np.where(jumps.cycles[jump] == 0, jumps.mm[jump], 0))
    return np.cumsum(cycles, axis=1) * np.float64(jumps.half_wavelength_mm or 0) + np.cumsum(mm, axis=1)


def _sum_by_row(levels: FloatArray, row: IndexArray, count: int) -> FloatArray:
    """Return the sums of the offsets [G, T] of the same row, [count, T]."""
    sums = np.zeros((count, levels.shape[1]))
    np.add.at(sums, row, levels)
    return sums


def _starts_of_excursions(jumps: Jumps, jump: IndexArray) -> BoolArray:
    """Return which of some jumps are the first of their row, or the first after the return to its initial level."""
    row, cycles = jumps.rows[jump], jumps.cycles[jump].astype(np.int64)
    level = np.cumsum(cycles)
    first = np.append(True, row[1:] != row[:-1])
    level -= (level - cycles)[first][np.cumsum(first) - 1]
    # If a jump has no number of cycles, the return to the level is not known exactly.
    unknown = np.bincount(row, cycles == 0)[row] > 0
    back = (level == 0) & ~unknown
    return np.asarray(first | np.append(False, back[:-1]))


def _paired_repairs(jumps: Jumps, own: slice, certain: BoolArray) -> BoolArray:
    """Return the jumps of one row whose groups contain no uncertain jump; jumps that cancel each other form a group."""
    group = list(range(len(certain)))
    open_jumps: list[_OpenJump] = []
    for place, jump in enumerate(range(own.start, own.stop)):
        new = _OpenJump(place, int(jumps.cycles[jump]), float(jumps.mm[jump]), float(jumps.mm_std[jump]))
        while open_jumps and open_jumps[-1].mm * new.mm < 0:
            old = open_jumps.pop()
            if not _may_cancel(old, new, jumps.half_wavelength_mm):
                # A jump of another size, independent of the whole cycles around it.
                if old.cycles:
                    open_jumps.append(old)
                    new = replace(new, mm=0.0)
                continue
            group = [group[old.place] if one == group[place] else one for one in group]
            if not old.cycles or not new.cycles or abs(old.cycles) == abs(new.cycles):
                new = replace(new, mm=0.0)
            elif abs(old.cycles) > abs(new.cycles):
                open_jumps.append(old.less(new))
                new = replace(new, mm=0.0)
            else:
                new = new.less(old)
        if new.mm:
            open_jumps.append(new)
    uncertain = {one for one, good in zip(group, certain, strict=True) if not good}
    return np.array([one not in uncertain for one in group])


@dataclass(frozen=True)
class _OpenJump:
    """The part of a jump that is not yet cancelled."""

    place: int
    cycles: int
    mm: float
    std: float

    def less(self, other: _OpenJump) -> _OpenJump:
        """Return the part that is left after a smaller jump in the opposite direction."""
        return replace(self, cycles=self.cycles + other.cycles, mm=self.mm + other.mm)


def _may_cancel(old: _OpenJump, new: _OpenJump, cycle: float | None) -> bool:
    """Return whether two opposite jumps may be one unwrapping error: whole cycles, or sizes that are alike."""
    if old.cycles and new.cycles:
        return True
    return abs(old.mm + new.mm) <= max(_ALIKE * (cycle or 0.0), _ALIKE_STD * math.hypot(old.std, new.std))
