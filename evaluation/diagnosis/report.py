"""Report of the evaluation of the diagnosis: all numbers as JSON, and Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evaluation.diagnosis.metrics import Numbers
from evaluation.diagnosis.results import ALL, REAL
from evaluation.diagnosis.scenes import USUAL

_NONE: Final = "-"
_PERCENT: Final = 100
_DETAILED: Final = (USUAL, REAL)
_OF_EVERY_GROUP: Final = ("none", "damped")
_SMALL: Final = ("damped", "edges")
"""Kinds of jumps that are no multiples of half a wavelength."""


def write_report(numbers: Numbers, folder: Path) -> None:
    """Write ``metrics.json`` and ``README.md`` into a folder, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(numbers, indent=1, allow_nan=False)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    (folder / "README.md").write_text(markdown(numbers), encoding="utf-8")


def markdown(numbers: Numbers) -> str:
    """Return the numbers of ``metrics.json`` as Markdown tables."""
    return "\n".join(_lines(numbers)).rstrip("\n") + "\n"


def _label(group: str, name: str) -> str:
    return f"**{group}**" if name == ALL else f"{group}, {name}"


def _lines(numbers: Numbers) -> Iterator[str]:
    facts = numbers["facts"]
    yield "# Diagnosis: breaks, jumps, repair, noise"
    yield ""
    yield "Written by `python -m evaluation diagnosis`; all numbers are in `metrics.json`. The series have known"
    yield f"motions, breaks and jumps (seed {facts['seed']}), in simulated noise (`simulated`, and other groups with"
    yield "one difficulty each) or in residuals of quiet rows of six real files (`semi-real` is all of them together)."
    yield "The noise is estimated from a file of each scene in which 5 % of the rows have a break and 5 % have jumps."
    yield "The jumps are independent of the simulator of the training: 1 to 8 per row, lasting or of 3 epochs to half"
    yield "the series. Shares are in %."
    yield ""
    yield "Residuals of real rows are from their least-squares line, so the rate of their own noise is removed, and"
    yield "they may contain curvature of up to 0.8 times their scatter that is motion; errors of their rates are"
    yield "therefore not exact. `middle of the span` is three fifths of the span, in which the noise has a rate."
    yield "`plain noise` is Gaussian, without outliers and other nuisances."
    yield ""
    yield "Other records: `rates.json`, rates compared with those of EGMS (`python -m evaluation rates`), and"
    yield "`speed.md`."
    yield ""
    yield from _goals(numbers["goals"])
    yield from _breaks(numbers["breaks"])
    yield from _parabolas(numbers["parabolas"])
    yield from _jumps(numbers["jumps"])
    yield from _others(numbers["others"])
    yield from _probability(numbers["probability"])
    yield from _repair(numbers["repair"])
    yield from _classes(numbers["classes"])
    yield from _noise(numbers["noise"])


def _goals(goals: Sequence[Numbers]) -> Iterator[str]:
    met = sum(goal["met"] for goal in goals)
    yield f"## Goals: {met} of {len(goals)} met"
    yield ""
    rows = [(g["what"], g["wanted"], _number(g["found"]), "met" if g["met"] else "**missed**") for g in goals]
    yield from _table(("", "wanted", "found", ""), rows)


def _breaks(breaks: Mapping[str, Numbers]) -> Iterator[str]:
    yield "## Breaks"
    yield ""
    yield "Inside: share of true dates within the 90 % interval. Variances: of the errors of the rates before and after"
    yield "the break, divided by their standard deviations."
    yield ""
    head = ("", "series", "inside", "median error, epochs", "median width, epochs", "variance before", "after")
    rows = [
        (
            _label(group, name),
            str(one["series"]),
            _percent(one["coverage"]),
            *(_number(one[key]) for key in ("median_error_epochs", "median_width_epochs")),
            *(_number(one[key]) for key in ("variance_before", "variance_after")),
            _percent(one["explains"]),
            _percent(one["answered"]),
        )
        for group, found in breaks.items()
        for name, one in found.items()
        if one["series"]
    ]
    yield from _table((*head, "explains", "answered"), rows)


def _parabolas(found: Mapping[str, float | None]) -> Iterator[str]:
    yield "Share of parabolas that a break is reported to fit as well, %:"
    yield ""
    yield from _table(tuple(found), [tuple(_percent(value) for value in found.values())])


def _jumps(jumps: Mapping[str, Numbers]) -> Iterator[str]:
    yield "## Jumps of whole half wavelengths"
    yield ""
    yield "A detected jump is correct if it matches a true jump of the same sign within one epoch, one to one."
    yield "Precision is not defined by duration."
    yield ""
    rows = [
        (
            _label(group, name),
            str(one["changes"]),
            *(_percent(one[key]) for key in ("recall", "precision", "precision_with_cycles", "cycles_right")),
            _number(one["variance_mm"]),
        )
        for group, found in jumps.items()
        for name, one in found.items()
    ]
    head = ("", "changes of level", "recall", "precision", "share with cycles", "correct cycles")
    yield from _table((*head, "variance of errors of sizes"), rows)


