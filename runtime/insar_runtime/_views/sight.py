"""What a picture of a point shows: its series, with and without repaired jumps, and the trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insar_runtime._views.diagnosed import FoundBreak, FoundJump, PointDiagnosis
from insar_runtime._views.point import Answer, Series
from insar_runtime._views.trend import Shape, Shapes, fit_trends
from insar_runtime.classes import CLASS_NAMES, NO_CLASS


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What is drawn of a point.

    Attributes
    ----------
    series : Series
        As the file has it.
    class_name : str or None
        Class of the series.
    diagnosis : PointDiagnosis or None
    corrected : ndarray of float64, shape [T], or None
        mm without the repaired jumps; None where there are none.
    shape : Shape
        Of the trend.
    trend_dates, trend : ndarray of datetime64[D] and of float64, shape [m]
        Corners of the trend, mm; none without a diagnosis.
    """

    series: Series
    class_name: str | None
    diagnosis: PointDiagnosis | None
    corrected: NDArray[np.float64] | None
    shape: Shape
    trend_dates: NDArray[np.datetime64]
    trend: NDArray[np.float64]

    @classmethod
    def of(cls, series: Series, answer: Answer | None, diagnosis: PointDiagnosis | None) -> Sight:
        """Work out what is to be drawn."""
        name = answer.class_name if answer else None
        if diagnosis is None:
            return cls(series, name, None, None, Shape.NONE, series.dates[:0], np.empty(0))
        values = series.displacement.astype(np.float64)
        corrected = values - diagnosis.offsets(series.dates) if diagnosis.repairs else None
        trusted = diagnosis.class_after_repair or name or (answer.class_top if answer else None)
        days = series.dates.astype("datetime64[D]").astype(np.float64)
        trends = fit_trends((values if corrected is None else corrected)[None], days, _shapes(diagnosis, trusted))
        corners, mm = trends.curve(0)
        corner_dates = np.round(corners).astype("datetime64[D]")
        return cls(series, name, diagnosis, corrected, Shape(int(trends.shape[0])), corner_dates, mm)

    @property
    def change(self) -> FoundBreak | None:
        """The break, if there is one."""
        return self.diagnosis.change if self.diagnosis else None

    @property
    def jumps(self) -> tuple[FoundJump, ...]:
        """The jumps; none where none were looked for."""
        return (self.diagnosis.jumps or ()) if self.diagnosis else ()

    @property
    def shown(self) -> NDArray[np.float64]:
        """The series without repaired jumps, [T]."""
        return self.series.displacement.astype(np.float64) if self.corrected is None else self.corrected


def _shapes(diagnosis: PointDiagnosis, class_name: str | None) -> Shapes:
    change = diagnosis.change
    numbers = {
        "velocity": diagnosis.velocity and diagnosis.velocity.value,
        "acceleration": diagnosis.acceleration and diagnosis.acceleration.value,
        "break_day": change and float(change.day.astype("datetime64[D]").astype(np.float64)),
        "before": change and change.before.value,
        "after": change and change.after.value,
    }
    columns = {name: np.array([np.nan if value is None else value]) for name, value in numbers.items()}
    class_id = CLASS_NAMES.index(class_name) if class_name else NO_CLASS
    return Shapes.by_class(np.array([class_id]), **columns)
