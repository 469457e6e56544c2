"""Which values rows have: from when to when, and which rows have the same ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.noise import Floats


def first_and_last(present: NDArray[np.bool_], days: Floats) -> tuple[Floats, Floats]:
    """Give the days [n] of the first and the last value of rows.

    Parameters
    ----------
    present : ndarray of bool, shape [n, T]
    days : ndarray of float64, shape [T]

    Returns
    -------
    first, last : ndarray of float64, shape [n]
        The same day where a row has no value.
    """
    if not len(days):
        return np.zeros(len(present)), np.zeros(len(present))
    some = present.any(axis=1)
    first, last = present.argmax(axis=1), len(days) - 1 - present[:, ::-1].argmax(axis=1)
    return days[first], days[np.where(some, last, first)]


def rows_alike(missing: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Group rows [n, T] that miss the same values; rows of a group are in rising order."""
    if not len(missing):
        return []
    _, group = np.unique(np.packbits(missing, axis=1), axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    return np.split(order, np.cumsum(np.bincount(group.ravel()))[:-1])
