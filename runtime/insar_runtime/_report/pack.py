"""Arrays as text inside a page: bytes shuffled by significance, deflated, base64."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MISSING: Final = 0xFFFF
"""Code of a missing value in an array of uint16."""
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Packed:
    """An array as text.

    Attributes
    ----------
    type : str
        Type of its values: ``uint8``, ``uint16``, ``uint32`` or ``float32``.
    text : str
        Base64 of the deflated bytes (zlib format): first the lowest bytes of all values, then the next ones, and so on,
        because the high bytes of neighbouring values are similar.
    """

    type: str
    text: str


def pack(array: NDArray[Any]) -> Packed:
    """Return an array as text, flattened in C order, little endian on any machine."""
    flat = np.ascontiguousarray(array).reshape(-1)
    data = flat.astype(flat.dtype.newbyteorder("<"), copy=False)
    planes = data.view(np.uint8).reshape(len(data), data.dtype.itemsize).T.tobytes()
    return Packed(array.dtype.name, base64.b64encode(zlib.compress(planes, _LEVEL)).decode("ascii"))


def per_mille(shares: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return shares from 0 to 1 in thousandths, ``MISSING`` for NaN."""
    return np.where(np.isnan(shares), MISSING, np.round(np.nan_to_num(shares) * 1000)).astype(np.uint16)


def tenths(values: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Return numbers in tenths with zigzag coding: 0, -1, 1, -2, ... as 0, 1, 2, 3, ...; small ones have no high byte.

    NaN, and numbers beyond +-3276, become ``MISSING``.
    """
    with np.errstate(invalid="ignore"):
        known = np.abs(values) <= 3276
    whole = np.round(np.where(known, values, 0) * 10.0).astype(np.int32)
    return np.where(known, np.where(whole < 0, -2 * whole - 1, 2 * whole), MISSING).astype(np.uint16)


def of_tenths(coded: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return numbers from their codes by ``tenths``; NaN for ``MISSING``."""
    whole = coded.astype(np.int32)
    return np.where(coded == MISSING, np.nan, ((whole >> 1) ^ -(whole & 1)) / 10)
