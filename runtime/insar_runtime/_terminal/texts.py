"""Sentences that several commands share: summary of a run, priors, evidence of the unit, nested facts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from insar_runtime._engine.class_priors import ClassPriors, LocalPriors

if TYPE_CHECKING:
    from insar_runtime.summary import Summary

_NO_CLASS: Final = {
    "abstained": "unsure",
    "too_few_epochs": "too few epochs",
    "gap_too_long": "gap too long",
    "non_finite": "infinite values",
    "out_of_domain": "too wide a range",
}


def describe_summary(summary: Summary) -> str:
    """Return the lines that summarise a run of ``classify``."""
    span = f", {summary.first_date} to {summary.last_date}" if summary.first_date else ""
    producer = f", {summary.producer}" if summary.producer else ""
    hint = "; --priors changes it" if summary.priors.origin == "estimated" else ""
    lines = [
        f"{summary.input}: {_points(summary.rows)}, {summary.epochs} epochs{span}{producer}, "
        f"{summary.unit} ({describe_evidence(summary.unit_evidence, None)})",
        f"class mix assumed: {describe_priors(summary.priors)}{hint}",
    ]
    if (rate := summary.parameters.get("stable_rate_mm_yr")) is not None:
        lines.append(f"Stable: below {rate:g} mm/yr")
    lines += [f"note: {note}" for note in summary.notes]
    lines += [f"doubt: {finding.sentence}" for finding in summary.findings]
    lines += [_share(name, count, summary.rows) for name, count in summary.classes.items()]
    lines += [
        _share(f"no class: {_NO_CLASS.get(name, name)}", count, summary.rows)
        for name, count in summary.statuses.items()
        if name != "ok"
    ]
    if summary.diagnosis is not None:
        lines.append(f"diagnosis: {describe_diagnosis_counts(summary.diagnosis)}")
    written = ", ".join((summary.output, *summary.more_outputs))
    lines.append(f"{written}: written by model {summary.model} {summary.model_version} in {summary.seconds:.2f} s")
    return "\n".join(lines)


def next_step(output: str) -> str | None:
    """Return what a person would do next with an output of ``classify``; None for a stream."""
    if output == "-":
        return None
    if Path(output).suffix.lower() == ".gpkg":
        return f"next: open {output} in QGIS; the style is in it"
    return f"next: insar-rt report {shlex.quote(output)} writes a page with a map of the classes"


def describe_diagnosis_counts(counts: Mapping[str, int]) -> str:
    """Return the counts of the diagnosis of a run."""
    times = "once" if counts["jumps"] == 1 else f"{counts['jumps']} times"
    jump = "jumps" if counts["with_jumps"] == 1 else "jump"
    reasons = {
        "without_whole_cycles": "no whole cycles: --repair-damped",
        "uncertain": "too low a probability: --repair-above",
        "not_improved": "no smoother without the jumps",
        "spared": "shared with neighbours or the whole file: --repair-shared",
    }
    left = ", ".join(f"{counts[name]} ({reason})" for name, reason in reasons.items() if counts.get(name))
    return (
        f"rates of {_points(counts['fitted'])}, {counts['with_break']} with a break; {counts['with_jumps']} of "
        f"{counts['searched_for_jumps']} searched points {jump}, {times}; {counts['repaired']} repaired"
        + (f"; not repaired: {left}" if left else "")
        + _describe_jump_kinds(counts)
    )


def _describe_jump_kinds(counts: Mapping[str, int]) -> str:
    """Return how many jumps neighbours share; nothing if the neighbours were not looked at."""
    kinds = {
        "point": "of one point",
        "shared": "shared by neighbours",
        "file": "of the whole file",
        "unknown": "with too few neighbours",
    }
    if "jumps_point" not in counts:
        return ""
    return "; jumps: " + ", ".join(f"{counts.get(f'jumps_{name}', 0)} {words}" for name, words in kinds.items())


def describe_priors(priors: ClassPriors) -> str:
    """Return the class priors of the probabilities, and their origin."""
    are = "is" if priors.rows == 1 else "are"
    origin = {
        "training": "as trained",
        "given": "as given",
        "estimated": f"a quarter of the way from the training to {priors.rows} of the first points"
        if priors.estimate is not None
        else f"estimated from {_points(priors.rows or 0)}",
        "local": _describe_neighbours(priors),
        "too_few_rows": f"as trained: {_points(priors.rows or 0)} {are} too few to estimate from",
    }[priors.origin]
    return f"{_percentages(priors.shares)} ({origin})"


def _describe_neighbours(priors: ClassPriors) -> str:
    """Return how the mix around a point departs from that of the file."""
    if not isinstance(priors, LocalPriors):
        return "around each point"
    have = "has" if priors.without_neighbours == 1 else "have"
    return (
        f"of the file; around each point it follows the neighbours within {priors.distance_m:.3g} m, "
        f"{priors.median_neighbours:g} of a typical point; {_points(priors.without_neighbours)} {have} none"
    )


def describe_evidence(evidence: str | None, velocity: str | None) -> str:
    """Return how the unit of a table is known; ``velocity`` is the column that proved it, if known."""
    return {
        "declared": "as declared",
        "velocity": "proven by the velocities" if velocity is None else f"proven by column '{velocity}'",
        "format": "known of this format",
        "assumed": "assumed",
    }.get(str(evidence), str(evidence))


def describe_mapping(facts: dict[str, Any], indent: str = "") -> str:
    """Return nested facts as text, one a line."""
    lines = []
    for name, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", describe_mapping(value, indent + "  ")]
        elif isinstance(value, (list, tuple)):
            lines.append(f"{indent}{name}: {', '.join(str(item) for item in value) or 'none'}")
        else:
            lines.append(f"{indent}{name}: {'unknown' if value is None else value}")
    return "\n".join(line for line in lines if line)


def _points(count: int) -> str:
    return f"{count} point{'' if count == 1 else 's'}"


def _percentages(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {100 * share:.3g} %" for name, share in shares.items())


def _share(name: str, count: int, rows: int) -> str:
    return f"  {name:<25}{count:>10}  {100 * count / max(rows, 1):5.1f} %"
