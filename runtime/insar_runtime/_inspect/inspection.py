"""Facts about a file: its description, findings, and the run that ``classify`` would make."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._findings.finding import Finding
from insar_runtime._findings.ids import IdColumn, examine_ids, id_at
from insar_runtime._findings.sample_findings import SampleFindings, examine_sample
from insar_runtime._findings.sentences import list_findings
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime._input.layout import Layout
from insar_runtime._input.sampling import TEXTS, count_rows, estimate_rows
from insar_runtime._input.source import Source
from insar_runtime._input.table import TableDescription
from insar_runtime._inspect.planned_run import InspectOptions, PlannedRun
from insar_runtime._output.geometry import find_geometry
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import PreparedTable, open_described
from insar_runtime._pipeline.table_sample import SampledRows, sample_rows
from insar_runtime.errors import DataError, InputOutputError
from insar_runtime.models import Model, load_model

_PASS_SECONDS: Final = 20.0
"""Most time for reading the ids of all rows: some 10 GB of CSV."""

_NOISE_ROWS: Final = 1000
"""Rows for the estimate of the noise, of which those that move are not used."""


@dataclass(frozen=True, slots=True)
class _Points:
    """Number of points, and findings about their ids.

    Attributes
    ----------
    count : int or None
        None if unknown.
    counted : bool
        Whether the number was counted, not estimated.
    ids : IdColumn or None
        None if the ids were not compared.
    example : str or None
        An id that occurs twice.
    damage : str or None
        Why reading ended early.
    """

    count: int | None
    counted: bool
    ids: IdColumn | None
    example: str | None
    damage: str | None


def inspect_file(source: str | Path | BinaryIO, options: InspectOptions) -> dict[str, Any]:
    """Describe a file, examine it, and plan the run of ``classify``, without classifying it.

    Parameters
    ----------
    source : str, Path or binary stream
        As for ``classify_file``.
    options : InspectOptions

    Returns
    -------
    dict
        Plain values, as ``insar-rt inspect --json`` prints them.

    Raises
    ------
    InsarRuntimeError
        If the table cannot be described, or the model or device is not available.
    """
    model = load_model(options.model)
    runner = PlannedRun(model, options)
    with _opened(source, model, options, runner) as (table, refusal, opened_in):
        sample = sample_rows(table, opened_in)
        points = _count_points(table, sample, quick=options.quick)
        layout, units = table.description.layout, table.description.units
        # Noise in mm needs a known unit.
        noise = None if refusal is not None else _noise(sample, table.description)
        found = examine_sample(sample.series, layout.dates, model.limits, factor_to_mm=units.factor_to_mm)
        reasons = [reason for reason in (refusal, points.damage, *runner.refusals(table)) if reason]
        run = runner.describe(table, sample, points.count, "; ".join(reasons) or None)
        doubts = [
            *(Finding("note", note) for note in notes_on(table.description, doubts=False)),
            *list_findings(found, len(sample.series), table.description, ids=points.ids, example_id=points.example),
        ]
    described = _described(table, points, options.declared)
    if refusal is not None:
        described |= {"unit": None, "unit_evidence": None}
    facts = {**described, **_found(found, sample, points), "noise": noise, "findings": doubts, "classify": run}
    plain: dict[str, Any] = _plain(facts)
    return plain


@contextmanager
def _opened(
    source: str | Path | BinaryIO, model: Model, options: InspectOptions, runner: PlannedRun
) -> Iterator[tuple[PreparedTable, str | None, float]]:
    """Open a table, with the error of ``classify`` if its unit is unknown; it is then read as millimetres."""
    declared = options.declared.or_radar(model.half_wavelength_mm)
    reading = partial(open_described, source, threads=runner.threads, large_batches=runner.device != "cpu")
    with ExitStack() as closing:
        refusal = None
        begin = time.perf_counter()
        try:
            table = closing.enter_context(reading(declared))
        except DataError as error:
            # The error may be that of the unit; a stream cannot be opened again.
            if declared.units is not None or not isinstance(source, (str, Path)) or str(source) == "-":
                raise
            refusal = str(error)
            begin = time.perf_counter()
            table = closing.enter_context(reading(replace(declared, units="mm")))
            known = table.description  # the note about a declared unit
            table = replace(table, description=replace(known, units=replace(known.units, note=None)))
        yield table, refusal, time.perf_counter() - begin


def _count_points(table: PreparedTable, sample: SampledRows, *, quick: bool) -> _Points:
    """Count the points, and compare their ids within a time limit."""
    source, layout = table.source, table.description.layout
    known = len(sample.series) if sample.where == "all" else count_rows(source)
    try:
        ids, example = (None, None) if quick else _read_ids(source, layout)
        count = ids.rows if known is None and ids is not None and ids.complete else known
        counted = count is not None
        count = estimate_rows(source) if count is None else count
    except (DataError, InputOutputError) as error:
        return _Points(known, False, None, None, f"reading ended early: {error}")
    return _Points(count, counted, ids if ids is not None and ids.compared else None, example, None)


def _read_ids(source: Source, layout: Layout) -> tuple[IdColumn | None, str | None]:
    """Return findings about the column of ids, and an id that occurs twice; None for both without such a column."""
    # Without ids, the rows of a text are counted by any column.
    name = layout.id or (source.schema.names[0] if source.kind in TEXTS else None)
    column = None if name is None else source.column(name)
    if name is None or column is None:
        return None, None
    ids = examine_ids(column, seconds=_PASS_SECONDS, compare=layout.id is not None)
    again = source.column(name) if ids.example_rows else None
    return ids, None if again is None else id_at(again, ids.example_rows[0])


def _described(table: PreparedTable, points: _Points, declared: UserDeclarations) -> dict[str, Any]:
    """Return the description of the file and its evidence."""
    source, layout, units = table.source, table.description.layout, table.description.units
    dates, path = layout.dates, Path(source.name)
    steps = np.diff(dates).astype(int)
    wavelength = table.description.wavelength(declared)
    roles = ("id", "longitude", "latitude", "easting", "northing", "velocity", "coherence", "height")
    return {
        "name": source.name,
        "container": source.kind,
        "bytes": path.stat().st_size if source.name != "-" and path.is_file() else None,
        "points": points.count,
        "points_counted": points.counted,
        "layout": layout.stored_as,
        "date_columns": layout.family,
        "producer": layout.producer,
        "domain": layout.domain,
        "epochs": len(dates),
        "first_date": dates[0] if len(dates) else None,
        "last_date": dates[-1] if len(dates) else None,
        "sampling_days": {"min": steps.min(), "median": float(np.median(steps)), "max": steps.max()}
        if len(steps)
        else None,
        "geometry": None
        if (geometry := find_geometry(source.schema)) is None
        else {"column": geometry.column, "system": geometry.system},
        "columns": {role: getattr(layout, role) for role in roles},
        "attributes": list(layout.attributes),
        "unit": units.unit,
        "unit_evidence": units.evidence,
        "unit_ratio": units.ratio,
        "sign": units.sign,
        "half_wavelength_mm": wavelength.half_mm,
        "half_wavelength_evidence": wavelength.evidence,
        "notes": list(notes_on(table.description)),
    }


def _found(found: SampleFindings, sample: SampledRows, points: _Points) -> dict[str, Any]:
    """Return the findings about the sample and the ids."""
    ids = None if points.ids is None else {**asdict(points.ids), "example": points.example}
    return {
        "sample": {"rows": len(sample.series), "where": sample.where},
        "ids": ids,
        "time_axis": found.axis,
        "missing": {**asdict(found.missing), "looks_joined": found.missing.looks_joined},
        "values": found.values,
        "scatter": found.scatter,
        "level_changes": found.level_changes,
        "statuses": found.statuses,
    }


def _noise(sample: SampledRows, description: TableDescription) -> dict[str, Any] | None:
    """Return the noise of the file, mm; None without rows or dates."""
    rows, dates = evenly_spaced(len(sample.series), _NOISE_ROWS), description.layout.dates
    if not rows.size or not dates.size:
        return None
    series = description.without_join_steps(sample.series[rows] * np.float32(description.units.factor_to_mm))
    return estimate_noise(series, dates, [join.date for join in description.joins]).to_dict(dates)


def _plain(value: Any) -> Any:
    """Return findings as values for JSON: dates as ISO text, NaN as null, numbers of six digits."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value
