"""The published rule for recent changes, as a baseline.

Raspini et al., Continuous, semi-automatic monitoring of ground deformation using Sentinel-1 satellites, Scientific
Reports 8:7253, 2018: a point is anomalous if its velocity changes by more than 10 mm/yr within the last 150 days. How
both velocities are fitted is read in two ways here: two lines of their own, and two lines that meet.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from insar_runtime.definitions import DAYS_PER_YEAR

RULE_DAYS: Final = 150
RULE_MM_YR: Final = 10.0

Reading = Literal["two lines", "lines that meet"]
READINGS: Final[tuple[Reading, ...]] = ("two lines", "lines that meet")


def rate_change(
    displacement: NDArray[np.floating], days: NDArray[np.floating], reading: Reading
) -> NDArray[np.float64]:
    """Return the rate of the last 150 days less that before, by least squares with equal weights, mm/yr.

    Parameters
    ----------
    displacement : ndarray of float, shape [n, T]
        mm, without missing values.
    days : ndarray of float, shape [T]
    reading : {"two lines", "lines that meet"}
        Whether both lines have levels of their own, or meet where the window begins.
    """
    years = np.asarray(days, dtype=np.float64) / DAYS_PER_YEAR
    begin = years[-1] - RULE_DAYS / DAYS_PER_YEAR
    recent = years > begin
    values = np.asarray(displacement, dtype=np.float64)
    if reading == "two lines":
        return np.asarray(_slope(values[:, recent], years[recent]) - _slope(values[:, ~recent], years[~recent]))
    design = np.stack([np.ones_like(years), years, np.maximum(years - begin, 0)], axis=1)
    return np.asarray(np.linalg.lstsq(design, values.T, rcond=None)[0][2])


def _slope(values: NDArray[np.float64], years: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = years - years.mean()
    return np.asarray(values @ centred / (centred @ centred))
