"""Labelled series to train on: simulated ones, or a user's own Parquet file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.row_checks import check_rows
from insar_runtime._input.layout import resolve_layout
from insar_runtime._input.matrix import to_matrix
from insar_runtime._input.opening import open_source
from insar_runtime._input.units.series_units import Unit, prove_units
from insar_runtime.classes import CLASS_NAMES, SEED_CLASS_NAMES, RowStatus
from insar_runtime.errors import DataError
from insar_runtime.models import Limits
from training.simulator import SimulatedSeries, simulate

LABEL_COLUMNS = ("label", "class_id", "class_name", "true_class")
"""Names under which a column of labels is found, in this order."""


LIMITS: Final = Limits(min_epochs=30, max_epochs=512, max_gap_days=240, max_range_mm=1500)
"""Limits of the rows that networks are trained on, and that the run-time classifies."""
_LEAST_OF_A_CLASS: Final = 10


NOISE_FACTS: Final = ("noise_white_mm", "noise_short_mm", "noise_slow_mm", "noise_short_days", "noise_slow_days")
"""Names of the columns of ``SimulatedSeries.noise_parts`` among the facts of a series."""


@dataclass(frozen=True)
class LabelledSeries:
    """Displacement time series of known class.

    Attributes
    ----------
    displacement : ndarray of float32, shape [N, T]
        Displacement along the line of sight in mm; NaN = missing or padding.
    days : ndarray of float32, shape [N, T]
        Days since the first acquisition, finite everywhere.
    label : ndarray of int8, shape [N]
        Class ids.
    facts : dict of str to ndarray, each of shape [N]
        What else is known of each series (calendar, noise), by which results can be broken down.
    """

    displacement: NDArray[np.float32]
    days: NDArray[np.float32]
    label: NDArray[np.int8]
    facts: dict[str, NDArray[Any]] = field(default_factory=dict)
    dropped: int = 0
    """Rows of a user's file that no model could be asked about."""

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: NDArray[np.int64]) -> LabelledSeries:
        """Return some of the series, in the order of ``rows``."""
        facts = {name: values[rows] for name, values in self.facts.items()}
        return LabelledSeries(self.displacement[rows], self.days[rows], self.label[rows], facts)


@dataclass(frozen=True)
class Split:
    """The seed paper's division: 70 % to train, 10 % to validate, 20 % to test."""

    train: LabelledSeries
    validation: LabelledSeries
    test: LabelledSeries


def simulated(
    count: int, *, seed: int, calendar: str | None = None, classes: int = len(SEED_CLASS_NAMES)
) -> LabelledSeries:
    """Simulate labelled series, all calendars mixed unless one is named.

    Parameters
    ----------
    count : int
        Number of series.
    seed : int
        Of everything drawn.
    calendar : str, optional
        One of ``CALENDARS``.
    classes : int
        5 for the classes of the seed, 6 for Other as well: so many as a model knows.
    """
    return with_facts(simulate(count, seed=seed, calendar=calendar, labels=balanced_labels(count, seed, classes)))


def balanced_labels(count: int, seed: int, classes: int = len(CLASS_NAMES)) -> NDArray[np.int8] | None:
    """Return labels [count] of the first classes in equal numbers, shuffled; None, the simulator's own, for five."""
    if classes == len(SEED_CLASS_NAMES):
        return None
    rng = np.random.default_rng([seed, classes])
    return rng.permutation(np.arange(count) % classes).astype(np.int8)


def with_facts(series: SimulatedSeries) -> LabelledSeries:
    """Return simulated series with the facts by which results are broken down, or which an oracle is given."""
    facts = {"calendar": series.calendar, "noise_sigma": series.noise_sigma, "departure": series.departure}
    facts |= dict(zip(NOISE_FACTS, series.noise_parts.T, strict=True))
    return LabelledSeries(series.displacement, series.days, series.label, facts)