def _others(others: Mapping[str, Numbers]) -> Iterator[str]:
    yield "## Jumps that are no multiples, and series without jumps"
    yield ""
    yield "Changed: a jump is removed. Flagged: the class of the row is PUE; by default, only such rows are changed."
    yield ""
    columns = ("with_finds", "changed", "changed_and_flagged", "recall", "precision", "without_cycles", "small_found")
    rows = [
        (f"{group}, {kind}", str(one["series"]), *(_percent(one.get(key)) for key in columns))
        for group, found in others.items()
        for kind, one in found.items()
        if group in _DETAILED or kind in _OF_EVERY_GROUP
    ]
    head = ("", "series", "with jumps detected", "changed", "changed and flagged", "recall", "precision")
    yield from _table((*head, "detected without cycles", "detected below 10 mm"), rows)
    yield "Jumps of 10 to 20 mm, and those among them that meet the definition (three times the scatter around them):"
    yield ""
    shares = ("recall_small", "recall_small_short", "small_defined", "recall_small_defined")
    small = [
        (f"{group}, {kind}", *(_percent(one[key]) for key in shares))
        for group, found in others.items()
        for kind, one in found.items()
        if kind in _SMALL
    ]
    yield from _table(("", "recall", "recall, 3 to 5 epochs", "meet the definition", "recall of these"), small)


def _probability(found: Mapping[str, Numbers]) -> Iterator[str]:
    yield "## Probabilities of jumps"
    yield ""
    rows = [
        (group, f"{one['from']:g} to {one['to']:g}", str(one["finds"]), _percent(one["stated"]), _percent(one["right"]))
        for group, said in found.items()
        for one in said["bins"]
        if one["finds"] and group in _DETAILED
    ]
    yield from _table(("", "stated", "finds", "mean stated", "right"), rows)


def _repair(repair: Mapping[str, Numbers]) -> Iterator[str]:
    yield "## Repair"
    yield ""
    yield "RMS difference from the same series without jumps, over all series with jumps of whole cycles, repaired or"
    yield "not."
    yield ""
    rows = [
        (
            _label(group, name),
            str(one["series"]),
            *(_number(one[key]) for key in ("rms_before_mm", "rms_after_mm", "factor")),
            *(_percent(one[key]) for key in ("changed", "right", "worse")),
        )
        for group, found in repair.items()
        for name, one in found.items()
    ]
    yield from _table(("", "series", "before, mm", "after, mm", "factor", "changed", "exactly right", "worse"), rows)


def _classes(classes: Mapping[str, Numbers]) -> Iterator[str]:
    yield "## Class of the motion without jumps"
    yield ""
    yield "Share of rows whose class is that of their motion."
    yield ""
    columns = ("without_jumps", "with_jumps", "after_repair", "as_without_jumps")
    rows = [
        (_label(group, name), str(one["series"]), *(_percent(one[key]) for key in columns))
        for group, found in classes.items()
        for name, one in found.items()
    ]
    head = ("", "series", "without jumps", "with jumps", "after repair", "class after repair equals that without jumps")
    yield from _table(head, rows)


def _noise(noise: Mapping[str, Numbers]) -> Iterator[str]:
    yield "## Estimated noise of files with known noise"
    yield ""
    yield "True / estimated values. Rate: variance of a rate for the estimated noise, divided by that for the true"
    yield "noise."
    yield ""
    columns = (
        "scatter_mm",
        "scatter_spread",
        "white",
        "short",
        "slow",
        "annual_mm",
        "level",
        "bad_epochs",
        "white_after",
    )
    rows = [(name, *(_pair(one.get(key)) for key in columns), _steps(one["steps"])) for name, one in noise.items()]
    head = (
        "",
        "scatter, mm",
        "its spread",
        "white",
        "short",
        "slow",
        "annual, mm",
        "rate",
        "bad epochs",
        "second half",
    )
    yield from _table((*head, "common steps"), rows)


def _pair(values: Sequence[float] | None) -> str:
    return _NONE if values is None else " / ".join(_number(value) for value in values)


def _steps(steps: Sequence[Any]) -> str:
    true, found = steps
    said = ", ".join(f"{size:.1f} mm at {epoch}" for epoch, size in found) or "none"
    return f"{true[1]:.1f} mm at {true[0]} / {said}" if true else f"none / {said}"


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3g}"


def _percent(value: float | None) -> str:
    return _NONE if value is None else f"{_PERCENT * value:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
