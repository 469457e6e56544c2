"""Points as a geometry column: well-known binary of x and y."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

WKB_POINT: Final = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
"""Well-known binary of a point: byte order 1 = little endian, type 1 = point (OGC 06-103r4)."""
_NAMES: Final = ("geometry", "geom", "wkb_geometry")


def wkb_points(points: NDArray[np.float64]) -> pa.Array:
    """Return points as well-known binary.

    Parameters
    ----------
    points : ndarray of float64, shape [N, 2]
        x and y; a row with NaN becomes null.
    """
    missing = ~np.isfinite(points).all(axis=1)
    records = np.empty(len(points), dtype=WKB_POINT)
    records["order"], records["type"] = 1, 1
    records["x"], records["y"] = points[:, 0], points[:, 1]
    offsets = np.arange(len(points) + 1, dtype=np.int32) * WKB_POINT.itemsize
    validity = pa.array(~missing).buffers()[1] if missing.any() else None
    return pa.Array.from_buffers(
        pa.binary(), len(points), [validity, pa.py_buffer(offsets), pa.py_buffer(records)], int(missing.sum())
    )


def geometry_name(taken: Collection[str]) -> str:
    """Return a name for the geometry column that no other column has, whatever the case."""
    lower = {name.lower() for name in taken}
    free = (name for name in _NAMES if name not in lower)
    return next(free, None) or next(name for i in range(2, len(lower) + 3) if (name := f"geometry_{i}") not in lower)
