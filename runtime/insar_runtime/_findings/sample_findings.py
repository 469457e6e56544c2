"""All findings about a sample of rows and their dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.common_steps import LevelChange, find_level_changes
from insar_runtime._engine.row_checks import check_rows
from insar_runtime._findings.epoch_scatter import Scatter, measure_scatter
from insar_runtime._findings.missing import Missing, find_missing
from insar_runtime._findings.time_axis import TimeAxis, describe_time_axis
from insar_runtime._findings.values import Values, examine_values
from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime.classes import STATUS_NAMES
from insar_runtime.models import Limits

_MOST_ROWS: Final = 2000
_MOST_VALUES: Final = 800_000
"""Limits of the rows and values whose scatter and level changes are examined: a second for the longest series."""


@dataclass(frozen=True, slots=True)
class SampleFindings:
    """Findings about a sample of rows and their dates.

    Attributes
    ----------
    axis : TimeAxis
    missing : Missing
    values : Values
        In the unit of the file.
    scatter : Scatter
    level_changes : tuple of LevelChange
    statuses : dict of str to int
        Number of rows by the status that they will get; ``ok`` may still become ``abstained``. Empty without limits.
    """

    axis: TimeAxis
    missing: Missing
    values: Values
    scatter: Scatter
    level_changes: tuple[LevelChange, ...]
    statuses: dict[str, int]


def examine_sample(
    series: NDArray[np.float32], dates: NDArray[np.datetime64], limits: Limits | None, *, factor_to_mm: float = 1.0
) -> SampleFindings:
    """Return all findings about a sample of rows.

    Parameters
    ----------
    series : ndarray of float32, shape [N, T]
        In the unit of the file; NaN = missing. Rows should come from all over the file.
    dates : ndarray of datetime64[D], shape [T]
        Strictly increasing.
    limits : Limits or None
        Limits of the model; None if neither the statuses of the rows nor the rounding of the values are wanted.
    factor_to_mm : float
        Factor from the unit of the file to mm.
    """
    axis = describe_time_axis(dates)
    missing = find_missing(series, dates)
    millimetres = series * np.float32(factor_to_mm)
    # Infinities are found by the checks of rows, and count as missing for scatter and level changes.
    some = millimetres[_spread(len(series), len(dates))]
    some[~np.isfinite(some)] = np.nan
    # Rows that never change were not measured, and would all do at each date what the others do not.
    some[np.fmin.reduce(some, axis=1, initial=np.inf) >= np.fmax.reduce(some, axis=1, initial=-np.inf)] = np.nan
    switches = [switch.date for switch in axis.switches]
    return SampleFindings(
        axis=axis,
        missing=missing,
        values=examine_values(series, rounding=limits is not None),
        scatter=measure_scatter(some, dates, switches),
        level_changes=find_level_changes(some, dates, [*switches, *_edges(missing, dates)]),
        statuses={} if limits is None else _statuses(millimetres, dates, limits),
    )


def _spread(rows: int, epochs: int) -> NDArray[np.intp]:
    return evenly_spaced(rows, min(_MOST_ROWS, _MOST_VALUES // max(epochs, 1)))


def _edges(missing: Missing, dates: NDArray[np.datetime64]) -> list[np.datetime64]:
    """Return the dates at which many rows begin or end together."""
    first_after = [dates[np.searchsorted(dates, b.last) + 1] for b in missing.blocks if b.place != "end"]
    return first_after + [block.first for block in missing.blocks if block.place != "start"]


def _statuses(series: NDArray[np.float32], dates: NDArray[np.datetime64], limits: Limits) -> dict[str, int]:
    if not series.size:
        return {}
    days = (dates - dates[:1]).astype(np.float32)
    counts = np.bincount(check_rows(series, days, limits).status, minlength=len(STATUS_NAMES)).tolist()
    return {name: count for name, count in zip(STATUS_NAMES, counts, strict=True) if count}
