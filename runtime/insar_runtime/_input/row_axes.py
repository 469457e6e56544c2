"""Rows of a list table that share their time axis, if each row has dates of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.dates.date_values import list_dates_to_days


def rows_by_axis(dates: pa.Array, name: str) -> list[NDArray[np.intp]]:
    """Group the rows of a column of date lists by what the lists hold.

    Parameters
    ----------
    dates : pyarrow.Array of lists, length N
        May be a slice. A row with a null or empty list belongs to no group.
    name : str
        Of the column, for messages.

    Returns
    -------
    list of ndarray of intp
        The rows of each time axis in rising order, the axes in the order of their first rows.

    Raises
    ------
    DataError
        If a list holds a null or what is not a date.
    """
    lengths = pc.fill_null(pc.list_value_length(dates), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.flatnonzero(lengths)
    if not len(rows):
        return []
    lengths = lengths[rows]
    # flatten() leaves null rows out, and empty ones add nothing: what it gives are the values of these rows.
    days = list_dates_to_days(dates.flatten(), name).astype(np.int64)
    key = np.empty(len(rows), dtype=[("length", np.int64), ("hash", np.uint64)])
    key["length"], key["hash"] = lengths, _hashes(days, lengths)
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    by_group = np.argsort(group, kind="stable")
    groups: list[Any] = np.split(rows[by_group], np.cumsum(np.bincount(group))[:-1])
    return [groups[index] for index in np.argsort(first)]


def _hashes(values: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash each of the lists of a flat array, none of which is empty.

    Sums of products with fixed random odd factors, modulo 2**64. Lists that only happen to share a hash are separated
    later: the dates of every row are compared with its axis when its series are read.
    """
    factors = np.random.default_rng(0).integers(0, 2**63, int(lengths.max()), dtype=np.uint64) * np.uint64(2) + 1
    begins = np.cumsum(lengths) - lengths
    places = np.arange(len(values)) - np.repeat(begins, lengths)
    sums: NDArray[np.uint64] = np.add.reduceat(values.astype(np.uint64) * factors[places], begins)
    return sums
