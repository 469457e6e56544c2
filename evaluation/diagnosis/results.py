"""Numbers of the evaluation of the diagnosis, from the tables of results."""

from __future__ import annotations

from typing import Final

import numpy as np

from evaluation.diagnosis.injector import LASTING
from evaluation.diagnosis.measure import JumpTables
from evaluation.diagnosis.metrics import (
    Numbers,
    Table,
    break_numbers,
    calibration,
    calibration_error,
    jump_numbers,
    repair_numbers,
    share,
    where,
)
from evaluation.diagnosis.sets import DEPARTURES, MOST_JUMPS
from insar_runtime.classes import CLASS_NAMES
from insar_runtime.definitions import JUMP_MM
from training.metrics import rounded

REAL: Final = "semi-real"
"""Name of the group of all real files."""
DURATIONS: Final = ((3, 5), (6, 10), (11, 20), (21, 40), (41, 10_000))
_NO_END: Final = DURATIONS[-1][1]
DAMPED_MM: Final = ((10.0, 15.0), (15.0, 20.0), (20.0, 22.5), (22.5, 25.0), (25.0, 45.0))
SMALL_MM: Final = (10.0, 20.0)
SHORT_EPOCHS: Final = DURATIONS[0]
"""Jumps that are difficult to detect: range of sizes, and of durations."""
ALL: Final = "all"


def of_breaks(table: Table, *, detailed: bool) -> Numbers:
    """Return the measures of the breaks of one group: complete series by departure, then other cases."""
    complete = where(table, table["missing"] == "none")
    numbers = {ALL: break_numbers(complete)}
    if not detailed:
        return numbers
    for departure in DEPARTURES:
        numbers[f"{departure:g} sigmas"] = break_numbers(where(complete, complete["departure"] == departure))
    numbers["flagged by the classifier"] = break_numbers(where(complete, complete["flagged"]))
    for missing, name in (
        ("scattered", "a tenth missing"),
        ("start", "begin missing"),
        ("middle", "middle of the span"),
    ):
        rows = table["missing"] == missing
        if rows.any():
            numbers[name] = break_numbers(where(table, rows))
    return numbers


def of_jumps(tables: JumpTables, *, detailed: bool) -> Numbers:
    """Return the measures of jumps of whole cycles of one group: all, flagged rows, by number, by duration."""
    true, found = (where(table, table["kind"] == "whole") for table in (tables.true, tables.found))
    decided = {**true, "found": true["found"] & true["flagged"]}
    numbers = {
        ALL: jump_numbers(true, found),
        "classifier decides": jump_numbers(decided, where(found, found["flagged"])),
    }
    if not detailed:
        return numbers
    for count in range(1, MOST_JUMPS + 1):
        numbers[f"{count} jumps" if count > 1 else "1 jump"] = jump_numbers(
            where(true, true["jumps"] == count), where(found, found["jumps"] == count)
        )
    nothing = where(found, np.zeros(len(found["matched"]), dtype=np.bool_))
    for low, high in DURATIONS:
        name = f"{low} to {high} epochs" if high < _NO_END else f"{low} epochs or more"
        some = where(true, (true["duration"] >= low) & (true["duration"] <= high))
        numbers[name] = jump_numbers(some, nothing)
    numbers["lasting"] = jump_numbers(where(true, true["duration"] == LASTING), nothing)
    gaps = (where(table, table["kind"] == "gaps") for table in (tables.true, tables.found))
    numbers["a tenth missing"] = jump_numbers(*gaps)
    return numbers


def of_others(tables: JumpTables) -> Numbers:
    """Return the measures of jumps that are no multiples, and of series without jumps, by kind."""
    numbers: Numbers = {}
    for kind in dict.fromkeys(tables.rows["kind"].tolist()):
        if kind in {"whole", "gaps"}:
            continue
        rows, true, found = (where(t, t["kind"] == kind) for t in (tables.rows, tables.true, tables.found))
        numbers[kind] = {
            "series": len(rows["found"]),
            "with_finds": rounded(share(rows["found"])),
            "changed": rounded(share(rows["changed"])),
            "changed_and_flagged": rounded(share(rows["changed"] & rows["flagged"])),
        }
        if len(true["mm"]):
            large = where(true, np.abs(true["mm"]) >= JUMP_MM)
            hit = where(large, large["found"])
            small = where(true, np.abs(true["mm"]) < JUMP_MM)
            numbers[kind] |= {
                "recall": rounded(share(large["found"])),
                "precision": rounded(share(found["matched"])),
                "without_cycles": rounded(share(hit["cycles_found"] == 0)),
                "small_found": rounded(share(small["found"])),
                **_hard_to_find(true),
                "without_cycles_by_mm": {
                    f"{low:g} to {high:g} mm": rounded(share(part["cycles_found"] == 0))
                    for low, high in DAMPED_MM
                    if len((part := where(hit, (np.abs(hit["mm"]) >= low) & (np.abs(hit["mm"]) < high)))["mm"])
                },
            }
    return numbers


def _hard_to_find(true: Table) -> Numbers:
    """Return the recall of jumps of 10 to 20 mm, of short ones, and of those that meet the definition of a jump."""
    size = np.abs(true["mm"])
    small = where(true, (size >= SMALL_MM[0]) & (size <= SMALL_MM[1]))
    low, high = SHORT_EPOCHS
    short = where(small, (small["duration"] >= low) & (small["duration"] <= high))
    defined = where(small, small["defined"])
    return {
        "recall_small": rounded(share(small["found"])),
        "recall_small_short": rounded(share(short["found"])),
        "small_defined": rounded(share(small["defined"])),
        "recall_small_defined": rounded(share(defined["found"])),
    }


def of_repair(rows: Table, *, detailed: bool) -> Numbers:
    """Return the measures of the repair of series with jumps of whole cycles, for flagged rows and for all."""
    whole = where(rows, rows["kind"] == "whole")
    decided = {
        **whole,
        "after": np.where(whole["flagged"], whole["after"], whole["before"]),
        "changed": whole["changed"] & whole["flagged"],
    }
    numbers = {ALL: repair_numbers(whole), "classifier decides": repair_numbers(decided)}
    if detailed:
        few = whole["jumps"] <= MOST_JUMPS // 2
        numbers["1 to 4 jumps"] = repair_numbers(where(whole, few))
        numbers["5 to 8 jumps"] = repair_numbers(where(whole, ~few))
    return numbers


def of_classes(rows: Table, *, detailed: bool) -> Numbers:
    """Return the share of series with the class of their motion: without jumps, with jumps, and after repair."""
    whole = where(rows, rows["kind"] == "whole")
    parts = {ALL: np.ones(len(whole["jumps"]), dtype=np.bool_)}
    if detailed:
        parts |= {CLASS_NAMES[kind]: whole["background"] == kind for kind in np.unique(whole["background"])}
    return {name: _of_class(where(whole, part)) for name, part in parts.items()}


def _of_class(rows: Table) -> Numbers:
    return {
        "series": len(rows["jumps"]),
        "without_jumps": rounded(share(rows["class_clean"] == rows["background"])),
        "with_jumps": rounded(share(rows["class_before"] == rows["background"])),
        "after_repair": rounded(share(rows["class_after"] == rows["background"])),
        "as_without_jumps": rounded(share(rows["class_after"] == rows["class_clean"])),
    }


def of_probability(found: Table) -> Numbers:
    """Return the calibration of the probabilities of jumps."""
    return {"error": rounded(calibration_error(found)), "bins": calibration(found)}
