"""The sample of series that findings about a run are made from: the same rows however the table is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, classify_file
from insar_runtime._input.random_rows import row_keys
from insar_runtime._input.table import TableDescription, describe_table
from insar_runtime._pipeline.series_sample import SeriesSample
from tests.runtime.tables import series, wide, write

ROWS = 5000


@pytest.fixture(scope="module")
def numbered() -> np.ndarray:
    """Series whose first value is the number of the row."""
    displacement = series(ROWS, 40)[0].astype(np.float32)
    displacement[:, 0] = np.arange(ROWS)
    return displacement


@pytest.fixture(scope="module")
def description() -> TableDescription:
    table = wide(*series(50, 40)).combine_chunks()
    return describe_table(table.schema, table.to_batches()[0])


def sampled(description: TableDescription, rows: np.ndarray, batch: int, *, late: int = 0) -> np.ndarray:
    """Take the rows in batches; ``late`` of them are chosen before the first one is added, as threads do."""
    sample = SeriesSample(description)
    waiting = []
    for begin in range(0, len(rows), batch):
        waiting.append(sample.choose(rows[begin : begin + batch], begin))
        if len(waiting) > late:
            sample.add(waiting.pop(0))
    for chosen in waiting:
        sample.add(chosen)
    return sample.series()


def test_the_sample_is_that_of_the_smallest_keys(numbered: np.ndarray, description: TableDescription) -> None:
    found = sampled(description, numbered, ROWS)
    keys = row_keys(0, ROWS)
    smallest = np.sort(np.argsort(keys)[: len(found)])
    assert len(found) == 600
    assert found[:, 0].astype(int).tolist() == smallest.tolist()
    np.testing.assert_array_equal(found, numbered[smallest])


@pytest.mark.parametrize(("batch", "late"), [(1, 0), (97, 0), (1024, 0), (1024, 3), (97, 40), (ROWS, 0)])
def test_batches_and_threads_do_not_matter(
    numbered: np.ndarray, description: TableDescription, batch: int, late: int
) -> None:
    np.testing.assert_array_equal(sampled(description, numbered, batch, late=late), sampled(description, numbered, 500))


@pytest.mark.parametrize("rows", [0, 1, 599, 600])
def test_few_rows_are_all_there(numbered: np.ndarray, description: TableDescription, rows: int) -> None:
    np.testing.assert_array_equal(sampled(description, numbered[:rows], 97), numbered[:rows])


def test_keys_are_uniform_and_belong_to_the_row() -> None:
    keys = row_keys(0, 100_000)
    assert np.histogram(keys, bins=20, range=(0, 1))[0] == pytest.approx(5000, rel=0.06)
    assert abs(np.corrcoef(keys[1:], keys[:-1])[0, 1]) < 0.02
    np.testing.assert_array_equal(row_keys(700, 50), keys[700:750])
    assert (row_keys(2**40, 10) < 1).all()


def test_findings_do_not_depend_on_threads(tmp_path: Path) -> None:
    displacement, dates = series(3000, 150)
    displacement[:, 75:] += 9 * (np.arange(3000)[:, None] % 4 == 0)
    path = tmp_path / "in.parquet"
    pq.write_table(wide(displacement, dates), path, row_group_size=500)
    one, two = (
        classify_file(path, tmp_path / f"{threads}.parquet", classifier=Classifier(device="cpu", threads=threads))
        for threads in (1, 2)
    )
    assert [finding.code for finding in one.findings] == ["level_change"]
    assert one.findings == two.findings


def test_the_end_of_a_file_counts_as_much_as_its_begin(tmp_path: Path, classifier: Classifier) -> None:
    """Beyond the first rows, by which the table is described."""
    displacement, dates = series(12_000, 150)
    displacement[9000:, 75:] += 9
    path = write(wide(displacement, dates), tmp_path / "in.parquet")
    (found,) = classify_file(path, tmp_path / "out.parquet", classifier=classifier).findings
    assert found.code == "level_change"
