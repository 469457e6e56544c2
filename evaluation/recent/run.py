"""Run of the evaluation of the recent change: scenes, known noise, the published rule, report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from evaluation.diagnosis.metrics import Numbers, Table
from evaluation.diagnosis.results import REAL
from evaluation.diagnosis.scenes import USUAL, Scene, real_scenes, simulated_scenes
from evaluation.recent.comparison import compare
from evaluation.recent.measure import beside_rule, measure_scene
from evaluation.recent.power import measure_power, power_cases
from evaluation.recent.report import write_report
from insar_runtime import Classifier
from insar_runtime._diagnosis.options import RECENT_DAYS
from training.announce import Announce
from training.metrics import rounded

SEED: Final = 2031


@dataclass(frozen=True)
class Sizes:
    """Numbers of series per scene, and rows of files.

    Attributes
    ----------
    kinds : tuple of str
        Kinds of simulated files; see ``scenes.KINDS``.
    points : int
        Number of simulated points, from which the series of a file are drawn.
    file, series, jumps, power : int
        Rows from which the noise is estimated; series of each kind; with jumps; and of each case of known noise.
    cases : int or None
        Cases of known noise; all if None.
    """

    kinds: tuple[str, ...] = (USUAL, "plain noise", "every 12 days", "noise of 4 to 5 mm", "strong wander")
    points: int = 4000
    file: int = 1500
    series: int = 2000
    jumps: int = 240
    power: int = 1500
    cases: int | None = None


FULL: Final = Sizes()
QUICK: Final = Sizes(("plain noise",), 400, 200, 200, 16, 150, 1)
"""Sizes for a short run, to test the command."""


def run(folder: Path, *, real: Path, sizes: Sizes, seed: int = SEED, announce: Announce) -> Numbers:
    """Measure the recent change, and write ``recent.json`` and ``README.md``.

    Parameters
    ----------
    folder : Path
        Folder of the report; created if it does not exist.
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
        Contents of ``recent.json``.

    Raises
    ------
    InputNotFoundError
        If a real file is not below ``real``.
    """
    classifier = Classifier(device="cpu", threads=1)
    files: dict[str, Numbers] = {}
    groups: dict[str, list[Numbers]] = {}
    tables: list[Table] = []
    for scene, is_real in _scenes(real, sizes, seed):
        begin = time.perf_counter()
        found = measure_scene(
            scene, file=sizes.file, series=sizes.series, jumps=sizes.jumps, seed=seed, classifier=classifier
        )
        if found["line"] is None:
            announce(f"{scene.name}: too short")
            continue
        files[scene.name] = found
        groups.setdefault(REAL if is_real else scene.group, []).append(found)
        table = dict(beside_rule(scene, file=sizes.file, series=sizes.series, seed=seed))
        tables.append({**table, "group": np.full(len(table["change"]), REAL)} if is_real else table)
        announce(f"{scene.name}: {100 * found['line']:.1f} % above 0.95, {time.perf_counter() - begin:.1f} s")
    announce("power in known noise")
    power = [one for case in power_cases()[: sizes.cases] for one in measure_power(case, sizes.power, seed=seed)]
    numbers: Numbers = {
        "files": files,
        "together": {f"**{name}**": _mean(found) for name, found in groups.items()},
        "power": power,
        "rule": compare(tables),
        "facts": {"seed": seed, "sizes": asdict(sizes), "recent_days": RECENT_DAYS},
    }
    write_report(numbers, folder)
    return numbers


def _scenes(real: Path, sizes: Sizes, seed: int) -> Iterator[tuple[Scene, bool]]:
    for kind in sizes.kinds:
        yield from ((scene, False) for scene in simulated_scenes(kind, sizes.points, seed=seed))
    yield from ((scene, True) for scene in real_scenes(real))


def _mean(found: list[Numbers]) -> Numbers:
    """Return the mean share over files of each kind of series."""
    mean: Numbers = {}
    for kind in ("line", "line, above 0.99", "acceleration", "earlier break", "with jumps"):
        known = [one[kind] for one in found if one[kind] is not None]
        mean[kind] = rounded(float(np.mean(known))) if known else None
    return mean
