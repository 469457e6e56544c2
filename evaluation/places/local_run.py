"""Proof of local priors and kinds of jumps: simulated scenes, real noise, read rows, time and memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from evaluation.places.local_measure import ClassifiedPoints, kinds_of_jumps
from evaluation.places.local_real import file_mixes, local_mixes_of, read_files, score_read_rows
from evaluation.places.local_report import write_local_report
from evaluation.places.real_noise import real_noise_scenes
from evaluation.places.scene import FULL_POINTS, PlaceScene, make_scene
from evaluation.places.store import write_scene
from insar_runtime import Classifier, classify_file
from training.announce import Announce

FILE_STEP_MM: Final = 15.0
"""Step of the whole file that is large enough for class PUE."""
GRID: Final = ((2.0, 3.0), (3.0, 1.0), (3.0, 3.0), (3.0, 8.0), (4.0, 3.0), (6.0, 3.0))
"""Distances in point spacings and weights of the mix of the file that are compared."""


@dataclass(frozen=True)
class Sizes:
    """Points of the scenes, and seeds."""

    points: int = 60_000
    full: int = FULL_POINTS
    real: int = 20_000
    runs: int = 100_000
    seeds: tuple[int, ...] = (1, 2, 3)


PARTS: Final = ("scenes", "choices", "read rows", "jumps", "runs")
"""Parts of the record."""
FULL: Final = Sizes()
QUICK: Final = Sizes(6000, 6000, 3000, 6000, (1,))


def run_local(
    folder: Path,
    *,
    real: Path | None,
    answers: Path,
    sizes: Sizes,
    only: Sequence[str] = PARTS,
    announce: Announce,
) -> dict[str, Any]:
    """Measure local priors and kinds of jumps, and write ``local.json`` and ``local.md`` into a folder.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    real : Path or None
        Folder of the real files; without it, real noise and read rows are left out.
    answers : Path
        Probabilities of networks that were not trained on the files.
    sizes : Sizes
    only : sequence of str
        Those of ``PARTS`` that are measured; the others stay as the folder has them.
    announce : callable
        Function that receives progress messages.
    """
    classifier = Classifier(device="cpu")
    record = folder / "local.json"
    numbers: dict[str, Any] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    if "scenes" in only:
        numbers["scenes"] = _errors_of_scenes(sizes, real, classifier, announce)
    if "choices" in only:
        numbers["choices"] = _choices(sizes, real, answers, classifier)
    if "read rows" in only and real is not None:
        files = read_files(real, answers)
        numbers["read rows"] = {
            "file": score_read_rows(files, file_mixes),
            "local": score_read_rows(files, local_mixes_of),
        }
    with tempfile.TemporaryDirectory() as kept:
        if "jumps" in only:
            numbers["jumps"] = {}
            for name, step_mm in (("step of 3 mm", 3.0), (f"step of {FILE_STEP_MM:g} mm", FILE_STEP_MM)):
                scene = make_scene(sizes.points, seed=1, step_mm=step_mm)
                numbers["jumps"][name] = _jumps(scene, Path(kept), classifier)
                announce(f"{name}: kinds of jumps {numbers['jumps'][name]}")
        if "runs" in only:
            numbers["runs"] = _runs(make_scene(sizes.runs, seed=1), Path(kept))
    folder.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    write_local_report(numbers, folder / "local.md")
    return numbers


def _errors_of_scenes(sizes: Sizes, real: Path | None, classifier: Classifier, announce: Announce) -> dict[str, Any]:
    """Return what classes get wrong on each scene, with one mix and with local ones."""
    found: dict[str, Any] = {}
    for name, scene in _scenes(sizes, real):
        points = ClassifiedPoints.of(scene, classifier)
        found[name] = {
            "points": len(scene),
            "epochs": len(scene.dates),
            "distance_m": round(points.distance_m, 1),
            "file": points.errors(points.under_file_mix()),
            "local": points.errors(points.under_local_mixes()),
        }
        before, after = (found[name][mix]["false moving"] for mix in ("file", "local"))
        announce(f"{name}: false moving points {before} -> {after}")
    return found


def _scenes(sizes: Sizes, real: Path | None) -> Iterator[tuple[str, PlaceScene]]:
    for seed in sizes.seeds:
        yield f"simulated, seed {seed}", make_scene(sizes.points, seed=seed, step_mm=0.0)
    yield "simulated, all points", make_scene(sizes.full, seed=4, step_mm=0.0)
    for seed in sizes.seeds[:2]:
        yield f"simulated, step of 3 mm, seed {seed}", make_scene(sizes.points, seed=seed)
    yield "simulated, no area", make_scene(sizes.points, seed=5, areas=0, step_mm=0.0)
    if real is not None:
        for name, scene in real_noise_scenes(real, sizes.real, seed=11):
            yield f"noise of {name}", scene


def _choices(sizes: Sizes, real: Path | None, answers: Path, classifier: Classifier) -> dict[str, Any]:
    """Compare distances and weights of the mix of the file."""
    points = ClassifiedPoints.of(make_scene(sizes.points, seed=sizes.seeds[-1], step_mm=0.0), classifier)
    spacing = points.distance_m / 3
    files = [] if real is None else read_files(real, answers)
    found = {}
    for spacings, weight in GRID:
        errors = points.errors(points.under_local_mixes(spacings * spacing, prior_points=weight))
        row = {
            name: errors[name]
            for name in ("false moving", "points of areas found", "clear lone movers with their class")
        }
        if files:
            read = score_read_rows(files, partial(local_mixes_of, spacings=spacings, prior_points=weight))
            row |= {
                name: read[name] for name in ("most probable class right", "has a class, and it is right", "mean cost")
            }
        found[f"{spacings:g} spacings, {weight:g} points"] = row
    return found


def _jumps(scene: PlaceScene, folder: Path, classifier: Classifier) -> dict[str, Any]:
    """Return the kinds of the jumps of a scene by the truth."""
    raw, out = folder / "jumps.parquet", folder / "jumps.classified.parquet"
    write_scene(scene, raw)
    summary = classify_file(raw, out, classifier=classifier, units="mm", neighbours=True, overwrite=True)
    table = pq.read_table(out, columns=["jump_kind", "n_jumps"])
    kinds = kinds_of_jumps(
        scene, table["jump_kind"].to_pylist(), table["n_jumps"].to_numpy(zero_copy_only=False).astype(np.float64)
    )
    return {"points": len(scene), "by truth": kinds, "left in the series": (summary.diagnosis or {})["spared"]}


def _runs(scene: PlaceScene, folder: Path) -> dict[str, Any]:
    """Return processor time and memory of the command on a scene with and without neighbours, on one thread."""
    raw = folder / "full.parquet"
    write_scene(scene, raw)
    runs = {
        "classes": [],
        "local priors": ["--priors", "local"],
        "diagnosis": ["--diagnose"],
        "diagnosis with neighbours": ["--neighbours"],
        "both": ["--priors", "local", "--neighbours"],
    }
    found = {name: _run(raw, folder / "full.out.parquet", options) for name, options in runs.items()}
    return {"points": len(scene), "runs": found}


def _run(raw: Path, out: Path, options: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "insar_runtime", "classify", str(raw), "-o", str(out), "--units", "mm", "--json"]
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--overwrite", "--quiet", "--threads", "1", *options], capture_output=True, text=True, check=True
    )
    facts = json.loads(done.stdout)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    return {"cpu_seconds": round(seconds, 1), "peak_memory_mb": facts["peak_memory_mb"]}
