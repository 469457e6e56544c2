"""Which jumps may be taken out of a series, and what that takes off each epoch.

A jump up whose way back stays would leave the series wrong from then on, where it was wrong for some epochs only. So a
jump and its way back are taken out together or not at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.found import Jumps


def repairable(jumps: Jumps, *, above: float, damped: bool) -> NDArray[np.bool_]:
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
        A jump goes only together with those that it returns from or that return from it: the last ones before that
        went the other way and have not been returned from. Those are sought among all jumps that were found, whatever
        their probability.
    """
    sure: NDArray[np.bool_] = (jumps.probability >= above) & ((jumps.cycles != 0) | damped)
    rows = jumps.rows
    # Only where some jumps of a row go and others stay can one be parted from its way back.
    going = np.bincount(rows[sure], minlength=len(jumps.status))
    for row in np.flatnonzero((going > 0) & (going < jumps.counts)):
        own = slice(jumps.begins[row], jumps.begins[row + 1])
        sure[own] = _together(sure[own], _cycles(jumps, own))
    return sure


def offsets(jumps: Jumps, mask: NDArray[np.bool_], epochs: int) -> NDArray[np.float64]:
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
    place = jumps.rows[mask], jumps.epoch[mask]
    cycles = np.zeros((len(jumps.status), epochs), dtype=np.int64)
    np.add.at(cycles, place, jumps.cycles[mask])
    mm = np.zeros(cycles.shape)
    np.add.at(mm, place, np.where(jumps.cycles[mask] == 0, jumps.mm[mask], 0))
    return np.cumsum(cycles, axis=1) * np.float64(jumps.half_wavelength_mm or 0) + np.cumsum(mm, axis=1)


def _cycles(jumps: Jumps, own: slice) -> list[int]:
    """Give the cycles of the jumps of one row; of one that is no multiple, those that it comes nearest to."""
    mm, cycles = jumps.mm[own], jumps.cycles[own]
    nearest = np.rint(mm / jumps.half_wavelength_mm) if jumps.half_wavelength_mm else np.sign(mm)
    nearest = np.where(nearest == 0, np.sign(mm), nearest)
    return [int(one) for one in np.where(cycles == 0, nearest, cycles)]


def _together(sure: NDArray[np.bool_], cycles: list[int]) -> NDArray[np.bool_]:
    """Keep those jumps of one row of which none that belongs to them is unsure."""
    group = list(range(len(cycles)))
    waiting: list[tuple[int, int]] = []
    for jump, size in enumerate(cycles):
        left = size
        while left and waiting and waiting[-1][1] * left < 0:
            other, open_cycles = waiting.pop()
            group = [group[other] if one == group[jump] else one for one in group]
            back = min(abs(open_cycles), abs(left)) * (1 if left > 0 else -1)
            left -= back
            if open_cycles + back:
                waiting.append((other, open_cycles + back))
        if left:
            waiting.append((jump, left))
    unsure = {one for one, good in zip(group, sure, strict=True) if not good}
    return np.array([one not in unsure for one in group])
