"""Search for one point of a table, and its class and diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa

from insar_runtime._classified.columns import has_classes, stored_run_metadata
from insar_runtime._classified.diagnosis_columns import (
    has_diagnosis,
    stored_half_wavelength_mm,
    stored_recent_days,
)
from insar_runtime._classified.scalars import number, plain_row, text
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.dates.date_columns import ID_ALIASES
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import TableHead, head_of
from insar_runtime._input.lookup import Hit, find_id, take_row
from insar_runtime._input.opening import open_source
from insar_runtime._input.source import Source
from insar_runtime._input.table import TableDescription
from insar_runtime._input.units.sensors import SENTINEL1_ROUNDED_MM
from insar_runtime._output.geometry import find_geometry, points_of
from insar_runtime._output.stated_joins import with_stated_joins
from insar_runtime._pipeline.class_mix import mix_of
from insar_runtime._pipeline.noise_sample import noise_of
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._progress import Progress
from insar_runtime._show.diagnose_point import diagnose_point
from insar_runtime._show.point import Point
from insar_runtime._show.point_diagnosis import PointDiagnosis
from insar_runtime._show.point_result import classify_point, stored_result
from insar_runtime._show.read_point_diagnosis import read_point_diagnosis
from insar_runtime._show.series import Series
from insar_runtime.classifier import Classifier
from insar_runtime.errors import DataError, UsageError
from insar_runtime.result import RESULT_SCHEMA

_ROLES: Final = ("longitude", "latitude", "easting", "northing", "velocity")
_CLASS_COLUMNS: Final = frozenset(RESULT_SCHEMA.names) - {"n_epochs", "max_gap_days"}
"""Columns of a classified file that are not shown as attributes."""
_NO_SERIES: Final = "no series in this file; give the file that was classified, or classify with --keep-series"


def find_point(
    source: str | Path | BinaryIO,
    declared: UserDeclarations | None = None,
    *,
    point_id: str | None = None,
    row: int | None = None,
    open_classifier: Callable[[], Classifier],
    reclassify: bool = False,
    diagnose: Diagnose | None = None,
    radar_mm: float = SENTINEL1_ROUNDED_MM,
    progress: Progress | None = None,
) -> Point:
    """Find one point of a table by its id or by the number of its row, and classify and diagnose it if needed.

    Parameters
    ----------
    source, declared
        As for ``open_described``; the table may be a classified one.
    point_id : str, optional
        Compared as text, case-sensitive; the first row with this id is taken.
    row : int, optional
        Number of the row, from 0; required if there is no `point_id`, and excluded by it.
    open_classifier : callable
        Returns the classifier; called only if it is needed.
    reclassify : bool
        Whether to classify the point although the file has its class.
    diagnose : Diagnose, optional
        How to diagnose the point; by default its diagnosis is read from the file, or made with default options.
    radar_mm : float
        Half the wavelength for series in radians, if the user declares none.
    progress : callable, optional
        Called with the number of rows read, and of all if known.

    Raises
    ------
    UsageError
        Neither an id nor a row is given, or both.
    DataError
        There is no such point, or the table cannot be read.
    """
    if (point_id is None) == (row is None):
        raise UsageError("name one point: its --id, or its --row, from 0")
    declared = declared or UserDeclarations()
    with open_source(
        source, roles=declared.roles, exact=False, date_format=declared.date_format, as_table=declared.as_table
    ) as container:
        opened = with_stated_joins(container)
        block = stored_run_metadata(opened.name, opened.metadata) if has_classes(opened.schema) else {}
        head = head_of(opened)
        description, missing = _description(head, block, declared.or_radar(radar_mm))
        id_column = description.layout.id if description else _id_column(opened.schema, declared)
        if row is not None:
            hit = take_row(opened, head.batches, row, progress=progress)
        elif id_column is None:
            raise DataError(f"{opened.name} has no column of ids: name it with --id-column, or take a --row")
        else:
            hit = find_id(opened, head.batches, id_column, str(point_id), progress=progress)
        if missing and (reclassify or diagnose):
            raise DataError(f"{opened.name}: {missing}")
        point = _describe(opened, hit, id_column, description, block)
        if description is None or point.series is None:
            return replace(point, answer=point.stored, stored=None, notes=(*point.notes, *filter(None, [missing])))
        series = point.series
        as_file = partial(_with_mix_of, description, head, open_classifier)
        point = _answered(point, series, as_file, reclassify=reclassify)
        if not len(series.dates) or (point.diagnosis is not None and diagnose is None and not reclassify):
            return point
        wavelength, how = description.wavelength(declared), diagnose or Diagnose()
        found = diagnose_point(
            series,
            point.answer,
            how,
            half_wavelength_mm=wavelength.half_mm,
            estimate_noise=partial(noise_of, description, head.rows, how.recent_days, opened),
            # A stored class holds for the settings of its run, which must also apply after a repair.
            open_classifier=as_file if reclassify or not block else partial(_with_settings_of, block, open_classifier),
        )
        return replace(point, diagnosis=found)


def _answered(point: Point, series: Series, open_classifier: Callable[[], Classifier], *, reclassify: bool) -> Point:
    """Return a point with its class, read from the file or classified now."""
    if point.stored is not None and not reclassify:
        return replace(point, answer=point.stored, stored=None)
    try:
        classifier = open_classifier()
        return replace(point, answer=classify_point(classifier, series), notes=(*point.notes, *classifier.notes))
    except DataError as error:
        # The series is shown without a class.
        return replace(point, notes=(*point.notes, str(error)))


def _with_mix_of(
    description: TableDescription, head: TableHead, open_classifier: Callable[[], Classifier]
) -> Classifier:
    """Open a classifier with the mix of classes that ``classify_file`` estimates for a table."""
    classifier = open_classifier()
    if classifier.priors.origin != "training":
        return classifier
    return classifier.with_priors(mix_of(description, head.rows, classifier))


def _with_settings_of(block: Mapping[str, Any], open_classifier: Callable[[], Classifier]) -> Classifier:
    """Open a classifier with the priors and the Stable-Linear limit of a classified file.

    Its model may differ from that of the file: classes that it does not know are omitted.
    """
    classifier = open_classifier()
    shares = (block.get("priors") or {}).get("shares")
    if shares:
        classifier = classifier.with_priors({name: shares[name] for name in classifier.model.classes if name in shares})
    rate = (block.get("parameters") or {}).get("stable_rate_mm_yr")
    return classifier if rate is None else classifier.with_stable_rate(rate)


def _description(
    head: TableHead, block: Mapping[str, Any], declared: UserDeclarations
) -> tuple[TableDescription | None, str | None]:
    """Return the description of a table; for a classified table without series, None and the remedy."""
    if has_classes(head.schema):
        try:
            head.layout(declared)
        except DataError:
            return None, _NO_SERIES
        # The unit is that of the run that classified the file, where the user may have declared it.
        declared = replace(declared, units=declared.units or block.get("input", {}).get("unit"))
    return head.describe(declared), None


def _describe(
    source: Source,
    hit: Hit,
    id_column: str | None,
    description: TableDescription | None,
    block: Mapping[str, Any],
) -> Point:
    cells = plain_row(hit.record)
    stored = stored_result(cells, block) if has_classes(hit.record.schema) else None
    known = block.get("input", {})
    # Without series the columns are not described, but the metadata of the run name them.
    roles = {role: getattr(description.layout, role) if description else known.get(role) for role in _ROLES}
    position = {role: number(cells.get(roles[role])) for role in _ROLES[:-1]}
    if not any(value is not None for value in position.values()):
        position = _place(source, hit)
    known_columns = {*(description.layout.columns if description else ()), *_CLASS_COLUMNS}
    if has_diagnosis(hit.record.schema):
        known_columns |= set(DIAGNOSIS_SCHEMA.names)
    point = Point(
        file=source.name,
        container=source.kind,
        id=text(cells.get(id_column)) if id_column else None,
        row=hit.row,
        same_id=hit.count,
        same_rows=hit.same,
        position={role: value for role, value in position.items() if value is not None},
        velocity=number(cells.get(roles["velocity"])),
        velocity_column=roles["velocity"],
        series=None,
        unit=None,
        unit_evidence=None,
        sign=None,
        answer=None,
        stored=stored,
        diagnosis=_stored_diagnosis(hit.record, block),
        attributes={name: value for name, value in cells.items() if name not in known_columns},
        notes=(),
    )
    if description is None:
        return point
    units = description.units
    return replace(
        point,
        series=Series(description.layout.dates, description.matrix(hit.record, hit.row)[0]),
        unit=units.unit,
        unit_evidence=known.get("unit_evidence", units.evidence) if stored else units.evidence,
        sign=units.sign,
        notes=notes_on(description),
    )


def _place(source: Source, hit: Hit) -> dict[str, float | None]:
    """Return the position by the geometry of the table; empty if it has none."""
    geometry = find_geometry(source.schema)
    if geometry is None:
        return {}
    x, y = points_of(hit.record, geometry)[0].tolist()
    return {name: number(value) for name, value in zip(geometry.axes, (x, y), strict=True)}


def _stored_diagnosis(record: pa.RecordBatch, block: Mapping[str, Any]) -> PointDiagnosis | None:
    if not has_diagnosis(record.schema):
        return None
    return read_point_diagnosis(
        record, stored_half_wavelength_mm(block), stored_recent_days(block), "read from the file"
    )


def _id_column(schema: pa.Schema, declared: UserDeclarations) -> str | None:
    """Return the column of ids of a table without series; None if it has none."""
    given = declared.columns.get("id")
    if given is not None and given not in schema.names:
        raise UsageError(f"id column '{given}' is not in the table: it has {', '.join(schema.names[:12])}")
    by_name = {name.lower(): name for name in reversed(schema.names)}
    return given or next((by_name[alias] for alias in ID_ALIASES if alias in by_name), None)
