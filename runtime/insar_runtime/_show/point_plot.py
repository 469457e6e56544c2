"""What a picture of a point shows: its series, with and without repaired jumps, and the trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.rates.egms_rates import estimate_rates
from insar_runtime._diagnosis.trend.curves import Shape, Shapes, fit_trends
from insar_runtime._diagnosis.trend.stepped_trend import stepped_trend
from insar_runtime._show.point_diagnosis import Estimate, FoundBreak, FoundJump, PointDiagnosis
from insar_runtime._show.point_result import PointResult
from insar_runtime._show.series import Series
from insar_runtime.classes import CLASS_NAMES, NO_CLASS

_CURVE_POINTS: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class PointPlot:
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
    velocity, acceleration : Estimate or None
        Rates of the trend without jumps, if there are any; else those of the diagnosis.
    shape : Shape
        Of the trend.
    trend_dates, trend : ndarray of datetime64[D] and of float64, shape [m]
        Corners of the trend, mm, which jumps where the series does; none without a diagnosis.
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
        """Work out what is to be drawn."""
        name = answer.class_name if answer else None
        days = series.dates.astype("datetime64[D]").astype(np.float64)
        if diagnosis is None:
            return cls(series, name, None, None, None, None, Shape.NONE, series.dates[:0], np.empty(0))
        values = series.displacement.astype(np.float64)
        corrected = values - diagnosis.offsets(series.dates) if diagnosis.repairs else None
        shown = values if corrected is None else corrected
        velocity, acceleration = diagnosis.velocity, diagnosis.acceleration
        if diagnosis.jumps:
            # The diagnosis has the rates of the series with its jumps.
            velocity, acceleration = _rates_of(shown - diagnosis.offsets(series.dates, repaired=False), days)
        trusted = diagnosis.class_after_repair or name or (answer.class_top if answer else None)
        left = [jump for jump in diagnosis.jumps or () if not jump.repaired]
        shapes = _shapes(velocity, acceleration, diagnosis.change, trusted)
        # The rates about a break are those of the series with the jumps that were not repaired.
        if left and shapes.shape[0] != Shape.BROKEN:
            return cls(series, name, diagnosis, corrected, *_stepped(shown, days, left, trusted))
        trends = fit_trends(shown[None], days, shapes)
        corners, mm = trends.curve(0)
        trend_dates = np.round(corners).astype("datetime64[D]")
        shape = Shape(int(trends.shape[0]))
        return cls(series, name, diagnosis, corrected, velocity, acceleration, shape, trend_dates, mm)

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


def _stepped(
    values: NDArray[np.float64],
    days: NDArray[np.float64],
    jumps: Sequence[FoundJump],
    class_name: str | None,
) -> tuple[Estimate | None, Estimate | None, Shape, NDArray[np.datetime64], NDArray[np.float64]]:
    """Return velocity, acceleration, shape, and corners of a trend that jumps."""
    steps = np.array([jump.day for jump in jumps], dtype="datetime64[D]").astype(np.float64)
    sizes = np.array([jump.mm.value for jump in jumps])
    class_id = CLASS_NAMES.index(class_name) if class_name else NO_CLASS
    found = stepped_trend(values, days, steps, sizes, class_id)
    if found is None:
        return None, None, Shape.NONE, np.empty(0, dtype="datetime64[D]"), np.empty(0)
    there = days[np.isfinite(values)]
    corners = np.linspace(there[0], there[-1], _CURVE_POINTS) if found.curved else there[[0, -1]]
    edges = np.concatenate([steps - 1, steps])
    at = np.unique(np.concatenate([np.round(corners), edges[(there[0] < edges) & (edges < there[-1])]]))
    mm = found.polynomial(at) + (at[:, None] >= steps) @ found.steps
    velocity = Estimate(found.rate, found.rate_std)
    acceleration = Estimate(2 * float(found.coefficients[-1]), None) if found.curved else None
    shape = Shape.PARABOLA if found.curved else Shape.LINE
    return velocity, acceleration, shape, at.astype("datetime64[D]"), mm


def _rates_of(values: NDArray[np.float64], days: NDArray[np.float64]) -> tuple[Estimate | None, Estimate | None]:
    """Estimate velocity and acceleration of one series."""
    rates = estimate_rates(values[None].astype(np.float32), days)
    pairs = ((rates.velocity, rates.velocity_std), (rates.acceleration, rates.acceleration_std))
    found = ((float(value[0]), float(std[0])) for value, std in pairs)
    velocity, acceleration = (Estimate(value, std) if np.isfinite(value) else None for value, std in found)
    return velocity, acceleration


def _shapes(
    velocity: Estimate | None, acceleration: Estimate | None, change: FoundBreak | None, class_name: str | None
) -> Shapes:
    numbers = {
        "velocity": velocity and velocity.value,
        "acceleration": acceleration and acceleration.value,
        "break_day": change and float(change.day.astype("datetime64[D]").astype(np.float64)),
        "before": change and change.before.value,
        "after": change and change.after.value,
    }
    columns = {name: np.array([np.nan if value is None else value]) for name, value in numbers.items()}
    class_id = CLASS_NAMES.index(class_name) if class_name else NO_CLASS
    return Shapes.by_class(np.array([class_id]), **columns)
