"""What was understood of a file, what is odd about it, and what ``classify`` will do with it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime._input.layout import Layout
from insar_runtime._input.sampling import count_rows, estimate_rows
from insar_runtime._input.source import Source
from insar_runtime._inspect.findings.ids import IdColumn, examine_ids, id_at
from insar_runtime._inspect.findings.sample_findings import SampleFindings, examine_sample
from insar_runtime._inspect.findings.sentences import list_findings
from insar_runtime._inspect.planned_run import Options, PlannedRun
from insar_runtime._pipeline.notes import notes_on
from insar_runtime._pipeline.prepare import PreparedTable, open_described
from insar_runtime._pipeline.table_sample import SampledRows, sample_rows
from insar_runtime.errors import DataError, InputOutputError
from insar_runtime.models import Model, load_model

_PASS_SECONDS: Final = 20.0
"""Time for the ids of all rows: some 10 GB of CSV."""

_NOISE_ROWS: Final = 1000
"""Rows that noise is estimated from, so that enough are left without those that move."""


@dataclass(frozen=True, slots=True)
class _Points:
    """How many points there are, whether that was counted, and what the pass over their ids has found."""

    count: int | None
    counted: bool
    ids: IdColumn | None
    example: str | None
    damage: str | None


def inspect_file(source: str | Path | BinaryIO, options: Options) -> dict[str, Any]:
    """Look at a file without classifying it.

    Parameters
    ----------
    source : str, Path or binary stream
        As for ``classify_file``.
    options : Options

    Returns
    -------
    dict
        Plain values, as ``insar-rt inspect --json`` prints them.

    Raises
    ------
    InsarRuntimeError
        If the file cannot be understood, or there is no such model or device.
    """
    model = load_model(options.model)
    runner = PlannedRun(model, options)
    with _opened(source, model, options, runner) as (table, refusal, opened_in):
        sample = sample_rows(table, opened_in)
        points = _count_points(table, sample, quick=options.quick)
        layout, units = table.description.layout, table.description.units
        # Of values in an unknown unit, nothing is known in mm.
        noise = None if refusal is not None else _noise(sample, layout.dates, units.factor_to_mm)
        survey = examine_sample(sample.series, layout.dates, model.limits, factor_to_mm=units.factor_to_mm)
        reasons = [reason for reason in (refusal, points.damage, *runner.refusals(table)) if reason]
        run = runner.describe(table, sample, points.count, "; ".join(reasons) or None)
    odd = list_findings(
        survey,
        max(len(sample.series), 1),
        ids=points.ids,
        example_id=points.example,
        # The survey tells fillers by itself.
        notes=[note for note in notes_on(table.description) if note != table.description.fillers],
    )
    understood = _understood(table, points, options.declared)
    if refusal is not None:
        understood |= {"unit": None, "unit_evidence": None}
    facts = {**understood, **_found(survey, sample, points), "noise": noise, "odd": odd, "classify": run}
    plain: dict[str, Any] = _plain(facts)
    return plain


@contextmanager
def _opened(
    source: str | Path | BinaryIO, model: Model, options: Options, runner: PlannedRun
) -> Iterator[tuple[PreparedTable, str | None, float]]:
    """Open a table; one whose unit nothing proves is taken for millimetres, and what ``classify`` would say is kept."""
    declared = options.declared.or_radar(model.half_wavelength_mm)
    reading = partial(open_described, source, threads=runner.threads, large_batches=runner.device != "cpu")
    with ExitStack() as closing:
        refusal = None
        begin = time.perf_counter()
        try:
            table = closing.enter_context(reading(declared))
        except DataError as error:
            # Only the unit can be wrong then; a stream cannot be read again.
            if declared.units is not None or not isinstance(source, (str, Path)) or str(source) == "-":
                raise
            refusal = str(error)
            begin = time.perf_counter()
            table = closing.enter_context(reading(replace(declared, units="mm")))
            known = table.description  # nobody has declared millimetres
            table = replace(table, description=replace(known, units=replace(known.units, note=None)))
        yield table, refusal, time.perf_counter() - begin


def _count_points(table: PreparedTable, sample: SampledRows, *, quick: bool) -> _Points:
    """Count the points, and compare the ids of all of them as far as time allows."""
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
    """Read the column of ids, and an id that occurs twice."""
    # Without ids, any column tells the number of rows of a text.
    name = layout.id or (source.schema.names[0] if source.kind in {"csv", "zip"} else None)
    column = None if name is None else source.column(name)
    if name is None or column is None:
        return None, None
    ids = examine_ids(column, seconds=_PASS_SECONDS, compare=layout.id is not None)
    again = source.column(name) if ids.example_rows else None
    return ids, None if again is None else id_at(again, ids.example_rows[0])


def _understood(table: PreparedTable, points: _Points, declared: UserDeclarations) -> dict[str, Any]:
    """Return what the file holds and how that is known."""
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


def _found(survey: SampleFindings, sample: SampledRows, points: _Points) -> dict[str, Any]:
    """Return what was found in the sample and among the ids."""
    ids = None if points.ids is None else {**asdict(points.ids), "example": points.example}
    return {
        "sample": {"rows": len(sample.series), "where": sample.where},
        "ids": ids,
        "time_axis": survey.axis,
        "missing": {**asdict(survey.missing), "looks_joined": survey.missing.looks_joined},
        "values": survey.values,
        "scatter": survey.scatter,
        "level_changes": survey.level_changes,
        "statuses": survey.statuses,
    }


def _noise(sample: SampledRows, dates: NDArray[np.datetime64], factor_to_mm: float) -> dict[str, Any] | None:
    """Return the noise of some of the rows, in mm; None without any."""
    rows = evenly_spaced(len(sample.series), _NOISE_ROWS)
    if not rows.size or not dates.size:
        return None
    return estimate_noise(sample.series[rows] * np.float32(factor_to_mm), dates).to_dict(dates)


def _plain(value: Any) -> Any:
    """Return findings as values that JSON has: dates as ISO text, no NaN, float32 without its false digits."""
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
