"""The unit and the sign of the series: declared, or proven against the file's own velocities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from insar_runtime._input.even_rows import evenly_spaced
from insar_runtime._input.layout import Layout
from insar_runtime._input.slopes import slopes
from insar_runtime._input.units.plausibility import (
    looks_like_centimetres,
    median_range,
    refuse_amplitude,
    refuse_implausible,
    refuse_unstated,
)
from insar_runtime._input.units.sensors import SENTINEL1_ROUNDED_MM
from insar_runtime.errors import DataError, UsageError

Unit = Literal["mm", "cm", "m", "rad"]
Sign = Literal["as_velocity", "opposite_to_velocity", "unknown"]
Evidence = Literal["declared", "velocity", "format", "assumed"]

_MAX_ROWS: Final = 1000
_MIN_ROWS: Final = 10
"""Rows with enough velocity without which the velocities prove nothing."""
_MIN_EPOCHS: Final = 10
_MIN_VELOCITY: Final = 1.0
"""mm/yr; slower points say more about noise and rounding than about the unit."""
_AGREEMENT: Final = 0.5
_MIN_AGREEING: Final = 0.7
"""Rows whose slope over velocity is within half of the median, and the share of rows that must be."""
_FEWEST_ROWS: Final = 3
_CLOSE_AGREEMENT: Final = 0.2
"""Three moving points prove a unit too, if all of them agree closely."""
_SLOW_ROWS: Final = 30
_SLOW_VELOCITY: Final = 0.2
"""So do many slow ones: producers fit velocities to the very series, so both carry the same noise; below 0.2 mm/yr the
rounding to 0.1 takes over."""
_RATIO_TOLERANCE: Final = 1.25
"""Velocities may be projected or fitted with an annual cycle; the units lie further apart than this."""
_SCALES: Final = (10, 100, 1000)
"""By which small integers hold tenths, hundredths or thousandths of a millimetre."""


@dataclass(frozen=True, slots=True)
class Units:
    """Unit of the series of one file, and how it is known.

    Attributes
    ----------
    unit : {"mm", "cm", "m", "rad"}
    factor_to_mm : float
        Multiply values by this to have mm along the line of sight; never negative, the sign is kept.
    sign : {"as_velocity", "opposite_to_velocity", "unknown"}
        Whether series and velocity column agree in sign.
    evidence : {"declared", "velocity", "format", "assumed"}
        Declared by the user, proven by the velocity column, known of the producer's format or stated by the file, or
        none of these.
    ratio : float or None
        Slope of the series (file's unit a year) over the velocity column (mm/yr), if they correlate.
    note : str or None
        One line for people about what is unusual.
    quiet_range_mm : float or None
        Median range of a series if the unit is not declared, and the series, read as mm, vary as little as those in
        centimetres do: a doubt, no proof.
    """

    unit: Unit
    factor_to_mm: float
    sign: Sign
    evidence: Evidence
    ratio: float | None
    note: str | None
    quiet_range_mm: float | None = None

    @property
    def doubt(self) -> str | None:
        """What a person should know of such quiet series."""
        if self.quiet_range_mm is None:
            return None
        return (
            f"the median range of a series is only {self.quiet_range_mm:.2g} mm: if that is centimetres, use --units cm"
        )


def prove_units(
    matrix_sample: npt.NDArray[np.float32],
    layout: Layout,
    velocity_sample: npt.NDArray[np.floating] | None = None,
    *,
    declared: Unit | None = None,
    stated: Unit | None = None,
    half_wavelength_mm: float = SENTINEL1_ROUNDED_MM,
) -> Units:
    """Find the unit of the series, or refuse.

    Parameters
    ----------
    matrix_sample : ndarray of float32, shape (N, T)
        Some rows in the file's unit, NaN = missing; at most 1000 of them, evenly spread, are looked at.
    layout : Layout
        Meaning of the columns.
    velocity_sample : ndarray of float, shape (N,), optional
        Values of ``layout.velocity`` for the same rows, mm/yr, NaN = missing.
    declared : {"mm", "cm", "m", "rad"}, optional
        What the user says; wins over everything, and is compared with the velocities only for a note.
    stated : {"mm", "cm", "m"}, optional
        What the file says of its series; wins where the user says nothing, compared with the velocities likewise.
    half_wavelength_mm : float
        Half the radar wavelength in mm; decides what a radian is.

    Returns
    -------
    Units

    Raises
    ------
    DataError
        The values contradict the unit that format or habit suggests, look like amplitudes, or relate to the
        velocities by a factor of no unit. `declared` overrides all of these.
    UsageError
        Unknown unit, wavelength that is not positive, or arrays that do not fit together.
    """
    _check_arguments(matrix_sample, layout, velocity_sample, declared, half_wavelength_mm)
    factors = factors_to_mm(half_wavelength_mm)
    count = len(matrix_sample)
    rows = evenly_spaced(count, _MAX_ROWS)
    sample = matrix_sample[rows].astype(np.float64)
    sample[~np.isfinite(sample)] = np.nan
    ratio = None
    if velocity_sample is not None and layout.velocity is not None:
        ratio = _velocity_ratio(sample, layout.days, velocity_sample[rows].astype(np.float64), factors)
    sign: Sign = "unknown"
    if ratio is not None:
        sign = "as_velocity" if ratio > 0 else "opposite_to_velocity"

    named = declared or stated
    if named is not None:
        origin: Evidence = "declared" if declared else "format"
        note = None
        if ratio is not None and named not in _units_of_ratio(ratio, factors):
            verb = "declared" if declared else "the file states"
            note = f"{verb} {named}, but series change by {ratio:.3g} for 1 mm/yr of '{layout.velocity}'"
        return Units(named, factors[named], sign, origin, ratio, note)
    if ratio is not None:
        unit = _unit_by_velocity(ratio, factors, layout)
        # Velocities prove no millimetres if they are in centimetres as the series are.
        quiet = _quiet_range(sample) if unit == "mm" else None
        return Units(unit, factors[unit], sign, "velocity", ratio, None, quiet)

    evidence: Evidence = "format" if _format_is_mm(layout) else "assumed"
    notes = ["unit mm assumed, no velocity proves it (--units declares it)"] if evidence == "assumed" else []
    if _usable_velocities(velocity_sample) >= _MIN_ROWS and np.isfinite(sample).any():
        notes.append(f"the series do not agree with '{layout.velocity}', so nothing proves that they are mm")
    quiet = None
    if np.isfinite(sample).any():
        refuse_amplitude(sample)
        refuse_unstated(layout, sample)
        refuse_implausible(sample, half_wavelength_mm)
        quiet = _quiet_range(sample)
    return Units("mm", 1.0, sign, evidence, None, "; ".join(notes) or None, quiet)


def factors_to_mm(half_wavelength_mm: float) -> dict[Unit, float]:
    """Return what values in each unit are multiplied by to have mm; half a wavelength is 2 pi of phase."""
    return {"mm": 1.0, "cm": 10.0, "m": 1000.0, "rad": half_wavelength_mm / math.pi / 2}


def _check_arguments(
    matrix_sample: npt.NDArray[np.float32],
    layout: Layout,
    velocity_sample: npt.NDArray[np.floating] | None,
    declared: Unit | None,
    half_wavelength_mm: float,
) -> None:
    if declared is not None and declared not in get_args(Unit):
        raise UsageError(f"unknown unit '{declared}': one of {', '.join(get_args(Unit))}")
    if not (half_wavelength_mm > 0 and math.isfinite(half_wavelength_mm)):
        raise UsageError(f"half wavelength of {half_wavelength_mm} mm: give a positive length")
    width = len(layout.dates)
    if matrix_sample.ndim != 2 or matrix_sample.shape[1] != width:
        raise UsageError(f"sample of shape {matrix_sample.shape}: needs {width} columns, one a date")
    if velocity_sample is not None and velocity_sample.shape != matrix_sample.shape[:1]:
        raise UsageError(f"velocities of shape {velocity_sample.shape}: needs one for {len(matrix_sample)} rows")


def _velocity_ratio(
    sample: npt.NDArray[np.float64],
    days: npt.NDArray[np.float32],
    velocity: npt.NDArray[np.float64],
    factors: dict[Unit, float],
) -> float | None:
    """Median of slope per year over velocity; None unless the rows agree about it."""
    slope = slopes(sample, days, least_epochs=_MIN_EPOCHS)
    known = np.isfinite(slope) & np.isfinite(velocity)
    speed = np.abs(velocity)
    fast = known & (speed >= _MIN_VELOCITY)
    if np.count_nonzero(fast) >= _MIN_ROWS:
        return _agreed_ratio(slope[fast], velocity[fast], _AGREEMENT, _MIN_AGREEING)
    # Weaker evidence counts only for what it confirms: it is no reason to refuse a file.
    slow = known & (speed >= _SLOW_VELOCITY)
    ratio = None
    if np.count_nonzero(slow) >= _SLOW_ROWS:
        ratio = _agreed_ratio(slope[slow], velocity[slow], _AGREEMENT, _MIN_AGREEING)
    elif np.count_nonzero(fast) >= _FEWEST_ROWS:
        ratio = _agreed_ratio(slope[fast], velocity[fast], _CLOSE_AGREEMENT, 1.0)
    return ratio if ratio is not None and len(_units_of_ratio(ratio, factors)) == 1 else None


def _agreed_ratio(
    slope: npt.NDArray[np.float64], velocity: npt.NDArray[np.float64], agreement: float, share: float
) -> float | None:
    ratios = slope / velocity
    # The median, and a majority about it: one broken row must not take the proof of a whole file away.
    ratio = float(np.median(ratios))
    agree = np.abs(ratios - ratio) < agreement * abs(ratio)
    return ratio if np.mean(agree) >= share else None


def _usable_velocities(velocity: npt.NDArray[np.floating] | None) -> int:
    return 0 if velocity is None else int(np.count_nonzero(np.abs(np.nan_to_num(velocity)) >= _MIN_VELOCITY))


def _units_of_ratio(ratio: float, factors: dict[Unit, float]) -> list[Unit]:
    return [unit for unit, factor in factors.items() if 1 / _RATIO_TOLERANCE < abs(ratio) * factor < _RATIO_TOLERANCE]


def _unit_by_velocity(ratio: float, factors: dict[Unit, float], layout: Layout) -> Unit:
    matches = _units_of_ratio(ratio, factors)
    if len(matches) != 1:
        scale = next((scale for scale in _SCALES if 1 / _RATIO_TOLERANCE < abs(ratio) / scale < _RATIO_TOLERANCE), None)
        hint = f" (whole numbers of {1 / scale:g} mm? then divide them by {scale})" if scale else ""
        raise DataError(
            f"the series change by {ratio:.3g} a year for 1 mm/yr of '{layout.velocity}', the ratio of no "
            f"one unit: declare it with --units mm, cm, m or rad{hint}"
        )
    return matches[0]


def _quiet_range(sample: npt.NDArray[np.float64]) -> float | None:
    return median_range(sample) if looks_like_centimetres(sample) else None


def _format_is_mm(layout: Layout) -> bool:
    """Whether the producer of such column names documents millimetres."""
    if all(name.lower().endswith("_mm") for name in layout.columns):
        return True
    return layout.made_by is not None and layout.made_by.unit == "mm"
