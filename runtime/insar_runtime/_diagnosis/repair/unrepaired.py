"""Numbers of series that jump and are not repaired, by the reason."""

from __future__ import annotations

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.results import Jumps


def count_unrepaired(
    jumps: Jumps, repaired: BoolArray, spared: BoolArray | None, options: Diagnose
) -> tuple[int, int, int]:
    """Return the numbers of series without whole cycles, with too uncertain ones, and not improved by a repair.

    Parameters
    ----------
    jumps : Jumps
        Of the searched series.
    repaired : ndarray of bool, shape [number of jumps]
        Whether a jump is removed.
    spared : ndarray of bool, shape [number of jumps], or None
        Jumps that are left in any case; their series are not counted here.
    options : Diagnose
    """
    left, whole = _left_rows(jumps, repaired), _whole(jumps, options)
    if spared is not None:
        left &= ~_rows_with(jumps, whole & spared)
    certain = _rows_with(jumps, whole & (jumps.probability >= options.repair_above))
    with_whole = _rows_with(jumps, whole)
    groups = (left & ~with_whole, left & with_whole & ~certain, left & certain)
    without, uncertain, not_improved = (int(np.count_nonzero(group)) for group in groups)
    return without, uncertain, not_improved


def count_spared(jumps: Jumps, repaired: BoolArray, spared: BoolArray, options: Diagnose) -> int:
    """Return the number of series with jumps that could be repaired and are left, as they are not theirs alone.

    For the parameters see ``count_unrepaired``.
    """
    return int(np.count_nonzero(_left_rows(jumps, repaired) & _rows_with(jumps, _whole(jumps, options) & spared)))


def _whole(jumps: Jumps, options: Diagnose) -> BoolArray:
    """Return the jumps [number of jumps] of a size that may be repaired."""
    return np.asarray((jumps.cycles != 0) | options.repair_damped)


def _rows_with(jumps: Jumps, some: BoolArray) -> BoolArray:
    """Return which of the searched series have one of some jumps."""
    return np.asarray(np.bincount(jumps.rows[some], minlength=len(jumps.status)) > 0)


def _left_rows(jumps: Jumps, repaired: BoolArray) -> BoolArray:
    """Return which of the searched series jump and are not repaired."""
    left = np.bincount(jumps.rows, minlength=len(jumps.status)) > 0
    left[np.unique(jumps.rows[repaired])] = False
    return np.asarray(left)
