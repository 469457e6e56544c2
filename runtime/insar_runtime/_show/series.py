"""The displacement series of one point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.slopes import slopes


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Displacement series of one point.

    Attributes
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    displacement : ndarray of float32, shape [T]
        mm; NaN = missing.
    """

    dates: NDArray[np.datetime64]
    displacement: NDArray[np.float32]

    @property
    def valid_dates(self) -> NDArray[np.datetime64]:
        """Dates with a value, which may be infinite."""
        return self.dates[~np.isnan(self.displacement)]

    @property
    def longest_gap(self) -> tuple[np.datetime64, np.datetime64] | None:
        """First and last date of the longest gap between two values; None with fewer than two values."""
        dates = self.valid_dates
        if len(dates) < 2:
            return None
        place = int(np.diff(dates).argmax())
        return dates[place], dates[place + 1]

    @property
    def slope(self) -> float | None:
        """Least-squares rate over all finite values, mm/yr; None with fewer than two values."""
        finite = np.where(np.isfinite(self.displacement), self.displacement, np.nan)
        days = (self.dates - self.dates[:1]).astype(np.float64)
        slope = float(slopes(finite[None], days, least_epochs=2)[0])
        return None if np.isnan(slope) else slope
