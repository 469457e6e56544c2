"""Each labelled file is left out of one training, under its own name."""

from __future__ import annotations

from itertools import chain

import pytest

pytestmark = pytest.mark.keras
pytest.importorskip("keras", reason="the train group is not installed")

from export.left_out import FOLDS
from training.labelled_rows.labels import READ_FILES


def test_each_file_is_left_out_once_under_its_own_name() -> None:
    left_out = list(chain.from_iterable(FOLDS.values()))
    assert sorted(left_out) == sorted(file.name for file in READ_FILES.values())
