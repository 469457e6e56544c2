"""Results of the benchmark, from which reports and figures are made."""

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
    jump_recall,
    other_shares,
    reliability,
    weigh,
    where_beaten,
)
from evaluation.benchmark.sets import REALISTIC, Cell, priors_for
from evaluation.benchmark.speed import Speed
from insar_runtime.classes import TrendClass
from training.metrics import Metrics, measure
from training.simulator.others import OTHERS

_REAL_NOISE: Final = ("trained files", "trained files, damped", "tested files", "tested files, damped")
POOLED: Final = ("grid", "named", "limit", *_REAL_NOISE)
"""Groups in which contestants are compared, cell by cell and all series of a group together."""
_JUMP_CELLS: Final = (REALISTIC, "short-lived PUE", "exact PUE", "damped PUE")


@dataclass(frozen=True)
class Found:
    """What was found about one contestant.

    Attributes
    ----------
    name, role, taught, noise_files
        As in ``Entry``.
    cells : dict of str to Metrics
        By cell; without cells that it was not asked about.
    groups : dict of str to Metrics
        The series of all cells of a group together.
    stable_recall : float
        In the place where 95 % are stable, with weighted probabilities; NaN if not asked.
    usual, at_recall : Alarms, optional
        False alarms there: with the most probable class, and at a recall of 0.9.
    jumps : dict
        Recall of PUE by cell and length of the error.
    odd : dict
        Classes given to series that show none of the five classes, by kind.
    curves : dict
        Reliability by cell or group.
    """

    name: str
    role: Role
    taught: str
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

    def noise_learned(self, files: Collection[str]) -> str:
        """Return in words on the noise of how many of some real files it was trained."""
        known = len(self.noise_files & set(files))
        return "all" if known == len(files) else "none" if not known else f"{known} of {len(files)}"

    def odd_share(self, key: str) -> float:
        """Return the mean over all kinds of Other of one of the shares in ``odd``; NaN if none was asked about."""
        shares = [shares[key] for kind, shares in self.odd.items() if kind in OTHERS]
        return float(np.mean(shares)) if shares else float("nan")


@dataclass(frozen=True)
class Results:
    """The whole benchmark.

    Attributes
    ----------
    reference : str
        Name of the contestant that the others are compared with.
    cells : sequence of Cell
        All of them.
    found : dict of str to Found
        By contestant.
    speed : dict of str to Speed
        By contestant.
    facts : dict
        Seed, sizes, hardware, versions.
    left_out : dict, optional
        Leave-one-calendar-out rows (``evaluation.benchmark.leave_out``).
    """

    reference: str
    cells: Sequence[Cell]
    found: Mapping[str, Found]
    speed: Mapping[str, Speed]
    facts: Mapping[str, Any]
    left_out: Mapping[str, Any] | None = None

    def beaten(self) -> dict[str, list[str]]:
        """Return the cells in which a baseline has as few errors as the default network or fewer."""
        opponents = [name for name, found in self.found.items() if found.role == "baseline"]
        return where_beaten({name: self.found[name].errors() for name in (self.reference, *opponents)}, self.reference)

    def compared(self) -> list[Cell]:
        """Return the cells in which accuracies are compared."""
        return [cell for cell in self.cells if cell.group in POOLED]

    def limit_gap(self, name: str) -> float:
        """Return by how much (0 to 1) a contestant is less accurate than the limit, where that is computed."""
        best, own = self.found[BAYES].groups["limit"], self.found[name].groups["limit"]
        return best.accuracy - own.accuracy


def examine(entry: Entry, cells: Sequence[Cell], answers: Answers) -> Found:
    """Classify all cells that a contestant can classify, and measure the answers."""
    found = Found(entry.name, entry.role, entry.taught, entry.noise_files)
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
