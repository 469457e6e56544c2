"""The numbers that define the classes; simulator, run time, diagnosis, report, docs and model card take them from here.

Two numbers that rates and scatters share everywhere stand here as well.

People who read series draw these lines: 1.5 to 2 mm/yr between Stable and Linear, whatever the span, and a change of
level of some 10 mm for an unwrapping error (``artifacts/readings``).
"""

from __future__ import annotations

from typing import Any, Final

DAYS_PER_YEAR: Final = 365.25
"""Days of a year in every rate: the Julian year."""

MAD_TO_STD: Final = 1.4826
"""Standard deviation of normal noise over its median absolute deviation, 1 / 0.6745: Rousseeuw and Croux (1993),
Alternatives to the median absolute deviation, Journal of the American Statistical Association 88, 1273."""

STABLE_RATE_MM_YR: Final = 2.0
"""Stable: a rate below this, in mm a year, whatever the span. The user may move it (``stable_rate``)."""

LINEAR_RATE_STDS: Final = 3.0
"""Linear: a rate of at least ``STABLE_RATE_MM_YR``, and of so many of its own standard deviations."""

CURVED_DEPARTURE: Final = 1.0
"""Quadratic and Bilinear: RMS distance of the motion from its best line, in units of the RMS scatter, at the least."""

BREAK_SHARE: Final = (0.15, 0.85)
"""Bilinear: the break lies within this part of the span. One outside of it makes a series Other."""

JUMP_MM: Final = 10.0
"""PUE: least size of a jump, in mm."""

JUMP_SCATTERS: Final = 3.0
"""PUE: least size of a jump, in units of the RMS scatter around it."""

JUMP_HELD_EPOCHS: Final = 3
"""PUE: epochs for which the new level is held, at the least."""

JUMP_EDGE_EPOCHS: Final = 2
"""PUE: epochs within which a jump happens, at the most."""

SMALL_STEP_MM: Final = (6.0, 10.0)
"""Other: lasting steps of this size, in mm, that stand out."""


def class_definitions(stable_rate_mm_yr: float | None) -> dict[str, Any]:
    """Return all of these numbers as plain values, for metadata.

    Parameters
    ----------
    stable_rate_mm_yr : float or None
        Rate that divides Stable from Linear in a run; None where the model names none.
    """
    return {
        "stable_rate_mm_yr": stable_rate_mm_yr,
        "linear_rate_stds": LINEAR_RATE_STDS,
        "curved_departure": CURVED_DEPARTURE,
        "break_share": list(BREAK_SHARE),
        "jump_mm": JUMP_MM,
        "jump_scatters": JUMP_SCATTERS,
        "jump_held_epochs": JUMP_HELD_EPOCHS,
        "jump_edge_epochs": JUMP_EDGE_EPOCHS,
        "small_step_mm": list(SMALL_STEP_MM),
    }
