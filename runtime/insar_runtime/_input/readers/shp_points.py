"""Points of a .shp file, read along with the records of its .dbf (ESRI Shapefile Technical Description, 1998)."""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime.errors import DataError

HEADER_BYTES: Final = 100
_POINTS: Final = frozenset({1, 11, 21})
"""Point, PointZ, PointM."""
_MULTIPOINTS: Final = frozenset({8, 18, 28})
_OTHERS: Final = {
    3: "lines", 5: "polygons", 13: "lines", 15: "polygons", 23: "lines", 25: "polygons", 31: "surfaces"
}  # fmt: skip
_LEAST: Final = {0: 4, **dict.fromkeys(_POINTS, 20), **dict.fromkeys(_MULTIPOINTS, 56)}
"""Bytes of the content of a record, by its type."""
_MOST_CONTENT: Final = 1 << 12
"""Of a record with one point, whatever it holds beside it."""
_PAIR: Final = "both must be of one export: fetch or write them again"


def read_shape_type(header: bytes, name: str) -> int:
    """Return the type of the shapes: 0 without any, 1, 11, 21 points, 8, 18, 28 points in sets.

    Parameters
    ----------
    header : bytes
        The first 100 bytes.
    name : str
        Of the file.

    Raises
    ------
    DataError
        It is damaged, or holds other shapes than points.
    """
    if len(header) < HEADER_BYTES or header[:4] != b"\0\0\x27\x0a":
        raise DataError(f"{name} is no shapefile by its content: fetch or write it again")
    (kind,) = struct.unpack("<i", header[32:36])
    if kind in _OTHERS:
        raise DataError(f"{name} holds {_OTHERS[kind]}, and only points are read: write their centroids as points")
    if kind not in _LEAST:
        raise DataError(f"{name} holds shapes of the unknown type {kind}: fetch or write it again")
    return int(kind)


class PointReader:
    """Read points in the order of their records.

    Parameters
    ----------
    stream : binary file
        At the first record.
    name : str
        Of the file.
    """

    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self._name = name
        self._data = b""
        self._place = 0
        self._done = 0

    def take(self, count: int) -> NDArray[np.float64]:
        """Return x and y [count, 2] of the next records; NaN for a record without a point.

        Raises
        ------
        DataError
            There are fewer records, one is damaged, or one holds no single point.
        """
        if not count:
            return np.empty((0, 2))
        points = self._take_alike(count)
        if points is None:
            points = np.array([self._next() for _ in range(count)], dtype=np.float64)
        else:
            self._done += count
        points[~np.isfinite(points).all(axis=1)] = np.nan
        return points

    def _take_alike(self, count: int) -> NDArray[np.float64] | None:
        """Return points at once if all records have the size and the type of the first one; None otherwise."""
        if self._fill(12) < 12:
            return None
        length, kind = struct.unpack(">4xi", self._part(8))[0] * 2, struct.unpack("<8xi", self._part(12))[0]
        size = 8 + length
        if (
            kind not in _POINTS
            or not _LEAST[kind] <= length <= _MOST_CONTENT
            or self._fill(count * size) < count * size
        ):
            return None
        layout = np.dtype(
            {
                "names": ["words", "type", "xy"],
                "formats": [">i4", "<i4", ("<f8", (2,))],
                "offsets": [4, 8, 12],
                "itemsize": size,
            }
        )
        records = np.frombuffer(self._data, layout, count, self._place)
        if not ((records["words"] == length // 2) & (records["type"] == kind)).all():
            return None
        self._place += count * size
        return records["xy"].astype(np.float64)

    def finish(self) -> None:
        """Check that no record is left.

        Raises
        ------
        DataError
            There is one.
        """
        if self._fill(12) >= 12:
            raise DataError(f"{self._name} has more than {self._done} shapes, which is what its .dbf has: {_PAIR}")

    def _fill(self, size: int) -> int:
        """Read until so many bytes are waiting, if there are; return how many are."""
        waiting = len(self._data) - self._place
        if waiting < size:
            self._data = self._data[self._place :] + self._stream.read(size - waiting)
            self._place = 0
        return len(self._data) - self._place

    def _part(self, size: int) -> bytes:
        return self._data[self._place : self._place + size]

    def _next(self) -> tuple[float, float]:
        if self._fill(12) < 12:
            raise DataError(f"{self._name} has {self._done} shapes, fewer than its .dbf has records: {_PAIR}")
        length, kind = struct.unpack(">4xi", self._part(8))[0] * 2, struct.unpack("<8xi", self._part(12))[0]
        if kind in _MULTIPOINTS and length > _MOST_CONTENT:
            raise DataError(f"{self._name}: shape {self._done + 1} is a set of points: write one point per row")
        if not _LEAST.get(kind, _MOST_CONTENT) <= length <= _MOST_CONTENT or self._fill(8 + length) < 8 + length:
            raise self._damaged(kind, length)
        content = self._part(8 + length)[8:]
        self._place += 8 + length
        self._done += 1
        if not kind:
            return np.nan, np.nan
        if kind in _MULTIPOINTS and struct.unpack_from("<i", content, 36)[0] != 1:
            raise DataError(f"{self._name}: shape {self._done} is a set of points: write one point per row")
        x, y = struct.unpack_from("<dd", content, 40 if kind in _MULTIPOINTS else 4)
        return x, y

    def _damaged(self, kind: int, length: int) -> DataError:
        return DataError(
            f"{self._name}: shape {self._done + 1} (type {kind}, {length} bytes) is damaged or cut: fetch it again"
        )
