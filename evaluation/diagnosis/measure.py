"""Application of break and jump finders to series with known breaks and jumps, and tables of the results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.metrics import Table, match
from evaluation.diagnosis.scenes import Scene
from evaluation.diagnosis.sets import BreakSet, JumpSet
from insar_runtime import Classifier
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._diagnosis.repair.jump_repair import jump_offsets, jumps_to_repair
from insar_runtime._diagnosis.repair.repair_check import SmoothMotion
from insar_runtime._diagnosis.results import Breaks, FitStatus, Jumps
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import JUMP_MM, JUMP_SCATTERS

Floats = NDArray[np.float64]

_AROUND: Final = 10
REPAIR_ABOVE: Final = Diagnose().repair_above


class FindsBreaks(Protocol):
    """Interface of ``BreakFinder``."""

    def find(self, displacement: NDArray[np.float32]) -> Breaks:
        """Return the best break of series [n, T]."""


class FindsJumps(Protocol):
    """Interface of ``JumpFinder``."""

    def find(self, displacement: NDArray[np.float32], p_pue: NDArray[np.floating], called: NDArray[np.bool_]) -> Jumps:
        """Return all jumps of series [n, T], given their probabilities of PUE [n] and the mask of class PUE [n]."""


@dataclass(frozen=True)
class JumpTables:
    """Results for series with or without jumps.

    Attributes
    ----------
    true : Table
        One row per true change of level.
    found : Table
        One row per detected change of level.
    rows : Table
        One row per series.
    """

    true: Table
    found: Table
    rows: Table


def look_for_breaks(finder: FindsBreaks, classifier: Classifier, scene: Scene, made: BreakSet) -> Table:
    """Return the detected breaks of a set; for the columns see ``metrics.break_numbers``."""
    found = finder.find(made.displacement)
    answered = (found.status == FitStatus.OK) & np.isfinite(found.day)
    index = np.arange(len(scene.days), dtype=np.float64)
    place, true_place, low, high = (
        np.interp(day, scene.days, index) for day in (found.day, made.day, found.day_lo, found.day_hi)
    )
    top = classifier.classify_matrix(made.displacement, scene.days.astype(np.float32)).class_top
    flagged = (top == TrendClass.BILINEAR) | ((top == TrendClass.QUADRATIC) & found.explains)
    return {
        "group": _named(scene.group, len(made)),
        "missing": _named(made.missing, len(made)),
        "departure": made.departure,
        "flagged": flagged,
        "answered": answered,
        "covered": (found.day_lo <= made.day) & (made.day <= found.day_hi),
        "error_epochs": place - true_place,
        "width_epochs": high - low,
        "z_before": (found.v_before - made.v_before) / found.v_before_std,
        "z_after": (found.v_after - made.v_after) / found.v_after_std,
        "explains": found.explains,
    }


def look_for_jumps(finder: FindsJumps, classifier: Classifier, scene: Scene, made: JumpSet) -> JumpTables:
    """Return the detected jumps of a set, and the classes of the rows before and after the repair."""
    epochs, truth = made.displacement.shape[1], made.changes
    days = scene.days.astype(np.float32)
    result = classifier.classify_matrix(made.displacement, days)
    top = result.class_top
    flagged = top == TrendClass.PUE
    found = finder.find(made.displacement, result.probabilities[:, TrendClass.PUE], flagged)
    # Detected and true changes are only matched if they have the same sign.
    pair = match((_signed(found.rows, found.mm), found.epoch), (_signed(truth.rows, truth.mm), truth.epoch))
    hit = pair >= 0
    cycles = np.zeros(len(truth.epoch), dtype=np.int64)
    cycles[pair[hit]] = found.cycles[hit]
    true_found = np.zeros(len(truth.epoch), dtype=np.bool_)
    true_found[pair[hit]] = True
    error = np.full(len(truth.epoch), np.nan)
    error[pair[hit]] = (found.mm[hit] - truth.mm[pair[hit]]) / found.mm_std[hit]
    right = hit.copy()
    right[hit] &= (found.cycles[hit] == 0) | (found.cycles[hit] == truth.cycles[pair[hit]])

    taken = jumps_to_repair(found, made.displacement, SmoothMotion(scene.days), above=REPAIR_ABOVE, damped=False)
    steps = truth.steps(epochs)
    corrected = made.displacement - jump_offsets(found, taken, epochs)
    facts = {"group": _named(scene.group, len(made)), "kind": _named(made.kind, len(made)), "flagged": flagged}
    return JumpTables(
        true={
            **{name: column[truth.rows] for name, column in facts.items()},
            "jumps": truth.jumps[truth.rows],
            "duration": truth.duration,
            "mm": truth.mm,
            "defined": np.abs(truth.mm) >= np.maximum(JUMP_MM, JUMP_SCATTERS * scatter_around(made)),
            "cycles": truth.cycles,
            "found": true_found,
            "cycles_found": cycles,
            "z_mm": error,
        },
        found={
            **{name: column[found.rows] for name, column in facts.items()},
            "jumps": truth.jumps[found.rows],
            "matched": hit,
            "right": right,
            "cycles_found": found.cycles,
            "probability": found.probability,
            "mm": found.mm,
        },
        rows={
            **facts,
            "jumps": truth.jumps,
            "background": made.background,
            "answered": found.status == FitStatus.OK,
            "found": found.counts > 0,
            "changed": np.bincount(found.rows[taken], minlength=len(made)) > 0,
            "before": np.mean(steps**2, axis=1),
            "after": np.mean((steps - jump_offsets(found, taken, epochs)) ** 2, axis=1),
            "class_clean": classifier.classify_matrix(made.clean, days).class_top,
            "class_before": top,
            "class_after": classifier.classify_matrix(corrected.astype(np.float32), days).class_top,
        },
    )


def scatter_around(made: JumpSet) -> Floats:
    """Return the RMS about a line [M] of ten epochs before and ten after each change, in the series without jumps."""
    truth, scatter = made.changes, np.empty(len(made.changes.epoch))
    for place, (row, epoch) in enumerate(zip(truth.rows, truth.epoch, strict=True)):
        around = made.clean[row, max(epoch - _AROUND, 0) : epoch + _AROUND].astype(np.float64)
        around = around[np.isfinite(around)]
        index = np.arange(len(around))
        scatter[place] = np.std(around - np.polyval(np.polyfit(index, around, 1), index))
    return scatter


def _signed(rows: NDArray[np.integer], mm: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.asarray(2 * rows + (mm > 0), dtype=np.int64)


def _named(name: str, count: int) -> NDArray[Any]:
    return np.full(count, name)
