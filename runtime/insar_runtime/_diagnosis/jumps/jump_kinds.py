"""Kinds of jumps: at one point alone, shared by its neighbours, or at a date at which the whole file steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._diagnosis.arrays import BoolArray, Float32Array, FloatArray, IndexArray, Int8Array, IntArray
from insar_runtime._diagnosis.results import Jumps

Chunk = tuple[IntArray, IntArray, IndexArray]
"""Numbers of some points, increasing, and the neighbours of each: offsets [m + 1] into indices."""

EPOCHS: Final = 1
"""Jumps at neighbouring epochs, or at the same one, may be one event."""
ALIKE: Final = 0.4
ALIKE_STDS: Final = 3.0
"""Two jumps are by about as much if they differ by at most this part of the larger one, or by as many standard
deviations of their difference."""
LEAST_NEIGHBOURS: Final = 5
"""With fewer neighbours that have values there, a jump that none of them shares has no kind."""
LEAST_AGREEING: Final = 2
LEAST_SHARE: Final = 0.2
"""A shared jump is that of as many neighbours at least, and of this share of those that have values there."""
FILE_FACTOR: Final = 3.0
"""A jump at the date of a step of the whole file is of the place if its neighbours share it so many times as often as
the points of the file do."""


class JumpKind(IntEnum):
    """Kind of a jump; UNKNOWN where a point has too few neighbours."""

    UNKNOWN = -1
    POINT = 0
    SHARED = 1
    FILE = 2


JUMP_KIND_NAMES: Final = tuple(kind.name.lower() for kind in JumpKind if kind >= 0)
"""Names in the order of ``JumpKind``, as written to tables."""

NEIGHBOUR_SCHEMA: Final = pa.schema(
    [pa.field("jump_neighbours", pa.float32()), pa.field("jump_kind", pa.dictionary(pa.int8(), pa.string()))]
)
"""Columns that are added to a diagnosis if the neighbours are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class FileJumps:
    """All jumps of a table with one time axis, ordered by row and then by time.

    Attributes
    ----------
    begins : ndarray of int64, shape [N + 1]
        The jumps of row i have the indices from ``begins[i]`` to ``begins[i + 1] - 1``.
    epoch : ndarray of int32, shape [M]
        First epoch on the new level.
    mm, mm_std : ndarray of float32, shape [M]
        Change of level and its standard deviation.
    """

    begins: IntArray
    epoch: NDArray[np.int32]
    mm: Float32Array
    mm_std: Float32Array

    @classmethod
    def of(cls, rows: int, parts: Sequence[tuple[IndexArray, Jumps]]) -> FileJumps:
        """Gather the jumps of a table of so many rows from its parts, in order: numbers of rows, and their jumps."""
        counts = np.zeros(rows, dtype=np.int64)
        for numbers, jumps in parts:
            counts[numbers] = jumps.counts

        def joined(name: str, dtype: type[np.generic]) -> NDArray[np.generic]:
            return np.concatenate([np.empty(0, dtype), *(getattr(jumps, name) for _, jumps in parts)])

        return cls(
            np.concatenate([[0], np.cumsum(counts)]),
            joined("epoch", np.int32),  # type: ignore[arg-type]
            joined("mm", np.float32),  # type: ignore[arg-type]
            joined("mm_std", np.float32),  # type: ignore[arg-type]
        )

    @property
    def row(self) -> IntArray:
        """Number of the row of each jump [M], increasing."""
        return np.repeat(np.arange(len(self.begins) - 1), np.diff(self.begins))


