"""Classify Ray datasets (``pip install insar-runtime 'ray[data]'`` on every node), also on nodes with GPUs.

>>> from insar_runtime.engines.ray import classify_dataset
>>> classified = classify_dataset(ray.data.read_parquet("series/"), units="mm", compute=ActorPoolStrategy(size=8))

Ray keeps the order of rows only with ``DataContext.get_current().execution_options.preserve_order``; take the points'
ids along. Files that have a column a date and differ in their dates are refused where their blocks differ; list columns
``dates`` and ``displacements`` may differ from row to row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import pyarrow as pa

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime.engines.job import SAMPLE_ROWS, Job, Options, plan


class TrendClassifier:
    """Actor class for ``Dataset.map_batches`` with ``batch_format="pyarrow"``: a table in, a table out.

    Parameters
    ----------
    job : Job
        What ``plan_dataset`` gives; the actor opens its session with the first batch.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, table: pa.Table) -> pa.Table:
        """Classify the rows of a table, in their order."""
        return pa.Table.from_batches(self._job(table.combine_chunks().to_batches()), self._job.schema)


def plan_dataset(
    dataset: Any,
    *,
    keep_series: bool = False,
    diagnose: bool | Diagnose = False,
    **options: Unpack[Options],
) -> Job:
    """Plan a ``ray.data.Dataset`` by its first rows; takes what ``insar_runtime.engines.job.plan`` takes."""
    sample = dataset.take_batch(SAMPLE_ROWS, batch_format="pyarrow")
    return plan(sample, keep_series=keep_series, diagnose=diagnose, **options)


def classify_dataset(
    dataset: Any,
    *,
    keep_series: bool = False,
    diagnose: bool | Diagnose = False,
    batch_size: int | None = 4096,
    compute: Any = None,
    resources: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> Any:
    """Classify every row of a dataset; lazily, but for a look at its first rows.

    Parameters
    ----------
    dataset : ray.data.Dataset
        One series a row: a column a date, or list columns ``displacements`` and ``dates``.
    keep_series, diagnose, **options
        As for ``insar_runtime.engines.job.plan``.
    batch_size : int, optional
        Rows a call; blocks as they come if None.
    compute : ray.data.ActorPoolStrategy, optional
        How many actors, each of them one thread; Ray's choice if not given.
    resources : mapping, optional
        What an actor asks for, in the words of ``map_batches``: ``{"num_gpus": 0.25}`` with ``device="cuda"``.

    Returns
    -------
    ray.data.Dataset

    Raises
    ------
    DataError
        If the first rows cannot be read as series, or nothing proves their unit.
    """
    job = plan_dataset(dataset, keep_series=keep_series, diagnose=diagnose, **options)
    return dataset.map_batches(
        TrendClassifier,
        fn_constructor_kwargs={"job": job},
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=compute,
        **(resources or {}),
    )
