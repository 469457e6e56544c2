"""Layout of rows with missing values in arrays of few fixed shapes, padded where necessary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, IndexArray
from insar_runtime._diagnosis.missing_epochs import MissingPatterns

LOST_MULTIPLE: Final = 8
"""The missing epochs of a row are padded to a multiple of this, so that rows with similar numbers share a shape. The
shape depends on the missing epochs of the row alone, and so do the bits of its results."""
_ROWS_TOGETHER: Final = 8
"""The rows with the same missing epochs are padded to a multiple of this."""
_VALUES_AT_ONCE: Final = 1 << 17
"""Number of float64 values of an array that fits into the cache of a core."""


@dataclass(frozen=True, slots=True, eq=False)
class GapLayout:
    """Missing epochs of some rows, in arrays of fixed shapes.

    Attributes
    ----------
    lost : ndarray of intp, shape [p, m]
        Missing epochs of each pattern, padded with T.
    padding : ndarray of bool, shape [p, m]
        Which of them are padding.
    rows : ndarray of intp, shape [b, r]
        Rows of each block, which share a pattern; padded with the first row of the block.
    pattern : ndarray of intp, shape [b]
        Pattern of each block.
    row, place : ndarray of intp, shape [k]
        Each row once, and its index in the concatenation of all blocks.
    """

    lost: IndexArray
    padding: BoolArray
    rows: IndexArray
    pattern: IndexArray
    row: IndexArray
    place: IndexArray

    @property
    def pattern_of_row(self) -> IndexArray:
        """Pattern of each row [k]."""
        return self.pattern[self.place // _ROWS_TOGETHER]

    @staticmethod
    def of(patterns: MissingPatterns, width: int) -> Iterator[GapLayout]:
        """Yield the layouts of rows, without those that are complete.

        Parameters
        ----------
        patterns : MissingPatterns
            The rows.
        width : int
            Number of values that the caller computes per missing epoch.
        """
        groups: dict[int, list[tuple[IndexArray, IndexArray]]] = {}
        for missing, rows in zip(patterns.missing, patterns.rows, strict=True):
            lost = np.flatnonzero(missing)
            if len(lost):
                groups.setdefault(-(-len(lost) // LOST_MULTIPLE), []).append((lost, rows))
        for multiple, members in sorted(groups.items()):
            size = multiple * LOST_MULTIPLE
            step = max(1, _VALUES_AT_ONCE // (size * width))
            for begin in range(0, len(members), step):
                yield GapLayout._laid_out(members[begin : begin + step], size, patterns.missing.shape[1])

    @staticmethod
    def _laid_out(members: list[tuple[IndexArray, IndexArray]], size: int, epochs: int) -> GapLayout:
        lost = np.full((len(members), size), epochs, dtype=np.intp)
        blocks, pattern = [], []
        for p, (missing, rows) in enumerate(members):
            lost[p, : len(missing)] = missing
            padded = np.concatenate([rows, np.full(-len(rows) % _ROWS_TOGETHER, rows[0])])
            blocks.append(padded.reshape(-1, _ROWS_TOGETHER))
            pattern += [p] * len(blocks[-1])
        rows = np.concatenate(blocks)
        row, place = np.unique(rows, return_index=True)
        return GapLayout(lost, lost == epochs, rows, np.array(pattern, dtype=np.intp), row, place)