@dataclass(frozen=True, slots=True, eq=False)
class JumpKinds:
    """Kinds of all jumps of a table; may be shared between threads.

    Attributes
    ----------
    jumps : FileJumps
    share : ndarray of float32, shape [M]
        Share of the neighbours with values there that jump as well; NaN without such neighbours.
    kind : ndarray of int8, shape [M]
        ``JumpKind``.
    """

    jumps: FileJumps
    share: Float32Array
    kind: Int8Array

    def at(self, rows: IndexArray) -> IndexArray:
        """Return the indices of all jumps of some rows, one row after the other."""
        begins, counts = self.jumps.begins[rows], np.diff(self.jumps.begins)[rows]
        ends = np.cumsum(counts)
        return np.asarray(np.repeat(begins - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0))

    def is_common(self, rows: IndexArray) -> BoolArray:
        """Return which jumps of some rows are shared by neighbours or by the file, one row after the other."""
        return np.asarray(self.kind[self.at(rows)] >= JumpKind.SHARED)

    def to_arrow(self, first_row: int, count: int) -> pa.RecordBatch:
        """Return the columns of ``NEIGHBOUR_SCHEMA`` for some rows: those of the largest jump of each."""
        share = np.full(count, np.nan, dtype=np.float32)
        kind = np.full(count, JumpKind.UNKNOWN, dtype=np.int8)
        own = slice(int(self.jumps.begins[first_row]), int(self.jumps.begins[first_row + count]))
        if own.stop > own.start:
            row = np.repeat(np.arange(count), np.diff(self.jumps.begins[first_row : first_row + count + 1]))
            # The largest jump of each row, of equal ones the first.
            order = np.lexsort((-np.arange(len(row)), np.abs(self.jumps.mm[own]), row))
            last = order[np.flatnonzero(np.append(row[order][1:] != row[order][:-1], True))]
            share[row[last]], kind[row[last]] = self.share[own][last], self.kind[own][last]
        return pa.RecordBatch.from_arrays(
            [
                pa.array(share, mask=np.isnan(share)),
                pa.DictionaryArray.from_arrays(
                    pa.array(kind, mask=kind == JumpKind.UNKNOWN), pa.array(JUMP_KIND_NAMES, pa.string())
                ),
            ],
            schema=NEIGHBOUR_SCHEMA,
        )

    def counts(self, first_row: int, count: int) -> dict[str, int]:
        """Return the numbers of jumps of each kind in some rows, by ``jumps_`` and the name of the kind."""
        own = self.kind[self.jumps.begins[first_row] : self.jumps.begins[first_row + count]]
        return {f"jumps_{kind.name.lower()}": int(np.count_nonzero(own == kind)) for kind in JumpKind}


class PresentEpochs:
    """Which epochs of all rows have a value, one bit each.

    Parameters
    ----------
    bits : ndarray of uint8, shape [N, ceil(T / 8)]
        ``pack`` of the rows.
    epochs : int
        Number T of epochs.
    """

    def __init__(self, bits: NDArray[np.uint8], epochs: int) -> None:
        self._bits = bits
        self._epochs = epochs

    @staticmethod
    def pack(series: Float32Array) -> NDArray[np.uint8]:
        """Return the bits of series [n, T]; NaN = missing."""
        return np.packbits(np.isfinite(series), axis=1)

    def around(self, rows: IndexArray, epoch: NDArray[np.integer]) -> BoolArray:
        """Return whether rows [E] have a value at one of the two epochs before a jump [E], and of the next two."""
        before = self._any(rows, [epoch - 2, epoch - 1])
        return before & self._any(rows, [epoch, epoch + 1])

    def _any(self, rows: IndexArray, epochs: Sequence[NDArray[np.integer]]) -> BoolArray:
        found = np.zeros(len(rows), dtype=np.bool_)
        for epoch in epochs:
            inside = (epoch >= 0) & (epoch < self._epochs)
            place = np.where(inside, epoch, 0)
            found |= inside & ((self._bits[rows, place >> 3] >> (7 - (place & 7))) & 1).astype(np.bool_)
        return found


