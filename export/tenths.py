"""Displacements in tenths of a millimetre, as golden vectors store them: int16, -32768 for NaN."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.golden import MISSING


def encode(displacement: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return millimetres with one decimal as tenths of a millimetre in int16."""
    tenths = np.where(np.isnan(displacement), MISSING, np.rint(displacement * 10))
    return np.asarray(tenths, dtype=np.int16)


def decode(tenths: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the millimetres of values from ``encode``."""
    return np.where(tenths == MISSING, np.nan, tenths / 10).astype(np.float32)
