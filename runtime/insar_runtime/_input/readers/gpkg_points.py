"""Geometries of a GeoPackage (OGC 12-128r19, 2.1.3) as x and y."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import DataError

_ENVELOPES: Final = (0, 32, 48, 48, 64)
"""Bytes of the envelope by its code in the flags."""
_HEADER: Final = 8
_EMPTY: Final = 0x10
_POINT: Final = 1
_MULTIPOINT: Final = 4
_KINDS: Final = {2: "a line", 3: "a polygon", 5: "lines", 6: "polygons", 7: "a collection"}


def read_points(blobs: Sequence[Any], name: str) -> NDArray[np.float64]:
    """Return x and y [N, 2] of geometries; NaN for null and for an empty point.

    Parameters
    ----------
    blobs : sequence of bytes or None
        As SQLite has them.
    name : str
        Of the layer, for messages.

    Raises
    ------
    DataError
        One is no geometry, or no single point.
    """
    points = np.full((len(blobs), 2), np.nan)
    there = [row for row, blob in enumerate(blobs) if blob is not None]
    if not there:
        return points
    alike = _read_alike([blobs[row] for row in there])
    points[there] = np.array([_read(blobs[row], name) for row in there]) if alike is None else alike
    points[~np.isfinite(points).all(axis=1)] = np.nan
    return points


def _read_alike(blobs: list[Any]) -> NDArray[np.float64] | None:
    """Return points at once if all have the same header, in little endian; None otherwise."""
    first = blobs[0]
    if not isinstance(first, bytes) or len(first) < _HEADER + 21 or (first[3] >> 1) & 7 >= len(_ENVELOPES):
        return None
    begin = _HEADER + _ENVELOPES[(first[3] >> 1) & 7]
    size = len(first)
    if (
        first[begin : begin + 1] != b"\1"
        or size < begin + 21
        or any(type(blob) is not bytes or len(blob) != size for blob in blobs)
    ):
        return None
    table = np.frombuffer(b"".join(blobs), np.uint8).reshape(len(blobs), size)
    same = (table[:, :4] == table[0, :4]).all() and (table[:, begin : begin + 5] == table[0, begin : begin + 5]).all()
    kind = struct.unpack("<I", first[begin + 1 : begin + 5])[0]
    if first[:2] != b"GP" or first[3] & _EMPTY or not same or kind % 1000 != _POINT or kind > 3001:
        return None
    return np.ascontiguousarray(table[:, begin + 5 : begin + 21]).view("<f8")


def _read(blob: Any, name: str) -> tuple[float, float]:
    if not isinstance(blob, bytes) or len(blob) < _HEADER or blob[:2] != b"GP":
        raise DataError(f"layer '{name}': a geometry is damaged: fetch or write the file again")
    code = (blob[3] >> 1) & 7
    if blob[3] & _EMPTY:
        return np.nan, np.nan
    try:
        begin = _HEADER + _ENVELOPES[code]
        kind, place = _kind(blob, begin)
        order = _order(blob, begin)
        if kind == _MULTIPOINT:
            (count,) = struct.unpack_from(f"{order}I", blob, place)
            if count > 1:
                raise DataError(f"layer '{name}': a row has {count} points: write one point per row")
            if not count:
                return np.nan, np.nan
            begin = place + 4
            kind, place = _kind(blob, begin)
            order = _order(blob, begin)
        if kind != _POINT:
            what = _KINDS.get(kind, f"a geometry of type {kind}")
            raise DataError(f"layer '{name}': a row has {what}, and only points are read: write centroids as points")
        x, y = struct.unpack_from(f"{order}dd", blob, place)
    except (struct.error, IndexError):
        raise DataError(f"layer '{name}': a geometry is damaged: fetch or write the file again") from None
    return x, y


def _order(blob: bytes, begin: int) -> str:
    return "<" if blob[begin] else ">"


def _kind(blob: bytes, begin: int) -> tuple[int, int]:
    """Return the type of a geometry without z and m, and where its content begins."""
    (kind,) = struct.unpack_from(f"{_order(blob, begin)}I", blob, begin + 1)
    has_srs = kind & 0x20000000
    kind &= 0x1FFFFFFF
    return kind % 1000, begin + (9 if has_srs else 5)
