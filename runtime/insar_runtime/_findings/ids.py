"""Ids of all rows of a file, read as a single column: number of rows, missing and repeated ids."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_MOST_IDS: Final = 10_000_000
"""Most ids that are compared; each takes 8 bytes, and 8 more for sorting."""
_MULTIPLIER: Final = np.uint64(0xBF58476D1CE4E5B9)
"""Multiplier of the mixing step of splitmix64."""
_SHIFT: Final = np.uint64(29)


@dataclass(frozen=True, slots=True)
class IdColumn:
    """Findings about the column of ids.

    Attributes
    ----------
    rows : int
        Number of rows read.
    complete : bool
        Whether these are all rows of the file.
    compared : int
        Number of rows whose ids were compared.
    missing : int
        Number of these rows without an id.
    repeated : int
        Number of rows with the id of an earlier row.
    example_rows : tuple of int
        First two rows with the same id, counted from 0; empty without any.
    """

    rows: int
    complete: bool
    compared: int
    missing: int
    repeated: int
    example_rows: tuple[int, ...]


def examine_ids(ids: Iterator[pa.Array], *, seconds: float, compare: bool = True) -> IdColumn:
    """Read a column of ids within a time limit.

    Parameters
    ----------
    ids : iterator of pyarrow.Array
        The column in pieces, of any type; texts, integers and dictionaries of texts are compared.
    seconds : float
        Time after which no more pieces are read.
    compare : bool
        Whether to compare the ids; otherwise the rows are only counted.
    """
    end = time.monotonic() + seconds
    known = _Hashes()
    rows, complete = 0, True
    for piece in ids:
        if compare:
            known.add(piece)
        rows += len(piece)
        if time.monotonic() > end:
            complete = False
            break
    repeated, example_rows = known.repeated()
    return IdColumn(
        rows=rows,
        complete=complete,
        compared=known.compared,
        missing=known.missing,
        repeated=repeated,
        example_rows=example_rows,
    )


def id_at(ids: Iterator[pa.Array], row: int) -> str | None:
    """Return the id of a row, reading the column again up to it; None if the column is shorter."""
    for piece in ids:
        if row < len(piece):
            return str(piece[row].as_py())
        row -= len(piece)
    return None


class _Hashes:
    """Hashes of ids in the order of the rows; 0 for a missing id.

    Among 10 million different ids, two have the same hash with a probability of 3 in a million.
    """

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.uint64]] = []
        self.compared = self.missing = 0
        self._comparable = True

    def add(self, ids: pa.Array) -> None:
        """Add the ids of the next rows, up to the limit."""
        ids = ids.slice(0, _MOST_IDS - self.compared)
        hashes = hash_ids(ids) if self._comparable and len(ids) else None
        if hashes is None:
            self._comparable = self._comparable and not len(ids)
            return
        self._pieces.append(hashes)
        self.compared += len(hashes)
        self.missing += int(np.count_nonzero(hashes == 0))

    def repeated(self) -> tuple[int, tuple[int, ...]]:
        """Return the number of rows with the id of an earlier row, and the first two rows with the same id."""
        hashes = np.concatenate(self._pieces) if self._pieces else np.empty(0, dtype=np.uint64)
        self._pieces = []
        ordered = np.sort(hashes[hashes != 0])
        again = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(again):
            return 0, ()
        first = int(np.isin(hashes, again).argmax())
        return len(again), (first, first + 1 + int((hashes[first + 1 :] == hashes[first]).argmax()))


def hash_ids(ids: pa.Array) -> NDArray[np.uint64] | None:
    """Return hashes of texts or integers; the same id has the same hash in each piece of a file.

    Returns
    -------
    ndarray of uint64, shape [N], or None
        0 for null and for an empty text; None for other types.
    """
    if pa.types.is_dictionary(ids.type):
        ids = ids.dictionary_decode()
    valid: Any = ids.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_integer(ids.type):
        numbers: Any = ids.cast(pa.int64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
        hashes = _mixed(np.ones(len(ids), dtype=np.uint64), np.ascontiguousarray(numbers).view(np.uint64))
        return np.where(valid, hashes, np.uint64(0))
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)):
        return None
    ids = ids.cast(pa.large_string())
    _, offset_buffer, text_buffer = ids.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int64, count=len(ids) + 1, offset=8 * ids.offset)
    text = np.frombuffer(text_buffer or b"", dtype=np.uint8)
    return np.where(valid, _hash_texts(text, offsets[:-1], np.diff(offsets)), np.uint64(0))


def _hash_texts(text: NDArray[np.uint8], begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the hashes of texts, mixed from eight bytes at a time; 0 for empty ones."""
    hashes = np.where(lengths > 0, lengths, 0).astype(np.uint64)
    for done in range(0, int(lengths.max(initial=0)), 8):
        rows = np.flatnonzero(lengths > done)
        places = begins[rows, None] + done + np.arange(8)
        inside = np.arange(8) < (lengths[rows] - done)[:, None]
        block = np.where(inside, text[np.minimum(places, len(text) - 1)], np.uint8(0))
        hashes[rows] = _mixed(hashes[rows], np.ascontiguousarray(block).view(np.uint64)[:, 0])
    return hashes


def _mixed(hashes: NDArray[np.uint64], words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return hashes with a word mixed into each; never 0."""
    mixed = (hashes ^ words) * _MULTIPLIER
    mixed = (mixed ^ (mixed >> _SHIFT)) * _MULTIPLIER
    mixed ^= mixed >> _SHIFT
    hashed: NDArray[np.uint64] = np.maximum(mixed, np.uint64(1))
    return hashed
