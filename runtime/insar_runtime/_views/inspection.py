"""What ``classify`` would understand of a file, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np

from insar_runtime._input.sources import Source
from insar_runtime._input.understanding import Understanding
from insar_runtime.models import Limits
from insar_runtime.summary import notes_on


def describe_source(source: Source, understanding: Understanding, limits: Limits) -> dict[str, Any]:
    """Gather what was understood of a source, on what evidence, and whether it can be classified.

    Parameters
    ----------
    source : Source
        An open source.
    understanding : Understanding
        What was resolved from its first rows.
    limits : Limits
        Of the model that would be used.
    """
    layout, units = understanding.layout, understanding.units
    dates = layout.dates
    steps = np.diff(dates).astype(int)
    epochs = len(dates)
    notes = list(notes_on(understanding))
    if epochs < limits.min_epochs or epochs > limits.max_epochs:
        notes.append(f"classify refuses it: the model takes {limits.min_epochs} to {limits.max_epochs} epochs")
    return {
        "name": source.name,
        "container": source.kind,
        "points": source.rows,
        "layout": layout.stored_as,
        "producer": layout.producer,
        "epochs": epochs,
        "first_date": str(dates[0]) if epochs else None,
        "last_date": str(dates[-1]) if epochs else None,
        "sampling_days": {
            "min": int(steps.min()),
            "median": float(np.median(steps)),
            "max": int(steps.max()),
        }
        if epochs > 1
        else None,
        "columns": {
            "id": layout.id,
            "longitude": layout.longitude,
            "latitude": layout.latitude,
            "easting": layout.easting,
            "northing": layout.northing,
            "velocity": layout.velocity,
        },
        "attributes": list(layout.attributes),
        "unit": units.unit,
        "unit_evidence": units.evidence,
        "unit_ratio": units.ratio,
        "sign": units.sign,
        "notes": notes,
    }
