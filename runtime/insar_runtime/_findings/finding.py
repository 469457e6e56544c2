"""A finding: its code, for programs, and a sentence, for people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason to doubt the classes of a file, or some of them.

    Attributes
    ----------
    code : str
        Kind of the finding, such as ``level_change``; codes do not change.
    sentence : str
        What it is, how much, and what to do.
    value : float or None
        Size of what was found. The page of the outputs states for each code what it measures, and its unit.
    """

    code: str
    sentence: str
    value: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values for JSON, the number with six digits."""
        known = self.value is not None and math.isfinite(self.value)
        return {"code": self.code, "sentence": self.sentence, "value": float(f"{self.value:.6g}") if known else None}
