"""A result as a data frame, a dataset, counts and one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insar_runtime import CLASS_NAMES, STATUS_NAMES, Classifier, Result, classify_file
from insar_runtime._diagnosis.diagnosis import DIAGNOSIS_SCHEMA
from insar_runtime.result import NO_CLASS_NAME, RESULT_SCHEMA
from tests.runtime.tables import series, wide, write

MATRIX, DATES = series(120, 45)
MATRIX[3] = np.nan
MATRIX[7, 20:] += 27.7


@pytest.fixture(scope="module")
def result(classifier: Classifier) -> Result:
    return classifier.classify(MATRIX, DATES)


def test_counts_name_every_class_and_lose_no_row(result: Result) -> None:
    counts = result.counts()
    assert list(counts) == [*CLASS_NAMES, NO_CLASS_NAME]
    assert sum(counts.values()) == len(result)
    for i, name in enumerate(CLASS_NAMES):
        assert counts[name] == result.class_name.count(name) == (result.class_id == i).sum()
    assert counts["no class"] == result.class_name.count(None) > 0


def test_names_of_states(result: Result) -> None:
    assert result.status_name == result.to_arrow().column("status").to_pylist()
    assert result.status_name[3] == "too_few_epochs"
    assert set(result.status_name) <= set(STATUS_NAMES)


def test_one_line_says_what_there_is(classifier: Classifier, result: Result) -> None:
    text = repr(result)
    assert "\n" not in text
    assert text.startswith("Result(120 series: Stable ")
    assert "no class " in text
    assert len(text) < 200
    empty = classifier.classify(np.empty((0, 45)), DATES)
    assert repr(empty) == "Result(0 series: no rows)"
    table = result._repr_html_()
    assert all(f"<td>{name}</td><td>{count}</td>" in table for name, count in result.counts().items())
    assert empty._repr_html_().count("0.0%") == 7


def test_a_data_frame_has_the_columns_of_the_file(classifier: Classifier, result: Result, tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed (group neighbours)")
    source = write(wide(MATRIX, DATES), tmp_path / "in.parquet")
    classify_file(source, tmp_path / "out.parquet", classifier=classifier, units="mm", priors="trained")
    written = pq.read_table(tmp_path / "out.parquet")
    assert result.to_arrow().schema.equals(RESULT_SCHEMA)
    assert [written.schema.field(name).type for name in RESULT_SCHEMA.names] == RESULT_SCHEMA.types
    frame = result.to_pandas()
    assert list(frame.columns) == RESULT_SCHEMA.names
    assert pa.Table.from_pandas(frame, RESULT_SCHEMA, preserve_index=False).to_pylist() == (
        written.select(RESULT_SCHEMA.names).to_pylist()
    )
    assert frame["class_name"].dtype == "category"
    assert frame["class_name"].isna().sum() == result.counts()["no class"]
    assert frame["confidence"].dtype == np.float32


def test_a_dataset_of_series_has_one_dimension(result: Result) -> None:
    pytest.importorskip("xarray", reason="xarray is not installed (group neighbours)")
    found = result.to_xarray()
    assert dict(found.sizes) == {"row": 120, "class": 6}
    assert found["class"].values.tolist() == list(CLASS_NAMES)
    assert np.array_equal(found.probabilities, result.probabilities, equal_nan=True)
    words = dict(zip(found.class_id.flag_values.tolist(), found.class_id.flag_meanings.split(), strict=True))
    assert words == {-1: "no_class", **dict(enumerate(CLASS_NAMES))}
    assert tuple(found.status.flag_meanings.split()) == STATUS_NAMES


def test_a_diagnosis_in_one_line_and_as_a_data_frame(classifier: Classifier, result: Result) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed (group neighbours)")
    diagnosis = classifier.diagnose(MATRIX, DATES, result=result, jumps="all")
    assert repr(diagnosis).startswith(f"Diagnosis(120 series of 45 epochs, {DATES[0]} to {DATES[-1]}: ")
    assert "\n" not in repr(diagnosis)
    frame = diagnosis.to_pandas()
    assert list(frame.columns) == DIAGNOSIS_SCHEMA.names
    assert frame["break_date"].dtype.kind == "M"
    assert np.array_equal(frame["velocity_mm_yr"], diagnosis.rates.velocity, equal_nan=True)
    jumps = np.zeros(len(frame), dtype=int)
    jumps[diagnosis.jump_rows] = diagnosis.jumps.counts
    assert jumps[7] == 1
    assert [0 if dates is None else len(dates) for dates in frame["jump_dates"]] == jumps.tolist()
    assert diagnosis.status_name == frame["diagnosis_status"].tolist()


@pytest.mark.parametrize("package", ["pandas", "xarray"])
def test_without_the_package_one_line_says_what_to_install(package: str, tmp_path: Path) -> None:
    """A module of that name that cannot be imported stands for one that is not there."""
    (tmp_path / f"{package}.py").write_text("raise ImportError('not here')")
    code = f"""
import numpy as np
from insar_runtime import Classifier, UnavailableError
dates = np.datetime64("2020-01-03") + 12 * np.arange(40)
result = Classifier(device="cpu").classify(np.zeros((1, 40)), dates)
try:
    result.to_{package}()
except UnavailableError as error:
    print(error)
"""
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stdout.endswith(f"needs {package}, which is not installed: pip install {package}\n")
