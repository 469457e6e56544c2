"""Doubt about the unit: series that scatter far less or far more than those of other files."""

from __future__ import annotations

import math
from typing import Final

from insar_runtime._findings.finding import Finding
from insar_runtime._findings.wording import size
from insar_runtime._input.layout import Layout
from insar_runtime._input.units.series_units import Units

USUAL_SCATTER_MM: Final = 2.5
"""Median scatter from epoch to epoch. Public files have 1.0 (EGMS L3, means of cells) to 3.4 mm (EGMS L2)."""
LEAST_SCATTER_MM: Final = 0.3
MOST_SCATTER_MM: Final = 30.0
"""Beyond these, another unit is likelier: a third of the quietest of these files, and ten times the noisiest one."""
_LEAST_ROWS: Final = 3
_UNITS: Final = {"mm": ("millimetres", 1.0), "cm": ("centimetres", 10.0), "m": ("metres", 1000.0)}


def doubt_unit(scatter_mm: float | None, rows: int, units: Units, layout: Layout) -> Finding | None:
    """Return the doubt that series are in the unit in which they are read.

    Parameters
    ----------
    scatter_mm : float or None
        Median over the rows of their scatter from epoch to epoch, in that unit; None if it is unknown.
    rows : int
        Number of rows from which it was measured.
    units : Units
        The unit, and how it is known; there is no doubt if the user declared it.
    layout : Layout
        Of the columns.
    """
    if units.evidence == "declared" or not scatter_mm or rows < _LEAST_ROWS:
        return None
    quiet = units.quiet_range_mm
    if quiet is None and LEAST_SCATTER_MM <= scatter_mm <= MOST_SCATTER_MM:
        return None
    little = scatter_mm < USUAL_SCATTER_MM
    ratio = USUAL_SCATTER_MM / scatter_mm if little else scatter_mm / USUAL_SCATTER_MM
    also = "" if quiet is None else f", with a range of {size(quiet)} mm"
    what = (
        f"read as {units.unit}, the series scatter by a median of {size(scatter_mm)} mm from epoch to epoch{also}, "
        f"{size(ratio)} times {'less' if little else 'more'} than usual"
    )
    likely = _likely_unit(scatter_mm / units.factor_to_mm)
    if likely == units.unit:
        likely = "cm" if little and units.unit == "mm" else None
    settled = f"--units {units.unit} settles it"
    if likely is None:
        what += f": check the unit (tenths of a millimetre?), and declare it with --units; {settled}"
    else:
        along = f", and '{layout.velocity}' in {likely} a year" if units.evidence == "velocity" else ""
        what += f": are the values {_UNITS[likely][0]}{along}? Then use --units {likely}; {settled}"
    return Finding("unit_doubt", what, scatter_mm)


def _likely_unit(scatter: float) -> str | None:
    """Return the unit in which a scatter is most usual; None if it is unusual in each."""
    in_mm = {unit: scatter * factor for unit, (_, factor) in _UNITS.items()}
    unit = min(in_mm, key=lambda unit: abs(math.log(in_mm[unit] / USUAL_SCATTER_MM)))
    return unit if LEAST_SCATTER_MM <= in_mm[unit] <= MOST_SCATTER_MM else None
