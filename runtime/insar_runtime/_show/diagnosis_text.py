"""Text of the diagnosis of one point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from insar_runtime._show.point_diagnosis import Estimate, FoundBreak, FoundJump, PointDiagnosis, RecentRate
from insar_runtime._show.terminal_plot import MARKS, PLAIN_MARKS

SIGNS: Final = "±²σ"
"""Characters with a replacement in ASCII."""
_PLAIN_SIGNS: Final = ("+-", "^2", "std")


def describe_diagnosis(diagnosis: PointDiagnosis, *, marked: bool, plain: bool) -> Iterator[tuple[str, str]]:
    """Return the lines that describe a diagnosis: rates, break, jumps, repair.

    Parameters
    ----------
    diagnosis : PointDiagnosis
    marked : bool
        Whether there is a plot, whose marks are to be explained.
    plain : bool
        ASCII only.

    Yields
    ------
    name, text : str
        Label and text of each line; the velocity has a line elsewhere.
    """
    signs = PLAIN_MARKS if plain else MARKS
    for name, text in _lines(diagnosis, signs if marked else None):
        yield name, as_ascii(text, plain=plain)


def _lines(diagnosis: PointDiagnosis, signs: str | None) -> Iterator[tuple[str, str]]:
    yield "diagnosis", f"{diagnosis.status or 'unknown'}, {diagnosis.origin}"
    if diagnosis.acceleration is not None:
        yield "acceleration", f"{number_text(diagnosis.acceleration)} mm/yr²"
    if diagnosis.season is not None:
        yield "yearly cycle", f"amplitude {number_text(diagnosis.season)} mm"
    if diagnosis.rmse is not None:
        yield "scatter", f"{diagnosis.rmse:.2f} mm about a cubic with a yearly cycle"
    if diagnosis.change is not None:
        yield "break", break_text(diagnosis.change) + (f", marked {signs[3]} below the dates" if signs else "")
    if diagnosis.recent is not None:
        yield (
            "last months" if diagnosis.recent.days is None else f"last {diagnosis.recent.days} d",
            recent_text(diagnosis.recent),
        )
    if diagnosis.jumps:
        yield "jumps", f"{len(diagnosis.jumps)}" + (f", marked {signs[4:]} below the dates" if signs else "")
        for jump in diagnosis.jumps:
            yield "", jump_text(jump)
    elif diagnosis.jumps is not None:
        yield "jumps", "none found"
    if diagnosis.repairs:
        yield "repaired", f"{diagnosis.class_after_repair or 'no class'} without the repaired jumps"


def number_text(estimate: Estimate) -> str:
    """Return a number and its standard deviation with two decimals."""
    spread = "" if estimate.std is None else f" ± {estimate.std:.2f}"
    # Adding 0 makes a positive zero of a negative one.
    return f"{round(estimate.value, 2) + 0.0:.2f}{spread}"


def break_text(change: FoundBreak) -> str:
    """Return the date of a break, its interval, and the rates before and after it."""
    interval = f"90 % within {change.earliest} to {change.latest}"
    return f"{change.day} ({interval}), {number_text(change.before)} before, {number_text(change.after)} mm/yr after"


def recent_text(recent: RecentRate) -> str:
    """Return the recent rate, and the probability that it is new."""
    return f"{number_text(recent.rate)} mm/yr, a change with probability {recent.probability:.3f}"


def jump_text(jump: FoundJump) -> str:
    """Return date, size, cycles and probability of a jump."""
    parts = [f"{jump.day}  {'+' if jump.mm.value > 0 else ''}{number_text(jump.mm)} mm"]
    if jump.cycles is not None:
        parts.append(f"{jump.cycles:+d} {'cycle' if abs(jump.cycles) == 1 else 'cycles'}")
    elif jump.distance is not None:
        parts.append("no whole cycles")
    if jump.distance is not None:
        parts.append(f"{jump.distance:.1f} σ from whole ones")
    if jump.probability is not None:
        parts.append(f"probability {jump.probability:.3f}")
    return ", ".join([*parts, "repaired" if jump.repaired else "not repaired"])


def as_ascii(text: str, *, plain: bool) -> str:
    """Return text with these characters replaced in ASCII, if ``plain``."""
    for sign, word in zip(SIGNS, _PLAIN_SIGNS, strict=True) if plain else ():
        text = text.replace(sign, word)
    return text
