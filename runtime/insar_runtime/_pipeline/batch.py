"""One batch of a table: from its series to the columns that are added, classes and, if wanted, a diagnosis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._input.plain_types import as_plain
from insar_runtime._input.table import as_first
from insar_runtime._pipeline.blas import one_thread_a_product
from insar_runtime._pipeline.diagnosis_setup import DiagnoserCache
from insar_runtime._pipeline.mixed_axes import AxisRows, rows_on_axes, with_epochs
from insar_runtime._pipeline.plan import TablePlan
from insar_runtime._pipeline.row_classes import RowClasses, changed_table
from insar_runtime._pipeline.series_sample import SampledSeries, SeriesSample
from insar_runtime.result import Result

if TYPE_CHECKING:
    from insar_runtime._diagnosis.diagnoser import Reclassify, Spare
    from insar_runtime._diagnosis.diagnosis import DiagnosedRows, Diagnosis
    from insar_runtime._diagnosis.jumps.jump_kinds import JumpKinds
    from insar_runtime._diagnosis.results import Jumps
    from insar_runtime._diagnosis.row_selection import SelectedRows
    from insar_runtime._engine.runner import ModelRunner


@dataclass(frozen=True, slots=True)
class ClassifiedBatch:
    """A batch of the table, and what was found of its rows.

    Attributes
    ----------
    batch : pyarrow.RecordBatch
        Of the input.
    kept : list of pyarrow.Array
        Those of its columns that the output keeps.
    added : pyarrow.RecordBatch
        The columns that are added, of the schema ``TablePlan.added``.
    counts : mapping of str to int
        Of the diagnosis; empty without one.
    diagnosis : DiagnosedRows or None
        If it was asked for and all rows share their dates.
    sampled : SampledSeries or None
        Series for the findings about the table, if they are wanted.
    """

    batch: pa.RecordBatch
    kept: list[pa.Array]
    added: pa.RecordBatch
    counts: Mapping[str, int] = field(default_factory=dict)
    diagnosis: DiagnosedRows | None = None
    sampled: SampledSeries | None = None

    @property
    def columns(self) -> list[pa.Array]:
        """Columns of the output: those that are kept, then those that are added."""
        return [*self.kept, *self.added.columns]


class BatchClassifier:
    """Classify the batches of one table. May be shared between threads: all that it holds is fixed or cached.

    Parameters
    ----------
    plan : TablePlan
        Of the table.
    sample : SeriesSample, optional
        Chooses the series for the findings about a table with one time axis.
    kinds : JumpKinds, optional
        Kinds of all jumps of the table, if the neighbours of jumps are looked at.
    repairs_common : bool
        Whether jumps that are shared by neighbours or by the whole file are repaired like others.
    """

    def __init__(
        self,
        plan: TablePlan,
        sample: SeriesSample | None = None,
        kinds: JumpKinds | None = None,
        *,
        repairs_common: bool = False,
    ) -> None:
        self._plan = plan
        self._sample = sample
        self._kinds = kinds
        self._repairs_common = repairs_common
        self._table = plan.description
        self._kept = plan.kept
        self._added = plan.added
        self._schema = plan.schema
        self._diagnosers = None if plan.diagnosis is None else DiagnoserCache(plan.diagnosis)

    def classify(
        self, runner: ModelRunner, batch: pa.RecordBatch, first_row: int = 0, classes: RowClasses | None = None
    ) -> ClassifiedBatch:
        """Classify the series of a batch, and diagnose them if wanted.

        Parameters
        ----------
        runner : ModelRunner
            Classifies the series.
        batch : pyarrow.RecordBatch
            Of the schema of the table.
        first_row : int
            Number of its first row, for messages.
        classes : RowClasses, optional
            Classifies the rows of a table with one time axis in place of the runner.

        Raises
        ------
        DataError
            If its series do not fit the table's dates.
        """
        table, kept = self._table, [batch.column(name) for name in self._kept]
        if not batch.num_rows:
            return ClassifiedBatch(batch, kept, pa.RecordBatch.from_pylist([], schema=self._added))
        if not table.any_axis:
            series = table.matrix(batch, first_row)
            sampled = None if self._sample is None else self._sample.choose(series, first_row)
            classes = classes or RowClasses(runner, table.layout.days)
            result = classes.classify(series, first_row)
            if self._diagnosers is None:
                return ClassifiedBatch(batch, kept, result.to_arrow(), sampled=sampled)
            added, diagnosis = self._diagnose(
                self._diagnosers,
                table.layout.dates,
                series,
                result,
                lambda rows, _: runner.classify_matrix(rows, table.layout.days),
            )
            return ClassifiedBatch(batch, kept, added, diagnosis.counts(), diagnosis, sampled)
        groups = list(rows_on_axes(batch, first_row, table))
        # A row without dates gets one epoch without a value: no fit has to allow for empty axes.
        parts = [self._on_own_axis(runner, with_epochs(group, 1)) for group in groups]
        back = pa.array(np.argsort(np.concatenate([group.rows for group in groups])))
        counts = sum((counts for _, counts in parts), Counter[str]())
        return ClassifiedBatch(batch, kept, pa.concat_batches([added for added, _ in parts]).take(back), counts)

    def output(self, runner: ModelRunner, batch: pa.RecordBatch, first_row: int = 0) -> pa.RecordBatch:
        """Classify a batch of a stream, and return it with the columns of ``TablePlan.schema``.

        Raises
        ------
        DataError
            If the batch has other columns than the first one, or its series do not fit the table's dates.
        """
        found = self.classify(runner, as_first(as_plain(batch), self._table.schema), first_row)
        return pa.RecordBatch.from_arrays(found.columns, schema=self._schema)

    def with_recent(self, selected: SelectedRows) -> SelectedRows:
        """Return selected rows of a table with one time axis with the recent changes of all their series."""
        if self._diagnosers is None:
            raise ValueError("there is no setup of a diagnosis")
        with one_thread_a_product():
            return self._diagnosers.for_dates(self._table.layout.dates).with_recent(selected)

    def diagnose_selected(
        self,
        classes: RowClasses,
        batches: Sequence[pa.RecordBatch],
        results: Sequence[Result],
        selected: Sequence[SelectedRows],
        first_rows: Sequence[int],
    ) -> list[ClassifiedBatch]:
        """Diagnose batches of a table with one time axis whose rows are classified and selected.

        Parameters
        ----------
        classes : RowClasses
            Classifies repaired series.
        batches : sequence of pyarrow.RecordBatch
            With those columns at least that the output keeps.
        results, selected, first_rows : sequence of Result, of SelectedRows, of int
            Of these batches; the last are the numbers of their first rows within the table.
        """
        if self._diagnosers is None:
            raise ValueError("there is no setup of a diagnosis")
        numbers = np.concatenate([first + part.rows for first, part in zip(first_rows, selected, strict=True)])
        with one_thread_a_product():
            diagnoser = self._diagnosers.for_dates(self._table.layout.dates)
            found = diagnoser.diagnose_selected(
                selected, lambda series, rows: classes.reclassify(series, numbers[rows]), self._spare(numbers)
            )
        return [
            ClassifiedBatch(
                batch,
                [batch.column(name) for name in self._kept],
                self._added_columns(result, diagnosed, first_row),
                self._counts(diagnosed, first_row),
                diagnosed,
            )
            for batch, result, diagnosed, first_row in zip(batches, results, found, first_rows, strict=True)
        ]

    def _spare(self, numbers: NDArray[np.intp]) -> Spare | None:
        """Return which jumps of rows with these numbers are left in the series; None if none is."""
        kinds = self._kinds
        if kinds is None or self._repairs_common:
            return None

        def spare(rows: NDArray[np.intp], jumps: Jumps) -> NDArray[np.bool_]:
            is_common = kinds.is_common(numbers[rows])
            if len(is_common) != len(jumps.epoch):
                raise changed_table(len(kinds.jumps.begins) - 1)
            return is_common

        return spare

    def _counts(self, diagnosed: DiagnosedRows, first_row: int) -> dict[str, int]:
        kinds = {} if self._kinds is None else self._kinds.counts(first_row, len(diagnosed))
        return {**diagnosed.counts(), **kinds}

    def _on_own_axis(self, runner: ModelRunner, group: AxisRows) -> tuple[pa.RecordBatch, Counter[str]]:
        """Return the columns that are added to rows that share their dates, and the counts of their diagnosis."""

        def classify(series: NDArray[np.float32], _: NDArray[np.intp] | None = None) -> Result:
            # The axis of a table was checked before; a row of its own axis merely has too few epochs.
            padded = with_epochs(AxisRows(group.rows, series, group.dates), runner.model.limits.min_epochs)
            return runner.classify_matrix(padded.series, (padded.dates - padded.dates[:1]).astype(np.float32))

        result = classify(group.series)
        if self._diagnosers is None:
            return result.to_arrow(), Counter()
        added, diagnosis = self._diagnose(self._diagnosers, group.dates, group.series, result, classify)
        return added, Counter(diagnosis.counts())

    def _diagnose(
        self,
        diagnosers: DiagnoserCache,
        dates: NDArray[np.datetime64],
        series: NDArray[np.float32],
        result: Result,
        classify: Reclassify,
    ) -> tuple[pa.RecordBatch, Diagnosis]:
        """Diagnose classified series, and return the columns that are added to them."""
        with one_thread_a_product():
            diagnosis = diagnosers.for_dates(dates).diagnose(series, result, classify)
        return self._added_columns(result, diagnosis), diagnosis

    def _added_columns(self, result: Result, diagnosed: DiagnosedRows, first_row: int = 0) -> pa.RecordBatch:
        added = diagnosed.to_arrow()
        columns = [*result.to_arrow().columns, *added.columns]
        if self._kinds is not None:
            columns += self._kinds.to_arrow(first_row, len(diagnosed)).columns
        if len(self._added) > len(columns):
            columns.append(added.column("velocity_mm_yr"))
        return pa.RecordBatch.from_arrays(columns, schema=self._added)
