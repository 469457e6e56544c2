"""A local Spark session of two workers gives what the command gives, row by row."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import DataError
from insar_runtime.engines.job import plan
from tests.conftest import ROOT, need_program
from tests.runtime.diagnoses import DATES, moving
from tests.runtime.engines.test_engines_job import lists, mixed, plain
from tests.runtime.run_command import run
from tests.runtime.tables import as_lists, series, wide

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("spark"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="pyspark is not installed (group engines)")
    need_program("java")
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as environment:
        # Workers find the interpreter and the package of this test.
        environment.setenv("PYSPARK_PYTHON", sys.executable)
        environment.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "runtime"), *filter(None, sys.path)]))
        environment.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.driver.memory", "1g")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "70")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


def by_command(table: pa.Table, folder: Path, priors: str = "auto") -> pa.Table:
    """Classify a table as a file by the command, sorted by id."""
    source, output = folder / "in.parquet", folder / "out.parquet"
    pq.write_table(table, source)
    done = run("classify", source, "-o", output, "--units", "mm", "--priors", priors, "--overwrite", "--quiet")
    assert done.returncode == 0, done.stderr
    return plain(pq.read_table(folder / "out.parquet")).sort_by("pid")


def same(found: pa.Table, expected: pa.Table) -> None:
    """Hold every column of what an engine gave against the command's, row by row; geometry is for files only."""
    added = {"geometry", "bbox"} & set(expected.column_names)
    assert found.column_names == [name for name in expected.column_names if name not in added]
    found = found.sort_by("pid")
    assert found.num_rows == expected.num_rows
    for name in found.column_names:
        assert found[name].to_pylist() == expected[name].to_pylist(), name


def test_wide_tables_get_the_classes_of_the_command(spark: Any, tmp_path: Path) -> None:
    from insar_runtime.engines.spark import classify_dataframe

    displacement, dates = series(500)
    displacement[7] = np.nan
    displacement[9, 5:30] = np.nan
    displacement[11, 0] = np.inf
    kinds = {
        "mp_type": np.arange(500, dtype=np.int32),
        "note": [None, "ä"] * 250,
        "taken": pa.array([datetime(2020, 1, 3, 12)] * 500, pa.timestamp("us", "UTC")),
        "tags": [["a", None], []] * 250,
    }
    table = wide(displacement, dates, **kinds)
    expected = by_command(table, tmp_path)
    frame = spark.read.parquet(str(tmp_path / "in.parquet")).repartition(5)
    classified = classify_dataframe(frame, units="mm")
    assert [kind for _, kind in classified.dtypes][:5] == ["string", "double", "double", "int", "string"]
    same(classified.toArrow(), expected)
    kept = classify_dataframe(frame, units="mm", keep_series=True)
    assert kept.columns[: len(table.column_names)] == table.column_names


def test_lists_whose_rows_have_dates_of_their_own(spark: Any, tmp_path: Path) -> None:
    from insar_runtime.engines.spark import classify_dataframe

    tables = [lists(200, 60, 1, "a"), lists(150, 41, 2, "b")]
    columns = tables[0].to_pydict()
    columns["displacements"][3] = None
    columns["displacements"][4][7] = None
    tables[0] = pa.table(columns, tables[0].schema)
    # Each file would have a mix of its own.
    expected = pa.concat_tables([by_command(table, tmp_path, "trained") for table in tables]).sort_by("pid")
    pq.write_table(mixed(*tables), tmp_path / "mixed.parquet")
    frame = spark.read.parquet(str(tmp_path / "mixed.parquet")).repartition(3)
    same(classify_dataframe(frame, units="mm", priors="trained").toArrow(), expected)


def test_a_diagnosis_is_that_of_the_command(spark: Any, tmp_path: Path) -> None:
    from insar_runtime.engines.spark import classify_dataframe

    theirs = pa.array(np.arange(60) / 8)
    table = wide(moving(), DATES).append_column("acceleration_std", theirs)
    pq.write_table(table, tmp_path / "in.parquet")
    frame = spark.read.parquet(str(tmp_path / "in.parquet"))
    classified = classify_dataframe(frame, units="mm", diagnose=True)
    assert classified.select("acceleration_std_input").toArrow()[0].combine_chunks().equals(theirs)
    assert dict(classified.dtypes)["jump_dates"] == "array<date>"
    job = plan(table, units="mm", diagnose=True, device="cpu")
    same(classified.toArrow(), pa.Table.from_batches(job(table.to_batches())))


def test_what_cannot_be_read_is_refused_by_the_driver(spark: Any, tmp_path: Path) -> None:
    from insar_runtime.engines.spark import map_in_arrow

    pq.write_table(as_lists(wide(*series(30)), "list"), tmp_path / "in.parquet")
    frame = spark.read.parquet(str(tmp_path / "in.parquet"))
    with pytest.raises(DataError, match="units='mm'"):
        map_in_arrow(frame)
    with pytest.raises(DataError, match="no dates"):
        map_in_arrow(frame.drop("dates"))
    job, schema = map_in_arrow(frame, units="mm")
    assert schema.names == job.schema.names
