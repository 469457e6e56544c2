"""Findings that are known when all rows are classified: many of them without a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from insar_runtime._findings.finding import Finding
from insar_runtime._findings.wording import percent
from insar_runtime.models import Limits

_MANY: Final = 0.5
_LEAST_ROWS: Final = 10


def unclassed_rows(rows: int, statuses: Mapping[str, int], limits: Limits) -> Finding | None:
    """Return the finding that half of the rows or more have no class; None if they have one.

    Parameters
    ----------
    rows : int
        Number of rows.
    statuses : mapping of str to int
        Number of rows by status.
    limits : Limits
        Limits of the model.
    """
    without = {name: count for name, count in statuses.items() if name != "ok" and count}
    share = sum(without.values()) / max(rows, 1)
    if rows < _LEAST_ROWS or share < _MANY:
        return None
    reason = max(without, key=lambda name: without[name])
    remedy = {
        "abstained": "the model is unsure of them; see class_top and confidence, or --abstain-below",
        "too_few_epochs": f"they have fewer than {limits.min_epochs} epochs with a value",
        "gap_too_long": f"they have a gap of more than {limits.max_gap_days:g} days; shorten their time axis",
        "non_finite": "they have infinite values; write those cells empty",
        "out_of_domain": f"their values range over more than {limits.max_range_mm:g} mm; check unit and no-data values",
    }[reason]
    return Finding(
        "unclassed",
        f"{percent(share)} of the rows have no class, most of them ({percent(without[reason] / rows)}) with status "
        f"{reason}: {remedy}",
        share,
    )
