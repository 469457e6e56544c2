"""Meaning of each class in one line, with the numbers of its definition."""

from __future__ import annotations

from insar_runtime.classes import CLASS_NAMES
from insar_runtime.definitions import (
    BREAK_SHARE,
    CURVED_DEPARTURE,
    JUMP_EDGE_EPOCHS,
    JUMP_HELD_EPOCHS,
    JUMP_MM,
    JUMP_SCATTERS,
    LINEAR_RATE_STDS,
    SMALL_STEP_MM,
    STABLE_RATE_MM_YR,
)


def describe_classes(stable_rate_mm_yr: float | None = STABLE_RATE_MM_YR) -> dict[str, str]:
    """Return the meaning of each class by its name.

    Parameters
    ----------
    stable_rate_mm_yr : float or None
        Rate that separates Stable from Linear; None if no single rate does.
    """
    still, moving = "no deformation beyond noise: no rate, jump or bend that stands out", "one constant rate"
    if stable_rate_mm_yr is not None:
        rate = f"{stable_rate_mm_yr:g} mm/yr"
        still = (
            f"no deformation beyond noise: a rate below {rate}, or below {LINEAR_RATE_STDS:g} times its standard "
            "deviation, no jump, no bend"
        )
        moving = f"{moving} of {rate} or more"
    bent = "the scatter" if CURVED_DEPARTURE == 1 else f"{CURVED_DEPARTURE:g} times the scatter"
    first, last = BREAK_SHARE
    lines = (
        still,
        f"{moving}, at least {LINEAR_RATE_STDS:g} times its standard deviation",
        f"constant acceleration: departs from its best line by {bent} (RMS) or more, without a corner",
        f"two rates, with one corner at {100 * first:g} to {100 * last:g} % of the span",
        f"phase unwrapping error: jumps of {JUMP_MM:g} mm or more and {JUMP_SCATTERS:g} times the scatter, within "
        f"{JUMP_EDGE_EPOCHS} epochs, held for at least {JUMP_HELD_EPOCHS}, lasting or temporary",
        "a motion that none of the five describes: several bends, transients, a corner before "
        f"{100 * first:g} or after {100 * last:g} % of the span, lasting steps of {SMALL_STEP_MM[0]:g} to "
        f"{SMALL_STEP_MM[1]:g} mm",
    )
    return dict(zip(CLASS_NAMES, lines, strict=True))
