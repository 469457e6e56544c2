"""Comparison of rules for the mix of classes: whole files, mixtures of read rows, and mixtures of known motions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.priors.left_out_store import LeftOutFile, read_left_out
from evaluation.priors.measure import Errors, Rows, classes_under, errors_of
from evaluation.priors.read_rows import ReadRows, read_rows
from evaluation.priors.report import write_report
from evaluation.priors.rules import RULES, SHIPPED, Rule
from insar_runtime import CLASS_NAMES, load_model
from insar_runtime._engine.priors import known_rows
from insar_runtime._pipeline.class_mix import rows_for_mix
from insar_runtime.classes import TrendClass
from training.announce import Announce
from training.labelled_rows.labels import READ_FILES, load_labelled_files

FOLDS: Final = (
    ("EGMS_L2b_022_0845_IW2_VV_2020_2024_1",),
    ("EGMS_L3_E45N17_100km_U_2020_2024_1",),
    ("wroclaw_caly_filtered", "175_0304_IW1_VV"),
    ("124_0770_IW3_VV",),
    ("102_100", "Maoxian_PS"),
)
"""Files that are left out together when a rule is chosen on the others."""
STILL_SHARES: Final = (0.8, 0.95, 0.99)
SIZES: Final[Mapping[int, int]] = {1000: 20, 20_000: 3}
"""Rows of the mixtures, and how often each is drawn."""
_BOOTSTRAPS: Final = 500
_LOWER_ABSTENTION: Final = 0.5
_SHOWN: Final = ("trained", "estimated, undamped", SHIPPED)


@dataclass(frozen=True)
class _Thresholds:
    training: NDArray[np.float64]
    abstain_below: float
    unsure_below: float

    def classes(self, probabilities: NDArray[np.float32], mix: NDArray[np.float64]) -> NDArray[np.int64]:
        return classes_under(
            probabilities, mix, self.training, abstain_below=self.abstain_below, unsure_below=self.unsure_below
        )

    def mix(self, rule: Rule, probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the mix by a rule from the rows of a table, of which it takes those that ``insar_runtime`` takes."""
        some = probabilities[rows_for_mix(len(probabilities))]
        return rule(known_rows(some, self.unsure_below), self.training)


@dataclass(frozen=True)
class _File:
    """A real file: probabilities of all rows, its labelled rows, and known motions in its noise."""

    left_out: LeftOutFile
    read: Rows
    known: Rows


