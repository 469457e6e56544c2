"""From record batches to record batches: matrix, classes, columns, for every batch of a table that is understood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.batches import chain_head
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.table import TableDescription, as_first, describe_table, take_head
from insar_runtime._input.units import Unit
from insar_runtime._pipeline.batch import Answers, added_fields, answer, kept_fields
from insar_runtime._pipeline.diagnosis_setup import DiagnoserCache, DiagnosisSetup, on_axis
from insar_runtime.errors import DataError

if TYPE_CHECKING:
    from insar_runtime._diagnosis.noise import FileNoise
    from insar_runtime._engine.runner import ModelRunner


def classify_stream(
    classifier: ModelRunner,
    batches: Iterable[pa.RecordBatch],
    *,
    units: Unit | None,
    half_wavelength_mm: float | None,
    keep_series: bool,
    diagnose: Diagnose | None,
    noise: FileNoise | None,
) -> Iterator[pa.RecordBatch]:
    """Classify batches; see ``Classifier.classify_batches``."""
    if isinstance(batches, pa.Table):
        batches = batches.to_batches()
    stream = iter([batches] if isinstance(batches, pa.RecordBatch) else batches)
    head, waiting = take_head(stream)
    if not waiting:
        return
    said = UserDeclarations(units, half_wavelength_mm=half_wavelength_mm)
    description = describe_table(waiting[0].schema, head, said.or_radar(classifier.model.half_wavelength_mm))
    output_schema(description, keep_series=keep_series, diagnosed=diagnose is not None)  # refuses what is there
    diagnosers = None
    if diagnose is not None:
        from insar_runtime._pipeline.noise_sample import noise_of  # noqa: PLC0415 - most runs take none of it

        noise = noise_of(description, head) if noise is None else on_axis(noise, description.layout.dates)
        diagnosers = DiagnoserCache(DiagnosisSetup.of(description, diagnose, noise, said))
    del head
    done = 0
    for batch in chain_head(waiting, stream):
        yield classify_batch(
            classifier, description, batch, keep_series=keep_series, first_row=done, diagnosers=diagnosers
        )
        done += batch.num_rows


def output_schema(description: TableDescription, *, keep_series: bool, diagnosed: bool = False) -> pa.Schema:
    """Give the schema of the output: kept columns, then those that are added.

    Raises
    ------
    DataError
        If the input has a column of the same name as one that would be added.
    """
    kept = kept_fields(description, keep_series=keep_series, diagnosed=diagnosed)
    added = added_fields(description, diagnosed=diagnosed)
    seen = {field.name for field in added}
    for field in kept:
        if field.name in seen:
            raise DataError(
                f"the input has a column {field.name} already (was it classified before?); drop or rename it"
            )
        seen.add(field.name)
    return pa.schema([*kept, *added])


def classify_batch(
    classifier: ModelRunner,
    description: TableDescription,
    batch: pa.RecordBatch,
    *,
    keep_series: bool,
    first_row: int = 0,
    diagnosers: DiagnoserCache | None = None,
) -> pa.RecordBatch:
    """Classify one batch of a table that was understood before.

    Raises
    ------
    DataError
        If the batch has other columns than the first one, or its series do not fit the table's dates.
    """
    batch = as_first(batch, description.schema)
    found = answer(classifier, batch, first_row, description=description, diagnosers=diagnosers)
    schema = output_schema(description, keep_series=keep_series, diagnosed=diagnosers is not None)
    columns = beside(description, batch, found, keep_series=keep_series)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def beside(
    description: TableDescription, batch: pa.RecordBatch, found: Answers, *, keep_series: bool
) -> list[pa.Array]:
    """Put what was found of a batch beside the columns of it that are kept; ``output_schema`` names them."""
    kept = description.kept(keep_series=keep_series)
    return [*(batch.column(name) for name in kept), *found.columns.columns]
