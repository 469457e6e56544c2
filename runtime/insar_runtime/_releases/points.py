"""Ids and positions of all points of a release, by which two releases are matched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.cells import as_texts
from insar_runtime._spatial.metres import System


@dataclass(frozen=True, slots=True)
class ReleasePoints:
    """Points of a release, in the order of its rows.

    Attributes
    ----------
    name : str
        File, for messages.
    count : int
        Number of points N.
    ids : pyarrow.Array or None
        Text [N] (large_string), null = no id; None if the release has no column of ids.
    positions : ndarray of float64, shape [N, 2], or None
        Longitude and latitude in degrees, or easting and northing; NaN = no position. None if there are no coordinates.
    system : str, mapping or None
        System of the positions; None if it is not known.
    """

    name: str
    count: int
    ids: pa.Array | None
    positions: NDArray[np.float64] | None
    system: System | None


class PointCollector:
    """Collects ids and positions of a release batch by batch: 24 bytes a point, and the text of its id.

    Parameters
    ----------
    name : str
        File, for messages.
    system : str, mapping or None
        System of the positions.
    """

    def __init__(self, name: str, system: System | None = None) -> None:
        self._name = name
        self._system = system
        self._count = 0
        self._ids: list[pa.Array] = []
        self._positions: list[NDArray[np.float64]] = []

    def add(self, count: int, ids: pa.Array | None, positions: NDArray[np.float64] | None) -> None:
        """Add the points of the next rows.

        Parameters
        ----------
        count : int
            Number of rows n.
        ids : pyarrow.Array or None
            Of any type [n]; either all calls have ids or none.
        positions : ndarray of float64, shape [n, 2], or None
            NaN = no position; either all calls have positions or none.
        """
        self._count += count
        if ids is not None:
            self._ids.append(id_texts(ids))
        if positions is not None:
            self._positions.append(positions)

    def points(self) -> ReleasePoints:
        """Return all points so far."""
        ids = pa.chunked_array(self._ids, pa.large_string()).combine_chunks() if self._ids else None
        if isinstance(ids, pa.ChunkedArray):  # older versions of pyarrow return one of a single chunk
            ids = ids.chunk(0)
        positions = np.concatenate(self._positions) if self._positions else None
        return ReleasePoints(self._name, self._count, ids, positions, self._system)


def id_texts(column: pa.Array) -> pa.Array:
    """Return ids as text, so that 12 of an integer column is the same id as "12" of a CSV.

    Parameters
    ----------
    column : pyarrow.Array
        Ids of any type [N].

    Returns
    -------
    pyarrow.Array
        large_string [N]; null for a missing id, an empty text and a number that is not finite. Whole numbers in a
        column of floats have no decimal point.

    Raises
    ------
    DataError
        If a time in a column of cells of several types cannot be held.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    texts = as_texts(column, pa.large_string())
    if pa.types.is_floating(column.type):
        numbers = column.to_numpy(zero_copy_only=False)
        known = np.isfinite(numbers)
        # Each by itself: the text of an id does not depend on the batch that it stands in.
        whole = known & (np.abs(numbers) < 2.0**53) & (numbers == np.rint(numbers))
        plain = pa.array(np.where(whole, numbers, 0).astype(np.int64)).cast(pa.large_string())
        texts = pc.if_else(pa.array(known), pc.if_else(pa.array(whole), plain, texts), pa.scalar(None, texts.type))
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.large_string()), texts)
