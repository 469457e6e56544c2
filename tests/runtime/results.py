"""Results compared bit by bit, and rows of them, for tests."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from insar_runtime import Result

RESULT_ARRAYS: Final = (
    "class_id",
    "class_top",
    "confidence",
    "probabilities",
    "status",
    "n_epochs",
    "max_gap_days",
)
"""The columns of a result, in the order of its arguments."""


def same_result(a: Result, b: Result) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name in {"confidence", "probabilities"})
        for name in RESULT_ARRAYS
    )


def take_rows(result: Result, rows: Any) -> Result:
    return Result(*(getattr(result, name)[rows] for name in RESULT_ARRAYS))
