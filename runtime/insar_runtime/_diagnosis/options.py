"""What may be chosen of a diagnosis, and what is counted in it; light, for who makes none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from insar_runtime.errors import UsageError

JumpRows = Literal["flagged", "all"]

COUNTS: Final = (
    "rows",
    "fitted",
    "with_break",
    "searched_for_jumps",
    "with_jumps",
    "jumps",
    "repaired",
    "repaired_jumps",
)
"""What is counted of series."""


@dataclass(frozen=True, slots=True)
class Diagnose:
    """How series are diagnosed.

    Attributes
    ----------
    jumps : {"flagged", "all"}
        Rows that are searched for jumps: those whose class is PUE, or would be if the classifier were surer; or all.
    repair_above : float
        Probability from which a jump of a whole number of half wavelengths is taken out of the corrected series.
    repair_damped : bool
        Whether jumps that are no such multiple are taken out, too, by their estimated size.

    Raises
    ------
    UsageError
        If one is out of range.
    """

    jumps: JumpRows = "flagged"
    repair_above: float = 0.6
    repair_damped: bool = False

    def __post_init__(self) -> None:
        if self.jumps not in get_args(JumpRows):
            raise UsageError(f"jumps is {self.jumps!r}; give one of {', '.join(get_args(JumpRows))}")
        if not 0 <= self.repair_above <= 1:
            raise UsageError(f"repair_above is {self.repair_above}; give a probability between 0 and 1")
