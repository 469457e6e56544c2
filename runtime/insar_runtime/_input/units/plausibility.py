"""Plausibility: refuse values that are most likely no displacements in mm, if nothing proves their unit."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from insar_runtime._input.layout import Layout
from insar_runtime.errors import DataError

_METRE_RANGE: Final = 0.15
_WHOLE_STEP: Final = 10.0
"""Median step in mm that series hardly have, while those of tenths of a millimetre in whole numbers do."""
_QUIET_RANGE: Final = 1.5
"""Range of a series in mm: the quietest C-band points scatter over some 2 mm within a year, most over 5 to 20;
the same in centimetres stays below 1.5, in metres below 0.15."""

_CENTIMETRE_RANGE: Final = 5.0
_CENTIMETRE_STEP: Final = 0.5
"""Range of a series and step between neighbouring dates in mm, below which both are likelier to be centimetres: public
files have ranges of 15 (EGMS L3, means of cells) to 30, and steps of 0.7 to 3."""


def refuse_amplitude(sample: npt.NDArray[np.float64]) -> None:
    """Displacements start near zero or cross it; amplitudes are positive and start anywhere."""
    valid = np.isfinite(sample)
    if not (sample[valid] > 0).all():
        return
    some = valid.sum(axis=1) >= 3
    if not some.any():
        return
    rows = sample[some]
    first = rows[np.arange(len(rows)), valid[some].argmax(axis=1)]
    if np.median(first - np.nanstd(rows, axis=1)) > 0:
        raise DataError(
            "looks like amplitude: all values are positive and no series starts near 0; take the "
            "displacement product, or use --units mm if these are displacements"
        )


def refuse_unstated(layout: Layout, sample: npt.NDArray[np.float64]) -> None:
    """Ask for the unit of stmtools tables: their producer does not state it, and metres are common."""
    if layout.producer != "stmtools":
        return
    spread = median_range(sample)
    looks = "metres" if spread < _METRE_RANGE else "millimetres" if spread >= _QUIET_RANGE else "no certain unit"
    raise DataError(
        f"stmtools table ('{layout.columns[0]}', ...) states no unit; its values look like {looks} (median "
        f"range of a series {spread:.2g}): declare it, e.g. --units {'mm' if looks == 'millimetres' else 'm'}"
    )


def refuse_implausible(sample: npt.NDArray[np.float64], half_wavelength_mm: float) -> None:
    """Refuse values that are most likely no millimetres.

    The range decides, not the step: series without noise have small steps. Series without any change prove nothing.
    """
    spread = median_range(sample)
    if spread < _QUIET_RANGE:
        looks, unit = ("metres", "m") if spread < _METRE_RANGE else ("centimetres, or very quiet millimetres", "cm")
        raise DataError(
            f"nothing proves the unit, and read as mm the median range of a series is {spread:.2g} mm; it looks like "
            f"{looks}: declare the unit, e.g. --units {unit}"
        )
    step = _median_step(sample)
    if step > 2 * half_wavelength_mm:
        raise DataError(
            f"read as mm, the values step by a median of {step:.3g} mm between dates, more than a wavelength: "
            f"declare the unit with --units mm, cm, m or rad"
        )
    known = sample[np.isfinite(sample)]
    if step > _WHOLE_STEP and (known == np.round(known)).all():
        raise DataError(
            f"nothing proves the unit, and all values are whole numbers that step by a median of {step:.3g} between "
            f"dates; they look like tenths of a millimetre: divide them by 10, or use --units mm if they are mm"
        )


def looks_like_centimetres(sample: npt.NDArray[np.float64]) -> bool:
    """Whether series, read as mm, vary as little as those in centimetres do, or less; no proof, reason for a note."""
    return median_range(sample) < _CENTIMETRE_RANGE and _median_step(sample) < _CENTIMETRE_STEP


def median_range(sample: npt.NDArray[np.float64]) -> float:
    """Median over the rows of their largest less their smallest value; NaN if no row changes."""
    valid = ~np.isnan(sample)
    high = np.max(sample, axis=1, initial=-np.inf, where=valid)
    low = np.min(sample, axis=1, initial=np.inf, where=valid)
    spread = (high - low)[high > low]
    return float(np.median(spread)) if spread.size else math.nan


def _median_step(sample: npt.NDArray[np.float64]) -> float:
    """Median absolute difference of neighbouring epochs that both have a value; NaN without any."""
    steps = np.abs(np.diff(sample, axis=1))
    steps = steps[np.isfinite(steps)]
    return float(np.median(steps)) if steps.size else math.nan
