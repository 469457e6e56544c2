"""How many cases of which seed the tests try of each attack: all of them together take less than a minute."""

from __future__ import annotations

from typing import Final

CI_CASES: Final = {
    "files": (20_261, 55),
    "kills": (20_262, 5),
    "full-disk": (20_263, 12),
    "pairs": (20_264, 8),
    "limits": (20_265, 5),
    "forged": (20_266, 24),
    "models": (20_267, 10),
}
"""Seed and number of cases, by attack; ``python -m hostile ATTACK --seed SEED --count COUNT`` is the same."""
