"""Whether a series could be fitted, and why not."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class FitStatus(IntEnum):
    """Why a row has no rates, break or jumps; OK where it has."""

    OK = 0
    NON_FINITE = 1
    TOO_FEW_EPOCHS = 2
    SPAN_TOO_SHORT = 3
    SINGULAR = 4


FIT_STATUS_NAMES: Final = tuple(status.name.lower() for status in FitStatus)
"""Names in the order of ``FitStatus``, as columns carry them."""
