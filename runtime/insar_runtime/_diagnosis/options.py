"""Options of a diagnosis, and the names of its counts; imports neither numpy nor any of the fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from insar_runtime.errors import UsageError

JumpRows = Literal["flagged", "all"]

RECENT_DAYS: Final = 180
"""Length of the window of the recent change. Our choice: the rule of Raspini et al., Scientific Reports 8:7253, 2018,
takes 150 days and series with an acquisition every 6 days; half a year is what a sampling of 12 days needs."""

COUNTS: Final = (
    "rows",
    "fitted",
    "with_break",
    "searched_for_jumps",
    "with_jumps",
    "jumps",
    "repaired",
    "repaired_jumps",
    "without_whole_cycles",
    "uncertain",
    "not_improved",
)
"""Names of the counts of a diagnosis: series, and jumps in the names that end with it. The last three are the series
that jump and are not repaired, by the reason."""


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Options of a diagnosis.

    Attributes
    ----------
    jumps : {"flagged", "all"}
        Rows that are searched for jumps: all of them, or those whose class or most probable class is PUE.
    repair_above : float
        Least probability of a jump of a whole number of half wavelengths for its removal from the corrected series.
    repair_damped : bool
        Whether other jumps are removed as well, by their estimated size.
    recent_days : int
        Length of the window at the end of the series whose rate is compared with that before.

    Raises
    ------
    UsageError
        If an option is out of range.
    """

    jumps: JumpRows = "flagged"
    repair_above: float = 0.6
    repair_damped: bool = False
    recent_days: int = RECENT_DAYS

    def __post_init__(self) -> None:
        if self.jumps not in get_args(JumpRows):
            raise UsageError(f"jumps is {self.jumps!r}; give one of {', '.join(get_args(JumpRows))}")
        if not 0 <= self.repair_above <= 1:
            raise UsageError(f"repair_above is {self.repair_above}; give a probability between 0 and 1")
        if not (isinstance(self.recent_days, int) and self.recent_days >= 1):
            raise UsageError(f"recent_days is {self.recent_days!r}; give a whole number of days from 1 on, such as 180")
