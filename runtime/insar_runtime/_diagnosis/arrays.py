"""Names of the array types in the signatures of the diagnosis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
RealArray = NDArray[np.floating]
"""Any floating type."""
IntArray = NDArray[np.int64]
IntegerArray = NDArray[np.integer]
"""Any integer type."""
IndexArray = NDArray[np.intp]
Int8Array = NDArray[np.int8]
BoolArray = NDArray[np.bool_]
DateArray = NDArray[np.datetime64]
