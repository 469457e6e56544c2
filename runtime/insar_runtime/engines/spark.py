"""Classify Spark DataFrames (pyspark 4, ``pip install insar-runtime 'pyspark[sql]'`` on driver and workers, Java 17).

>>> from insar_runtime.engines.spark import classify_dataframe
>>> classified = classify_dataframe(spark.read.parquet("series/"), units="mm")

One task is one core. ``spark.sql.execution.arrow.maxRecordsPerBatch`` (by default 10,000) bounds what a task holds.

A folder of files with a column a date, of which each has its own dates, is not a table for Spark: it takes the columns
of one file, and the others' rows become null without a word. Such tables need list columns ``dates`` and
``displacements``, or one DataFrame a file.
"""

from __future__ import annotations

from typing import Any, Unpack

import pyarrow as pa

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime.engines.job import SAMPLE_ROWS, Job, Options, plan


def classify_dataframe(
    table: Any,
    *,
    keep_series: bool = False,
    diagnose: bool | Diagnose = False,
    **options: Unpack[Options],
) -> Any:
    """Classify every row of a DataFrame; lazily, but for a look at its first rows.

    Parameters
    ----------
    table : pyspark.sql.DataFrame
        One series a row: a column a date, or list columns ``displacements`` (in mm or as ``units`` says) and ``dates``.
        With lists, rows may differ in their dates.
    keep_series, diagnose, **options
        As for ``insar_runtime.engines.job.plan``; ``device`` is the CPU unless another is named.

    Returns
    -------
    pyspark.sql.DataFrame
        Attribute columns with their Spark types, then class, confidence, probabilities, status, epochs and longest gap
        of each row, null where a status allows no class; then the columns of a diagnosis where it is wanted.

    Raises
    ------
    DataError
        If the first rows cannot be read as series, or nothing proves their unit.
    """
    function, schema = map_in_arrow(table, keep_series=keep_series, diagnose=diagnose, **options)
    return table.mapInArrow(function, schema)


def map_in_arrow(
    table: Any,
    *,
    keep_series: bool = False,
    diagnose: bool | Diagnose = False,
    **options: Unpack[Options],
) -> tuple[Job, Any]:
    """Return what ``DataFrame.mapInArrow`` takes: the function for the partitions of a table and its output schema.

    Takes what ``classify_dataframe`` takes, and returns a callable that can be pickled and a
    ``pyspark.sql.types.StructType``.
    """
    from pyspark.sql.types import StructField, StructType  # noqa: PLC0415 - only where Spark is used

    options.setdefault("device", "cpu")
    sample = table.limit(SAMPLE_ROWS).toArrow()
    job = plan(sample, keep_series=keep_series, diagnose=diagnose, **options)
    fields = [table.schema[name] for name in job.kept]
    # A diagnosis moves some columns aside; what else Spark knows of them stays.
    kept = [
        StructField(name, field.dataType, field.nullable, field.metadata)
        for name, field in zip(job.schema.names[: len(fields)], fields, strict=True)
    ]
    return job, StructType(kept + _result_fields(job))


def _result_fields(job: Job) -> list[Any]:
    from pyspark.sql import types  # noqa: PLC0415

    plain = {
        "bool": types.BooleanType(),
        "date32[day]": types.DateType(),
        "float": types.FloatType(),
        "int8": types.ByteType(),
        "int16": types.ShortType(),
        "string": types.StringType(),
    }

    def of_arrow(data_type: pa.DataType) -> Any:
        if pa.types.is_list(data_type):
            return types.ArrayType(of_arrow(data_type.value_type))
        return plain[str(data_type)]

    added = list(job.schema)[len(job.kept) :]
    return [types.StructField(field.name, of_arrow(field.type)) for field in added]
