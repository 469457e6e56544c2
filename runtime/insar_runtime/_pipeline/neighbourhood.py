"""Neighbourhood of the points of a file: what readings before the last one find, which classifies and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.jumps.jump_kinds import Chunk, JumpKinds, find_jump_kinds
from insar_runtime._input.position import LONGITUDE_LATITUDE
from insar_runtime._input.sampling import estimate_rows
from insar_runtime._pipeline.diagnosis_setup import DiagnosisSetup
from insar_runtime._pipeline.local_priors import chunk_points, estimate_local_mixes
from insar_runtime._pipeline.output_columns import refuse_taken_names
from insar_runtime._pipeline.row_classes import RowClasses, changed_table
from insar_runtime._pipeline.survey import JUMP_BYTES, POINT_BYTES, Survey, SurveyWork
from insar_runtime._pipeline.table_points import find_points
from insar_runtime._pipeline.table_work import results_of, runner_of_each_thread
from insar_runtime._spatial.metres import LocalPlane
from insar_runtime._spatial.neighbours import Neighbours, typical_spacing
from insar_runtime._spatial.require import require
from insar_runtime.errors import DataError

if TYPE_CHECKING:
    from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder
    from insar_runtime._diagnosis.noise.noise_model import FileNoise
    from insar_runtime._engine.runner import ModelRunner
    from insar_runtime._pipeline.memory import MemoryGuard
    from insar_runtime._pipeline.prepare import PreparedTable
    from insar_runtime._pipeline.run_options import RunOptions
    from insar_runtime._progress import Progress

OpenTable = Callable[..., AbstractContextManager["PreparedTable"]]
"""Opens and describes the file from its beginning; keywords of ``open_described``."""

_JUMPS_OF_POINT: Final = 4
SPACINGS: Final = 3.0
"""Distance of neighbours in typical spacings of the points, if none is given: some 28 points lie within it."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """What is known of the points of a file before its last reading.

    Attributes
    ----------
    runner : ModelRunner
        With the mix of classes of the run.
    probabilities : ndarray of float32, shape [N, C]
        Of all rows, for the mix of the training.
    distance_m : float
        Points that are nearer than this are neighbours.
    mixes : ndarray of float32, shape [N, C], or None
        Mix of classes of each row, if there are local priors.
    kinds : JumpKinds or None
        Of all jumps, if the neighbours of jumps are looked at.
    noise : FileNoise or None
        Of the file, if jumps were searched.
    """

    runner: ModelRunner
    probabilities: NDArray[np.float32]
    distance_m: float
    mixes: NDArray[np.float32] | None = None
    kinds: JumpKinds | None = None
    noise: FileNoise | None = None

    def __len__(self) -> int:
        return len(self.probabilities)

    def classes(self, runner: ModelRunner, days: NDArray[np.float32]) -> RowClasses:
        """Return what classifies the rows in the last reading, on the time axis [T]."""
        return RowClasses(runner, days, self.probabilities, self.mixes)

    def described(self) -> dict[str, Any]:
        """Return what a reader of the output needs to know of the neighbours of jumps, as plain values."""
        return {"neighbour_distance_m": self.distance_m}


def look_around(
    open_table: OpenTable,
    options: RunOptions,
    runner: ModelRunner,
    *,
    guard: MemoryGuard,
    progress: Progress | None,
) -> Neighbourhood:
    """Read a file for what depends on the neighbours of its points: once, or twice for local priors and jumps.

    Parameters
    ----------
    open_table : callable
        See ``OpenTable``.
    options : RunOptions
        What was asked for: local priors, neighbours of jumps, or both.
    runner : ModelRunner
        With the settings of the run, but for its priors.
    guard : MemoryGuard
    progress : callable or None
        Called with the rows done after each batch of each reading.

    Raises
    ------
    UnavailableError
        If scipy or pyproj is needed and not installed.
    DataError
        If the table has no positions, no distance follows from them, or it changes between two readings.
    """
    require("scipy.spatial", "a search of neighbours")
    read = partial(_read, open_table, options, guard=guard, progress=progress)
    if not options.local_priors:
        first = read(runner, find_jumps=True)
        points_m, distance_m = _in_metres(first, options)
        return first.neighbourhood(points_m, distance_m, first.survey.probabilities)
    first = read(runner.with_priors(None), find_jumps=False)
    points_m, distance_m = _in_metres(first, options)
    known, model = first.survey.probabilities, runner.model
    found = estimate_local_mixes(known, points_m, distance_m, model.training_priors, model.unsure_below)
    runner = runner.with_priors(found.priors)
    if not options.neighbours:
        return Neighbourhood(runner, known, distance_m, found.mixes)
    second = read(runner, find_jumps=True, known=known, mixes=found.mixes)
    if len(second.survey.points) != len(known):
        raise changed_table(len(known))
    return second.neighbourhood(points_m, distance_m, known, found.mixes)


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """What one reading of the file has found, and the runner that has classified it."""

    survey: Survey
    runner: ModelRunner
    system: str | Mapping[str, Any] | None
    noise: FileNoise | None

    def neighbourhood(
        self,
        points_m: NDArray[np.float64],
        distance_m: float,
        known: NDArray[np.float32],
        mixes: NDArray[np.float32] | None = None,
    ) -> Neighbourhood:
        """Find what kind each jump is."""
        survey, noise = self.survey, self.noise
        if survey.jumps is None or survey.present is None or noise is None:
            raise ValueError("no jumps were searched in this reading")
        kinds = find_jump_kinds(
            survey.jumps,
            survey.present,
            np.isfinite(known[:, 0]),
            partial(_neighbours_of_rows, points_m, distance_m),
            [step.epoch for step in noise.steps],
        )
        return Neighbourhood(self.runner, known, distance_m, mixes, kinds, noise)


def _read(
    open_table: OpenTable,
    options: RunOptions,
    runner: ModelRunner,
    *,
    find_jumps: bool,
    known: NDArray[np.float32] | None = None,
    mixes: NDArray[np.float32] | None = None,
    guard: MemoryGuard,
    progress: Progress | None,
) -> _Reading:
    """Read all rows of the file."""
    with open_table(
        diagnosed=find_jumps,
        mix_by=runner if options.estimates_mix else None,
        kept_row_bytes=(POINT_BYTES if known is None else 0) + (JUMP_BYTES if find_jumps else 0),
    ) as table:
        description = table.description
        points = find_points(description, "neighbours")
        if points.system is None or points.system == LONGITUDE_LATITUDE:
            # What would end the run after the reading ends it here.
            LocalPlane.around(np.zeros((1, 2)), points.system)
        epochs = len(description.layout.dates)
        runner.check_axis(epochs)
        refuse_taken_names(
            description,
            keep_series=options.keep_series,
            diagnosed=options.diagnose is not None,
            neighbours=options.neighbours,
        )
        if table.mix is not None:
            runner = runner.with_priors(table.mix)
        noise = None
        if find_jumps and options.diagnose is not None:
            noise = table.estimate_noise(options.diagnose.recent_days)
        calls = runner_of_each_thread(runner, table, is_file=True)
        work = SurveyWork(
            description,
            points,
            RowClasses(calls, description.layout.days, known, mixes),
            most=table.batch_plan.waiting,
            finder=None if noise is None else _jump_finder(table, options, noise),
            jump_rows="flagged" if options.diagnose is None else options.diagnose.jumps,
        )
        parts, rows, total = [], 0, estimate_rows(table.source) if progress else None
        with results_of(table, work, guard, is_file=True) as results:
            for part in results:
                parts.append(part)
                rows += len(part.points)
                guard.check()
                if progress:
                    progress(rows, total)
        return _Reading(
            Survey.of(parts, len(runner.model.classes), epochs, has_jumps=find_jumps), runner, points.system, noise
        )


def _jump_finder(table: PreparedTable, options: RunOptions, noise: FileNoise) -> JumpFinder:
    from insar_runtime._diagnosis.jumps.jump_finder import JumpFinder  # noqa: PLC0415 - few runs take it

    if options.diagnose is None:
        raise ValueError("jumps are searched in a diagnosis only")
    setup = DiagnosisSetup.of(table.description, options.diagnose, noise, options.declared)
    return JumpFinder(noise, setup.wavelength.half_mm)


def _in_metres(reading: _Reading, options: RunOptions) -> tuple[NDArray[np.float64], float]:
    """Return the positions [N, 2] in metres, and the distance of neighbours.

    Raises
    ------
    DataError
        If no point has a position, or no distance is given and none follows from the positions.
    """
    points = reading.survey.points
    points_m = LocalPlane.around(points, reading.system).to_metres(points) if len(points) else points
    if options.neighbour_distance is not None:
        return points_m, options.neighbour_distance
    distance = SPACINGS * typical_spacing(points_m) if len(points) else 1.0
    if not distance > 0:
        raise DataError(
            "no two points lie at different places, so they have no neighbours; classify them without --priors local "
            "and --neighbours"
        )
    return points_m, distance


def _neighbours_of_rows(points_m: NDArray[np.float64], distance_m: float, rows: NDArray[np.intp]) -> Iterator[Chunk]:
    neighbours = Neighbours(points_m)
    # A point may have several jumps, each of which is compared with those of all neighbours.
    chunk_rows = max(1, chunk_points(neighbours, points_m, distance_m) // _JUMPS_OF_POINT)
    for part in neighbours.within(distance_m, points_m[rows], chunk_rows=chunk_rows):
        yield rows[part.first : part.first + len(part.offsets) - 1], part.offsets, part.indices
