"""Provenance of an output: input, model, parameters and notes, as its metadata state them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insar_runtime._engine.runner import ModelRunner
from insar_runtime._input.producers import attribution_of
from insar_runtime._input.source import Source
from insar_runtime._pipeline.notes import notes_on, notes_on_radar, notes_on_recent_change
from insar_runtime._pipeline.plan import TablePlan
from insar_runtime._pipeline.run_options import RunOptions
from insar_runtime._version import __version__
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.definitions import class_definitions

if TYPE_CHECKING:
    from insar_runtime._pipeline.neighbourhood import Neighbourhood


def provenance(
    runner: ModelRunner,
    source: Source,
    plan: TablePlan,
    options: RunOptions,
    around: Neighbourhood | None = None,
) -> dict[str, Any]:
    """Return all that is known before the first row, as plain values; no time, so equal runs are equal.

    Parameters
    ----------
    runner : ModelRunner
        With the priors of the run.
    source : Source
        The table.
    plan : TablePlan
        Of the table.
    options : RunOptions
        What was asked for.
    around : Neighbourhood, optional
        What is known of the neighbours of the points.
    """
    diagnosis = {} if plan.diagnosis is None else plan.diagnosis.described()
    if around is not None and plan.neighbours:
        diagnosis |= around.described()
    description = plan.description
    layout, units, position = description.layout, description.units, description.position
    wavelength = description.wavelength(options.declared)
    return {
        "package": "insar-runtime",
        "package_version": __version__,
        "model": runner.model.name,
        "model_version": runner.model.version,
        "model_sha256": runner.model.sha256(runner.precision),
        "precision": runner.precision,
        "device": runner.device,
        "provider": runner.provider,
        "device_reason": runner.device_reason,
        "parameters": options.parameters(runner),
        "priors": asdict(runner.priors),
        "class_names": list(CLASS_NAMES),
        "definitions": class_definitions(runner.stable_rate),
        "input": {
            "name": Path(source.name).name,
            "kind": source.kind,
            "layout": layout.stored_as,
            "domain": layout.domain,
            "producer": layout.producer,
            "dates": [str(date) for date in layout.dates],
            **({"joins": [str(join.date) for join in description.joins]} if description.joins else {}),
            "id": layout.id,
            "longitude": layout.longitude,
            "latitude": layout.latitude,
            "position": asdict(position) if position else None,
            "velocity": layout.velocity,
            "series": layout.columns[0] if layout.kind == "list" else None,
            "dates_column": layout.dates_column,
            "unit": units.unit,
            "unit_evidence": units.evidence,
            "sign": units.sign,
            "half_wavelength_mm": wavelength.half_mm,
            "half_wavelength_evidence": wavelength.evidence,
            "sign_convention": layout.made_by.sign if layout.made_by else "unknown",
        },
        **({"diagnosis": diagnosis} if diagnosis else {}),
        "notes": _notes(runner, plan, options),
        "attribution": attribution_of(layout.producer),
    }


def _notes(runner: ModelRunner, plan: TablePlan, options: RunOptions) -> list[str]:
    radar = notes_on_radar(options.half_wavelength(runner), runner.model)
    notes = [*notes_on(plan.description, doubts=False), *runner.notes, *radar]
    if plan.diagnosis is not None and (note := plan.diagnosis.wavelength.note):
        notes.append(note)
    if plan.diagnosis is not None:
        notes += notes_on_recent_change(plan.diagnosis.dates, plan.diagnosis.options.recent_days)
    return notes + [
        f"column {old} of the input is {new} here: {old} is that of the diagnosis" for old, new in plan.renamed.items()
    ]