def run(folder: Path, *, real: Path, answers: Path, seed: int, announce: Announce) -> dict[str, Any]:
    """Compare the rules, and write ``priors.json`` and ``priors.md`` into a folder.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    real : Path
        Folder of the project's real files.
    answers : Path
        Probabilities of networks that were not trained on the files, see ``evaluation.priors.left_out_store``.
    seed : int
        Seed of the draws.
    announce : callable
        Function that receives progress messages.
    """
    model = load_model()
    limits = _Thresholds(model.training_priors.array, model.abstain_below, model.unsure_below)
    labelled = {Path(file.name).stem: file for file in load_labelled_files(real)}
    files = {}
    for left_out in read_left_out(answers):
        own = labelled[left_out.name]
        files[left_out.name] = _file(left_out, read_rows(real, READ_FILES[own.name], own))
    announce(f"{sum(len(file.read.label) for file in files.values())} labelled rows of {len(files)} files")
    found: dict[str, dict[str, Any]] = {}
    for name, rule in RULES.items():
        found[name] = _measured(rule, files, limits, seed)
        announce(f"{name}: mean cost {found[name]['mean cost']:.4f}")
    lower = replace(limits, abstain_below=_LOWER_ABSTENTION)
    for name in (_SHOWN[0], SHIPPED):
        found[f"{name}, no class below {_LOWER_ABSTENTION:g}"] = _measured(RULES[name], files, lower, seed)
    for place in ("first", "last"):
        found[f"{SHIPPED}, from the {place} tenth of each file"] = {
            "whole files": _whole_files(partial(_tenth, limits=limits, place=place), files, limits).to_dict()
        }
    numbers = {
        "training mix": _shares(limits.training),
        "thresholds": {"abstain_below": limits.abstain_below, "unsure_below": limits.unsure_below},
        "rules": found,
        "whole files, cost less that of trained": _differences(files, limits, seed),
        "chosen on other files": _chosen_elsewhere(files, limits, seed),
        "files": {name: _of_file(file, limits) for name, file in files.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "priors.json").write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    write_report(numbers, folder / "priors.md")
    return numbers


def _file(left_out: LeftOutFile, read: ReadRows) -> _File:
    probabilities = left_out.probabilities[read.row]
    answered = np.isfinite(probabilities[:, 0])
    rows = Rows(
        np.where(answered[:, None], probabilities, np.float32(1 / len(CLASS_NAMES))),
        read.label,
        read.weight,
        read.either,
        read.unanimous & answered & (read.label >= 0),
    )
    count = len(left_out.known_label)
    certain = np.ones(count, dtype=np.bool_)
    known = Rows(left_out.known, left_out.known_label, np.ones(count), ~certain, certain)
    return _File(left_out, rows, known)


def _measured(rule: Rule, files: Mapping[str, _File], limits: _Thresholds, seed: int) -> dict[str, Any]:
    found: dict[str, Any] = {"whole files": _whole_files(lambda _: rule, files, limits).to_dict()}
    for kind in ("read", "known"):
        pool = _together([getattr(file, kind) for file in files.values()])
        for still in STILL_SHARES:
            for size, draws in SIZES.items():
                errors = _mixtures(rule, pool, limits, still=still, size=size, draws=draws, seed=seed)
                found[f"{kind} rows, {still:.0%} Stable, {size} rows"] = errors.to_dict()
    found["mean cost"] = round(float(np.mean([one["cost"] for one in found.values()])), 5)
    return found


def _tenth(file: _File, *, limits: _Thresholds, place: str) -> Rule:
    """Return the rule of ``insar_runtime`` with the rows of a tenth of a file in place of all, but 100 at least."""
    every = file.left_out.probabilities
    count = min(max(len(every) // 10, 100), len(every))
    rows = known_rows(every[:count] if place == "first" else every[-count:], limits.unsure_below)
    return lambda _, training: RULES[SHIPPED](rows, training)


def _whole_files(rule_of: Any, files: Mapping[str, _File], limits: _Thresholds) -> Errors:
    """Return the errors on the labelled rows, with the mix estimated from all rows; files count alike."""
    said = [
        limits.classes(f.read.probabilities, limits.mix(rule_of(f), f.left_out.probabilities)) for f in files.values()
    ]
    return errors_of(_together([file.read for file in files.values()]), np.concatenate(said))


def _mixtures(rule: Rule, pool: Rows, limits: _Thresholds, *, still: float, size: int, draws: int, seed: int) -> Errors:
    """Return the mean errors on tables that are drawn from rows, so many of which are Stable."""
    rng = np.random.default_rng([seed, size, round(100 * still)])
    is_still = pool.label == TrendClass.STABLE
    drawn, said = [], []
    for _ in range(draws):
        count = round(still * size)
        rows = rng.permutation(
            np.concatenate([_draw(rng, pool, is_still, count), _draw(rng, pool, pool.label > 0, size - count)])
        )
        table = pool.take(rows)
        said.append(limits.classes(table.probabilities, limits.mix(rule, table.probabilities)))
        drawn.append(replace(table, weight=np.ones(size)))
    return errors_of(_together(drawn), np.concatenate(said))


def _draw(rng: np.random.Generator, pool: Rows, among: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    rows = np.flatnonzero(among)
    return rng.choice(rows, count, p=pool.weight[rows] / pool.weight[rows].sum())


def _together(parts: Sequence[Rows]) -> Rows:
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__dataclass_fields__))


def _differences(files: Mapping[str, _File], limits: _Thresholds, seed: int) -> dict[str, dict[str, float]]:
    """Return the difference of each rule's cost on whole files to that of the mix of the training, with its error."""
    every = _together([file.read for file in files.values()])
    said = {
        name: np.concatenate(
            [limits.classes(f.read.probabilities, limits.mix(rule, f.left_out.probabilities)) for f in files.values()]
        )
        for name, rule in RULES.items()
    }
    rng = np.random.default_rng([seed, 1])
    samples = [replace(every, weight=every.weight * rng.poisson(1, len(every.label))) for _ in range(_BOOTSTRAPS)]
    found = {}
    for name in RULES:
        by_chance = [errors_of(rows, said[name]).cost - errors_of(rows, said["trained"]).cost for rows in samples]
        difference = errors_of(every, said[name]).cost - errors_of(every, said["trained"]).cost
        found[name] = {"difference": round(difference, 5), "standard error": round(float(np.std(by_chance)), 5)}
    return found


def _chosen_elsewhere(files: Mapping[str, _File], limits: _Thresholds, seed: int) -> dict[str, Any]:
    """Return the rule that costs least on all files but some, and its cost on these, for each fold."""
    chosen, said, rows = {}, [], []
    for fold in FOLDS:
        others = {name: file for name, file in files.items() if name not in fold}
        costs = {name: _choice_cost(rule, others, limits, seed) for name, rule in RULES.items()}
        best = min(costs, key=costs.__getitem__)
        chosen[", ".join(fold)] = best
        for name in fold:
            file = files[name]
            mix = limits.mix(RULES[best], file.left_out.probabilities)
            said.append(limits.classes(file.read.probabilities, mix))
            rows.append(file.read)
    return {"rules": chosen, "whole files": errors_of(_together(rows), np.concatenate(said)).to_dict()}


def _choice_cost(rule: Rule, files: Mapping[str, _File], limits: _Thresholds, seed: int) -> float:
    pool = _together([file.read for file in files.values()])
    mixtures = (_mixtures(rule, pool, limits, still=still, size=2000, draws=5, seed=seed) for still in STILL_SHARES)
    return float(np.mean([_whole_files(lambda _: rule, files, limits).cost, *(errors.cost for errors in mixtures)]))


def _of_file(file: _File, limits: _Thresholds) -> dict[str, Any]:
    """Return what readers and rules say of a whole file."""
    every = file.left_out.probabilities
    answered = every[np.isfinite(every[:, 0])]
    labelled = file.read.label >= 0
    weights = np.bincount(file.read.label[labelled], file.read.weight[labelled], minlength=len(CLASS_NAMES))
    found: dict[str, Any] = {"rows": len(every), "readers": _shares(weights / weights.sum()), "rules": {}}
    for name in _SHOWN:
        mix = limits.mix(RULES[name], every)
        said = limits.classes(answered, mix)
        weighted = answered * (mix / limits.training)
        confidence = (weighted / weighted.sum(axis=1, keepdims=True)).max(axis=1)
        counts = np.bincount(said[said >= 0], minlength=len(CLASS_NAMES)) / len(answered)
        found["rules"][name] = {
            "mix": _shares(mix),
            "classes": _shares(counts),
            "no class": round(float(np.mean(said < 0)), 5),
            "mean confidence": round(float(confidence.mean()), 5),
        }
    return found


def _shares(values: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in zip(CLASS_NAMES, values, strict=True)}
