"""Areas on scenes with truth: recall and precision, quiet scenes, time and memory for a million points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from evaluation.places.area_score import score_areas
from evaluation.places.scene import FULL_POINTS
from evaluation.places.store import CACHE, classified_scene
from insar_runtime import find_areas
from insar_runtime._areas.settings import AreaSettings
from insar_runtime._engine.hardware import describe_hardware
from training.announce import Announce

_THREADS: Final = 2
_MEASURED: Final = """
import json, time
from insar_runtime import cli
try:
    cli.main()
except SystemExit as end:
    if end.code:
        raise
from insar_runtime._pipeline.memory import peak_memory_mb
print(json.dumps({"processor_seconds": time.process_time(), "memory_mb": peak_memory_mb()}))
"""
"""A call of the command in a process that says what it has used."""
GOALS: Final = {"recall": 0.9, "precision": 0.9, "quiet_areas": 1, "seconds": 60.0, "memory_gb": 1.5}


@dataclass(frozen=True)
class Sizes:
    """Sizes of the scenes.

    Attributes
    ----------
    points : int
        Points of a scene with areas.
    seeds : tuple of int
        Its seeds.
    quiet_points : int
        Points of a scene without areas.
    quiet_seeds : tuple of int
        Its seeds.
    many_points : int
        Points of the scene whose time and memory are measured; 0 for none.
    """

    points: int = FULL_POINTS
    seeds: tuple[int, ...] = (2026, 2028)
    quiet_points: int = 100_000
    quiet_seeds: tuple[int, ...] = (2027, 2030, 2031)
    many_points: int = 1_000_000


QUICK: Final = Sizes(5000, (1,), 3000, (2,), 0)


def run_areas(out: Path, *, sizes: Sizes, announce: Announce, cache: Path = CACHE) -> dict[str, Any]:
    """Find areas on scenes with truth, and write ``areas.json`` and ``areas.md``.

    Parameters
    ----------
    out : Path
        Folder of the results.
    sizes : Sizes
        Sizes of the scenes.
    announce : callable
        Is told what is done.
    cache : Path
        Folder of the scenes.

    Returns
    -------
    dict
        What ``areas.json`` holds.
    """
    out.mkdir(parents=True, exist_ok=True)
    scenes = [_score(sizes.points, seed, None, cache, announce) for seed in sizes.seeds]
    quiet = [_score(sizes.quiet_points, seed, 0, cache, announce) for seed in sizes.quiet_seeds]
    numbers = {
        "goals": GOALS,
        "scenes": scenes,
        "quiet": quiet,
        "many": _measure(sizes.many_points, cache, announce) if sizes.many_points else None,
        "processor": describe_hardware(),
    }
    (out / "areas.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    (out / "areas.md").write_text(areas_table(numbers), encoding="utf-8")
    return numbers


def _score(points: int, seed: int, areas: int | None, cache: Path, announce: Announce) -> dict[str, Any]:
    made = classified_scene(points, seed=seed, areas=areas, cache=cache, announce=announce)
    found, of_points = cache / "areas.parquet", cache / "points.parquet"
    done = find_areas(made.classified, found, points=of_points, overwrite=True)
    table = pq.read_table(of_points, columns=["class_id", "area_id"])
    moving = np.isin(table["class_id"].to_numpy(), AreaSettings().class_ids)
    score = score_areas(made.scene, table["area_id"].fill_null(0).to_numpy(), moving)
    of_points.unlink()
    found.unlink()
    false = moving & (made.scene.truth.area == 0)
    facts = {"points": points, "seed": seed, **score.to_dict(), "false_movers": float(false.mean())}
    announce(f"seed {seed}: {facts['found']} of {facts['areas']} areas, {done.distance_m} m")
    return facts | {"distance_m": done.distance_m}


def _measure(points: int, cache: Path, announce: Announce) -> dict[str, Any]:
    """Measure the command on a table of many points: wall clock, processor time and largest memory of its process."""
    made = classified_scene(points, seed=1, cache=cache, announce=announce)
    output = cache / "many.parquet"
    options = ["--overwrite", "--quiet", "--threads", str(_THREADS)]
    command = [sys.executable, "-c", _MEASURED, "areas", str(made.classified), "-o", str(output), *options]
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    used = json.loads(done.stdout)
    facts = {
        "points": points,
        "areas": pq.read_metadata(output).num_rows,
        "seconds": round(seconds, 1),
        "processor_seconds": round(used["processor_seconds"], 1),
        "memory_gb": round(used["memory_mb"] * 2**20 / 1e9, 2),
        "load": round(os.getloadavg()[0], 1),
    }
    output.unlink()
    announce(f"{points} points: {seconds:.0f} s, {facts['processor_seconds']} s of processors, {facts['memory_gb']} GB")
    return facts


def areas_table(numbers: dict[str, Any]) -> str:
    """Return the results as a table in Markdown."""
    lines = [
        "| scene | points | areas | found | recall | precision | median overlap | false movers |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in ("scenes", "quiet"):
        for one in numbers[kind]:
            shown = [_shown(one[name]) for name in ("recall", "precision", "median_overlap")]
            name = f"{'seed' if kind == 'scenes' else 'quiet, seed'} {one['seed']}"
            lines.append(
                f"| {name} | {one['points']:,} | {one['areas']} | {one['found']} | {' | '.join(shown)} | "
                f"{100 * one['false_movers']:.1f} % |"
            )
    text = "\n".join(lines) + "\n"
    many = numbers["many"]
    if many:
        text += (
            f"\nA classified table of {many['points']:,} points with series and diagnosis: {many['seconds']:.0f} s, "
            f"{many['processor_seconds']:.0f} s of processors, {many['memory_gb']:.2f} GB "
            f"({numbers['processor']}, {_THREADS} threads, load {many['load']} of other work).\n"
        )
    return text


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
