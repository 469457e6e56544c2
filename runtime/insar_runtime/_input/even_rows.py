"""Evenly spaced rows of a table or an array, which stand for all of its rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def evenly_spaced(count: int, most: int) -> NDArray[np.intp]:
    """Return the numbers of at most ``most`` of ``count`` rows, evenly spaced from the first row to the last."""
    return np.linspace(0, max(count - 1, 0), max(min(count, most), 0)).astype(np.intp)
