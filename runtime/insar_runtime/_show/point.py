"""One point of a table: its series, class, diagnosis and attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from insar_runtime._classified.scalars import short
from insar_runtime._show.point_diagnosis import PointDiagnosis
from insar_runtime._show.point_result import PointResult
from insar_runtime._show.series import Series


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One point of a table.

    Attributes
    ----------
    file, container : str
        Path and container of the table.
    id : str or None
        None if the file has no ids.
    row : int
        Number of the row, from 0.
    same_id : int
        Number of rows with this id; 1 if the point was selected by its row.
    same_rows : tuple of int
        Numbers of the first ten of these rows.
    position : dict of str to float
        ``longitude`` and ``latitude``, ``easting`` and ``northing``, as far as the file has them.
    velocity : float or None
        Velocity in the file, mm/yr.
    velocity_column : str or None
    series : Series or None
        None for a classified file without series.
    unit, unit_evidence, sign : str or None
        Of the series in the file.
    answer : PointResult or None
        Its class; None if it was not classified: see the notes.
    stored : PointResult or None
        The class in the file, if the point was classified again.
    diagnosis : PointDiagnosis or None
        Rates, break and jumps; None if it was not diagnosed.
    attributes : dict of str to Any
        The other columns, plain values only.
    notes : tuple of str
        Remarks for people.
    """

    file: str
    container: str
    id: str | None
    row: int
    same_id: int
    same_rows: tuple[int, ...]
    position: dict[str, float]
    velocity: float | None
    velocity_column: str | None
    series: Series | None
    unit: str | None
    unit_evidence: str | None
    sign: str | None
    answer: PointResult | None
    stored: PointResult | None
    diagnosis: PointDiagnosis | None
    attributes: dict[str, Any]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; None for missing, unknown and infinite ones."""
        names = ("file", "container", "id", "row", "same_id", "same_rows", "position", "unit", "unit_evidence", "sign")
        return {
            **{name: getattr(self, name) for name in names},
            "velocity_mm_per_year": self.velocity,
            "velocity_column": self.velocity_column,
            **(_series_facts(self.series) if self.series else {"dates": None, "displacement_mm": None}),
            "answer": self.answer and self.answer.to_dict(),
            "stored": self.stored and self.stored.to_dict(),
            "diagnosis": self.diagnosis and self.diagnosis.to_dict(),
            "corrected_mm": self._corrected(),
            "attributes": self.attributes,
            "notes": self.notes,
        }

    def _corrected(self) -> list[float | None] | None:
        """Return the series without the repaired jumps; None without any."""
        if self.series is None or self.diagnosis is None or not self.diagnosis.repairs:
            return None
        offsets = self.diagnosis.offsets(self.series.dates)
        return [short(np.float32(value)) for value in self.series.displacement - offsets]


def _series_facts(series: Series) -> dict[str, Any]:
    dates, gap = series.valid_dates, series.longest_gap
    return {
        "epochs": len(series.dates),
        "n_epochs": len(dates),
        "first_date": str(dates[0]) if len(dates) else None,
        "last_date": str(dates[-1]) if len(dates) else None,
        "span_days": int((dates[-1] - dates[0]).astype(int)) if len(dates) else None,
        "max_gap_days": int((gap[1] - gap[0]).astype(int)) if gap else None,
        "max_gap": [str(day) for day in gap] if gap else None,
        "least_squares_mm_per_year": series.slope,
        "dates": [str(day) for day in series.dates],
        "displacement_mm": [short(value) for value in series.displacement],
    }
