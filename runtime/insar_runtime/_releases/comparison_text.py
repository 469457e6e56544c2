"""A comparison of two releases as text: one table of classes, and a sentence each for rates, breaks and alerts."""

from __future__ import annotations

from typing import Final

from insar_runtime._findings.wording import counted
from insar_runtime._releases.changes import SURE_CLASS_CHANGE
from insar_runtime._releases.comparison import NEW, Comparison

_FIRST: Final = 12
_CELL: Final = 10


def describe_comparison(done: Comparison) -> str:
    """Return the lines that summarise a comparison."""
    lines = [
        f"{done.old} and {done.new}: {counted(done.points['both'], 'point')} in both, {done.points['gone']:,} gone, "
        f"{done.points['new']:,} new",
        _matched(done),
        *_matrix(done),
    ]
    changed, sure = done.class_changes["all"], done.class_changes["sure"]
    have = "has" if changed == 1 else "have"
    lines.append(
        f"classes: {_share(changed, done.points['both'])} {have} another class, {sure:,} of them for sure "
        f"(class_change_prob of {SURE_CLASS_CHANGE:g} or more); the others are within the churn of releases"
    )
    if done.rate_offset_mm_yr is not None:
        offset = round(done.rate_offset_mm_yr, 2) + 0.0  # no "-0.00"
        subtracted = "is subtracted" if done.offset_subtracted else "is not subtracted"
        lines.append(
            f"rates: the median change, {offset:+.2f} mm/yr, {subtracted}; a change has a standard "
            f"deviation of {done.rate_change_std_mm_yr:.2f} mm/yr in the median"
        )
    elif done.rate_change_std_mm_yr is not None:
        lines.append("rates: too few points for a common change, so none is subtracted")
    counts = ", ".join(f"{count:,} {rule}" for rule, count in done.reasons.items())
    lines.append(f"over the thresholds: {counts}")
    lines += [f"note: {note}" for note in done.notes]
    if done.alerts is not None:
        lines.append(f"alert: {counted(done.alerts, 'point')}" if done.alerts else "alert: none")
    if done.output is not None:
        lines.append(f"{done.output}: {counted(done.rows, 'row')}")
    return "\n".join(lines)


def _matched(done: Comparison) -> str:
    by_id, by_position = done.matched_by["id"], done.matched_by["position"]
    within = "" if done.distance_m is None else f" within {done.distance_m:.3g} m"
    farthest = "" if done.farthest_m is None else f"; largest distance {done.farthest_m:.3g} m"
    return f"matched: {by_id:,} by id, {by_position:,} by position{within}{farthest}"


def _matrix(done: Comparison) -> list[str]:
    names = list(next(iter(done.classes.values())))
    # Columns and rows of classes that do not occur are left out.
    shown = [name for name in names if any(row[name] for row in done.classes.values())]
    lines = [f"{'before':<{_FIRST}}" + "".join(f"{name:>{_CELL}}" for name in shown) + f"{'points':>{_CELL}}"]
    for name, row in done.classes.items():
        total = sum(row.values())
        if total:
            cells = ("-" if name == NEW and column == "gone" else f"{row[column]:,}" for column in shown)
            lines.append(f"{name:<{_FIRST}}" + "".join(f"{cell:>{_CELL}}" for cell in cells) + f"{total:>{_CELL},}")
    return ["", f"{'':<{_FIRST}}{'after':>{_CELL}}", *lines, ""]


def _share(count: int, of: int) -> str:
    return f"{count:,} of {counted(of, 'point')} ({100 * count / max(of, 1):.2g} %)"
