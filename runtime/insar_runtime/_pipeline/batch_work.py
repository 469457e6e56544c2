"""Work of a thread on the batches of a run: classify each, and diagnose the selected rows of several together."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.table import TableDescription
from insar_runtime._pipeline.batch import BatchClassifier
from insar_runtime._pipeline.blas import one_thread_a_product
from insar_runtime._pipeline.memory import HELD_ROWS
from insar_runtime._pipeline.outputs import OutputPlan, OutputRows
from insar_runtime._pipeline.series_sample import SampledSeries, SeriesSample
from insar_runtime.result import Result

if TYPE_CHECKING:
    from insar_runtime._diagnosis.row_selection import SelectedRows
    from insar_runtime._pipeline.row_classes import RowClasses

ENOUGH_ROWS: Final = 4096
"""Selected rows that are diagnosed together: with fewer, the overhead of numpy calls counts."""

NumberedBatch = tuple[pa.RecordBatch, int]
"""A batch and the number of its first row."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassifiedRows:
    """A batch whose rows are classified and selected for their diagnosis.

    Attributes
    ----------
    batch : pyarrow.RecordBatch
        Of the input, without its series if no output needs them.
    result : Result
    selected : SelectedRows
    sampled : SampledSeries
        Series for the findings about the table.
    first_row : int
        Number of the first row within the table.
    """

    batch: pa.RecordBatch
    result: Result
    selected: SelectedRows
    sampled: SampledSeries
    first_row: int


class DiagnosisWork:
    """Classify the batches of a file, which needs no noise model, and then diagnose those of their rows that need one.

    The noise model may therefore be estimated while the first batches are classified.

    Parameters
    ----------
    classes : RowClasses
        Classifies the rows.
    description : TableDescription
        Of a table with one time axis.
    options : Diagnose
    sample : SeriesSample
        Chooses the series for the findings about the table.
    most : int
        Most batches of a thread that wait to be diagnosed together.
    keeps_series : bool
        Whether an output needs the series.
    """

    def __init__(
        self,
        classes: RowClasses,
        description: TableDescription,
        options: Diagnose,
        sample: SeriesSample,
        *,
        most: int,
        keeps_series: bool,
    ) -> None:
        from insar_runtime._diagnosis.row_selection import RowSelector  # noqa: PLC0415 - most runs take none of it

        self.most = most
        self._classes = classes
        self._description = description
        self._sample = sample
        self._selector = RowSelector(description.layout.dates, options)
        layout = description.layout
        self._dropped = frozenset() if keeps_series else frozenset(layout.columns) | {layout.dates_column}
        self._plans: Future[tuple[BatchClassifier, OutputPlan]] = Future()

    def set_plans(self, classifier: BatchClassifier, output: OutputPlan) -> None:
        """Say how rows are diagnosed and written; until then, threads wait before they diagnose the first ones."""
        self._plans.set_result((classifier, output))

    def give_up(self) -> None:
        """Let threads that wait for the plans end."""
        self._plans.cancel()

    def begin(self, item: NumberedBatch) -> ClassifiedRows:
        """Classify a batch, and select the rows that are diagnosed."""
        batch, first_row = item
        series = self._description.matrix(batch, first_row)
        sampled = self._sample.choose(series, first_row)
        result = self._classes.classify(series, first_row)
        with one_thread_a_product():
            selected = self._selector.select(series, result)
        if self._plans.done():
            # The noise of the file is known, so the series need not be held.
            selected = self._plans.result()[0].with_recent(selected)
        if self._dropped:
            batch = batch.select([name for name in batch.schema.names if name not in self._dropped])
        return ClassifiedRows(batch, result, selected, sampled, first_row)

    def is_enough(self, begun: list[ClassifiedRows]) -> bool:
        """Return whether there are rows enough to be diagnosed together."""
        held = sum(len(part.result) for part in begun if part.selected.displacement is not None)
        return held >= HELD_ROWS or sum(len(part.selected.rows) for part in begun) >= ENOUGH_ROWS

    def finish(self, begun: list[ClassifiedRows]) -> list[OutputRows]:
        """Diagnose the selected rows of batches, and return the batches as the outputs take them."""
        classifier, output = self._plans.result()
        found = classifier.diagnose_selected(
            self._classes,
            [part.batch for part in begun],
            [part.result for part in begun],
            [part.selected for part in begun],
            [part.first_row for part in begun],
        )
        return [output.rows(replace(batch, sampled=part.sampled)) for batch, part in zip(found, begun, strict=True)]
