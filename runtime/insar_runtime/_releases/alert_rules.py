"""Rules by which a point of a new release is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from insar_runtime.definitions import STABLE_RATE_MM_YR
from insar_runtime.errors import UsageError

AlertRule = Literal["break", "jump", "rate", "recent", "class"]

RULES: Final[tuple[AlertRule, ...]] = get_args(AlertRule)
"""In the order in which a map shows them: the first one of a point decides its colour."""
ANY: Final = "any"

RATE_CHANGE_MM_YR: Final = STABLE_RATE_MM_YR
"""Least change of the rate of a whole series by default: the limit between Stable and Linear."""
RECENT_CHANGE_MM_YR: Final = 10.0
"""Least change of the recent rate by default: that of Tuscany's service (Raspini et al., Scientific Reports 8:7253,
2018)."""
PROBABILITY: Final = 0.99


@dataclass(frozen=True, slots=True)
class AlertRules:
    """What is reported.

    Attributes
    ----------
    rules : tuple of str
        Of ``RULES``.
    rate_change_mm_yr : float
        Least change of the rate between the releases (``rate``).
    recent_change_mm_yr : float
        Least difference of the recent rate from that of the series (``recent``), which the old release has not shown.
    probability : float
        Least probability of these two changes.

    Raises
    ------
    UsageError
        If a rule is unknown, or a threshold out of range.
    """

    rules: tuple[AlertRule, ...] = RULES
    rate_change_mm_yr: float = RATE_CHANGE_MM_YR
    recent_change_mm_yr: float = RECENT_CHANGE_MM_YR
    probability: float = PROBABILITY

    def __post_init__(self) -> None:
        if not self.rules:
            raise UsageError(f"no rule is given; give some of {', '.join(RULES)}")
        _refuse_unknown(self.rules)
        for change in (self.rate_change_mm_yr, self.recent_change_mm_yr):
            if not change >= 0:
                raise UsageError(f"the change of a rate is {change} mm/yr; give 0 or more")
        if not 0 <= self.probability <= 1:
            raise UsageError(f"the probability is {self.probability}; give one between 0 and 1")


def parse_rules(text: str) -> tuple[AlertRule, ...]:
    """Return the rules that are named, joined by commas; all for ``any``.

    Raises
    ------
    UsageError
        If a name is unknown.
    """
    names = [name.strip().lower() for name in text.split(",")]
    if ANY in names:
        return RULES
    _refuse_unknown(names)
    return tuple(rule for rule in RULES if rule in names)


def _refuse_unknown(names: Sequence[str]) -> None:
    unknown = next((name for name in names if name not in RULES), None)
    if unknown is not None:
        raise UsageError(f"there is no rule {unknown!r}; give some of {', '.join(RULES)}, or {ANY}")
