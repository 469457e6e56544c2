"""What was tried and what came out: one row a case, written as CSV."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Literal

Outcome = Literal[
    "ok",
    "refused",
    "killed",
    "crash",
    "traceback",
    "hang",
    "memory",
    "wrong code",
    "wrong message",
    "lost rows",
    "partial output",
    "old output lost",
    "wrong result",
]

GOOD: Final[tuple[Outcome, ...]] = ("ok", "refused", "killed")
BAD: Final[tuple[Outcome, ...]] = (
    "crash",
    "traceback",
    "hang",
    "memory",
    "wrong code",
    "wrong message",
    "lost rows",
    "partial output",
    "old output lost",
    "wrong result",
)
"""Outcomes that must not be, the worst of a process first; ``killed`` is right where the harness itself has killed."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case and its outcome.

    Attributes
    ----------
    command : str
        Of the harness: ``files``, ``kills`` and so on.
    number : int
        Of the case; with the seed it makes the case anew.
    kind : str
        What was attacked: a container, a signal, a limit.
    tried : str
        What was done, such as the damages of a file.
    call : str
        Arguments of ``insar-rt``.
    outcome : Outcome
    code : int
        Exit code; negative for the signal that ended the process.
    detail : str
        For a bad outcome, what was found; otherwise empty.
    """

    command: str
    number: int
    kind: str
    tried: str
    call: str
    outcome: Outcome
    code: int
    detail: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether this must not be."""
        return self.outcome in BAD


def write_results(results: Sequence[CaseResult], path: Path) -> None:
    """Write one row a case, in the order of their numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(CaseResult)], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**asdict(result), "tried": one_line(result.tried, 200)} for result in results)


def count_outcomes(results: Iterable[CaseResult]) -> Counter[Outcome]:
    """Return how often each outcome occurs."""
    return Counter(result.outcome for result in results)


def one_line(text: str, most: int = 300) -> str:
    """Return a text as one line of printable ASCII characters, cut to a length."""
    line = " ".join(text.split())
    line = line.encode("ascii", "backslashreplace").decode()
    line = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)
    return line if len(line) <= most else line[: most - 3] + "..."
