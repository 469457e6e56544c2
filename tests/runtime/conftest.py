"""Inputs of the run-time tests: real files where they are at hand, small tables otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from insar_runtime import Classifier, load_model
from tests.conftest import REAL, load_golden
from tests.runtime.small_models import small_model
from tests.runtime.tables import series, wide, write


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """Path of a real file by its name relative to ``shared/data/real`` beside the repository."""
    if not REAL.is_dir():
        pytest.skip("real files not present: shared/data/real")
    return lambda name: REAL / name


@pytest.fixture(scope="session")
def golden(artifacts: Path) -> list[dict[str, NDArray[Any]]]:
    """Golden vectors of the default model, a set a time axis: displacement, days, probabilities by Keras."""
    return load_golden(artifacts / load_model().name / "golden.npz")


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """The default model, opened once; files whose subject is another model or setting have a fixture of their own."""
    return Classifier(device="cpu")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(wide(*series(200)), tmp_path / "in.parquet")


@pytest.fixture(scope="session")
def six_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small model that knows all six classes."""
    return small_model(tmp_path_factory.mktemp("models") / "six")
