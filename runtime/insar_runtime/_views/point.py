"""What is known about one point of a table: its series, its class, and the rest of its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insar_runtime._input.slopes import slopes
from insar_runtime._views.cells import short
from insar_runtime._views.diagnosed import PointDiagnosis


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Displacements of one point.

    Attributes
    ----------
    dates : ndarray of datetime64[D], shape [T]
        Of the file, strictly increasing.
    displacement : ndarray of float32, shape [T]
        mm; NaN = missing.
    """

    dates: NDArray[np.datetime64]
    displacement: NDArray[np.float32]

    @property
    def valid_dates(self) -> NDArray[np.datetime64]:
        """Dates with a value, finite or not."""
        return self.dates[~np.isnan(self.displacement)]

    @property
    def longest_gap(self) -> tuple[np.datetime64, np.datetime64] | None:
        """The two neighbouring dates with a value that lie furthest apart; None with fewer than two."""
        dates = self.valid_dates
        if len(dates) < 2:
            return None
        place = int(np.diff(dates).argmax())
        return dates[place], dates[place + 1]

    @property
    def slope(self) -> float | None:
        """Least-squares rate over all finite values in mm a year of 365.25 days; None with fewer than two."""
        finite = np.where(np.isfinite(self.displacement), self.displacement, np.nan)
        days = (self.dates - self.dates[:1]).astype(np.float64)
        slope = float(slopes(finite[None], days, least_epochs=2)[0])
        return None if np.isnan(slope) else slope


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says, or said, about a point.

    Attributes
    ----------
    class_name, class_top : str or None
        Class after and before abstention.
    confidence : float or None
        Calibrated probability of ``class_top``.
    probabilities : dict of str to float, or None
        By class; None where the status forbids them.
    status : str
    model : str or None
        Name, version and precision; None if the file does not tell.
    from_file : bool
        Whether it was read from the file rather than made now.
    """

    class_name: str | None
    class_top: str | None
    confidence: float | None
    probabilities: dict[str, float] | None
    status: str
    model: str | None
    from_file: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One row of a table.

    Attributes
    ----------
    file, container : str
        Where it was found.
    id : str or None
        None if the file has none.
    row : int
        Number of the row, from 0.
    same_id : int
        Rows that have this id; 1 if the row was looked for by its number.
    same_rows : tuple of int
        The first ten of them.
    position : dict of str to float
        ``longitude`` and ``latitude``, ``easting`` and ``northing``, those that the file has.
    velocity : float or None
        The file's own, mm/yr.
    velocity_column : str or None
    series : Series or None
        None for a classified file without series.
    unit, unit_evidence, sign : str or None
        Of the series in the file.
    answer : Answer or None
        None where nobody was asked: see the notes.
    stored : Answer or None
        What the file says, where a model was asked anew.
    diagnosis : PointDiagnosis or None
        What happened, when, and how sure that is; None where nobody has looked.
    attributes : dict of str to Any
        The other columns, plain values only.
    notes : tuple of str
        What a person should know.
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
    answer: Answer | None
    stored: Answer | None
    diagnosis: PointDiagnosis | None
    attributes: dict[str, Any]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values; null for what is missing, unknown or infinite."""
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
        """Return the series without the repaired jumps, if there are any."""
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
