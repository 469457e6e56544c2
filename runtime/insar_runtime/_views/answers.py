"""What a model says about a point, and what a file says that one has said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from insar_runtime._output.block_shape import parse_block
from insar_runtime._output.run_metadata import METADATA_KEY, read_block
from insar_runtime._views.cells import number, short, text
from insar_runtime._views.point import Answer, Series
from insar_runtime.classes import CLASS_NAMES, SEED_CLASS_NAMES, STATUS_NAMES
from insar_runtime.classifier import Classifier
from insar_runtime.errors import DataError
from insar_runtime.result import RESULT_SCHEMA

_SINCE_SIX: Final = "p_other"
"""Column that tables of models of five classes lacked before there was a sixth."""


def has_answers(schema: pa.Schema) -> bool:
    """Whether a table has the columns that ``classify`` adds."""
    return set(RESULT_SCHEMA.names) - {_SINCE_SIX} <= set(schema.names)


def provenance(name: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return our block of a file's metadata, or of the file beside it; empty if there is none that can be read."""
    try:
        return parse_block(metadata[METADATA_KEY])
    except (KeyError, ValueError):
        return read_block(Path(name)) or {}


def answer_now(classifier: Classifier, series: Series) -> Answer:
    """Classify a series.

    Raises
    ------
    DataError
        If it has fewer or more epochs than the model takes.
    """
    days = (series.dates - series.dates[:1]).astype(np.float32)
    result = classifier.classify_matrix(series.displacement[None, :], days)
    top = int(result.class_top[0])
    # zip ends with the classes of the model.
    shares = zip(classifier.model.classes, result.probabilities[0], strict=False)
    probabilities = {name: float(str(share)) for name, share in shares}
    return Answer(
        class_name=result.class_name[0],
        class_top=CLASS_NAMES[top] if top >= 0 else None,
        confidence=short(result.confidence[0]) if top >= 0 else None,
        probabilities=probabilities if top >= 0 else None,
        status=STATUS_NAMES[result.status[0]],
        model=f"{classifier.model.name} {classifier.model.version} {classifier.precision}",
        from_file=False,
    )


def stored_answer(values: Mapping[str, Any], block: Mapping[str, Any]) -> Answer:
    """Read the classes that a row of a file has; text and numbers alike, as others may have written it again.

    Parameters
    ----------
    values : mapping of str to Any
        Cells by column.
    block : mapping
        What ``provenance`` gives.

    Raises
    ------
    DataError
        If they are none of our classes.
    """
    name, top = text(values["class_name"]), number(values["class_top"])
    probabilities = {known: number(values.get(f"p_{known.lower()}")) for known in CLASS_NAMES}
    if name not in {*CLASS_NAMES, None} or (top is not None and top not in range(-1, len(CLASS_NAMES))):
        raise DataError(f"class_name {name!r} and class_top {top} are none of ours: drop the columns of classes")
    there = {known: value for known, value in probabilities.items() if value is not None}
    model = " ".join(str(block[key]) for key in ("model", "model_version", "precision") if key in block)
    return Answer(
        class_name=name,
        class_top=CLASS_NAMES[int(top)] if top is not None and top >= 0 else None,
        confidence=number(values["confidence"]),
        probabilities=there if set(SEED_CLASS_NAMES) <= set(there) else None,
        status=text(values["status"]) or "unknown",
        model=model or None,
        from_file=True,
    )
