"""What a reader of an output needs to know of where its classes come from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from insar_runtime._engine.runner import ModelRunner
from insar_runtime._input.producers import attribution_of
from insar_runtime._input.source import Source
from insar_runtime._input.table import TableDescription
from insar_runtime._input.wavelength import find_wavelength
from insar_runtime._pipeline.batch import renamed
from insar_runtime._pipeline.diagnosis_setup import DiagnoserCache
from insar_runtime._pipeline.notes import notes_on, notes_on_radar
from insar_runtime._pipeline.request import Request
from insar_runtime._version import __version__
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.definitions import class_definitions


def provenance(
    classifier: ModelRunner,
    description: TableDescription,
    source: Source,
    request: Request,
    diagnosers: DiagnoserCache | None,
) -> dict[str, Any]:
    """Give all that is known before the first row, as plain values; no time, so equal runs are equal.

    Parameters
    ----------
    classifier : ModelRunner
        With the priors of the run.
    description : TableDescription
        Of the table.
    source : Source
        The table.
    request : Request
        What was asked for.
    diagnosers : DiagnoserCache or None
        Of the table, where its rows are diagnosed.
    """
    layout, units, position = description.layout, description.units, description.position
    wavelength = find_wavelength(layout.dates, layout.made_by, request.declared.half_wavelength_mm)
    return {
        "package": "insar-runtime",
        "package_version": __version__,
        "model": classifier.model.name,
        "model_version": classifier.model.version,
        "model_sha256": classifier.model.sha256(classifier.precision),
        "precision": classifier.precision,
        "device": classifier.device,
        "provider": classifier.provider,
        "device_reason": classifier.device_reason,
        "parameters": request.parameters(classifier),
        "priors": asdict(classifier.priors),
        "class_names": list(CLASS_NAMES),
        "definitions": class_definitions(classifier.stable_rate),
        "input": {
            "name": Path(source.name).name,
            "kind": source.kind,
            "layout": layout.stored_as,
            "domain": layout.domain,
            "producer": layout.producer,
            "dates": [str(date) for date in layout.dates],
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
        **({} if diagnosers is None else {"diagnosis": diagnosers.how.described()}),
        "notes": _notes(classifier, description, request, diagnosers),
        "attribution": attribution_of(layout.producer),
    }


def _notes(
    classifier: ModelRunner, description: TableDescription, request: Request, diagnosers: DiagnoserCache | None
) -> list[str]:
    notes = [*notes_on(description), *notes_on_radar(request.half_wavelength(classifier), classifier.model)]
    if diagnosers is not None and (note := diagnosers.how.wavelength.note):
        notes.append(note)
    names = renamed(description, keep_series=request.keep_series, diagnosed=diagnosers is not None)
    return notes + [
        f"column {old} of the input is {new} here: {old} is that of the diagnosis" for old, new in names.items()
    ]
