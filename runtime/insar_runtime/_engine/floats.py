"""Displacements of a caller as float32, NaN where one is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import UsageError


def as_float32(displacement: Any) -> NDArray[np.float32]:
    """Return displacements as float32, NaN where one is missing.

    Raises
    ------
    UsageError
        If they are not an array of numbers.
    """
    if np.iscomplexobj(displacement):
        raise UsageError("displacement is complex, as interferograms are; give unwrapped displacements, [N, T] in mm")
    try:
        if hasattr(displacement, "iloc"):  # pandas, whose missing values numpy does not know
            displacement = displacement.to_numpy(dtype=np.float32, na_value=np.nan)
        if isinstance(displacement, np.ma.MaskedArray):
            displacement = np.ma.filled(displacement.astype(np.float32), np.nan)
        return np.asarray(displacement, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"displacement is not an array of numbers ({error}); give [N, T] floats in mm") from error
