"""Inputs of the run-time tests: real files where they are at hand, small tables otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.tables import series, wide, write

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """Path of a real file by its name relative to ``shared/data/real`` beside the repository."""
    if not REAL.is_dir():
        pytest.skip("real files not present: shared/data/real")
    return lambda name: REAL / name


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(wide(*series(200)), tmp_path / "in.parquet")
