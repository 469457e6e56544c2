"""Run of the benchmark: series, contestants, probabilities, accuracy measures, report."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import tensorflow as tf

from evaluation.benchmark.answer_store import Answers
from evaluation.benchmark.contestants import make_contestants
from evaluation.benchmark.figures import write_figures
from evaluation.benchmark.leave_out import leave_calendars_out
from evaluation.benchmark.report import write_report
from evaluation.benchmark.results import Results, examine
from evaluation.benchmark.sets import make_cells
from evaluation.benchmark.sizes import FULL, QUICK, BenchmarkSizes
from evaluation.benchmark.speed import measure_speed
from insar_runtime._engine.hardware import describe_hardware
from insar_runtime._engine.onnx_runtime import import_onnxruntime
from training.announce import Announce

NETWORKS: Final = ("trend-net", "ablations/trend-net-simulated")
"""Folders of the default network, and of the same network trained on simulated noise only."""
_SPEED_CELL: Final = "paper calendar"


def run_benchmark(
    folder: Path, *, real: Path | None, quick: bool, seed: int, announce: Announce, work: Path | None = None
) -> Results:
    """Run the benchmark with the released networks in the parent folder of its folder.

    Parameters
    ----------
    folder : Path
        Folder of the report, such as ``artifacts/benchmark``.
    real : Path, optional
        Folder of the real files. Without it there are no semi-real cells, and no baseline is trained on real noise.
    quick : bool
        Whether to use few series and short trainings, without the calendars left out of the training.
    seed : int
        Seed of all series and trainings.
    announce : callable
        Function that receives progress messages.
    work : Path, optional
        See ``compare``; by default a temporary folder.

    Raises
    ------
    UnavailableError
        If the default network is not in the parent folder.
    """
    default, *others = (folder.parent / name for name in NETWORKS)
    networks = [default, *(path for path in others if path.is_dir())]
    with TemporaryDirectory() as temporary:
        return compare(
            folder,
            networks=networks,
            work=work or Path(temporary),
            real=real,
            sizes=QUICK if quick else FULL,
            seed=seed,
            announce=announce,
            leave_out=not quick,
        )


def compare(
    folder: Path,
    *,
    networks: Sequence[Path],
    work: Path,
    real: Path | None,
    sizes: BenchmarkSizes,
    seed: int,
    announce: Announce,
    leave_out: bool,
) -> Results:
    """Measure all contestants on the same series, and write JSON, Markdown and figures.

    Parameters
    ----------
    folder : Path
        Folder of the report; created if it does not exist.
    networks : sequence of Path
        Folders of released networks; the int8 file of the first is the reference model.
    work : Path
        Folder outside the repository for trained contestants and their probabilities, from which an interrupted run
        continues. Empty it after a change of the code of a contestant.
    real, seed, announce
        As for ``run_benchmark``.
    sizes : BenchmarkSizes
        Numbers of series.
    leave_out : bool
        Whether networks are also trained with families of calendars left out.

    Raises
    ------
    InputNotFoundError
        If a real file is not below ``real``.
    UnavailableError
        If a folder has no model.
    """
    announce("making the series")
    cells = make_cells(sizes, real=real, seed=seed)
    entries = make_contestants(networks, sizes, real=real, seed=seed, work=work, announce=announce)
    answers = Answers(work / "answers", announce)
    found = {entry.name: examine(entry, cells, answers) for entry in entries}
    announce("measuring speed")
    speed = measure_speed(
        [entry.contestant for entry in entries if entry.role != "limit"],
        next(cell.series for cell in cells if cell.name == _SPEED_CELL),
        rounds=sizes.speed_rounds,
        seconds=sizes.speed_seconds,
    )
    left_out = leave_calendars_out(sizes, seed=seed, work=work, announce=announce) if leave_out else None
    reference = f"{networks[0].name} int8"
    results = Results(reference, cells, found, speed, _facts(sizes, seed, real), left_out)
    write_report(results, folder)
    write_figures(results, folder)
    announce(f"{folder}: {reference} does not have the fewest errors in {len(results.not_best())} cells")
    return results


def _facts(sizes: BenchmarkSizes, seed: int, real: Path | None) -> dict[str, Any]:
    # The distributions of these two have several names, so the versions are read from the modules.
    versions = {"onnxruntime": str(import_onnxruntime().__version__), "tensorflow": str(tf.__version__)}
    versions |= {name: version(name) for name in ("numpy", "keras", "scikit-learn", "scipy")}
    return {
        "seed": seed,
        "real files": real is not None,
        "sizes": dataclasses.asdict(sizes),
        "processor": describe_hardware(),
        "versions": {"python": platform.python_version(), **versions},
    }
