"""Packages of the extra ``spatial`` that cannot be imported: not installed, or no memory for them."""

from __future__ import annotations

from typing import Any

import pytest

from insar_runtime._spatial import require as module
from insar_runtime.errors import MemoryLimitError, UnavailableError


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("libproj.so: failed to map segment from shared object", MemoryLimitError),
        ("No module named 'pyproj'", UnavailableError),
    ],
)
def test_the_error_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, words: str, expected: type[Exception]) -> None:
    def fail(*_: Any) -> Any:
        raise ImportError(words)

    monkeypatch.setattr(module, "import_module", fail)
    with pytest.raises(expected):
        module.require("pyproj", "a search of areas")
