"""No-data values: numbers that stand for a missing value in some products."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FILLERS: Final = (-9999.0, 9999.0, -999.0, 999.0, -32768.0, -99999.0)


def count_fillers(series: NDArray[np.float32]) -> dict[str, int]:
    """Return how often each of them occurs in series of any shape; those that do not are left out."""
    counts = {f"{filler:g}": int(np.count_nonzero(series == filler)) for filler in FILLERS}
    return {name: count for name, count in counts.items() if count}
