"""Goals of the diagnosis, and whether they are met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evaluation.diagnosis.metrics import Numbers
from evaluation.diagnosis.results import REAL
from evaluation.diagnosis.scenes import USUAL


@dataclass(frozen=True)
class Goal:
    """Goal for one measured number.

    Attributes
    ----------
    what : str
        Description.
    wanted : str
        Bounds as text.
    found : float or None
        Measured value; None if it could not be measured.
    met : bool
    """

    what: str
    wanted: str
    found: float | None
    met: bool

    def to_dict(self) -> Numbers:
        """Return plain values, for JSON."""
        return {"what": self.what, "wanted": self.wanted, "found": self.found, "met": self.met}


def goals_of(numbers: Numbers) -> list[Goal]:
    """Return the goals for the numbers of ``run``; goals without a measurement are left out."""
    return [*_breaks(numbers["breaks"]), *_jumps(numbers), *_repair(numbers)]


def _breaks(breaks: Numbers) -> Iterator[Goal]:
    for group in (USUAL, REAL):
        if group in breaks:
            every, three = breaks[group]["all"], breaks[group]["3 sigmas"]
            yield _between(f"breaks inside their interval of 90 %, {group}", every["coverage"], 0.85, 0.95)
            error = three["median_error_epochs"]
            yield _between(f"median error of the date at 3 sigmas, epochs, {group}", error, high=2.0)
            for side in ("before", "after"):
                what = f"variance of the normalised error of v_{side}, {group}"
                yield _between(what, every[f"variance_{side}"], 0.85, 1.15)


def _jumps(numbers: Numbers) -> Iterator[Goal]:
    for group in (REAL, USUAL):
        if group in numbers["jumps"]:
            found = numbers["jumps"][group]["all"]
            yield _between(f"recall of jumps, {group}", found["recall"], 0.95)
            yield _between(f"precision of jumps, {group}", found["precision"], 0.95)
            yield _between(f"cycles right, {group}", found["cycles_right"], 0.98)
            damped = numbers["others"][group]["damped"]
            yield _between(f"recall of damped jumps of 10 to 20 mm, {group}", damped["recall_small"], 0.85)
            short = damped["recall_small_short"]
            yield _between(f"recall of damped jumps of 10 to 20 mm and 3 to 5 epochs, {group}", short, 0.65)
            yield _between(f"precision of damped jumps, {group}", damped["precision"], 0.95)


def _repair(numbers: Numbers) -> Iterator[Goal]:
    for group in (REAL, USUAL):
        if group in numbers["repair"]:
            yield _between(f"RMS error before repair over that after, {group}", _factor(numbers, group), 4.0)
            changed = numbers["others"][group]["none"]["changed"]
            yield _between(f"series without a jump that are changed, {group}", changed, high=0.01)


def _factor(numbers: Numbers, group: str) -> float | None:
    factor: float | None = numbers["repair"][group]["all"]["factor"]
    return factor


def _between(what: str, found: float | None, low: float | None = None, high: float | None = None) -> Goal:
    bounds = [f"at {word} {bound:g}" for word, bound in (("least", low), ("most", high)) if bound is not None]
    met = found is not None and (low is None or found >= low) and (high is None or found <= high)
    return Goal(what, ", ".join(bounds), found, met)
