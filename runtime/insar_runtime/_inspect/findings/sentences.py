"""Findings as sentences for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from insar_runtime._inspect.findings.ids import IdColumn
from insar_runtime._inspect.findings.missing import Missing
from insar_runtime._inspect.findings.sample_findings import SampleFindings
from insar_runtime._inspect.findings.values import Values

_SCATTER_RATIO: Final = 1.25
"""Least ratio of the scatter before and after a change of sampling that is reported."""
_LONG_GAP_FACTOR: Final = 3
_LONG_GAP_DAYS: Final = 30
_NAMED: Final = 3
"""Most examples in a sentence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: its kind, for programs, and a sentence, for people."""

    finding: str
    text: str


def list_findings(
    sample: SampleFindings, rows: int, *, ids: IdColumn | None, example_id: str | None, notes: Sequence[str]
) -> list[Finding]:
    """Return all findings as sentences.

    Parameters
    ----------
    sample : SampleFindings
        Findings about a sample of the rows.
    rows : int
        Number of rows of the sample.
    ids : IdColumn or None
        Findings about the ids; None if they were not compared.
    example_id : str or None
        Id of the rows ``ids.example_rows``.
    notes : sequence of str
        Further remarks, which come first.
    """
    found = [Finding("note", note) for note in notes]
    if ids is not None:
        found += _of_ids(ids, example_id)
    found += _of_missing(sample.missing, rows)
    found += _of_levels(sample)
    found += _of_axis(sample)
    found += _of_scatter(sample)
    found += _of_values(sample.values, rows)
    return found


def _of_ids(ids: IdColumn, example: str | None) -> Iterator[Finding]:
    if ids.repeated:
        where = " and ".join(f"{row + 1:,}" for row in ids.example_rows)
        rows, such = ("row has", "") if ids.repeated == 1 else ("rows have", "for example ")
        yield Finding(
            "duplicate_ids",
            f"{ids.repeated:,} {rows} an id that an earlier row has: {such}'{example}' in rows {where}",
        )
    if ids.missing:
        yield Finding("missing_ids", f"{ids.missing:,} of {ids.compared:,} rows have no id")


def _of_missing(missing: Missing, rows: int) -> Iterator[Finding]:
    if missing.looks_joined:
        late = next(block for block in missing.blocks if block.place == "start")
        early = next(block for block in missing.blocks if block.place == "end")
        yield Finding(
            "joined_releases",
            f"looks like two releases joined: {_percent(late.share)} of the rows exist only after {late.last}, "
            f"{_percent(early.share)} only before {early.first}, {_percent(missing.rows_complete / rows)} are complete",
        )
    joined = {"start", "end"} if missing.looks_joined else set()
    for block in missing.blocks:
        if block.place in joined:
            joined.remove(block.place)  # part of the finding above
            continue
        yield Finding(
            "missing_block",
            f"{_percent(block.share)} of the rows miss the {block.epochs} epochs {block.first} to {block.last}",
        )
    if missing.sparse_epochs:
        few = len(missing.sparse_epochs) > 1
        yield Finding(
            "sparse_epochs",
            f"{len(missing.sparse_epochs)} epoch{'s are' if few else ' is'} missing in most rows: "
            f"{_some(missing.sparse_epochs)}",
        )
    if missing.rows_empty:
        yield Finding("empty_rows", f"{missing.rows_empty:,} of {rows:,} rows have no value at all")


def _of_levels(sample: SampleFindings) -> Iterator[Finding]:
    for change in sample.level_changes:
        when = f"between {change.before} and {change.after}"
        if change.common_mm is not None:
            text = f"all rows change level by {change.common_mm:+.1f} mm {when}: a change of reference?"
        else:
            text = (
                f"{_percent(change.share)} of the rows change level {when}, by {change.size_mm:.0f} mm typically "
                f"({_percent(change.usual_share)} do at other dates): two releases joined there? "
                "Then it is no motion, and their classes PUE and Bilinear are in doubt"
            )
        yield Finding("level_change", text)


def _of_axis(sample: SampleFindings) -> Iterator[Finding]:
    axis = sample.axis
    for switch in axis.switches:
        yield Finding(
            "sampling_switch",
            f"the sampling changes from {switch.before_days:g} to {switch.after_days:g} days at {switch.date}",
        )
    gap, usual = axis.longest_gap, _median_interval(axis.intervals)
    if gap is not None and gap.days > _LONG_GAP_DAYS and gap.days > _LONG_GAP_FACTOR * usual:
        yield Finding("long_gap", f"no epoch for {gap.days} days, {gap.begin} to {gap.end}")
    if axis.winter_gaps:
        first = axis.winter_gaps[0]
        count = len(axis.winter_gaps)
        yield Finding(
            "winter_gaps",
            f"{count} gap{'s' if count > 1 else ''} of more than 45 days in winter (the first {first.begin} to "
            f"{first.end}): cycles may be lost in {'them' if count > 1 else 'it'}",
        )


def _of_scatter(sample: SampleFindings) -> Iterator[Finding]:
    scatter = sample.scatter
    for bad in scatter.bad_epochs[:_NAMED]:
        yield Finding(
            "bad_epoch",
            f"{_percent(bad.share)} of the rows depart together at {bad.date}, by {bad.common_mm:+.1f} mm: atmosphere?",
        )
    if scatter.noisy_epochs:
        worst = scatter.noisy_epochs[0]
        more = len(scatter.noisy_epochs) > 1
        yield Finding(
            "noisy_epochs",
            f"{len(scatter.noisy_epochs)}{' or more' if len(scatter.noisy_epochs) >= 8 else ''} "
            f"epoch{'s scatter' if more else ' scatters'} far more than those around: {worst.date} by "
            f"{worst.scatter_mm:.0f} mm against {worst.usual_mm:.1f} mm"
            + (f", {_some([epoch.date for epoch in scatter.noisy_epochs[1:]])}" if more else ""),
        )
    parts = scatter.by_sampling_mm
    if len(parts) > 1 and min(parts) > 0 and max(parts) / min(parts) >= _SCATTER_RATIO:
        sizes = ", then ".join(f"{part:.1f}" for part in parts)
        yield Finding("scatter_changes", f"the scatter changes with the sampling: {sizes} mm")


def _of_values(values: Values, rows: int) -> Iterator[Finding]:
    moving = values.constant_rows - values.zero_rows
    if values.zero_rows:
        yield Finding("zero_rows", f"{values.zero_rows:,} of {rows:,} rows hold nothing but 0")
    if moving:
        yield Finding("constant_rows", f"{moving:,} of {rows:,} rows hold one value that never changes")
    if values.repeated_rows:
        yield Finding(
            "repeated_series", f"{values.repeated_rows:,} of {rows:,} rows repeat the series of an earlier row"
        )
    for name, count in values.fillers.items():
        yield Finding(
            "filler", f"the value {name} occurs {count:,} times: if it means no value, write those cells empty"
        )
    if values.infinite:
        yield Finding("infinite", f"{values.infinite:,} values are infinite")


def _median_interval(intervals: dict[int, int]) -> float:
    return float(np.median(np.repeat(list(intervals), list(intervals.values()))))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 or not share else f"{100 * share:.1f} %"


def _some(dates: Sequence[np.datetime64]) -> str:
    named = ", ".join(map(str, dates[:_NAMED]))
    return named + (", ..." if len(dates) > _NAMED else "")
