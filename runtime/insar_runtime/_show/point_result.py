"""The class of one point: read from a classified file, or given by a model now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from insar_runtime._classified.class_columns import MOST_SHARE, foreign_column
from insar_runtime._classified.scalars import number, short, text
from insar_runtime._show.series import Series
from insar_runtime.classes import CLASS_NAMES, SEED_CLASS_NAMES, STATUS_NAMES
from insar_runtime.classifier import Classifier
from insar_runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class PointResult:
    """The result of the classification of one point.

    Attributes
    ----------
    class_name, class_top : str or None
        Class after and before abstention.
    confidence : float or None
        Calibrated probability of ``class_top``.
    probabilities : dict of str to float, or None
        By class; None if the status allows none.
    status : str
    model : str or None
        Name, version and precision; None if the file does not state it.
    from_file : bool
        Whether it was read from the file, not classified now.
    """

    class_name: str | None
    class_top: str | None
    confidence: float | None
    probabilities: dict[str, float] | None
    status: str
    model: str | None
    from_file: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


def classify_point(classifier: Classifier, series: Series) -> PointResult:
    """Classify the series of one point.

    Raises
    ------
    DataError
        If the model does not accept the number of epochs.
    """
    days = (series.dates - series.dates[:1]).astype(np.float32)
    result = classifier.classify_matrix(series.displacement[None, :], days)
    top = int(result.class_top[0])
    # A model of five classes has no sixth probability.
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
    """Read the classes of a row of a classified file.

    Numbers may be stored as text, because other software may have written the file again.

    Parameters
    ----------
    values : mapping of str to Any
        Values of the row by column.
    block : mapping
        Run metadata, as returned by ``stored_run_metadata``.

    Raises
    ------
    DataError
        If the columns hold other classes than ours.
    """
    for column in ("class_name", "class_top", "confidence", "status"):
        if column not in values:
            raise foreign_column(column, "it holds lists, structures or bytes")
    name, top = text(values["class_name"]), number(values["class_top"])
    probabilities = {known: number(values.get(f"p_{known.lower()}")) for known in CLASS_NAMES}
    if name not in {*CLASS_NAMES, None} or (top is not None and top not in range(-1, len(CLASS_NAMES))):
        raise DataError(f"class_name {name!r} and class_top {top} are unknown: drop the columns of classes")
    there = {known: value for known, value in probabilities.items() if value is not None}
    confidence = number(values["confidence"])
    shares = {f"p_{known.lower()}": value for known, value in there.items()} | {"confidence": confidence}
    for column, share in shares.items():
        if share is not None and not 0 <= share <= MOST_SHARE:
            raise foreign_column(column, f"{share:g} is no probability")
    model = " ".join(str(block[key]) for key in ("model", "model_version", "precision") if key in block)
    return PointResult(
        class_name=name,
        class_top=CLASS_NAMES[int(top)] if top is not None and top >= 0 else None,
        confidence=confidence,
        probabilities=there if set(SEED_CLASS_NAMES) <= set(there) else None,
        status=text(values["status"]) or "unknown",
        model=model or None,
        from_file=True,
    )
