"""Peak memory of a process is its own, not that of the process that started it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hostile.real_process import run_process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_memory_of_the_starter_does_not_count(tmp_path: Path) -> None:
    held = b"x" * (400 << 20)
    assert run_process(["--version"], tmp_path).peak_mb < 300
    assert len(held) == 400 << 20
