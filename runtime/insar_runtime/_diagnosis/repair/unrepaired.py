"""Counts of the series that jump and are not repaired, by the reason."""

from __future__ import annotations

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.results import Jumps


def count_unrepaired(
    jumps: Jumps, repaired: BoolArray, options: Diagnose, spared: BoolArray | None = None
) -> dict[str, int]:
    """Return the numbers of series that jump and are not repaired.

    Parameters
    ----------
    jumps : Jumps
        Of the searched series.
    repaired : ndarray of bool, shape [M]
        Jumps that are removed.
    options : Diagnose
    spared : ndarray of bool, shape [M], optional
        Jumps that are left in any case.

    Returns
    -------
    dict
        By the last names of ``COUNTS``; ``spared`` as well, if such jumps are given: series with a jump that may be
        repaired but for that.
    """

    def with_one_of(some: BoolArray) -> BoolArray:
        return np.asarray(np.bincount(jumps.rows[some], minlength=len(jumps.status)) > 0)

    left = with_one_of(np.ones(len(jumps.epoch), dtype=np.bool_))
    left[np.unique(jumps.rows[repaired])] = False
    whole = (jumps.cycles != 0) | options.repair_damped
    counts = {}
    if spared is not None:
        kept = left & with_one_of(whole & spared)
        counts["spared"] = int(np.count_nonzero(kept))
        left &= ~kept
    with_whole = with_one_of(whole)
    certain = with_one_of(whole & (jumps.probability >= options.repair_above))
    groups = {
        "without_whole_cycles": left & ~with_whole,
        "uncertain": left & with_whole & ~certain,
        "not_improved": left & certain,
    }
    return {name: int(np.count_nonzero(group)) for name, group in groups.items()} | counts
