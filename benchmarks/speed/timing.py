"""Timing in turns, so that other load on the machine affects all measurements alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

_LEAST_SECONDS: Final = 0.25
"""Shortest duration of a turn in seconds, if there are enough series."""


@dataclass(frozen=True)
class Pace:
    """Measured speed.

    Attributes
    ----------
    per_second : float
        Series per second of wall time, median of the turns.
    per_core_second : float
        Series per second of CPU time of the process, for any number of cores.
    lowest, highest : float
        Slowest and fastest turn, by wall time.
    series : int
        Number of series of a turn.
    turns : int
    """

    per_second: float
    per_core_second: float
    lowest: float
    highest: float
    series: int
    turns: int


Job = Callable[[int], object]
"""Function that processes so many series, from the first on."""
TimedJob = Callable[[int], tuple[float, float]]
"""A job that returns the seconds of wall time and of CPU time that it took."""


def timed(job: Job) -> TimedJob:
    """Return a job that measures its own time."""

    def run(count: int) -> tuple[float, float]:
        wall, core = time.perf_counter(), time.process_time()
        job(count)
        return time.perf_counter() - wall, max(time.process_time() - core, 1e-9)

    return run


def in_turns(jobs: Mapping[str, TimedJob], most: Mapping[str, int], *, turns: int) -> dict[str, Pace]:
    """Return the speed of jobs, measured in turns.

    The number of series of a turn is increased until it is long enough.

    Parameters
    ----------
    jobs : mapping of name to TimedJob
        Each job is called once as a warm-up.
    most : mapping of name to int
        Largest number of series of a turn.
    turns : int
        Number of turns for the median.
    """
    counts = {}
    for name, job in jobs.items():
        count = min(256, most[name])
        job(count)
        while job(count)[0] < _LEAST_SECONDS and count < most[name]:
            count = min(2 * count, most[name])
        counts[name] = count
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for _ in range(turns):
        for name, job in jobs.items():
            taken[name].append(job(counts[name]))
    return {
        name: Pace(
            counts[name] / median(wall for wall, _ in times),
            counts[name] / median(core for _, core in times),
            counts[name] / max(wall for wall, _ in times),
            counts[name] / min(wall for wall, _ in times),
            counts[name],
            turns,
        )
        for name, times in taken.items()
    }


def use_cores(count: int) -> None:
    """Restrict this process and its children to so many of its cores, if the system supports that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
