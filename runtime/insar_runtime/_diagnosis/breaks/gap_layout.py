"""Rows that lack values, laid out so that matrices of few fixed shapes serve them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, IndexArray
from insar_runtime._diagnosis.missing import MissingPatterns

LOST_MULTIPLE: Final = 8
"""Missing epochs are padded to a multiple of this: rows that lack similarly many share a shape, which depends on what
a row lacks alone, and so do its bits."""
_ROWS_TOGETHER: Final = 8
"""The same for rows that lack the same epochs."""
_VALUES_AT_ONCE: Final = 1 << 17
"""A matrix of so many float64 values stays in the cache of a core."""


@dataclass(frozen=True, slots=True, eq=False)
class GapLayout:
    """Which epochs some rows lack, laid out for matrices of fixed shapes.

    Attributes
    ----------
    lost : ndarray of intp, shape [p, m]
        Missing epochs of each pattern; padded by T.
    padding : ndarray of bool, shape [p, m]
    rows : ndarray of intp, shape [b, r]
        Rows of a block, which share a pattern; padded by its first.
    pattern : ndarray of intp, shape [b]
        Of each block.
    row, place : ndarray of intp, shape [k]
        Each row once, and where it is in all blocks, one after the other.
    """

    lost: IndexArray
    padding: BoolArray
    rows: IndexArray
    pattern: IndexArray
    row: IndexArray
    place: IndexArray

    @property
    def pattern_of_row(self) -> IndexArray:
        """Pattern [k] of each row."""
        return self.pattern[self.place // _ROWS_TOGETHER]

    @staticmethod
    def of(patterns: MissingPatterns, width: int) -> Iterator[GapLayout]:
        """Sort rows [n, T] by what they lack; complete ones are in none of the answers.

        ``width`` is that of the matrices that come of it, for each missing epoch.
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
