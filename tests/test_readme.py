"""Numbers in the README are those of the committed benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.keras
pytest.importorskip("tensorflow", reason="the train group is not installed")

from training.benchmark.summary import readme_table

ROOT = Path(__file__).resolve().parents[1]


def test_the_readme_shows_the_committed_benchmark() -> None:
    benchmark = json.loads((ROOT / "artifacts" / "benchmark" / "benchmark.json").read_text(encoding="utf-8"))
    assert readme_table(benchmark) in (ROOT / "README.md").read_text(encoding="utf-8")
