"""Rows sorted by which values they lack, those with as many values together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.gls import by_missing

_VALUES_AT_ONCE: Final = 1 << 22
"""Of the matrices, one for each pattern, that are held at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """Rows that have as many values.

    Attributes
    ----------
    rows : ndarray of intp, shape [n]
    missing : ndarray of bool, shape [p, T]
        Each pattern of missing values.
    of_row : ndarray of int64, shape [n]
        Which of them each row has.
    """

    rows: NDArray[np.intp]
    missing: NDArray[np.bool_]
    of_row: NDArray[np.int64]

    @classmethod
    def of(cls, displacement: NDArray[np.floating]) -> Iterator[Patterns]:
        """Sort rows [N, T]."""
        alike: dict[int, list[tuple[NDArray[np.intp], NDArray[np.bool_]]]] = {}
        for rows, missing in by_missing(displacement):
            alike.setdefault(int(np.count_nonzero(missing)), []).append((rows, missing))
        most = max(1, _VALUES_AT_ONCE // max(displacement.shape[1], 1) ** 2)
        for members in alike.values():
            for begin in range(0, len(members), most):
                some = members[begin : begin + most]
                counts = [len(rows) for rows, _ in some]
                yield cls(
                    np.concatenate([rows for rows, _ in some]),
                    np.array([missing for _, missing in some]),
                    np.repeat(np.arange(len(some)), counts),
                )
