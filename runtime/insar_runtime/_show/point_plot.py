"""The plot of a point: its series with and without repaired jumps, its trend, break and jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.trend.curves import Shape
from insar_runtime._diagnosis.trend.point_trends import fit_point_trends, trend_class
from insar_runtime._show.point_diagnosis import Estimate, FoundBreak, FoundJump, PointDiagnosis, as_days
from insar_runtime._show.point_result import PointResult
from insar_runtime._show.series import Series
from insar_runtime.classes import CLASS_NAMES, NO_CLASS


@dataclass(frozen=True, slots=True, eq=False)
class PointPlot:
    """Contents of the plot of a point.

    Attributes
    ----------
    series : Series
        As in the file.
    class_name : str or None
        Class of the series, for its colour.
    diagnosis : PointDiagnosis or None
    corrected : ndarray of float64, shape [T], or None
        mm, without the repaired jumps; None without any.
    velocity, acceleration : Estimate or None
        Rates of the trend, mm/yr and mm/yr^2; of a series with jumps, without them.
    shape : Shape
        Kind of the trend.
    trend_dates, trend : ndarray of datetime64[D] and of float64, shape [m]
        Corners of the trend, mm, with steps at jumps that are not repaired; empty without a diagnosis.
    """

    series: Series
    class_name: str | None
    diagnosis: PointDiagnosis | None
    corrected: NDArray[np.float64] | None
    velocity: Estimate | None
    acceleration: Estimate | None
    shape: Shape
    trend_dates: NDArray[np.datetime64]
    trend: NDArray[np.float64]

    @classmethod
    def of(cls, series: Series, answer: PointResult | None, diagnosis: PointDiagnosis | None) -> PointPlot:
        """Fit the trend of a diagnosed point; without a diagnosis there is none."""
        name = answer.class_name if answer else None
        if diagnosis is None:
            return cls(series, name, None, None, None, None, Shape.NONE, series.dates[:0], np.empty(0))
        ids = (diagnosis.class_after_repair, name, answer.class_top if answer else None)
        found = fit_point_trends(
            series.displacement[None].astype(np.float64),
            as_days(series.dates),
            trend_class(*(np.array([CLASS_NAMES.index(known) if known else NO_CLASS]) for known in ids)),
            diagnosis.rates,
            diagnosis.trend_jumps,
        )
        days, mm = found.corners(0)
        return cls(
            series=series,
            class_name=name,
            diagnosis=diagnosis,
            corrected=found.corrected[0] if diagnosis.repairs else None,
            velocity=_estimate(found.velocity, found.velocity_std),
            acceleration=_estimate(found.acceleration, found.acceleration_std),
            shape=Shape(int(found.curves.shape[0])),
            trend_dates=np.round(days).astype("datetime64[D]"),
            trend=mm,
        )

    @property
    def change(self) -> FoundBreak | None:
        """The break, if there is one."""
        return self.diagnosis.change if self.diagnosis else None

    @property
    def jumps(self) -> tuple[FoundJump, ...]:
        """The jumps, if there are any."""
        return (self.diagnosis.jumps or ()) if self.diagnosis else ()

    @property
    def shown(self) -> NDArray[np.float64]:
        """The series without repaired jumps, [T]."""
        return self.series.displacement.astype(np.float64) if self.corrected is None else self.corrected


def _estimate(value: NDArray[np.float64], std: NDArray[np.float64]) -> Estimate | None:
    """Return the first element of each array; None for NaN."""
    if np.isnan(value[0]):
        return None
    return Estimate(float(value[0]), None if np.isnan(std[0]) else float(std[0]))
