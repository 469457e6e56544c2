"""What must hold of every run, whatever it was given: exit code, one line of error, whole files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from hostile.ended import Ended, new_names
from hostile.results import Outcome, one_line

DATA: Final = frozenset({0, 65})
"""Exit codes of a run on a file that is there and can be read: classified or refused."""
MOST_CHARACTERS: Final = 500
"""Longest error line."""
_TRACEBACK: Final = ("Traceback (most recent call last)", "Exception ignored", "Fatal Python error")
_NATIVE: Final = re.compile(
    r"terminate called|double free|corrupted (?:size|double)|munmap_chunk|Assertion .* failed|Check failed"
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TEMPORARY: Final = "/insar-rt-"
"""Of the folder of a table that a command makes for itself; nobody else knows it."""

Verdict = tuple[Outcome, str]
"""Outcome, and what was found."""


def judge_process(ended: Ended, allowed: AbstractSet[int] = DATA, *, most_mb: int | None = None) -> Verdict:
    """Judge how a process ended and what it said, without a look at its files.

    Parameters
    ----------
    ended : Ended
    allowed : set of int
        Exit codes that are right for the case.
    most_mb : int, optional
        Memory that it may have held.
    """
    text = ended.error_text
    if ended.hung:
        return "hang", f"no end in time; {one_line(text)}"
    if any(mark in text for mark in _TRACEBACK):
        return "traceback", one_line(" ".join(text.strip().splitlines()[-3:]))
    if ended.code < 0 or _NATIVE.search(text):
        return "crash", f"{ended.describe_code()}; {one_line(text)}"
    if ended.code not in allowed:
        return "wrong code", f"{ended.describe_code()}; {one_line(text)}"
    if most_mb is not None and ended.peak_mb > most_mb:
        return "memory", f"{ended.peak_mb} MB; {one_line(text)}"
    wrong = _wrong_message(ended, text)
    if wrong:
        return "wrong message", f"{wrong}; {one_line(text)}"
    return ("ok", "") if ended.code == 0 else ("refused", "")


def _wrong_message(ended: Ended, text: str) -> str:
    """Return what is wrong with what a process said; empty if nothing."""
    if match := _CONTROL.search(text):
        return f"control character {match[0]!a} on standard error"
    if _TEMPORARY in text:
        return "a temporary file is named"
    errors = [line for line in text.splitlines() if line.startswith("insar-rt: error: ")]
    if ended.code == 0:
        return "an error line, and exit code 0" if errors else ""
    if len(errors) != 1:
        return f"{len(errors)} error lines"
    if not text.endswith("\n") or text.splitlines()[-1] != errors[0]:
        return "something after the error line"
    if len(errors[0]) > MOST_CHARACTERS:
        return f"an error line of {len(errors[0])} characters"
    return ""


def judge_files(
    ended: Ended,
    before: Mapping[str, str],
    after: Mapping[str, str],
    outputs: AbstractSet[str],
    *,
    must_write: bool = True,
) -> Verdict | None:
    """Judge the files of the folder that a process has worked in; None if they are as they must be.

    Parameters
    ----------
    ended : Ended
    before, after : mapping of str to str
        ``snapshot`` of the folder.
    outputs : set of str
        Names that the run may write, if it ends with exit code 0.
    must_write : bool
        Whether it must have written all of them then.
    """
    new = new_names(before, after)
    gone = new_names(after, before)
    changed = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    if gone or (lost := [name for name in changed if name not in outputs]):
        return "old output lost", f"{', '.join(gone or lost)} gone or changed"
    if ended.code == 0:
        strange = [name for name in new if name not in outputs]
        missing = sorted(outputs - after.keys()) if must_write else []
        if strange:
            return "partial output", f"{', '.join(strange)} left behind"
        return ("wrong result", f"{', '.join(missing)} not written") if missing else None
    if changed:
        return "old output lost", f"{', '.join(changed)} changed with {ended.describe_code()}"
    return ("partial output", f"{', '.join(new)} left with {ended.describe_code()}") if new else None
