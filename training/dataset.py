"""Labelled series for training: simulated, or from a user's own file."""

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
"""Names of a column of labels, in the order in which they are looked for."""


LIMITS: Final = Limits(min_epochs=30, max_epochs=512, max_gap_days=240, max_range_mm=1500)
"""Limits of rows for training; the run time has the same."""
_LEAST_OF_A_CLASS: Final = 10


NOISE_FACTS: Final = ("noise_white_mm", "noise_short_mm", "noise_slow_mm", "noise_short_days", "noise_slow_days")
"""Keys of ``LabelledSeries.facts`` for the columns of ``SimulatedSeries.noise_parts``."""


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
        True class ids.
    facts : dict of str to ndarray, each of shape [N]
        Other properties of each series (calendar, noise), for results by calendar or noise.
    """

    displacement: NDArray[np.float32]
    days: NDArray[np.float32]
    label: NDArray[np.int8]
    facts: dict[str, NDArray[Any]] = field(default_factory=dict)
    dropped: int = 0
    """Number of rows of a user's file outside the limits of the models, which were left out."""

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: NDArray[np.int64]) -> LabelledSeries:
        """Return some of the series, in the order of ``rows``."""
        facts = {name: values[rows] for name, values in self.facts.items()}
        return LabelledSeries(self.displacement[rows], self.days[rows], self.label[rows], facts)


@dataclass(frozen=True)
class Split:
    """Training, validation and test series; the seed paper has 70, 10 and 20 %."""

    train: LabelledSeries
    validation: LabelledSeries
    test: LabelledSeries


def simulated(
    count: int, *, seed: int, calendar: str | None = None, classes: int = len(SEED_CLASS_NAMES)
) -> LabelledSeries:
    """Simulate labelled series on all calendars, or on one.

    Parameters
    ----------
    count : int
        Number of series.
    seed : int
        Seed of all random draws.
    calendar : str, optional
        One of ``CALENDARS``.
    classes : int
        5 for the classes of the seed paper, or 6 for Other as well.
    """
    return with_facts(simulate(count, seed=seed, calendar=calendar, labels=balanced_labels(count, seed, classes)))


def balanced_labels(count: int, seed: int, classes: int = len(CLASS_NAMES)) -> NDArray[np.int8] | None:
    """Return labels [count] of so many classes in equal numbers, shuffled; None for five, the simulator's default."""
    if classes == len(SEED_CLASS_NAMES):
        return None
    rng = np.random.default_rng([seed, classes])
    return rng.permutation(np.arange(count) % classes).astype(np.int8)


def with_facts(series: SimulatedSeries) -> LabelledSeries:
    """Return simulated series with their calendar and noise as facts."""
    facts = {"calendar": series.calendar, "noise_sigma": series.noise_sigma, "departure": series.departure}
    facts |= dict(zip(NOISE_FACTS, series.noise_parts.T, strict=True))
    return LabelledSeries(series.displacement, series.days, series.label, facts)


def read_labelled(path: Path, *, label_column: str | None = None, units: Unit | None = None) -> LabelledSeries:
    """Read a user's labelled file in any layout that ``insar-rt classify`` reads.

    Parameters
    ----------
    path : Path
        Table with one series per row and a column of labels: class ids 0-5 or class names.
    label_column : str, optional
        Name of that column; by default the first of ``LABEL_COLUMNS`` that the table has.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements, if the file does not prove it.

    Raises
    ------
    DataError
        If there is no column of labels, a label is none of the six classes, or a class has too few usable rows. Only
        Other may be absent.
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
    # Rows that the run time would not classify are left out: one infinite value would make all weights NaN.
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
    """Split at random into 70 % training, 10 % validation and 20 % test series, stratified by class."""
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
    """Split at random into training series and a share of validation series; there is no test part."""
    rows = np.random.default_rng(seed).permutation(len(series))
    validation, train = np.split(rows, [round(share * len(rows))])
    return Split(series.take(train), series.take(validation), series.take(rows[:0]))


def _class_ids(raw: NDArray[Any], column: str) -> NDArray[np.int8]:
    ids = {name.lower(): class_id for class_id, name in enumerate(CLASS_NAMES)}
    # Integers are read as floats if a table had missing values.
    ids |= {text: class_id for class_id in range(len(CLASS_NAMES)) for text in (str(class_id), f"{class_id}.0")}
    found, inverse = np.unique(raw.astype(str), return_inverse=True)
    unknown = [str(value) for value in found if value.lower() not in ids]
    if unknown:
        raise DataError(f"column {column} holds {unknown[0]!r}; labels are {', '.join(CLASS_NAMES)} or the ids 0-5")
    return np.array([ids[value.lower()] for value in found], dtype=np.int8)[inverse]
