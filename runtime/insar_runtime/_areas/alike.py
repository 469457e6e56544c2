"""Whether two points move alike: their rates, against their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import LINEAR_RATE_STDS, STABLE_RATE_MM_YR

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_STDS: Final = 2.0
"""Standard deviations by which the rates of points that move alike may differ: 95 of 100 pairs differ by less."""
_RATIO: Final = 0.5
"""Share of the larger rate by which they may differ as well, as neighbours in a subsidence bowl do (our choice)."""
DEFAULT_STD_MM_YR: Final = STABLE_RATE_MM_YR / LINEAR_RATE_STDS
"""Standard deviation of rates that come without: that of the slowest Linear point."""
_PAIRS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Motion:
    """Rates of moving points.

    Attributes
    ----------
    rate : ndarray of float64, shape [M]
        mm/yr; NaN = not known.
    std : ndarray of float64, shape [M]
        Standard deviation of the rate, mm/yr.
    """

    rate: Floats
    std: Floats

    @property
    def is_known(self) -> bool:
        """Whether any rate is known; if not, all points count as moving alike."""
        return bool(np.isfinite(self.rate).any())


def alike(motion: Motion, first: Indices, second: Indices) -> NDArray[np.bool_]:
    """Return which pairs of points move alike.

    The rates differ by at most twice the standard deviation of their difference, or by at most half of the larger one.

    Parameters
    ----------
    motion : Motion
        Of all moving points.
    first, second : ndarray of int64, shape [P]
        The pairs.

    Returns
    -------
    ndarray of bool, shape [P]
        False where one of the rates is not known, unless none is.
    """
    if not motion.is_known:
        return np.ones(len(first), dtype=np.bool_)
    one, other = motion.rate[first], motion.rate[second]
    uncertain = _STDS * np.hypot(motion.std[first], motion.std[second])
    most = np.maximum(uncertain, _RATIO * np.maximum(np.abs(one), np.abs(other)))
    close: NDArray[np.bool_] = np.abs(one - other) <= most
    return close


def alike_by_chance(motion: Motion, outside: NDArray[np.bool_], *, same_sign: bool = False) -> float:
    """Return the share of alike pairs among random pairs of moving points outside the clusters; 1 if there are few.

    Parameters
    ----------
    motion : Motion
        Of all moving points.
    outside : ndarray of bool, shape [M]
        Which of them are outside.
    same_sign : bool
        Whether only pairs count that move in the same direction.
    """
    rows = np.flatnonzero(outside)
    if len(rows) < 2:
        return 1.0
    first, second = np.random.default_rng(0).choice(rows, (2, _PAIRS))
    # A pair of a point with itself is none.
    counted = first != second
    if same_sign:
        counted &= (motion.rate[first] > 0) == (motion.rate[second] > 0)
    return float(
        (np.count_nonzero(alike(motion, first[counted], second[counted])) + 1) / (np.count_nonzero(counted) + 1)
    )
