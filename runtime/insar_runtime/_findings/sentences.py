"""Findings about a sample of rows, its dates and the ids, as sentences for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from insar_runtime._findings.finding import Finding
from insar_runtime._findings.missing import Missing
from insar_runtime._findings.sample_findings import SampleFindings
from insar_runtime._findings.unit_doubt import doubt_unit
from insar_runtime._findings.values import Values
from insar_runtime._findings.wording import counted, of_rows, percent, size, some_dates
from insar_runtime._input.nodata_values import Fillers
from insar_runtime._input.table import TableDescription

if TYPE_CHECKING:
    from insar_runtime._findings.ids import IdColumn

_SCATTER_RATIO: Final = 1.25
"""Least ratio of the scatter before and after a change of sampling that is reported."""
_LONG_GAP_FACTOR: Final = 3
_LONG_GAP_DAYS: Final = 60
_SHORT_YEARS: Final = 2.0
"""In a shorter span an annual cycle may pass for a bend, and the rate carries it: Blewitt and Lavallee (2002), Effect
of annual signals on geodetic velocity, J. Geophys. Res. 107 (B7), ask for 2.5 years."""
_DAYS_PER_MONTH: Final = 30.4375
_NAMED: Final = 3
"""Most epochs that are stated one by one."""
_NEAR_JOIN: Final = 2
"""Epochs by which the date of a change of level may differ from that of a known join."""
_MOST_NOISY: Final = 8
"""Noisy epochs beyond which no more are counted."""


def list_findings(
    sample: SampleFindings,
    rows: int,
    description: TableDescription,
    *,
    ids: IdColumn | None = None,
    example_id: str | None = None,
) -> list[Finding]:
    """Return all findings about a sample as sentences.

    Parameters
    ----------
    sample : SampleFindings
        Findings about a sample of the rows.
    rows : int
        Number of rows of the sample.
    description : TableDescription
        Of the table.
    ids : IdColumn or None
        Findings about the ids; None if they were not compared.
    example_id : str or None
        Id of the rows ``ids.example_rows``.
    """
    found = list(_of_unit(sample, rows, description))
    if ids is not None:
        found += _of_ids(ids, example_id)
    joins = [join.date for join in description.joins]
    if rows:
        found += _of_missing(sample.missing, rows, joins)
    found += _of_levels(sample, description)
    found += _of_axis(sample)
    found += _of_scatter(sample)
    found += _of_values(sample.values, rows, description.fillers)
    return found


def _of_unit(sample: SampleFindings, rows: int, description: TableDescription) -> Iterator[Finding]:
    doubt = doubt_unit(sample.scatter.noise_mm, rows, description.units, description.layout)
    if doubt is not None:
        yield doubt


def _of_ids(ids: IdColumn, example: str | None) -> Iterator[Finding]:
    if ids.repeated:
        where = " and ".join(f"{row + 1:,}" for row in ids.example_rows)
        rows, such = ("row has", "") if ids.repeated == 1 else ("rows have", "for example ")
        yield Finding(
            "duplicate_ids",
            f"{ids.repeated:,} {rows} an id that an earlier row has: {such}'{example}' in rows {where}; "
            "find points by --row, or give each its own id",
            ids.repeated,
        )
    if ids.missing:
        yield Finding(
            "missing_ids",
            f"{ids.missing:,} of {ids.compared:,} rows have no id; find those points by --row",
            ids.missing,
        )


def _of_missing(missing: Missing, rows: int, joins: Sequence[np.datetime64]) -> Iterator[Finding]:
    if missing.looks_joined and not joins:
        late = next(block for block in missing.blocks if block.place == "start")
        early = next(block for block in missing.blocks if block.place == "end")
        yield Finding(
            "joined_releases",
            f"looks like two releases joined: {percent(late.share)} of the rows exist only after {late.last}, "
            f"{percent(early.share)} only before {early.first}, {percent(missing.rows_complete / rows)} are complete; "
            "better classify each release by itself",
            late.share + early.share,
        )
    # Points of one release alone end early or begin late: known joins are no doubt.
    joined = {"start", "end"} if missing.looks_joined or joins else set()
    blocks = []
    for block in missing.blocks:
        if block.place in joined:
            joined.remove(block.place)  # part of the finding above
        else:
            blocks.append(block)
    if blocks:
        most, more = blocks[0], len(blocks) - 1
        others = f", and there {'is' if more == 1 else 'are'} {counted(more, 'more such block')}" if more else ""
        yield Finding(
            "missing_block",
            f"{percent(most.share)} of the rows miss the {most.epochs} epochs {most.first} to {most.last}{others}; "
            "their classes hold for the other dates only",
            most.share,
        )
    if missing.sparse_epochs:
        few = len(missing.sparse_epochs) > 1
        yield Finding(
            "sparse_epochs",
            f"{counted(len(missing.sparse_epochs), 'epoch')} {'are' if few else 'is'} missing in most rows: "
            f"{some_dates(missing.sparse_epochs)}; leave {'them' if few else 'it'} out if the others have poor values",
            len(missing.sparse_epochs),
        )
    if missing.rows_empty:
        them = "it gets" if missing.rows_empty == 1 else "they get"
        yield Finding(
            "empty_rows",
            f"{of_rows(missing.rows_empty, rows, 'have', 'has')} no value at all; {them} no class",
            missing.rows_empty / rows,
        )


def _of_levels(sample: SampleFindings, description: TableDescription) -> Iterator[Finding]:
    dates, joins = description.layout.dates, [join.epoch for join in description.joins]
    for change in sample.level_changes:
        epoch = int(np.searchsorted(dates, change.after))
        if any(abs(epoch - join) <= _NEAR_JOIN for join in joins):
            continue
        when = f"between {change.before} and {change.after}"
        if change.common_mm is not None:
            yield Finding(
                "level_change",
                f"all rows change level by {change.common_mm:+.1f} mm {when}: a change of reference? Then it is no "
                "motion; take it out of the series, or doubt the classes PUE and Bilinear",
                change.common_mm,
            )
            continue
        yield Finding(
            "level_change",
            f"{percent(change.share)} of the rows change level {when}, by {size(change.size_mm)} mm typically "
            f"({percent(change.usual_share)} do at other dates): two releases joined there? "
            "Then it is no motion, and their classes PUE and Bilinear are in doubt",
            change.size_mm,
        )


def _of_axis(sample: SampleFindings) -> Iterator[Finding]:
    axis = sample.axis
    if 0 < axis.years < _SHORT_YEARS:
        months = round(axis.years * 12)
        span = counted(round(axis.years * 12 * _DAYS_PER_MONTH), "day") if months < 1 else counted(months, "month")
        yield Finding(
            "short_span",
            f"the series span {span}, in which an annual cycle may pass for a rate or a bend; doubt slow rates and the "
            "classes Quadratic and Bilinear",
            axis.years,
        )
    gap, usual = axis.longest_gap, _median_interval(axis.intervals)
    long = gap is not None and gap.days > _LONG_GAP_DAYS and gap.days > _LONG_GAP_FACTOR * usual
    if gap is not None and long and gap not in axis.winter_gaps:
        yield Finding(
            "long_gap",
            f"no epoch for {gap.days} days, {gap.begin} to {gap.end}; doubt the dates of breaks and jumps there",
            gap.days,
        )
    if axis.winter_gaps:
        longest, count = max(axis.winter_gaps, key=lambda gap: gap.days), len(axis.winter_gaps)
        which = f"the longest {longest.days} days, " if count > 1 else f"{longest.days} days, "
        yield Finding(
            "winter_gaps",
            f"{counted(count, 'gap')} of more than 45 days in winter ({which}{longest.begin} to {longest.end}): cycles "
            f"may be lost in {'them' if count > 1 else 'it'}; doubt jumps there",
            longest.days,
        )


def _of_scatter(sample: SampleFindings) -> Iterator[Finding]:
    scatter = sample.scatter
    for bad in scatter.bad_epochs[:_NAMED]:
        yield Finding(
            "bad_epoch",
            f"{percent(bad.share)} of the rows depart together at {bad.date}, by {bad.common_mm:+.1f} mm: atmosphere, "
            "or the reference? Leave this epoch out if breaks and jumps lie there",
            bad.common_mm,
        )
    if scatter.noisy_epochs:
        worst, others = scatter.noisy_epochs[0], [epoch.date for epoch in scatter.noisy_epochs[1:]]
        count = len(scatter.noisy_epochs)
        many = f"{count}{' or more' if count >= _MOST_NOISY else ''} epoch{'s scatter' if others else ' scatters'}"
        yield Finding(
            "noisy_epochs",
            f"{many} far more than those around: {worst.date} by {size(worst.scatter_mm)} mm against "
            f"{size(worst.usual_mm)} mm{', ' * bool(others)}{some_dates(others)}; leave {'them' if others else 'it'} "
            "out if breaks and jumps lie there",
            worst.scatter_mm,
        )
    parts = scatter.by_sampling_mm
    if len(parts) > 1 and min(parts) > 0 and max(parts) / min(parts) >= _SCATTER_RATIO:
        sizes = ", then ".join(map(size, parts))
        switches = ", ".join(
            f"{switch.before_days:g} to {switch.after_days:g} days at {switch.date}" for switch in sample.axis.switches
        )
        yield Finding(
            "scatter_changes",
            f"the scatter changes with the sampling ({switches}): {sizes} mm; doubt bends and small jumps at that date",
            max(parts) / min(parts),
        )


def _of_values(values: Values, rows: int, fillers: Fillers | None) -> Iterator[Finding]:
    same = values.constant_rows - values.zero_rows
    if values.zero_rows:
        yield Finding(
            "zero_rows",
            f"{of_rows(values.zero_rows, rows, 'hold', 'holds')} nothing but 0; leave such rows out if 0 means "
            "no value",
            values.zero_rows / rows,
        )
    if same:
        yield Finding(
            "constant_rows",
            f"{of_rows(same, rows, 'hold', 'holds')} one value that never changes; leave such rows out if "
            "nothing was measured",
            same / rows,
        )
    if values.repeated_rows:
        yield Finding(
            "repeated_series",
            f"{of_rows(values.repeated_rows, rows, 'repeat', 'repeats')} the series of an earlier row; is a part of "
            "the file there twice?",
            values.repeated_rows / rows,
        )
    if values.flat_rows:
        which = "" if values.flat_value is None else f", most of them {values.flat_value:g}"
        yield Finding(
            "flat_parts",
            f"{percent(values.flat_rows / rows)} of the rows hold one value for six epochs or more in a row{which}: if "
            "it stands for missing values, write those cells empty",
            values.flat_rows / rows,
        )
    if fillers is not None:
        yield Finding("filler", fillers.note, fillers.value)
    for name, count in values.fillers.items():
        if fillers is None or float(name) != fillers.value:
            times = "once" if count == 1 else f"{count:,} times"
            yield Finding(
                "filler", f"the value {name} occurs {times}: if it means no value, write those cells empty", float(name)
            )
    if values.infinite:
        yield Finding(
            "infinite",
            f"{counted(values.infinite, 'value')} {'is' if values.infinite == 1 else 'are'} infinite; write those "
            "cells empty",
            values.infinite,
        )


def _median_interval(intervals: dict[int, int]) -> float:
    return float(np.median(np.repeat(list(intervals), list(intervals.values()))))
