"""Difference between two releases that all points share: offset, trend, season, and what contradicts one product."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.robust import nanmedian, robust_scatter
from insar_runtime._input.slopes import slopes
from insar_runtime._releases.join.offsets import JoinLimits, measure_offsets
from insar_runtime.definitions import DAYS_PER_YEAR
from insar_runtime.errors import DataError

MOST_POINTS: Final = 5000
"""Points of which the difference is measured, spread over the file."""
_LEAST_POINTS: Final = 30
"""Points without which nothing is said of what all points share."""
_START_EPOCHS: Final = 10
_SEASON_YEARS: Final = 1.0
_SIGMAS: Final = 4.0
_SLOPE_MM_YR: Final = 0.2
_STEP_MM: Final = 0.5
_SEASON_MM: Final = 0.5
"""Least common trend, step and season that are spoken of. Our choice."""
_OF_MEDIAN: Final = float(np.sqrt(np.pi / 2))
_ALIKE: Final = 0.5
"""Agreement of the changes from epoch to epoch from which on the sizes of both are compared."""
_OPPOSITE: Final = -0.5
_OTHER_SCALE: Final = 5.0
"""Ratio of these sizes from which on the units differ: centimetres are 10 mm."""


@dataclass(frozen=True, slots=True)
class ReferenceDifference:
    """What new less old is at the common epochs, over points that both releases have.

    Attributes
    ----------
    points : int
        Points that were compared.
    offset_mm, offset_spread_mm : float or None
        Median of the offsets of the points, and 1.4826 times their median absolute deviation.
    scatter_mm : float or None
        Median over the points of the scatter of the differences about the offset.
    slope_mm_yr, slope_spread_mm_yr : float or None
        The same as of the offsets, of the slopes of the differences.
    step_mm : float or None
        What all points step by at the join beside their offset: median of the first ten common epochs.
    season_mm : float or None
        Amplitude of an annual cycle that all points share; None if there is less than a year.
    agreement : float or None
        Mean product of the signs of larger changes from epoch to epoch: 1 for equal series, 0 for unrelated ones.
    """

    points: int
    offset_mm: float | None = None
    offset_spread_mm: float | None = None
    scatter_mm: float | None = None
    slope_mm_yr: float | None = None
    slope_spread_mm_yr: float | None = None
    step_mm: float | None = None
    season_mm: float | None = None
    agreement: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values of four digits."""
        return {
            name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in asdict(self).items()
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it: another reference is no motion."""
        notes = []
        if self.slope_mm_yr is not None and self.slope_spread_mm_yr is not None:
            error = _OF_MEDIAN * self.slope_spread_mm_yr / max(self.points, 1) ** 0.5
            if abs(self.slope_mm_yr) >= max(_SLOPE_MM_YR, _SIGMAS * error):
                notes.append(
                    f"the releases differ by a trend of {self.slope_mm_yr:+.2g} mm/yr that all points share: another "
                    "reference? It stays in the series, and rates before and after the join differ by it"
                )
        if self.season_mm is not None and self.season_mm >= _SEASON_MM:
            notes.append(
                f"the releases differ by an annual cycle of {self.season_mm:.2g} mm that all points share: another "
                "reference, or another model of the season?"
            )
        if self.step_mm is not None and abs(self.step_mm) >= _STEP_MM:
            notes.append(
                f"at the join, all points step by {self.step_mm:+.2g} mm, as the difference of the releases is not "
                "constant; classify takes it out"
            )
        return tuple(notes)


def measure_reference(
    old: NDArray[np.float32], new: NDArray[np.float32], dates: NDArray[np.datetime64], limits: JoinLimits
) -> tuple[ReferenceDifference, NDArray[np.float64]]:
    """Measure the difference of two releases on a sample of their points.

    Parameters
    ----------
    old, new : ndarray of float32, shape [n, C]
        Both series of each point at the common epochs, mm; NaN = missing.
    dates : ndarray of datetime64[D], shape [C]
        The common epochs.
    limits : JoinLimits
        Points with fewer common epochs do not count.

    Returns
    -------
    difference : ReferenceDifference
    common_mm : ndarray of float64, shape [C]
        What all points depart by from their offsets at each epoch; 0 where that is not known.

    Raises
    ------
    DataError
        If the series of the same points have opposite signs, or other units.
    """
    enough = np.count_nonzero(np.isfinite(old) & np.isfinite(new), axis=1) >= limits.epochs
    before, after = old[enough].astype(np.float64), new[enough].astype(np.float64)
    before[~np.isfinite(before)] = after[~np.isfinite(after)] = np.nan
    if len(before) < _LEAST_POINTS:
        return ReferenceDifference(len(before)), np.zeros(len(dates))
    agreement = _compare_changes(before, after)
    differences = after - before
    offsets = measure_offsets(before, after, limits)
    common = nanmedian(differences - offsets.mm[:, None], 0)
    common = np.where(np.count_nonzero(~np.isnan(differences), axis=0) >= _LEAST_POINTS, common, np.nan)
    days = (dates - dates[:1]).astype(np.float64)
    slope = slopes(differences, days, least_epochs=limits.epochs)
    middle, slope_middle = float(np.median(offsets.mm)), float(np.nanmedian(slope))
    start = common[:_START_EPOCHS]
    return (
        ReferenceDifference(
            points=len(before),
            offset_mm=middle,
            offset_spread_mm=_spread(offsets.mm - middle),
            scatter_mm=float(np.median(offsets.scatter_mm)),
            slope_mm_yr=slope_middle,
            slope_spread_mm_yr=_spread(slope - slope_middle),
            step_mm=float(np.nanmedian(start)) if np.isfinite(start).any() else None,
            season_mm=_season(common, days),
            agreement=agreement,
        ),
        np.nan_to_num(common),
    )


def _spread(values: NDArray[np.float64]) -> float:
    return float(robust_scatter(values, 0))


def _compare_changes(old: NDArray[np.float64], new: NDArray[np.float64]) -> float | None:
    """Return the agreement of the changes from epoch to epoch; refuse opposite signs and other units."""
    changes = [np.diff(values, axis=1) for values in (old, new)]
    there = np.isfinite(changes[0]) & np.isfinite(changes[1])
    first, second = (change[there] for change in changes)
    if len(first) < _LEAST_POINTS:
        return None
    sizes = [float(np.median(np.abs(values))) for values in (first, second)]
    # Robust to jumps: by the signs of changes that are not small.
    large = (np.abs(first) >= sizes[0]) & (np.abs(second) >= sizes[1]) & (first != 0) & (second != 0)
    if np.count_nonzero(large) < _LEAST_POINTS:
        return None
    agreement = float(np.mean(np.sign(first[large]) * np.sign(second[large])))
    if agreement <= _OPPOSITE:
        raise DataError(
            "the series of the same points have opposite signs in OLD and NEW: multiply those of one release by -1"
        )
    if agreement >= _ALIKE and min(sizes) > 0:
        ratio = sizes[1] / sizes[0]
        if not 1 / _OTHER_SCALE < ratio < _OTHER_SCALE:
            raise DataError(
                f"the series of the same points change {ratio:.3g} times as much in NEW as in OLD: other units? Bring "
                "the one that is not in mm to it with insar-rt convert --units"
            )
    return agreement


def _season(common: NDArray[np.float64], days: NDArray[np.float64]) -> float | None:
    """Return the amplitude of an annual cycle beside a line."""
    known = np.isfinite(common)
    years = days[known] / DAYS_PER_YEAR
    if len(years) < 2 * _START_EPOCHS or years[-1] - years[0] < _SEASON_YEARS:
        return None
    angle = 2 * np.pi * years
    design = np.stack([np.ones_like(years), years, np.sin(angle), np.cos(angle)], axis=1)
    found = np.linalg.lstsq(design, common[known], rcond=None)[0]
    return float(np.hypot(found[2], found[3]))
