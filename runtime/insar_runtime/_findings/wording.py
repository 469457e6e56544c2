"""Shares, counts, dates and sizes as the sentences of findings state them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

_NAMED: Final = 3
"""Most dates in a sentence."""


def percent(share: float) -> str:
    """Return a share in percent, with a decimal below 10 %; neither all nor nothing is claimed of a part."""
    if not 0 < share < 1:
        return f"{100 * share:.0f} %"
    if share < 0.1:
        return f"{max(100 * share, 0.1):.1f} %"
    return f"{min(100 * share, 99):.0f} %"


def size(value: float) -> str:
    """Return a size with two significant digits, without an exponent."""
    return np.format_float_positional(float(f"{abs(value):.2g}"), trim="-")


def noun(count: int, name: str) -> str:
    """Return a name for so many, in the plural if needed."""
    return name if count == 1 else f"{name}s"


def counted(count: int, name: str) -> str:
    """Return a count with a name, in the plural if needed."""
    return f"{count:,} {noun(count, name)}"


def of_rows(count: int, rows: int, verb: str, one: str) -> str:
    """Return how many of the examined rows a sentence is about, with its verb, or the verb ``one`` of a single row."""
    return f"{count:,} of {rows:,} examined rows {one if count == 1 else verb}"


def some_dates(dates: Sequence[np.datetime64]) -> str:
    """Return the first dates."""
    return ", ".join(map(str, dates[:_NAMED])) + (", ..." if len(dates) > _NAMED else "")
