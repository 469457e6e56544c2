"""The library says what it does through ``logging``, under one name, and nothing where no program asks for it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import insar_runtime
from insar_runtime import Classifier, classify_file
from tests.runtime.run_command import run
from tests.runtime.tables import series, wide, write

NAME = "insar_runtime"


def unproven(points: int) -> pa.Table:
    return wide(*series(points)).drop_columns(["pid", "latitude", "longitude"])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A table whose unit nothing proves, with a name that would break a line."""
    return write(unproven(200), tmp_path / "in\n.parquet")


def test_a_run_says_what_was_chosen_and_what_was_done(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, NAME):
        classifier = Classifier(device="cpu", precision="fp32", threads=1)
        summary = classify_file(source, tmp_path / "out.parquet", classifier=classifier)
        classify_file(source, tmp_path / "out.parquet", classifier=classifier, skip_existing=True)
    assert {record.name for record in caplog.records} == {NAME}
    texts = [record.getMessage() for record in caplog.records]
    assert not any("\n" in text for text in texts)
    model = f"model {classifier.model.name} {classifier.model.version} in fp32 runs on cpu (CPUExecutionProvider): "
    assert texts[0] == model + classifier.device_reason
    (plan,) = [text for text in texts if "rows of a batch" in text]
    assert "threads: 1, " in plan
    assert "no limit" in plan
    assert any("the mix Stable" in text and text.endswith(f"({summary.priors.origin})") for text in texts)
    without = summary.rows - sum(summary.classes.values())
    assert any(f"200 rows, {without} without a class" in text and "out.parquet" in text for text in texts)
    assert "nothing to do" in texts[-1]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    told = [*summary.notes, *(finding.sentence for finding in summary.findings)]
    assert len(summary.notes) > 0
    assert len(summary.findings) > 0
    assert all(text in warning for text, warning in zip(told, warnings, strict=True))


def test_a_limit_of_memory_is_a_decision(source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    with caplog.at_level(logging.INFO, NAME):
        classify_file(source, tmp_path / "out.parquet", memory_limit=4 << 30)
    (plan,) = [record.getMessage() for record in caplog.records if "rows of a batch" in record.getMessage()]
    assert "MB there)" in plan


def test_the_unit_of_an_array_is_said(classifier: Classifier, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, NAME):
        classifier.classify(unproven(20))
    assert "unit mm assumed" in caplog.text


def test_fillers_and_quiet_series_of_an_array_are_said(
    classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    displacement, dates = series(50)
    quiet = displacement / 10 + np.linspace(-2, 2, 50)[:, None] * np.arange(len(dates)) / len(dates)
    quiet[0, 0] = -999
    classifier.classify(wide(quiet, dates))
    assert any("use --units cm" in record.message for record in caplog.records)
    assert any("the value -999 occurs once in the first 50 rows" in record.message for record in caplog.records)


def test_the_command_logs_nothing(source: Path, tmp_path: Path) -> None:
    done = run("classify", source, "-o", tmp_path / "out.parquet", "-q")
    assert done.returncode == 0
    assert done.stdout == done.stderr == b""


@pytest.mark.parametrize("asked", [False, True])
def test_a_program_that_does_not_ask_reads_nothing(asked: bool) -> None:
    code = f"""
import logging, numpy as np, pyarrow as pa
if {asked}:
    logging.basicConfig(level="INFO", format="%(name)s %(levelname)s")
from insar_runtime import Classifier
dates = np.datetime64("2020-01-03") + 12 * np.arange(40)
values = np.random.default_rng(0).normal(0, 3, (5, 40))
table = pa.table({{str(day): values[:, i] for i, day in enumerate(dates)}})
Classifier(device="cpu").classify(table)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == ""
    assert done.stderr.splitlines() == (["insar_runtime INFO", "insar_runtime WARNING"] if asked else [])


def test_importing_the_package_imports_no_more_than_before() -> None:
    code = (
        "import sys; import insar_runtime\n"
        "print([m for m in ('logging', 'numpy', 'pandas', 'pyarrow', 'onnxruntime', 'typer', 'xarray') "
        "if m in sys.modules])"
    )
    # Without site-packages, whose start-up files may import some of them.
    environment = {**os.environ, "PYTHONPATH": str(Path(insar_runtime.__file__).parents[1])}
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
