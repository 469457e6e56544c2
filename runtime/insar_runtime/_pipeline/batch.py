"""From a batch of series to the columns that are added to it: classes, and a diagnosis where one is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.table import TableDescription
from insar_runtime._pipeline.blas import one_thread_a_product
from insar_runtime._pipeline.diagnosis_setup import DiagnoserCache
from insar_runtime._pipeline.mixed_axes import AxisRows, rows_on_axes, with_epochs
from insar_runtime.result import RESULT_SCHEMA, Result

if TYPE_CHECKING:
    from insar_runtime._diagnosis.diagnosis import Diagnosis
    from insar_runtime._engine.runner import ModelRunner

VELOCITY = "velocity"
"""Column that viewers look for; written beside a diagnosis where the table has no velocity."""
_OF_INPUT = "_input"
"""Added to the name of a column of the input that has one of the names of a diagnosis: files of EGMS have an
``acceleration_std`` of their own, and those of MintPy a ``velocity_std``. Who reads our columns finds them under the
same names everywhere."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What is said of a batch.

    Attributes
    ----------
    columns : pyarrow.RecordBatch
        Of the schema of ``added_fields``.
    counts : mapping of str to int
        Of the diagnosis; empty without one.
    diagnosis : Diagnosis or None
        Where it was asked for and all rows share their dates.
    """

    columns: pa.RecordBatch
    counts: Mapping[str, int] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None


def renamed(description: TableDescription, *, keep_series: bool, diagnosed: bool) -> dict[str, str]:
    """Give the columns of the input that are kept under another name, with that name."""
    if not diagnosed:
        return {}
    from insar_runtime._diagnosis.columns import DIAGNOSIS_SCHEMA  # noqa: PLC0415 - most runs take none of it

    kept = description.kept(keep_series=keep_series)
    ours = {*DIAGNOSIS_SCHEMA.names, *RESULT_SCHEMA.names}
    taken = {name.lower() for name in (*ours, *kept)}
    names = {}
    # SQLite, DuckDB and Spark take names that differ in case alone for the same.
    for old in (name for name in kept if name.lower() in DIAGNOSIS_SCHEMA.names):
        new = old + _OF_INPUT
        while new.lower() in taken:
            new += _OF_INPUT
        taken.add(new.lower())
        names[old] = new
    return names


def kept_fields(description: TableDescription, *, keep_series: bool, diagnosed: bool) -> list[pa.Field]:
    """Give the columns of the input that are kept, as the output names them."""
    names = renamed(description, keep_series=keep_series, diagnosed=diagnosed)
    fields = (description.schema.field(name) for name in description.kept(keep_series=keep_series))
    return [field.with_name(names.get(field.name, field.name)) for field in fields]


def added_fields(description: TableDescription, *, diagnosed: bool) -> list[pa.Field]:
    """Give the columns that are added to a table."""
    fields = list(RESULT_SCHEMA)
    if diagnosed:
        from insar_runtime._diagnosis.columns import DIAGNOSIS_SCHEMA  # noqa: PLC0415 - most runs take none of it

        fields += DIAGNOSIS_SCHEMA
        taken = {name.lower() for name in description.schema.names}
        if description.layout.velocity is None and VELOCITY not in taken:
            fields.append(pa.field(VELOCITY, pa.float32()))
    return fields


def answer(
    classifier: ModelRunner,
    batch: pa.RecordBatch,
    first_row: int,
    *,
    description: TableDescription,
    diagnosers: DiagnoserCache | None = None,
) -> Answers:
    """Classify the series of a batch, and diagnose them if wanted.

    Raises
    ------
    DataError
        If its series do not fit the table's dates.
    """
    if not batch.num_rows:
        fields = added_fields(description, diagnosed=diagnosers is not None)
        return Answers(pa.RecordBatch.from_pylist([], schema=pa.schema(fields)))
    if not description.any_axis:
        series = description.matrix(batch, first_row)
        whole = AxisRows(np.arange(len(series)), series, description.layout.dates)
        return _answer(classifier, whole, description, diagnosers)
    groups = list(rows_on_axes(batch, first_row, description))
    # A row without dates has one without a value: no fit has to know of empty axes.
    parts = [_answer(classifier, with_epochs(group, 1), description, diagnosers) for group in groups]
    back = np.argsort(np.concatenate([group.rows for group in groups]))
    columns = pa.concat_batches([part.columns for part in parts]).take(pa.array(back))
    return Answers(columns, sum((Counter(part.counts) for part in parts), Counter()))


def classify_rows(
    classifier: ModelRunner, batch: pa.RecordBatch, first_row: int, *, description: TableDescription
) -> Result:
    """Classify the series of a batch of one time axis that has rows, and leave its other columns alone.

    Raises
    ------
    DataError
        If its series do not fit the table's dates.
    """
    return classifier.classify_matrix(description.matrix(batch, first_row), description.layout.days)


def _answer(
    classifier: ModelRunner, group: AxisRows, description: TableDescription, diagnosers: DiagnoserCache | None
) -> Answers:
    def classify(series: NDArray[np.float32]) -> Result:
        padded = with_epochs(AxisRows(group.rows, series, group.dates), least)
        return classifier.classify_matrix(padded.series, (padded.dates - padded.dates[:1]).astype(np.float32))

    # An axis that all rows share was checked before; a row of its own axis merely has too few epochs.
    least = classifier.model.limits.min_epochs if description.any_axis else 0
    result = classify(group.series)
    if diagnosers is None:
        return Answers(result.to_arrow())
    with one_thread_a_product():
        diagnosis = diagnosers.for_dates(group.dates).diagnose(group.series, result, classify)
    added = diagnosis.to_arrow()
    fields = added_fields(description, diagnosed=True)
    columns = [*result.to_arrow().columns, *added.columns]
    if len(fields) > len(columns):
        columns.append(added.column("velocity_mm_yr"))
    return Answers(pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields)), diagnosis.counts(), diagnosis)