def find_jump_kinds(
    jumps: FileJumps,
    present: PresentEpochs,
    examined: BoolArray,
    neighbours: Callable[[IndexArray], Iterable[Chunk]],
    file_steps: Sequence[int],
) -> JumpKinds:
    """Return what kind each jump of a table is, from the jumps of the neighbours.

    Parameters
    ----------
    jumps : FileJumps
        All jumps of the N rows.
    present : PresentEpochs
        Of the N rows.
    examined : ndarray of bool, shape [N]
        Rows that have a class, or would have one if it were surer; others do not count as neighbours.
    neighbours : callable
        Returns the neighbours of some rows, in chunks; a row may be among its own.
    file_steps : sequence of int
        Epochs at which the whole file steps.

    Returns
    -------
    JumpKinds
        They depend neither on the order of the neighbours nor on the chunks.
    """
    count = len(jumps.epoch)
    known, agreeing = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for rows, offsets, indices in neighbours(np.unique(jumps.row)):
        found = _count(jumps, present, examined, rows, offsets, indices)
        known[found[0]], agreeing[found[0]] = found[1], found[2]
    share = np.where(known > 0, agreeing / np.maximum(known, 1), np.nan)
    enough = (agreeing >= LEAST_AGREEING) & (share >= LEAST_SHARE)
    kind = np.where(enough, JumpKind.SHARED, np.where(known >= LEAST_NEIGHBOURS, JumpKind.POINT, JumpKind.UNKNOWN))
    for step in file_steps:
        near = np.abs(jumps.epoch - step) <= EPOCHS
        of_file = np.count_nonzero(near) / max(int(np.count_nonzero(examined)), 1)
        # A place may step at the same date by itself: then far more of its points do than of the file.
        kind[near & ~(enough & (share >= FILE_FACTOR * of_file))] = JumpKind.FILE
    return JumpKinds(jumps, share.astype(np.float32), kind.astype(np.int8))


def _count(
    jumps: FileJumps,
    present: PresentEpochs,
    examined: BoolArray,
    rows: IntArray,
    offsets: IntArray,
    indices: IndexArray,
) -> tuple[IndexArray, IntArray, IntArray]:
    """Return the jumps of some rows, and how many neighbours have values there, and jump as well, for each."""
    lengths = np.diff(offsets)
    # Each jump with each neighbour of its row.
    number = np.diff(jumps.begins)[rows]
    jump = np.repeat(jumps.begins[rows] - np.cumsum(number) + number, number) + np.arange(number.sum())
    of_row = np.repeat(np.arange(len(rows)), number)
    size = lengths[of_row]
    pair = np.repeat(np.arange(len(jump)), size)
    begin = np.repeat(offsets[:-1][of_row] - np.cumsum(size) + size, size)
    neighbour = indices[begin + np.arange(size.sum())]
    counting = examined[neighbour] & (neighbour != rows[of_row][pair])
    pair, neighbour = pair[counting], neighbour[counting]
    there = present.around(neighbour, jumps.epoch[jump[pair]])
    pair, neighbour = pair[there], neighbour[there]
    known = np.bincount(pair, minlength=len(jump))
    # Each of these with each jump of the neighbour.
    theirs = np.diff(jumps.begins)[neighbour]
    other = np.repeat(jumps.begins[neighbour] - np.cumsum(theirs) + theirs, theirs) + np.arange(theirs.sum())
    edge = np.repeat(np.arange(len(pair)), theirs)
    alike = edge[_alike(jumps, jump[pair[edge]], other)]
    agreeing = np.bincount(pair[np.unique(alike)], minlength=len(jump))
    return jump, known, agreeing


def _alike(jumps: FileJumps, one: IndexArray, other: IndexArray) -> BoolArray:
    """Return which pairs of jumps are within one epoch and by about as much."""
    first, second = jumps.mm[one].astype(np.float64), jumps.mm[other].astype(np.float64)
    std: FloatArray = np.hypot(jumps.mm_std[one], jumps.mm_std[other]).astype(np.float64)
    larger = np.maximum(np.abs(first), np.abs(second))
    tolerance = np.maximum(ALIKE * larger, ALIKE_STDS * np.nan_to_num(std))
    near = np.abs(jumps.epoch[one] - jumps.epoch[other]) <= EPOCHS
    return np.asarray(near & (np.abs(first - second) <= tolerance) & (first * second > 0))
