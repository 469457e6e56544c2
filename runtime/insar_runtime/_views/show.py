"""One point of a table: its series, its class and what is known about both, as plain values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.dates import ID_ALIASES
from insar_runtime._input.layout import Role, resolve_layout
from insar_runtime._input.lookup import Hit, Progress, find_id, take_row
from insar_runtime._input.sources import Source, open_source
from insar_runtime._input.understanding import Understanding, take_head, understand
from insar_runtime._input.units import Unit
from insar_runtime._pipeline.run import METADATA_KEY
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES
from insar_runtime.classifier import Classifier
from insar_runtime.errors import DataError, UsageError
from insar_runtime.result import RESULT_SCHEMA, Result
from insar_runtime.summary import notes_on

_DAYS_A_YEAR: Final = 365.25
_NO_SERIES: Final = "no series in this file; give the file that was classified, or classify with --keep-series"


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
        there = np.isfinite(self.displacement)
        if np.count_nonzero(there) < 2:
            return None
        years = self.dates[there].astype(np.float64) / _DAYS_A_YEAR
        values = self.displacement[there].astype(np.float64)
        years -= years.mean()
        return float(years @ (values - values.mean()) / (years @ years))


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
        """Give the answer as plain values."""
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
    attributes: dict[str, Any]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values; null for what is missing, unknown or infinite."""
        names = ("file", "container", "id", "row", "same_id", "same_rows", "position", "unit", "unit_evidence", "sign")
        return {
            **{name: getattr(self, name) for name in names},
            "velocity_mm_per_year": self.velocity,
            "velocity_column": self.velocity_column,
            **(_series_facts(self.series) if self.series else {"dates": None, "displacement_mm": None}),
            "answer": self.answer and self.answer.to_dict(),
            "stored": self.stored and self.stored.to_dict(),
            "attributes": self.attributes,
            "notes": self.notes,
        }


def find_point(
    source: str | Path | BinaryIO,
    *,
    point_id: str | None = None,
    row: int | None = None,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    half_wavelength_mm: float,
    open_classifier: Callable[[], Classifier],
    anew: bool = False,
    progress: Progress | None = None,
) -> Point:
    """Find one point of a table, by its id or by the number of its row, and say all that is known about it.

    Parameters
    ----------
    source, units, columns, half_wavelength_mm
        As for ``open_understood``; the table may also be one that was classified before.
    point_id : str, optional
        Compared as text, with regard to case; the first row that has it is taken.
    row : int, optional
        Number of the row, from 0. Either this or the id.
    open_classifier : callable
        Gives the classifier; called only if it is needed.
    anew : bool
        Whether to classify also where the file has classes.
    progress : callable, optional
        Told of the rows read.

    Raises
    ------
    UsageError
        Neither an id nor a row, or both.
    DataError
        There is no such point, or the table cannot be read.
    """
    if (point_id is None) == (row is None):
        raise UsageError("name one point: its --id, or its --row, from 0")
    roles = {str(role): name for role, name in (columns or {}).items()}
    with open_source(source, roles=roles, exact=False) as opened:
        block = _provenance(opened.metadata)
        stream = opened.batches()
        head, taken = take_head(stream)
        understanding, missing = _understand(opened, head, block, units, columns, half_wavelength_mm)
        id_column = understanding.layout.id if understanding else _id_column(opened.schema, columns)
        batches = chain(taken, stream)
        if row is not None:
            hit = take_row(opened, batches, row, progress=progress)
        elif id_column is None:
            raise DataError(f"{opened.name} has no column of ids: name it with --id-column, or take a --row")
        else:
            hit = find_id(opened, batches, id_column, str(point_id), progress=progress)
    if missing and anew:
        raise DataError(f"{opened.name}: {missing}")
    point = _describe(opened, hit, id_column, understanding, block)
    if missing:
        point = replace(point, notes=(*point.notes, missing))
    if point.series is not None and (anew or point.stored is None):
        return _classified(point, open_classifier())
    return replace(point, answer=point.stored, stored=None)


def _understand(
    source: Source,
    head: pa.RecordBatch | None,
    block: Mapping[str, Any],
    units: Unit | None,
    columns: Mapping[Role, str] | None,
    half_wavelength_mm: float,
) -> tuple[Understanding | None, str | None]:
    """Understand a table; a classified one need not have series: then None, and what to do about it."""
    if set(RESULT_SCHEMA.names) <= set(source.schema.names):
        try:
            resolve_layout(source.schema, head, overrides=columns)
        except DataError:
            return None, _NO_SERIES
        # The run that classified the file knew the unit, perhaps because it was told.
        units = units or block.get("input", {}).get("unit")
    understanding = understand(
        source.schema, head, units=units, overrides=columns, half_wavelength_mm=half_wavelength_mm
    )
    return understanding, None


