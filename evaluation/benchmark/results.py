"""Results of the benchmark, for reports and figures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from evaluation.benchmark.answer_store import Answers
from evaluation.benchmark.contestants import BAYES, Entry, Role
from evaluation.benchmark.measure import (
    Alarms,
    alarms,
    alarms_at_recall,
    cells_not_best,
    jump_recall,
    other_shares,
    reliability,
    weigh,
)
from evaluation.benchmark.sets import REALISTIC, Cell, priors_for
from evaluation.benchmark.speed import Speed
from insar_runtime.classes import TrendClass
from training.metrics import Metrics, measure
from training.simulator.others import OTHERS

_REAL_NOISE: Final = ("trained files", "trained files, damped", "tested files", "tested files, damped")
POOLED: Final = ("grid", "named", "limit", *_REAL_NOISE)
"""Groups in which contestants are compared, by cell and for all series of a group together."""
_JUMP_CELLS: Final = (REALISTIC, "short-lived PUE", "exact PUE", "damped PUE")


@dataclass(frozen=True)
class Found:
    """Results of one contestant.

    Attributes
    ----------
    name, role, trained_on, noise_files
        As in ``Entry``.
    cells : dict of str to Metrics
        Accuracy by cell, without cells that it cannot classify.
    groups : dict of str to Metrics
        Accuracy for the series of all cells of a group together.
    stable_recall : float
        Recall of Stable if 95 % of the series are Stable, with probabilities for that mix; NaN if not measured.
    usual, at_recall : Alarms, optional
        Detections for the same series: by the most probable class, and at a recall of 0.9.
    jumps : dict
        Recall of PUE by cell and length of the error.
    odd : dict
        Assigned classes of series that have none of the five classes, by kind.
    curves : dict
        Reliability curves by cell or group.
    """

    name: str
    role: Role
    trained_on: str
    noise_files: frozenset[str] = frozenset()
    cells: dict[str, Metrics] = field(default_factory=dict)
    groups: dict[str, Metrics] = field(default_factory=dict)
    stable_recall: float = float("nan")
    usual: Alarms | None = None
    at_recall: Alarms | None = None
    jumps: dict[str, dict[str, dict[str, float | int | None]]] = field(default_factory=dict)
    odd: dict[str, dict[str, float]] = field(default_factory=dict)
    curves: dict[str, list[dict[str, float | int]]] = field(default_factory=dict)

    def errors(self) -> dict[str, int]:
        """Count wrong classes by cell."""
        return {name: metrics.count - int(np.trace(metrics.confusion)) for name, metrics in self.cells.items()}

    def noise_trained_on(self, files: Collection[str]) -> str:
        """Return the number of these files on whose noise it was trained, as text: "all", "none" or "1 of 3"."""
        known = len(self.noise_files & set(files))
        return "all" if known == len(files) else "none" if not known else f"{known} of {len(files)}"

    def odd_share(self, key: str) -> float:
        """Return the mean of one of the shares in ``odd`` over all kinds of Other; NaN if there are none."""
        shares = [shares[key] for kind, shares in self.odd.items() if kind in OTHERS]
        return float(np.mean(shares)) if shares else float("nan")


@dataclass(frozen=True)
class Results:
    """Results of the whole benchmark.

    Attributes
    ----------
    reference : str
        Name of the reference model, with which the others are compared.
    cells : sequence of Cell
        All cells.
    found : dict of str to Found
        Results by contestant.
    speed : dict of str to Speed
        Speed by contestant.
    facts : dict
        Seed, sizes, hardware, versions.
    left_out : dict, optional
        Results for calendars that were left out of the training (``evaluation.benchmark.leave_out``).
    """

    reference: str
    cells: Sequence[Cell]
    found: Mapping[str, Found]
    speed: Mapping[str, Speed]
    facts: Mapping[str, Any]
    left_out: Mapping[str, Any] | None = None

    def not_best(self) -> dict[str, list[str]]:
        """Return the cells in which a baseline has at most as many errors as the reference model."""
        baselines = [name for name, found in self.found.items() if found.role == "baseline"]
        errors = {name: self.found[name].errors() for name in (self.reference, *baselines)}
        return cells_not_best(errors, self.reference)

    def compared(self) -> list[Cell]:
        """Return the cells in which accuracies are compared."""
        return [cell for cell in self.cells if cell.group in POOLED]

    def limit_gap(self, name: str) -> float:
        """Return the accuracy of the limit minus that of a contestant, on the series of the limit, between 0 and 1."""
        best, own = self.found[BAYES].groups["limit"], self.found[name].groups["limit"]
        return best.accuracy - own.accuracy


def examine(entry: Entry, cells: Sequence[Cell], answers: Answers) -> Found:
    """Return the results of a contestant on all cells that it can classify."""
    found = Found(entry.name, entry.role, entry.trained_on, entry.noise_files)
    pools: dict[str, list[tuple[Any, Any]]] = {group: [] for group in POOLED}
    for cell in cells:
        if not entry.takes(cell):
            continue
        probabilities = answers.of(entry, cell)
        if cell.group == "odd":
            found.odd[cell.name] = other_shares(probabilities)
            continue
        label = cell.series.label
        if cell.group == "deployment":
            found = _deployed(found, cell, weigh(probabilities, priors_for(probabilities.shape[1]), entry.mix))
            continue
        found.cells[cell.name] = measure(label, probabilities)
        if cell.group in pools:
            pools[cell.group].append((label, probabilities))
        if cell.name in _JUMP_CELLS:
            found.jumps[cell.name] = jump_recall(cell.series, probabilities)
        if cell.name == REALISTIC:
            found.curves[cell.name] = reliability(label, probabilities)
    for group, parts in pools.items():
        if parts:
            label, probabilities = (np.concatenate(part) for part in zip(*parts, strict=True))
            found.groups[group] = measure(label, probabilities)
            found.curves[group] = reliability(label, probabilities)
    return found


def _deployed(found: Found, cell: Cell, weighted: Any) -> Found:
    label = cell.series.label
    usual = alarms(label, weighted)
    still = int(np.sum(label == TrendClass.STABLE))
    return replace(
        found,
        stable_recall=1 - usual.false / max(still, 1),
        usual=usual,
        at_recall=alarms_at_recall(label, weighted),
    )
