"""Logistic regressions for the probability of a jump, fitted to series with known jumps."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnosis.gradual_jumps import by_degrees_set, edge_set
from evaluation.diagnosis.jump_free import hard_sets
from evaluation.diagnosis.logistic import Weights, fitted_weights, traits_of_prefix
from evaluation.diagnosis.metrics import PROBABILITY_BINS, Numbers, Table, joined, match, where
from evaluation.diagnosis.scenes import USUAL, Scene, real_scenes, simulated_scenes
from evaluation.diagnosis.sets import JumpSet, damped_set, file_of, jump_free_set, jump_set
from insar_runtime import Classifier
from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
from insar_runtime._diagnosis.jumps.jump_probability import (
    Features,
    JumpProbability,
    cycle_features,
    jump_features,
    logistic,
    probability_of_jumps,
)
from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime.classes import TrendClass
from training.announce import Announce
from training.metrics import rounded
from training.real_files import EGMS_ATTRIBUTION, REAL_FILES

Floats = NDArray[np.float64]

SEED: Final = 501
RECORD: Final = "jump_certainty.json"
MIX: Final[Mapping[str, float]] = {
    "whole": 0.2,
    "damped": 0.18,
    "edges": 0.06,
    "by degrees": 0.06,
    "none": 0.35,
    "outliers": 0.03,
    "bursts": 0.03,
    "strong annual": 0.03,
    "fast breaks": 0.03,
    "excursions": 0.03,
}
"""Shares of kinds of series (our choice): half of them have jumps, mostly of less than whole cycles as in delivered
products; some of the others resemble series with jumps."""
_FALLS_BY: Final = 2.0
"""Factor by which series become less frequent with each additional jump (our choice)."""
_LEAST_TOLD: Final = 0.5
"""Smallest probability of a number of cycles that is reported."""
_OF_CLASS: Final = "denied"
"""Feature from the class of the row."""
_PASSES: Final = 2
_LENIENT_ODDS: Final = 4.0
"""Factor on the odds of a step during the fit of the weights, so that steps with a probability of 20 % pass."""


@dataclass(frozen=True)
class Sizes:
    """Numbers of series per scene.

    Attributes
    ----------
    points : int
        Number of simulated points, from which the series of a file are drawn.
    file : int
        Number of rows from which the noise is estimated.
    whole, damped, edges, degrees, none, hard : int
        Number of series of each kind.
    """

    points: int = 500
    file: int = 1000
    whole: int = 640
    damped: int = 480
    edges: int = 160
    degrees: int = 160
    none: int = 640
    hard: int = 100


QUICK: Final = Sizes(120, 200, 64, 64, 32, 32, 64, 20)


def run(folder: Path, *, real: Path, sizes: Sizes, seed: int = SEED, announce: Announce) -> Numbers:
    """Fit the weights of ``jump_probability.py`` and write ``jump_certainty.json``.

    They are fitted to series in the noise of the training files and in simulated noise, with equal weights, and tested
    with the test files and other simulated noise.

    Parameters
    ----------
    folder : Path
        Folder of the record; created if it does not exist.
    real : Path
        Folder of the real files.
    sizes : Sizes
    seed : int
        Seed of all random draws.
    announce : callable
        Function that receives a progress message for each scene.

    Returns
    -------
    dict
        Contents of the record.

    Raises
    ------
    InputNotFoundError
        If a real file is not below ``real``.
    """
    classifier = Classifier(device="cpu", threads=1)
    watch = _Watch()
    # First with all candidate steps, then with those that remain when less probable ones are removed.
    for _ in range(_PASSES):
        tried = _finds(_scenes(real, sizes, seed, trained=True), sizes, seed, watch, announce, classifier)
        tried = where(tried, tried["large"])
        beside_class = fitted_weights(tried, "jump ", tried["there"])
        class_free = {name: column for name, column in tried.items() if name != f"jump {_OF_CLASS}"}
        jump = fitted_weights(class_free, "jump ", tried["there"])
        watch = _Watch(jump, beside_class, lenient=True)
    watch = _Watch(jump, beside_class)
    finds = _finds(_scenes(real, sizes, seed, trained=True), sizes, seed, watch, announce, classifier)
    with_cycles = where(finds, finds["there"] & (finds["cycles"] != 0))
    cycle = fitted_weights(with_cycles, "cycle ", with_cycles["cycles"] == with_cycles["true_cycles"])
    others = _finds(_scenes(real, sizes, seed + 1, trained=False), sizes, seed + 1, watch, announce, classifier)
    unknown = _finds(_scenes(real, sizes, seed + 1, trained=False), sizes, seed + 1, watch, announce, None)
    numbers = {
        "seed": seed,
        "sizes": {field.name: getattr(sizes, field.name) for field in fields(sizes)},
        "mix": {kind: rounded(share) for kind, share in MIX.items()},
        "half_of_the_weight": [f"semi-real: {', '.join(_names(trained=True))}", USUAL],
        "tested_on": [f"semi-real: {', '.join(_names(trained=False))}", USUAL],
        "attribution": EGMS_ATTRIBUTION,
        "model": f"{classifier.model.name} {classifier.model.version}",
        "jump_weights": jump,
        "class_weights": beside_class,
        "cycle_weights": cycle,
        "reliability": {
            name: {group: _reliability(part, cycle) for group, part in _groups(table).items()}
            for name, table in (("fitted", finds), ("tested", others), ("tested, class unknown", unknown))
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return numbers


def _names(*, trained: bool) -> list[str]:
    return [file.name for file in REAL_FILES if file.trained == trained]


def _scenes(real: Path, sizes: Sizes, seed: int, *, trained: bool) -> Iterator[Scene]:
    names = _names(trained=trained)
    yield from (scene for scene in real_scenes(real) if scene.name in names)
    yield from simulated_scenes(USUAL, sizes.points, seed=seed)


class _Watch(JumpProbability):
    """Probability model for the jump finder that records the features of all steps.

    Parameters
    ----------
    jump, beside_class : dict of str to float, optional
        Weights without and with a known class; without weights every candidate step is a jump.
    lenient : bool
        Whether less probable steps pass as well, so that weights can be fitted to them.
    """

    traits: Features
    cycles: NDArray[np.int8]
    certain: Floats

    def __init__(
        self, jump: Weights | None = None, beside_class: Weights | None = None, *, lenient: bool = False
    ) -> None:
        self._weights = (jump, beside_class) if jump and beside_class else None
        self._odds = _LENIENT_ODDS if lenient else 1.0

    def of_jumps(self, traits: Features, least_mm: float) -> Floats:
        self.traits, self.least_mm = traits, least_mm
        if self._weights is None:
            return np.ones(len(traits.row))
        probability = probability_of_jumps(*self._weights, traits, least_mm)
        return self._odds * probability / (1 + (self._odds - 1) * probability)

    def of_cycles(
        self,
        traits: Features,
        cycles: NDArray[np.int8],
        certain: Floats,
        cycle_mm: float | None,  # noqa: ARG002 - an argument of the finder
    ) -> Floats:
        self.cycles, self.certain = cycles, certain
        return np.ones(len(traits.row))


def _finds(
    scenes: Iterator[Scene],
    sizes: Sizes,
    seed: int,
    watch: _Watch,
    announce: Announce,
    classifier: Classifier | None,
) -> Table:
    """Return all detected jumps in series with known jumps, with features and weights; without classifier, no class."""
    tables: dict[tuple[str, bool], list[Table]] = defaultdict(list)
    series: dict[tuple[str, bool], float] = defaultdict(float)
    for scene in scenes:
        noise = estimate_noise(file_of(scene, sizes.file, seed=seed), scene.dates)
        finder = JumpFinder(noise, scene.half_wavelength_mm, watch)
        is_real = scene.group != USUAL
        for made in _sets(scene, sizes, seed):
            p_pue = None
            if classifier is not None:
                result = classifier.classify_matrix(made.displacement, scene.days.astype(np.float32))
                p_pue = result.probabilities[:, TrendClass.PUE]
            table, weight = _look(finder, watch, made, scene.half_wavelength_mm, p_pue)
            tables[made.kind, is_real].append({**table, "real": np.full(len(table["there"]), is_real)})
            series[made.kind, is_real] += weight
        announce(f"{scene.name}: series with known jumps searched")
    return joined(
        [
            {**table, "weight": table["weight"] * MIX[kind] / series[kind, is_real]}
            for (kind, is_real), parts in tables.items()
            for table in parts
        ]
    )


def _sets(scene: Scene, sizes: Sizes, seed: int) -> list[JumpSet]:
    return [
        jump_set(scene, sizes.whole, seed=seed),
        damped_set(scene, sizes.damped, seed=seed),
        edge_set(scene, sizes.edges, seed=seed),
        by_degrees_set(scene, sizes.degrees, seed=seed),
        jump_free_set(scene, sizes.none, seed=seed),
        *hard_sets(scene, sizes.hard, seed=seed),
    ]


def _look(
    finder: JumpFinder, watch: _Watch, made: JumpSet, cycle_mm: float, p_pue: NDArray[np.float32] | None
) -> tuple[Table, float]:
    """Return the detected jumps in a set, and the weight of all its series."""
    jumps = finder.find(made.displacement, p_pue)
    traits, truth = watch.traits, made.changes
    # Detected and true jumps are only matched if they have the same sign.
    found, true = ((2 * row + (mm > 0)) for row, mm in ((traits.row, traits.size), (truth.rows, truth.mm)))
    pair = match((found, traits.epoch), (true, truth.epoch))
    weight = _FALLS_BY ** -np.maximum(truth.jumps, 1).astype(np.float64)
    in_cycles = cycle_features(traits, watch.cycles, watch.certain, cycle_mm)
    table = {
        **{f"jump {name}": trait for name, trait in jump_features(traits, watch.least_mm).items()},
        **{f"cycle {name}": trait for name, trait in in_cycles.items()},
        "there": pair >= 0,
        "stated": jumps.probability.astype(np.float64),
        "large": np.abs(traits.size) + traits.std >= watch.least_mm,
        "cycles": watch.cycles.astype(np.int64),
        # The last entry is for detected jumps without a true one.
        "true_cycles": np.append(truth.cycles, 0)[pair],
        "weight": weight[traits.row],
    }
    return table, float(weight.sum())


def _groups(table: Table) -> dict[str, Table]:
    return {"semi-real": where(table, table["real"]), USUAL: where(table, ~table["real"])}


def _reliability(finds: Table, cycle: Weights) -> Numbers:
    """Return stated probabilities and true frequencies of jumps, of cycles of true jumps, and of both together."""
    there, weight = finds["there"], finds["weight"]
    of_jump, of_cycle = finds["stated"], logistic(cycle, traits_of_prefix(finds, "cycle "))
    right = finds["cycles"] == finds["true_cycles"]
    both = there & (finds["cycles"] != 0)
    told = (finds["cycles"] != 0) & (of_cycle >= _LEAST_TOLD)
    return {
        "jump": _bins(of_jump, there, weight),
        "cycles": _bins(of_cycle[both], right[both], weight[both]),
        "told": _bins(of_jump * np.where(told, of_cycle, 1), there & (~told | right), weight),
    }


def _bins(stated: Floats, right: NDArray[np.bool_], weight: Floats) -> Sequence[Numbers]:
    edges = (*PROBABILITY_BINS[:-1], np.inf)
    rows = []
    for low, high in pairwise(edges):
        part = (stated >= low) & (stated < high)
        if part.any():
            rows.append(
                {
                    "from": low,
                    "finds": int(part.sum()),
                    "share": rounded(float(weight[part].sum() / weight.sum())),
                    "stated": rounded(float(np.average(stated[part], weights=weight[part]))),
                    "right": rounded(float(np.average(right[part], weights=weight[part]))),
                }
            )
    return rows
