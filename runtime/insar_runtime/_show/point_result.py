"""The class of one point: read from a classified file, or given by a model now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from insar_runtime._classified.scalars import number, short, text
from insar_runtime._show.series import Series
from insar_runtime.classes import CLASS_NAMES, SEED_CLASS_NAMES, STATUS_NAMES
from insar_runtime.classifier import Classifier
from insar_runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class PointResult:
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


def classify_point(classifier: Classifier, series: Series) -> PointResult:
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
    return PointResult(
        class_name=result.class_name[0],
        class_top=CLASS_NAMES[top] if top >= 0 else None,
        confidence=short(result.confidence[0]) if top >= 0 else None,
        probabilities=probabilities if top >= 0 else None,
        status=STATUS_NAMES[result.status[0]],
        model=f"{classifier.model.name} {classifier.model.version} {classifier.precision}",
        from_file=False,
    )


def stored_result(values: Mapping[str, Any], block: Mapping[str, Any]) -> PointResult:
    """Read the classes that a row of a file has; text and numbers alike, as others may have written it again.

    Parameters
    ----------
    values : mapping of str to Any
        Cells by column.
    block : mapping
        What ``stored_run_metadata`` gives.

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
    return PointResult(
        class_name=name,
        class_top=CLASS_NAMES[int(top)] if top is not None and top >= 0 else None,
        confidence=number(values["confidence"]),
        probabilities=there if set(SEED_CLASS_NAMES) <= set(there) else None,
        status=text(values["status"]) or "unknown",
        model=model or None,
        from_file=True,
    )
