"""What all tests share: a quiet environment, the record of the models, a reader of golden vectors."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

# Before anything imports onnxruntime or TensorFlow, also in the workers of pytest-xdist and in subprocesses.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Before TensorFlow, whose own SQLite, without an R-tree, would take the place of that of Python and of GDAL.
import sqlite3  # noqa: F401

with suppress(ImportError):  # group neighbours
    import pyogrio  # noqa: F401

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "real"
"""Folder of the real files, where there is one; it lies outside the repository."""

# Shared machines are slow at times, which is no error; CI tries the same examples every time.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def need_program(*names: str) -> None:
    """Skip the test without one of these programs; in CI, which installs them (``.ci/debian-packages``), fail."""
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        lack(", ".join(missing))


def lack(what: str) -> NoReturn:
    """Skip the test for want of something that ``.ci/debian-packages`` installs; in CI, fail."""
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks {what}: see .ci/debian-packages")
    pytest.skip(f"not installed here: {what}")


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Folder of the records of the released models."""
    return ROOT / "artifacts"


@pytest.fixture
def few_calibration_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrate networks on fewer simulated series than a released one; simulating them takes longer than the fit."""
    for module in ("trend_fit", "trend_run"):
        monkeypatch.setattr(f"training.{module}.CALIBRATION_SERIES", 4096)


def load_golden(path: Path) -> list[dict[str, NDArray[Any]]]:
    """Read golden vectors; displacements are stored as tenths of a millimetre, -32768 for NaN."""
    with np.load(path) as file:
        count = sum(name.startswith("days_") for name in file.files)
        sets = [{name: file[f"{name}_{i}"] for name in ("displacement", "days", "probabilities")} for i in range(count)]
    for entry in sets:
        tenths = entry["displacement"]
        entry["displacement"] = np.where(tenths == -32768, np.nan, tenths / 10).astype(np.float32)
    return sets