def read_labelled(path: Path, *, label_column: str | None = None, units: Unit | None = None) -> LabelledSeries:
    """Read a user's labelled file in any layout that ``insar-rt classify`` reads.

    Parameters
    ----------
    path : Path
        Table with one series a row and a column of labels: class ids 0-5 or class names.
    label_column : str, optional
        Name of that column; by default the first of ``LABEL_COLUMNS`` that is there.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements where the file does not prove it.

    Raises
    ------
    DataError
        If there is no column of labels, it holds something else than the six classes, or one of them has too few usable
        rows. The sixth, Other, may be absent.
    """
    with open_source(path) as source:
        batches = [batch for batch in source.batches() if batch.num_rows]
        if not batches:
            raise DataError(f"{path} holds no series; give a file with labelled rows")
        layout = resolve_layout(source.schema, batches[0])
        names = [label_column] if label_column else [n for n in LABEL_COLUMNS if n in source.schema.names]
        if not names or names[0] not in source.schema.names:
            wanted = label_column or ", ".join(LABEL_COLUMNS)
            raise DataError(f"{path} has no column of labels ({wanted}); name it with --label-column")
        matrix = np.concatenate([to_matrix(batch, layout) for batch in batches])
        raw = np.concatenate([batch.column(names[0]).to_numpy(zero_copy_only=False) for batch in batches])
    velocity = None
    if layout.velocity:
        velocity = np.concatenate([batch.column(layout.velocity).to_numpy(zero_copy_only=False) for batch in batches])
    proven = prove_units(matrix[:1000], layout, None if velocity is None else velocity[:1000], declared=units)
    matrix *= np.float32(proven.factor_to_mm)
    label = _class_ids(raw, names[0])
    if not LIMITS.min_epochs <= len(layout.dates) <= LIMITS.max_epochs:
        raise DataError(
            f"{path} has {len(layout.dates)} epochs; give {LIMITS.min_epochs} to {LIMITS.max_epochs} to train on"
        )
    # What the run-time would not ask a model about must not teach one: a single infinity ends as NaN weights.
    fit = check_rows(matrix, layout.days, LIMITS).status == RowStatus.OK
    counts = np.bincount(label[fit], minlength=len(SEED_CLASS_NAMES))
    if counts.min() < _LEAST_OF_A_CLASS:
        few = CLASS_NAMES[int(counts.argmin())]
        raise DataError(
            f"{path} has {counts.min()} usable rows of class {few}; give at least {_LEAST_OF_A_CLASS} of each class"
        )
    days = np.broadcast_to(layout.days, matrix.shape)[fit]
    return LabelledSeries(matrix[fit], days, label[fit], dropped=int(np.count_nonzero(~fit)))


def split(series: LabelledSeries, *, seed: int) -> Split:
    """Divide at random into 70 / 10 / 20 %, each class by itself."""
    rng = np.random.default_rng(seed)
    parts: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
    for class_id in range(len(CLASS_NAMES)):
        rows = rng.permutation(np.flatnonzero(series.label == class_id))
        bounds = [round(0.7 * len(rows)), round(0.8 * len(rows))]
        for part, chosen in zip(parts, np.split(rows, bounds), strict=True):
            part.append(chosen)
    train, validation, test = (series.take(rng.permutation(np.concatenate(part))) for part in parts)
    return Split(train, validation, test)


def hold_out(series: LabelledSeries, share: float, *, seed: int) -> Split:
    """Divide at random into what is trained on and a share to choose and calibrate by; no test part."""
    rows = np.random.default_rng(seed).permutation(len(series))
    validation, train = np.split(rows, [round(share * len(rows))])
    return Split(series.take(train), series.take(validation), series.take(rows[:0]))


def _class_ids(raw: NDArray[Any], column: str) -> NDArray[np.int8]:
    ids = {name.lower(): class_id for class_id, name in enumerate(CLASS_NAMES)}
    # Whole numbers come as floats where a table has had missing values.
    ids |= {text: class_id for class_id in range(len(CLASS_NAMES)) for text in (str(class_id), f"{class_id}.0")}
    found, inverse = np.unique(raw.astype(str), return_inverse=True)
    unknown = [str(value) for value in found if value.lower() not in ids]
    if unknown:
        raise DataError(f"column {column} holds {unknown[0]!r}; labels are {', '.join(CLASS_NAMES)} or the ids 0-5")
    return np.array([ids[value.lower()] for value in found], dtype=np.int8)[inverse]
