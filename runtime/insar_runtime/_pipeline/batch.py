"""One batch of a table: from its series to the columns that are added, classes and, if wanted, a diagnosis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.table import TableDescription, as_first
from insar_runtime._pipeline.blas import one_thread_a_product
from insar_runtime._pipeline.diagnosis_setup import DiagnoserCache
from insar_runtime._pipeline.mixed_axes import AxisRows, rows_on_axes, with_epochs
from insar_runtime._pipeline.plan import TablePlan
from insar_runtime.result import Result

if TYPE_CHECKING:
    from insar_runtime._diagnosis.diagnosis import Diagnosis
    from insar_runtime._engine.runner import ModelRunner


@dataclass(frozen=True, slots=True)
class ClassifiedRows:
    """What was found of the rows of a batch.

    Attributes
    ----------
    columns : pyarrow.RecordBatch
        The columns that are added, of the schema ``TablePlan.added``.
    counts : mapping of str to int
        Of the diagnosis; empty without one.
    diagnosis : Diagnosis or None
        If it was asked for and all rows share their dates.
    """

    columns: pa.RecordBatch
    counts: Mapping[str, int] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None


class BatchClassifier:
    """Classify the batches of one table. May be shared between threads: all that it holds is fixed or cached.

    Parameters
    ----------
    plan : TablePlan
        Of the table.
    """

    def __init__(self, plan: TablePlan) -> None:
        self._plan = plan
        self._table = plan.description
        self._kept = plan.kept
        self._added = plan.added
        self._schema = plan.schema
        self._diagnosers = None if plan.diagnosis is None else DiagnoserCache(plan.diagnosis)

    def classify(self, runner: ModelRunner, batch: pa.RecordBatch, first_row: int = 0) -> ClassifiedRows:
        """Classify the series of a batch, and diagnose them if wanted.

        Parameters
        ----------
        runner : ModelRunner
            Classifies the series.
        batch : pyarrow.RecordBatch
            Of the schema of the table.
        first_row : int
            Number of its first row, for messages.

        Raises
        ------
        DataError
            If its series do not fit the table's dates.
        """
        if not batch.num_rows:
            return ClassifiedRows(pa.RecordBatch.from_pylist([], schema=self._added))
        if not self._table.any_axis:
            series = self._table.matrix(batch, first_row)
            return self._on_axis(runner, AxisRows(np.arange(len(series)), series, self._table.layout.dates))
        groups = list(rows_on_axes(batch, first_row, self._table))
        # A row without dates gets one epoch without a value: no fit has to allow for empty axes.
        parts = [self._on_axis(runner, with_epochs(group, 1)) for group in groups]
        back = np.argsort(np.concatenate([group.rows for group in groups]))
        columns = pa.concat_batches([part.columns for part in parts]).take(pa.array(back))
        return ClassifiedRows(columns, sum((Counter(part.counts) for part in parts), Counter()))

    def beside(self, batch: pa.RecordBatch, found: ClassifiedRows) -> list[pa.Array]:
        """Return the columns of a batch that are kept, then those that are added."""
        return [*(batch.column(name) for name in self._kept), *found.columns.columns]

    def output(self, runner: ModelRunner, batch: pa.RecordBatch, first_row: int = 0) -> pa.RecordBatch:
        """Classify a batch of a stream, and return it with the columns of ``TablePlan.schema``.

        Raises
        ------
        DataError
            If the batch has other columns than the first one, or its series do not fit the table's dates.
        """
        batch = as_first(batch, self._table.schema)
        columns = self.beside(batch, self.classify(runner, batch, first_row))
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _on_axis(self, runner: ModelRunner, group: AxisRows) -> ClassifiedRows:
        # An axis that all rows share was checked before; a row of its own axis merely has too few epochs.
        least = runner.model.limits.min_epochs if self._table.any_axis else 0

        def classify(series: NDArray[np.float32]) -> Result:
            padded = with_epochs(AxisRows(group.rows, series, group.dates), least)
            return runner.classify_matrix(padded.series, (padded.dates - padded.dates[:1]).astype(np.float32))

        result = classify(group.series)
        if self._diagnosers is None:
            return ClassifiedRows(result.to_arrow())
        with one_thread_a_product():
            diagnosis = self._diagnosers.for_dates(group.dates).diagnose(group.series, result, classify)
        added = diagnosis.to_arrow()
        columns = [*result.to_arrow().columns, *added.columns]
        if len(self._added) > len(columns):
            columns.append(added.column("velocity_mm_yr"))
        return ClassifiedRows(pa.RecordBatch.from_arrays(columns, schema=self._added), diagnosis.counts(), diagnosis)


def classify_series(
    description: TableDescription, runner: ModelRunner, batch: pa.RecordBatch, first_row: int
) -> Result:
    """Classify the series of a batch of a table with one time axis, and leave its other columns alone.

    Raises
    ------
    DataError
        If its series do not fit the table's dates.
    """
    return runner.classify_matrix(description.matrix(batch, first_row), description.layout.days)
