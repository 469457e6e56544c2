"""Rows that lack values, laid out so that matrices of few fixed shapes serve them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LOST_MULTIPLE: Final = 8
"""Missing epochs are padded to a multiple of this, so that a row's matrices have a shape, and bits, of their own."""
_ROWS_TOGETHER: Final = 8
"""The same for rows that lack the same epochs."""
_VALUES_AT_ONCE: Final = 1 << 17

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Which epochs some rows lack, laid out for matrices of fixed shapes.

    Attributes
    ----------
    lost : ndarray of intp, shape [p, m]
        Missing epochs of each pattern; padded.
    padding : ndarray of bool, shape [p, m]
    rows : ndarray of intp, shape [b, r]
        Rows of a block, which share a pattern; padded by its first.
    pattern : ndarray of intp, shape [b]
        Of each block.
    """

    lost: Indices
    padding: NDArray[np.bool_]
    rows: Indices
    pattern: Indices

    @staticmethod
    def of(missing: NDArray[np.bool_], width: int) -> Iterator[Gaps]:
        """Sort rows [n, T] by what they lack; complete ones are in none of the answers."""
        groups: dict[int, list[tuple[Indices, Indices]]] = {}
        _, kind = np.unique(np.packbits(missing, axis=1), axis=0, return_inverse=True)
        order = np.argsort(kind.ravel(), kind="stable")
        for rows in np.split(order, np.cumsum(np.bincount(kind.ravel()))[:-1]):
            lost = np.flatnonzero(missing[rows[0]])
            if len(lost):
                groups.setdefault(-(-len(lost) // _LOST_MULTIPLE), []).append((lost, rows))
        for multiple, members in sorted(groups.items()):
            size = multiple * _LOST_MULTIPLE
            step = max(1, _VALUES_AT_ONCE // (size * width))
            for begin in range(0, len(members), step):
                yield Gaps._laid_out(members[begin : begin + step], size)

    @staticmethod
    def _laid_out(members: list[tuple[Indices, Indices]], size: int) -> Gaps:
        lost = np.zeros((len(members), size), dtype=np.intp)
        padding = np.ones((len(members), size), dtype=np.bool_)
        blocks, pattern = [], []
        for p, (epochs, rows) in enumerate(members):
            lost[p, : len(epochs)], padding[p, : len(epochs)] = epochs, False
            padded = np.concatenate([rows, np.full(-len(rows) % _ROWS_TOGETHER, rows[0])])
            blocks.append(padded.reshape(-1, _ROWS_TOGETHER))
            pattern += [p] * len(blocks[-1])
        return Gaps(lost, padding, np.concatenate(blocks), np.array(pattern, dtype=np.intp))
