"""Search for points, which the tests of ``show`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from insar_runtime import Classifier
from insar_runtime._show.find_point import find_point
from insar_runtime._show.point import Point


@pytest.fixture
def find(classifier: Classifier) -> Callable[..., Point]:
    def ask(source: Path, **options: Any) -> Point:
        return find_point(source, open_classifier=lambda: classifier, **options)

    return ask
