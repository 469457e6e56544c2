"""Kinds of contradictions between class and diagnosis, with the largest acceptable share of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from insar_runtime._diagnosis.results import CLEAR_CHANGE_STDS
from insar_runtime.classes import CLASS_NAMES, TrendClass
from insar_runtime.definitions import JUMP_HELD_EPOCHS
from training.metrics import rounded

Numbers = dict[str, Any]

SURE: Final = 0.9
"""Probability above which a jump is regarded as certain."""
MOVING_MM_YR: Final = 2.5
CERTAIN_STD_MM_YR: Final = 0.2
STILL_MM_YR: Final = 1.5
"""Rate above which Stable is contradicted, if the standard deviation is below the second number; rate below which
Linear is contradicted."""
_SELDOM: Final = 0.05
_RARE: Final = 0.001


@dataclass(frozen=True)
class Contradiction:
    """Kind of contradiction.

    Attributes
    ----------
    key, words : str
    of : TrendClass
        Class of the rows in which it may occur.
    most : float or None
        Upper bound of the share of these rows (goal); None without a goal.
    """

    key: str
    words: str
    of: TrendClass
    most: float | None

    def judged(self, counts: Numbers) -> Numbers:
        """Return the share of rows with this contradiction, and whether the goal is met.

        ``counts`` are those of ``ExaminedFile.counts``.
        """
        found, rows = counts[self.key], counts[of(self.key)]
        share = found / rows if rows else 0.0
        met = None if self.most is None else share < self.most
        return {
            "key": self.key,
            "class": CLASS_NAMES[self.of],
            "share": rounded(share),
            "wanted": self.most,
            "met": met,
        }


def of(key: str) -> str:
    """Return the key of the number of rows in which a contradiction may occur."""
    return f"{key}_of"


CONTRADICTIONS: Final = (
    Contradiction("pue_without_jump", "PUE without a reported jump", TrendClass.PUE, _SELDOM),
    Contradiction(
        "stable_with_jump",
        f"Stable with a jump of probability above {SURE:g} that is held for more than {JUMP_HELD_EPOCHS} epochs "
        "(`--jumps all`)",
        TrendClass.STABLE,
        _RARE,
    ),
    Contradiction(
        "stable_with_rate",
        f"Stable with a rate above {MOVING_MM_YR:g} mm/yr whose standard deviation is below {CERTAIN_STD_MM_YR:g}",
        TrendClass.STABLE,
        _RARE,
    ),
    Contradiction("linear_without_rate", f"Linear with a rate below {STILL_MM_YR:g} mm/yr", TrendClass.LINEAR, _RARE),
    Contradiction(
        "bilinear_with_one_rate",
        f"Bilinear whose reported rates differ by less than {CLEAR_CHANGE_STDS:g} standard deviations",
        TrendClass.BILINEAR,
        _RARE,
    ),
    Contradiction("bilinear_without_break", "Bilinear without a reported break", TrendClass.BILINEAR, None),
    Contradiction("pue_without_trend", "PUE without a drawn trend", TrendClass.PUE, None),
)
