"""Numbers by which a page colours its points, beside class, confidence and velocity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from insar_runtime._input.matrix import as_floats
from insar_runtime._report.pack import tenths

_MOST: Final = 3276.0
"""Largest number that ``tenths`` codes; larger ones are set to it."""
_BREAK_RATES: Final = ("v_before", "v_after")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of each point.

    Attributes
    ----------
    key : str
        Name in the script.
    label : str
        Name for people.
    unit : str
        Unit; empty if it is not known.
    signed : bool
        Whether zero stands in the middle of its colours.
    source : {"file", "diagnosis"}
        Who made it.
    column : str
        Name or names of the columns.
    scale : int
        Stored is the number times this, in tenths.
    categories : tuple of str
        Names that the numbers 0, 1, ... stand for; empty of a number.
    """

    key: str
    label: str
    unit: str
    signed: bool
    source: Literal["file", "diagnosis"]
    column: str
    scale: int
    categories: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return what the script needs to know."""
        return asdict(self)


_OF_FILE: Final = {
    "acceleration": ("Acceleration", "mm/yr²", True),
    "seasonality": ("Yearly cycle", "mm", False),
}
"""Columns of EGMS files; the second is the amplitude."""
_OF_DIAGNOSIS: Final = (
    Measure("velocity_mm_yr", "Velocity", "mm/yr", True, "diagnosis", "velocity_mm_yr", 10),
    Measure("acceleration_mm_yr2", "Acceleration", "mm/yr²", True, "diagnosis", "acceleration_mm_yr2", 10),
    Measure("season_amp_mm", "Yearly cycle", "mm", False, "diagnosis", "season_amp_mm", 1),
    Measure("v_recent_mm_yr", "Recent rate", "mm/yr", True, "diagnosis", "v_recent_mm_yr", 1),
    Measure("recent_change_prob", "Probability of a recent change", "", False, "diagnosis", "recent_change_prob", 100),
    Measure("rate_change", "Change of rate at the break", "mm/yr", True, "diagnosis", "v_after − v_before", 1),
    Measure("jump_mm", "Largest jump", "mm", True, "diagnosis", "jump_mm", 1),
)


_JUMP_KIND: Final = Measure(
    "jump_kind", "Kind of the jumps", "", False, "diagnosis", "jump_kind", 1, ("one point", "shared", "whole file")
)
_KINDS: Final = ("point", "shared", "file")
"""Values of the column, in the order of the categories."""


def find_measures(
    attributes: Sequence[str], *, egms: bool, diagnosed: bool, kinds: bool = False
) -> tuple[Measure, ...]:
    """Return the measures of a table.

    Parameters
    ----------
    attributes : sequence of str
        Its numeric columns that are neither roles nor series.
    egms : bool
        Whether it comes from EGMS, whose units are known.
    diagnosed : bool
        Whether it has the diagnosis columns.
    kinds : bool
        Whether it has the column ``jump_kind``.
    """
    of_file = tuple(
        Measure(f"file_{name}", label, unit if egms else "", signed, "file", name, 10)
        for name, (label, unit, signed) in _OF_FILE.items()
        if name in attributes
    )
    return (*of_file, *(_OF_DIAGNOSIS if diagnosed else ()), *((_JUMP_KIND,) if diagnosed and kinds else ()))


def measured(
    measures: Sequence[Measure], batch: pa.RecordBatch, diagnosis: Mapping[str, pa.Array]
) -> NDArray[np.uint16]:
    """Return the measures of a batch [N, measures], as ``tenths`` codes them, ``MISSING`` for null.

    Parameters
    ----------
    measures : sequence of Measure
    batch : pyarrow.RecordBatch
        Rows of the table.
    diagnosis : mapping of str to pyarrow.Array
        Diagnosis columns of these rows; empty without a diagnosis.
    """
    coded = np.empty((batch.num_rows, len(measures)), dtype=np.uint16)
    for k, measure in enumerate(measures):
        values = _values(measure, batch, diagnosis) * measure.scale
        coded[:, k] = tenths(np.clip(np.where(np.isfinite(values), values, np.nan), -_MOST, _MOST))
    return coded


def _values(measure: Measure, batch: pa.RecordBatch, diagnosis: Mapping[str, pa.Array]) -> NDArray[np.floating]:
    if measure.source == "file":
        return as_floats(batch.column(measure.column))
    if measure.categories:
        column = batch.column(measure.column)
        text = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        return as_floats(pc.index_in(text.cast(pa.string()), pa.array(_KINDS)))
    if measure.key == "rate_change":
        before, after = (as_floats(diagnosis[name]) for name in _BREAK_RATES)
        return after - before
    if measure.key == "jump_mm":
        return _largest(diagnosis["jump_mm"])
    return as_floats(diagnosis[measure.column])


def _largest(lists: pa.Array) -> NDArray[np.float32]:
    """Return the number of each list that is farthest from zero, NaN for none."""
    largest = np.full(len(lists), np.nan, dtype=np.float32)
    row = pc.list_parent_indices(lists).to_numpy()
    size = as_floats(pc.list_flatten(lists))
    known = np.isfinite(size)
    row, size = row[known], size[known]
    order = np.argsort(np.abs(size), kind="stable")
    largest[row[order]] = size[order]  # of a row's jumps, the last one is the largest
    return largest
