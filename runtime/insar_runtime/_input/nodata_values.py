"""No-data values: numbers that stand for a missing value in some products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FILLERS: Final = (-9999.0, 9999.0, -999.0, 999.0, -32768.0, -99999.0)


@dataclass(frozen=True, slots=True)
class Fillers:
    """The no-data value that occurs most often in the first rows of a table, its number, and that of these rows."""

    value: float
    count: int
    rows: int

    @property
    def note(self) -> str:
        """What a person should know of it."""
        times = "once" if self.count == 1 else f"{self.count} times"
        return (
            f"the value {self.value:g} occurs {times} in the first {self.rows} rows: if it means no value, write "
            f"those cells empty, or their series are misread"
        )


def count_fillers(series: NDArray[np.float32]) -> dict[str, int]:
    """Return how often each of them occurs in series of any shape; those that do not are left out."""
    counts = {f"{filler:g}": int(np.count_nonzero(series == filler)) for filler in FILLERS}
    return {name: count for name, count in counts.items() if count}


def find_fillers(series: NDArray[np.float32]) -> Fillers | None:
    """Return the no-data value that occurs most often in series [N, T]; None if there is none."""
    counts = count_fillers(series)
    if not counts:
        return None
    name = max(counts, key=lambda name: counts[name])
    return Fillers(float(name), counts[name], len(series))
