"""What was understood of a file, what is odd about it, and what ``classify`` will do with it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from insar_runtime._inference.engine import import_onnxruntime, usable_cpus
from insar_runtime._input.layout import Role
from insar_runtime._input.units import Unit
from insar_runtime._output.points import kept_geometry
from insar_runtime._pipeline.memory import Load, resident_bytes
from insar_runtime._pipeline.stream import output_schema
from insar_runtime._survey.columns import UNREADABLE, count_rows, open_column
from insar_runtime._survey.ids import IdColumn, id_at, survey_ids
from insar_runtime._survey.sample import SampledRows, sample_rows
from insar_runtime._survey.survey import Survey, survey_rows
from insar_runtime._views.forecast import Pace, measure_pace
from insar_runtime._views.oddities import list_oddities
from insar_runtime.classifier import Classifier
from insar_runtime.devices import Candidate, Device, choose, gather_facts
from insar_runtime.errors import DataError
from insar_runtime.files import Reading, open_understood
from insar_runtime.models import Model, Precision, load_model
from insar_runtime.result import RESULT_SCHEMA
from insar_runtime.summary import notes_on

_PASS_SECONDS: Final = 20.0
"""Time for the ids of all rows: some 10 GB of CSV."""
_QUICK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """How ``classify`` would be run.

    Attributes
    ----------
    model, device, precision, threads
        As for ``Classifier``.
    units, columns
        As for ``classify_file``.
    output : str or None
        File that it would write.
    quick : bool
        Whether to leave out what takes longer than a glance: the ids of all rows, and a trial of the model.
    """

    model: str | Path | None = None
    device: Device = "auto"
    precision: Precision | None = None
    threads: int | None = None
    units: Unit | None = None
    columns: Mapping[Role, str] | None = None
    output: str | None = None
    quick: bool = False


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
    runner = _Runner(model, options)
    with _opened(source, model, options, runner) as (table, refusal, opened_in):
        sample = sample_rows(table, opened_in)
        points = _count_points(table, sample, options)
        layout, units = table.understanding.layout, table.understanding.units
        survey = survey_rows(sample.series, layout.dates, model.limits, factor_to_mm=units.factor_to_mm)
        reasons = [reason for reason in (refusal, points.damage, *runner.refusals(table)) if reason]
        run = runner.describe(table, sample, points.count, "; ".join(reasons) or None)
    odd = list_oddities(
        survey,
        max(len(sample.series), 1),
        ids=points.ids,
        example_id=points.example,
        notes=notes_on(table.understanding),
    )
    understood = _understood(table, points)
    if refusal is not None:
        understood |= {"unit": None, "unit_evidence": None}
    facts = {**understood, **_found(survey, sample, points), "odd": odd, "classify": run}
    plain: dict[str, Any] = _plain(facts)
    return plain


@contextmanager
def _opened(
    source: str | Path | BinaryIO, model: Model, options: Options, runner: _Runner
) -> Iterator[tuple[Reading, str | None, float]]:
    """Open a table; one whose unit nothing proves is taken for millimetres, and what ``classify`` would say is kept."""

    def reading(units: Unit | None) -> Any:
        return open_understood(
            source,
            units=units,
            columns=options.columns,
            half_wavelength_mm=model.half_wavelength_mm,
            threads=runner.threads,
            large_batches=runner.device != "cpu",
        )

    with ExitStack() as closing:
        refusal = None
        begin = time.perf_counter()
        try:
            table = closing.enter_context(reading(options.units))
        except DataError as error:
            # Only the unit can be wrong then; a stream cannot be read again.
            if options.units is not None or not isinstance(source, (str, Path)) or str(source) == "-":
                raise
            refusal = str(error)
            begin = time.perf_counter()
            table = closing.enter_context(reading("mm"))
        yield table, refusal, time.perf_counter() - begin


class _Runner:
    """The run that ``classify`` would make; the model is opened unless time matters more."""

    def __init__(self, model: Model, options: Options) -> None:
        self._model, self._options = model, options
        self.threads = options.threads or usable_cpus()
        self._resident = resident_bytes()
        self._classifier: Classifier | None = None
        if options.quick:
            precisions = (options.precision,) if options.precision else model.precisions
            facts = gather_facts(import_onnxruntime())
            self._choice = choose(options.device, facts, precisions, model.faster_on_cpu)[0]
        else:
            opened = Classifier(
                options.model, device=options.device, precision=options.precision, threads=options.threads
            )
            self._choice = Candidate(opened.device, opened.provider, opened.precision, opened.device_reason)
            self._classifier = opened
            self._resident = resident_bytes()

    @property
    def device(self) -> str:
        """Device that would be tried first, or on which the model really runs."""
        return self._choice.device

    def refusals(self, table: Reading) -> Iterator[str]:
        """Give the reasons why ``classify`` would refuse a table that is understood; none if it takes it."""
        limits, epochs = self._model.limits, len(table.understanding.layout.dates)
        if not limits.min_epochs <= epochs <= limits.max_epochs:
            yield f"{epochs} epochs: model {self._model.name} takes {limits.min_epochs} to {limits.max_epochs}"
        try:
            output_schema(table.understanding, keep_series=False)
        except DataError as error:
            yield str(error)

    def describe(self, table: Reading, sample: SampledRows, points: int | None, refused: str | None) -> dict[str, Any]:
        """Say what the run would do."""
        choice, plan, understanding = self._choice, table.plan, table.understanding
        need = plan.need(Load(table.source.row_bytes, table.source.held_bytes)) + (self._resident or 0)
        pace = None
        if self._classifier is not None and sample.batch is not None and refused is None:
            pace = measure_pace(self._classifier, understanding, sample.batch, plan.threads)
        geometry = _geometry(table)
        added = [*RESULT_SCHEMA.names, *(("geometry", "bbox") if geometry == "points" else ())]
        return {
            "refused": refused,
            "output": self._options.output,
            "output_exists": bool(self._options.output) and Path(str(self._options.output)).exists(),
            "geometry": geometry,
            "crs": "OGC:CRS84" if geometry == "points" else None,
            "columns_kept": understanding.kept(keep_series=False),
            "columns_added": added,
            "model": self._model.name,
            "model_version": self._model.version,
            "precision": choice.precision,
            "device": choice.device,
            "provider": choice.provider,
            "device_reason": choice.reason,
            "device_opened": self._classifier is not None,
            "priors": asdict(self._model.training_priors),
            "abstain_below": self._model.abstain_below,
            "threads": plan.threads,
            "batch_rows": plan.batch_rows,
            "memory_mb": round(need / 2**20),
            **_times(pace, sample, points),
        }


def _times(pace: Pace | None, sample: SampledRows, points: int | None) -> dict[str, Any]:
    if pace is None or points is None:
        return {"seconds": None, "points_per_second": None, "measured_points": 0 if pace is None else pace.rows}
    seconds = pace.seconds(points, sample.seconds / max(sample.rows_read, 1))
    return {
        "seconds": seconds,
        "points_per_second": points / seconds if seconds else None,
        "measured_points": pace.rows,
    }


def _geometry(table: Reading) -> str | None:
    """Tell whether the output keeps the geometry of the input, gets points, or has none."""
    schema = table.understanding.schema
    kept = table.understanding.kept(keep_series=False)
    if kept_geometry(table.source.metadata, kept) is not None:
        return "kept"
    return "points" if table.understanding.position and not {"geometry", "bbox"} & set(schema.names) else None


def _count_points(table: Reading, sample: SampledRows, options: Options) -> _Points:
    """Count the points, and read the ids of all of them as far as time allows."""
    source, layout = table.source, table.understanding.layout
    known = len(sample.series) if sample.where == "all" else count_rows(source)
    seconds = _QUICK_SECONDS if options.quick else _PASS_SECONDS
    if options.quick and known is not None:
        return _Points(known, True, None, None, None)
    with ExitStack() as closing:
        try:
            column = open_column(source, layout.id, closing)
            if column is None:
                return _Points(known, known is not None, None, None, None)
            ids = survey_ids(
                column.pieces,
                seconds=seconds,
                compare=layout.id is not None and not options.quick,
                runs=layout.kind not in {"wide", "list"},
            )
            share = column.share_read
        except UNREADABLE as error:
            text = " ".join(str(error).split())[:160]
            return _Points(known, False, None, None, f"reading ended early: {text}: fetch or write the file again")
        example = None
        if ids.example_rows and (again := open_column(source, layout.id, closing)) is not None:
            example = id_at(again.pieces, ids.example_rows[0])
    count, counted = known, known is not None
    if known is None:
        count, counted = (ids.rows, True) if ids.complete else (round(ids.rows / max(share or 1.0, 1e-6)), False)
    return _Points(count, counted, ids if ids.compared else None, example, None)


def _understood(table: Reading, points: _Points) -> dict[str, Any]:
    """Give what the file holds and how that is known."""
    source, layout, units = table.source, table.understanding.layout, table.understanding.units
    dates, path = layout.dates, Path(source.name)
    steps = np.diff(dates).astype(int)
    roles = ("id", "longitude", "latitude", "easting", "northing", "velocity")
    return {
        "name": source.name,
        "container": source.kind,
        "bytes": path.stat().st_size if source.name != "-" and path.is_file() else None,
        "points": points.count,
        "points_counted": points.counted,
        "layout": layout.kind,
        "date_columns": layout.family,
        "producer": layout.producer,
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
        "notes": list(notes_on(table.understanding)),
    }


def _found(survey: Survey, sample: SampledRows, points: _Points) -> dict[str, Any]:
    """Give what was found in the sample and among the ids."""
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


def _plain(value: Any) -> Any:
    """Give findings as values that JSON has: dates as ISO text, no NaN, float32 without its false digits."""
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
