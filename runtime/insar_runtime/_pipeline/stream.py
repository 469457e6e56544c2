"""A stream of record batches: classified one by one, with the columns and dates of the first ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.batches import chain_head
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.head import read_head
from insar_runtime._input.units.series_units import Unit
from insar_runtime._pipeline.batch import BatchClassifier
from insar_runtime._pipeline.diagnosis_setup import on_axis
from insar_runtime._pipeline.output_columns import refuse_taken_names
from insar_runtime._pipeline.plan import plan_table

if TYPE_CHECKING:
    from insar_runtime._diagnosis.noise.noise_model import FileNoise
    from insar_runtime._engine.runner import ModelRunner


def classify_stream(
    runner: ModelRunner,
    batches: Iterable[pa.RecordBatch] | pa.RecordBatch | pa.Table,
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
    first = next(stream, None)
    if first is None:
        return
    head = read_head(chain_head([first], stream), first.schema)
    del first
    declared = UserDeclarations(units, half_wavelength_mm=half_wavelength_mm)
    description = head.describe(declared.or_radar(runner.model.half_wavelength_mm))
    # Before the noise is estimated, which takes a while.
    refuse_taken_names(description, keep_series=keep_series, diagnosed=diagnose is not None)
    if diagnose is not None:
        from insar_runtime._pipeline.noise_sample import noise_of  # noqa: PLC0415 - most runs take none of it

        if noise is None:
            noise = noise_of(description, head.rows, diagnose.recent_days)
        else:
            noise = on_axis(noise, description.layout.dates)
    plan = plan_table(description, declared, keep_series=keep_series, diagnose=diagnose, noise=noise)
    classifier, rest = BatchClassifier(plan), head.batches
    del head  # its rows
    first_row = 0
    for batch in rest:
        yield classifier.output(runner, batch, first_row)
        first_row += batch.num_rows
