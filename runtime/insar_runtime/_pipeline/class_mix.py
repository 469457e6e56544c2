"""The mix of classes of a table, estimated from its first rows before it is classified.

A file, a stream and the driver of a cluster hold the first rows in memory in any case: the table is described by them.
So nothing is read twice, and a table gets the same mix in any container, batch size and number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from insar_runtime._engine.class_priors import ClassPriors
from insar_runtime._engine.priors import estimated_mix, known_rows
from insar_runtime._engine.runner import ModelRunner
from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime._input.table import TableDescription
from insar_runtime._pipeline.mixed_axes import rows_on_axes, with_epochs
from insar_runtime.errors import DataError

_FIRST_ROWS: Final = 8192
"""Rows that a table is described by."""
MIX_ROWS: Final = 2048
"""Rows that the mix is estimated from: chance then moves a share by 1.1 % at most, of which the assumed mix takes a
part, and a file of any size costs no more than 2,048 rows of it."""


def rows_for_mix(count: int) -> NDArray[np.intp]:
    """Return the numbers of the rows that the mix of a table with so many is estimated from: spread over its head."""
    return evenly_spaced(min(count, _FIRST_ROWS), MIX_ROWS)


def mix_of(description: TableDescription, head: pa.RecordBatch | None, runner: ModelRunner) -> ClassPriors:
    """Return the mix of classes that a table is classified for if the user gives none.

    Parameters
    ----------
    description : TableDescription
        Of the table.
    head : pyarrow.RecordBatch or None
        Its first rows, by which it was described; None if it has none. Those of ``rows_for_mix`` count.
    runner : ModelRunner
        Classifies the rows; its own priors are of no account.

    Returns
    -------
    ClassPriors
        Of origin "estimated" or "too_few_rows".
    """
    as_trained = runner.with_priors(None)
    classes = len(runner.model.classes)
    parts = [np.empty((0, classes), dtype=np.float32)]
    if head is not None:
        rows = rows_for_mix(head.num_rows)
        if len(rows) < head.num_rows:
            head = head.take(pa.array(rows))
        # A damaged row is refused, by its number, when the table is classified.
        with suppress(DataError):
            parts += [probabilities[:, :classes] for probabilities in _probabilities(description, head, as_trained)]
    known = known_rows(np.concatenate(parts), runner.model.unsure_below)
    return estimated_mix(known, runner.model.training_priors)


def _probabilities(
    description: TableDescription, head: pa.RecordBatch, runner: ModelRunner
) -> Iterator[NDArray[np.float32]]:
    if not description.any_axis:
        yield runner.classify_matrix(description.matrix(head), description.layout.days).probabilities
        return
    for group in rows_on_axes(head, 0, description):
        padded = with_epochs(group, max(runner.model.limits.min_epochs, 1))
        days = (padded.dates - padded.dates[:1]).astype(np.float32)
        yield runner.classify_matrix(padded.series, days).probabilities
