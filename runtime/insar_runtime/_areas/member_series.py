"""Series of the points of areas: displacement and noise of each point, and a sample of the series of each area."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._areas.read_points import OpenTable, finite
from insar_runtime._progress import Progress

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

_END_EPOCHS: Final = 5
"""Values at each end of a series whose medians the displacement of a point is the difference of."""
_SAMPLE: Final = 2000
"""Series of an area that are held, at most: more give the same median and quartiles."""
_SAMPLE_BYTES: Final = 256 << 20
"""Series of all areas that are held, at most."""


@dataclass(frozen=True, slots=True)
class MemberSeries:
    """Series of the moving points of the areas.

    Attributes
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Epochs of the series.
    displacement : ndarray of float32, shape [K]
        Displacement of each point from the first to the last epochs, mm; NaN = not known.
    autocorrelation : ndarray of float32, shape [K]
        Of successive values of each series; NaN = not known.
    sampled : ndarray of int64, shape [S]
        Points whose series are held, increasing.
    series : ndarray of float32, shape [S, T]
        Their series, mm; NaN = missing.
    """

    dates: NDArray[np.datetime64]
    displacement: Floats
    autocorrelation: Floats
    sampled: Indices
    series: Floats


def read_member_series(
    table: OpenTable, rows: Indices, label: Indices, progress: Progress | None = None
) -> MemberSeries | None:
    """Read the series of the points of areas; None if the table has no series.

    Parameters
    ----------
    table : OpenTable
        Freshly opened.
    rows : ndarray of int64, shape [K]
        Rows of the points, increasing.
    label : ndarray of int64, shape [K]
        Area of each point.
    progress : callable, optional
        Called with the number of rows done, and of all if known.
    """
    described = table.series
    if described is None:
        return None
    dates = described.layout.dates
    sampled = _sample(label, len(dates))
    place = np.full(len(rows), -1, dtype=np.int64)
    place[sampled] = np.arange(len(sampled))
    series = np.full((len(sampled), len(dates)), np.nan, dtype=np.float32)
    displacement, autocorrelation = np.full((2, len(rows)), np.nan, dtype=np.float32)
    for first, part, batch in _batches_with(table, rows, progress):
        matrix = finite(described.matrix(batch.take(pa.array(rows[part] - first))))
        displacement[part] = total_displacement(matrix)
        autocorrelation[part] = lag_one_autocorrelation(matrix)
        held = place[part] >= 0
        series[place[part][held]] = matrix[held]
    return MemberSeries(np.asarray(dates, dtype="datetime64[D]"), displacement, autocorrelation, sampled, series)


def _batches_with(
    table: OpenTable, rows: Indices, progress: Progress | None
) -> Iterator[tuple[int, slice, pa.RecordBatch]]:
    """Yield the batches that hold some of the rows, with their first row, and which of the rows they hold."""
    first = 0
    for batch in table.batches:
        begin, end = np.searchsorted(rows, (first, first + batch.num_rows))
        if begin < end:
            yield first, slice(int(begin), int(end)), batch
        first += batch.num_rows
        if progress:
            progress(first, table.source.rows)


def _sample(label: Indices, epochs: int) -> Indices:
    """Return a uniform random sample of the points of each area, increasing."""
    areas, number = np.unique(label, return_inverse=True)
    room = _SAMPLE_BYTES // (4 * max(epochs, 1) * max(len(areas), 1))
    order = np.random.default_rng(0).permutation(len(label))
    by_area = order[np.argsort(number[order], kind="stable")]
    counts = np.bincount(number, minlength=len(areas))
    rank = np.arange(len(label)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(by_area[rank < min(_SAMPLE, max(room, 1))]).astype(np.int64)


def total_displacement(matrix: Floats) -> Floats:
    """Return the displacement of series [n, T] from the median of the first five values to that of the last five, mm.

    Series of fewer than two values have none: NaN.
    """
    found = np.full(len(matrix), np.nan, dtype=np.float32)
    complete = np.isfinite(matrix).all(axis=1)
    ends = min(_END_EPOCHS, max(matrix.shape[1] // 2, 1))
    if matrix.shape[1] > 1:
        found[complete] = np.median(matrix[complete, -ends:], axis=1) - np.median(matrix[complete, :ends], axis=1)
    for row in np.flatnonzero(~complete):
        values = matrix[row][np.isfinite(matrix[row])]
        ends = min(_END_EPOCHS, len(values) // 2)
        if ends:
            found[row] = np.median(values[-ends:]) - np.median(values[:ends])
    return found


def lag_one_autocorrelation(matrix: Floats) -> Floats:
    """Return the autocorrelation of successive values of series [n, T]; NaN without two different values."""
    there = np.isfinite(matrix)
    count = there.sum(axis=1, keepdims=True)
    mean = np.where(there, matrix, 0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    centred = np.where(there, matrix - mean, 0)
    square = (centred**2).sum(axis=1)
    # Beside a missing value there is no pair, which makes the sum smaller.
    pairs = (there[:, 1:] & there[:, :-1]).sum(axis=1)
    share = np.maximum(count[:, 0] - 1, 1) / np.maximum(pairs, 1)
    product = (centred[:, 1:] * centred[:, :-1]).sum(axis=1) * share
    enough = (square > 0) & (pairs > 0)
    return np.where(enough, product / np.where(enough, square, 1), np.nan).astype(np.float32)