def _describe(
    source: Source,
    hit: Hit,
    id_column: str | None,
    understanding: Understanding | None,
    block: Mapping[str, Any],
) -> Point:
    values = {name: _plain(column) for name, column in zip(hit.record.schema.names, hit.record.columns, strict=True)}
    shown = {name: value for name, value in values.items() if value is not _NOT_PLAIN}
    for name in RESULT_SCHEMA.names:
        shown.pop(name, None)
    stored = _stored_answer(values, block) if set(RESULT_SCHEMA.names) <= set(values) else None
    point = Point(
        file=source.name,
        container=source.kind,
        id=_text(values.get(id_column)) if id_column else None,
        row=hit.row,
        same_id=hit.count,
        same_rows=hit.same,
        position={},
        velocity=None,
        velocity_column=None,
        series=None,
        unit=None,
        unit_evidence=None,
        sign=None,
        answer=None,
        stored=stored,
        attributes=shown,
        notes=(),
    )
    if understanding is None:
        return point
    layout, proven = understanding.layout, understanding.units
    places = {
        "longitude": layout.longitude,
        "latitude": layout.latitude,
        "easting": layout.easting,
        "northing": layout.northing,
    }
    known = {role: _number(values[name]) for role, name in places.items() if name}
    for name in {*layout.columns, layout.dates_column}:
        shown.pop(str(name), None)
    return replace(
        point,
        position={role: value for role, value in known.items() if value is not None},
        velocity=_number(values[layout.velocity]) if layout.velocity else None,
        velocity_column=layout.velocity,
        series=Series(layout.dates, understanding.matrix(hit.record, hit.row)[0]),
        unit=proven.unit,
        unit_evidence=block.get("input", {}).get("unit_evidence", proven.evidence) if stored else proven.evidence,
        sign=proven.sign,
        notes=notes_on(understanding),
    )


def _classified(point: Point, classifier: Classifier) -> Point:
    assert point.series is not None
    days = (point.series.dates - point.series.dates[:1]).astype(np.float32)
    try:
        result = classifier.classify_matrix(point.series.displacement[None, :], days)
    except DataError as error:
        # The series is worth a look all the same.
        return replace(point, notes=(*point.notes, str(error)))
    name = f"{classifier.model.name} {classifier.model.version} {classifier.precision}"
    return replace(point, answer=_answer(result, name))


def _answer(result: Result, model: str) -> Answer:
    top = int(result.class_top[0])
    probabilities = {name: float(str(share)) for name, share in zip(CLASS_NAMES, result.probabilities[0], strict=True)}
    return Answer(
        class_name=result.class_name[0],
        class_top=CLASS_NAMES[top] if top >= 0 else None,
        confidence=_short(result.confidence[0]) if top >= 0 else None,
        probabilities=probabilities if top >= 0 else None,
        status=STATUS_NAMES[result.status[0]],
        model=model,
        from_file=False,
    )


def _stored_answer(values: Mapping[str, Any], block: Mapping[str, Any]) -> Answer:
    """Read the classes that a file has; text and numbers alike, as other programs may have written it since."""
    name, top = _text(values["class_name"]), _number(values["class_top"])
    probabilities = {known: _number(values[f"p_{known.lower()}"]) for known in CLASS_NAMES}
    if name not in {*CLASS_NAMES, None} or (top is not None and top not in range(-1, len(CLASS_NAMES))):
        raise DataError(f"class_name {name!r} and class_top {top} are none of ours: drop the columns of classes")
    there = {known: value for known, value in probabilities.items() if value is not None}
    model = " ".join(str(block[key]) for key in ("model", "model_version", "precision") if key in block)
    return Answer(
        class_name=name,
        class_top=CLASS_NAMES[int(top)] if top is not None and top >= 0 else None,
        confidence=_number(values["confidence"]),
        probabilities=there if len(there) == len(CLASS_NAMES) else None,
        status=_text(values["status"]) or "unknown",
        model=model or None,
        from_file=True,
    )


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
        "displacement_mm": [_short(value) for value in series.displacement],
    }


def _provenance(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Give our block of a file's metadata; empty if there is none that can be read."""
    try:
        block = json.loads(metadata[METADATA_KEY])
    except (KeyError, ValueError):
        return {}
    return block if isinstance(block, dict) else {}


def _id_column(schema: pa.Schema, columns: Mapping[Role, str] | None) -> str | None:
    """Column of ids of a table without series."""
    given = (columns or {}).get("id")
    if given is not None and given not in schema.names:
        raise UsageError(f"id column '{given}' is not in the table: it has {', '.join(schema.names[:12])}")
    by_name = {name.lower(): name for name in reversed(schema.names)}
    return given or next((by_name[alias] for alias in ID_ALIASES if alias in by_name), None)


_NOT_PLAIN: Final = object()


def _plain(column: pa.Array) -> Any:
    """Give the one value of a column as JSON can have it; ``_NOT_PLAIN`` for bytes, lists and structures."""
    value = column[0].as_py()
    if isinstance(value, float):
        return _short(value if not pa.types.is_float32(column.type) else np.float32(value))
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    return _NOT_PLAIN if isinstance(value, (bytes, list, dict, tuple)) else str(value)


def _short(value: Any) -> float | None:
    """Give a number with no more digits than its type has; None if it is not finite."""
    return float(str(value)) if math.isfinite(value) else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str | None:
    return None if value is None or value is _NOT_PLAIN or value == "" else str(value)
