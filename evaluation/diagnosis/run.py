"""Run of the evaluation of the diagnosis: scenes, series with known breaks and jumps, finders, report."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np

from evaluation.diagnosis import results
from evaluation.diagnosis.goals import goals_of
from evaluation.diagnosis.gradual_jumps import edge_set
from evaluation.diagnosis.jump_free import hard_sets
from evaluation.diagnosis.known_noise import KNOWN, recovery
from evaluation.diagnosis.measure import JumpTables, look_for_breaks, look_for_jumps
from evaluation.diagnosis.metrics import Numbers, Table, joined, share, where
from evaluation.diagnosis.report import write_report
from evaluation.diagnosis.scenes import KINDS, USUAL, Scene, middle_of, real_scenes, simulated_scenes
from evaluation.diagnosis.sets import (
    break_set,
    damped_set,
    file_of,
    jump_free_set,
    jump_set,
    step_set,
    with_gaps,
)
from insar_runtime import Classifier
from insar_runtime._diagnosis.breaks.break_finder import BreakFinder
from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
from insar_runtime._diagnosis.noise.file_noise import estimate_noise
from insar_runtime.classes import TrendClass
from training.announce import Announce
from training.metrics import rounded

_MIDDLE: Final = 0.6
SEED: Final = 2028


@dataclass(frozen=True)
class Sizes:
    """Numbers of series per scene, and rows of files.

    Attributes
    ----------
    kinds : tuple of str
        Kinds of simulated files; see ``scenes.KINDS``.
    points : int
        Number of simulated points, from which the series of a file are drawn.
    file : int
        Number of rows from which the noise is estimated.
    breaks, gaps, jumps, others, hard : int
        Number of series with a break; of these with missing values; with jumps or without; with damped jumps or with
        steps; of each kind without jumps that resembles jumps.
    known : int
        Number of rows of a file of known noise.
    """

    kinds: tuple[str, ...] = tuple(KINDS)
    points: int = 1000
    file: int = 1000
    breaks: int = 800
    gaps: int = 80
    jumps: int = 480
    others: int = 160
    hard: int = 80
    known: int = 2000


FULL: Final = Sizes()
QUICK: Final = Sizes((USUAL,), 120, 120, 24, 4, 32, 8, 4, 100)
"""Sizes for a short run, to test the command."""


def run(folder: Path, *, real: Path, sizes: Sizes, seed: int = SEED, announce: Announce) -> Numbers:
    """Measure the finders and write ``metrics.json`` and ``README.md``.

    Parameters
    ----------
    folder : Path
        Folder of the report; created if it does not exist.
    real : Path
        Folder of the real files.
    sizes : Sizes
        Numbers of series.
    seed : int
        Seed of all random draws.
    announce : callable
        Function that receives a progress message for each scene.

    Returns
    -------
    dict
        Contents of ``metrics.json``.

    Raises
    ------
    InputNotFoundError
        If a real file is not below ``real``.
    """
    classifier = Classifier(device="cpu", threads=1)
    breaks: dict[str, list[Table]] = defaultdict(list)
    jumps: dict[str, list[JumpTables]] = defaultdict(list)
    for scene, is_real in _scenes(real, sizes, seed):
        begin = time.perf_counter()
        found_breaks, found_jumps = _look_at(scene, classifier, sizes, seed, middle=is_real)
        for group in (results.REAL, scene.group) if is_real else (scene.group,):
            breaks[group] += found_breaks
            jumps[group] += found_jumps
        announce(f"{scene.name}: {len(scene.days)} epochs, {time.perf_counter() - begin:.1f} s")
    announce("estimating the noise of files with known noise")
    noise = {name: recovery(name, estimate_noise, sizes.known, seed=seed) for name in KNOWN}
    numbers = _numbers(breaks, jumps)
    facts = {"seed": seed, "sizes": asdict(sizes), "model": f"{classifier.model.name} {classifier.model.version}"}
    numbers |= {"noise": noise, "facts": facts}
    numbers["goals"] = [goal.to_dict() for goal in goals_of(numbers)]
    write_report(numbers, folder)
    return numbers


def _scenes(real: Path, sizes: Sizes, seed: int) -> Iterator[tuple[Scene, bool]]:
    simulated = chain.from_iterable(simulated_scenes(kind, sizes.points, seed=seed) for kind in sizes.kinds)
    yield from ((scene, False) for scene in simulated)
    yield from ((scene, True) for scene in real_scenes(real))


def _look_at(
    scene: Scene, classifier: Classifier, sizes: Sizes, seed: int, *, middle: bool
) -> tuple[list[Table], list[JumpTables]]:
    """Return the results of the finders for the series of a scene."""
    noise = estimate_noise(file_of(scene, sizes.file, seed=seed), scene.dates)
    break_finder, jump_finder = BreakFinder(noise), JumpFinder(noise, scene.half_wavelength_mm)
    broken = [
        break_set(scene, sizes.breaks, seed=seed),
        break_set(scene, sizes.gaps, seed=seed, missing="scattered"),
        break_set(scene, sizes.gaps, seed=seed, missing="start"),
    ]
    breaks = [look_for_breaks(break_finder, classifier, scene, made) for made in broken]
    if middle:
        breaks.append(_in_the_middle(scene, classifier, sizes, seed))
    whole = jump_set(scene, sizes.jumps, seed=seed)
    jumping = [
        whole,
        with_gaps(whole, sizes.gaps, seed=seed),
        jump_free_set(scene, sizes.jumps, seed=seed),
        damped_set(scene, sizes.others, seed=seed),
        edge_set(scene, sizes.others, seed=seed),
        step_set(scene, sizes.others, seed=seed),
        *hard_sets(scene, sizes.hard, seed=seed),
    ]
    jumps = [look_for_jumps(jump_finder, classifier, scene, made) for made in jumping]
    # The same series are used for parabolas that a break fits as well.
    curves = jumping[2].displacement[jumping[2].background == TrendClass.QUADRATIC]
    explains = break_finder.find(curves).explains
    nothing = {name: np.repeat(column[:1], len(curves), axis=0) for name, column in breaks[0].items()}
    breaks.append({**nothing, "missing": np.full(len(curves), "parabola"), "explains": explains})
    return breaks, jumps


def _in_the_middle(scene: Scene, classifier: Classifier, sizes: Sizes, seed: int) -> Table:
    part = middle_of(scene, _MIDDLE)
    finder = BreakFinder(estimate_noise(file_of(part, sizes.file, seed=seed), part.dates))
    made = break_set(part, sizes.breaks, seed=seed)
    table = look_for_breaks(finder, classifier, part, made)
    return {**table, "missing": np.full(len(made), "middle")}


def _numbers(breaks: dict[str, list[Table]], jumps: dict[str, list[JumpTables]]) -> Numbers:
    numbers: Numbers = {name: {} for name in ("breaks", "parabolas", *_JUMP_PARTS)}
    for group, tables in breaks.items():
        table = joined(tables)
        curves = where(table, table["missing"] == "parabola")
        numbers["breaks"][group] = results.of_breaks(table, detailed=group in _DETAILED)
        numbers["parabolas"][group] = rounded(share(curves["explains"]))
    for group, parts in jumps.items():
        some, detailed = _together(parts), group in _DETAILED
        numbers["jumps"][group] = results.of_jumps(some, detailed=detailed)
        numbers["others"][group] = results.of_others(some)
        numbers["repair"][group] = results.of_repair(some.rows, detailed=detailed)
        numbers["classes"][group] = results.of_classes(some.rows, detailed=detailed)
        numbers["probability"][group] = results.of_probability(some.found)
    return numbers


_DETAILED: Final = (USUAL, results.REAL)
_JUMP_PARTS: Final = ("jumps", "others", "repair", "classes", "probability")


def _together(parts: Sequence[JumpTables]) -> JumpTables:
    return JumpTables(*(joined([getattr(part, name) for part in parts]) for name in ("true", "found", "rows")))
