"""Two releases that are cut from one table, and what a join of them must give back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.runtime.tables import series, wide, write


@dataclass(frozen=True, eq=False)
class Cut:
    """A table and two releases of it: rows, first epoch of the new one and end of the old one, offsets per point."""

    displacement: np.ndarray
    dates: np.ndarray
    old_rows: np.ndarray
    new_rows: np.ndarray
    old_end: int
    new_begin: int
    offsets: np.ndarray

    def old(self, *, prefix: str = "") -> pa.Table:
        return _rows(self.displacement[:, : self.old_end], self.dates[: self.old_end], self.old_rows, prefix)

    def new(self, *, prefix: str = "") -> pa.Table:
        moved = self.displacement + self.offsets[:, None]
        return _rows(moved[:, self.new_begin :], self.dates[self.new_begin :], self.new_rows, prefix)

    def write(self, folder: Path, kind: str = "parquet") -> tuple[Path, Path]:
        return write(self.old(), folder / f"old.{kind}"), write(self.new(), folder / f"new.{kind}")

    @property
    def both(self) -> np.ndarray:
        """Numbers of the points that both have."""
        return np.intersect1d(self.old_rows, self.new_rows)


def _rows(displacement: np.ndarray, dates: np.ndarray, rows: np.ndarray, prefix: str) -> pa.Table:
    return wide(displacement, dates, prefix=prefix).take(pa.array(rows))


def cut(
    points: int = 60, epochs: int = 90, *, old_end: int = 70, new_begin: int = 25, lost: float = 0.05, seed: int = 0
) -> Cut:
    """Cut two releases from noise on some rates; rows in random order, some points in one of them only."""
    rng = np.random.default_rng(seed)
    displacement, dates = series(points, epochs, seed)
    order = rng.permutation(points)
    count = round(lost * points)
    return Cut(
        displacement,
        dates,
        old_rows=rng.permutation(order[count:]),
        new_rows=rng.permutation(np.concatenate([order[:count], order[2 * count :]])),
        old_end=old_end,
        new_begin=new_begin,
        offsets=np.round(rng.normal(3, 8, points), 2),
    )
