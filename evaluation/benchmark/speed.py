"""Speed of contestants in series per second and core, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from evaluation.baselines import Contestant
from training.dataset import LabelledSeries

_WARM_UP: Final = 64


@dataclass(frozen=True)
class Speed:
    """Speed of a contestant.

    Attributes
    ----------
    series_per_second : float
        Series per second of CPU time of the process, median over rounds.
    series : int
        Number of series of a round.
    """

    series_per_second: float
    series: int


def measure_speed(
    contestants: Sequence[Contestant], series: LabelledSeries, *, rounds: int, seconds: float
) -> dict[str, Speed]:
    """Return the speed of all contestants on the same series.

    Parameters
    ----------
    contestants : sequence of Contestant
        All contestants run in each round, so that other load on the machine affects all of them.
    series : LabelledSeries
        Series; slow contestants get only the first of them.
    rounds : int
        Number of rounds.
    seconds : float
        Largest CPU time of a contestant in a round.
    """
    chosen = {}
    with threadpool_limits(1):
        for contestant in contestants:
            warm = series.take(np.arange(min(_WARM_UP, len(series))))
            contestant.probabilities(warm)
            pace = len(warm) / max(_cpu_seconds(contestant, warm), 1e-6)
            count = int(np.clip(pace * seconds, len(warm), len(series)))
            chosen[contestant.name] = series.take(np.arange(count))
        times: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
        for _ in range(rounds):
            for contestant in contestants:
                times[contestant.name].append(_cpu_seconds(contestant, chosen[contestant.name]))
    return {
        name: Speed(len(chosen[name]) / float(np.median(taken)), len(chosen[name])) for name, taken in times.items()
    }


def _cpu_seconds(contestant: Contestant, series: LabelledSeries) -> float:
    begin = time.process_time()
    contestant.probabilities(series)
    return max(time.process_time() - begin, 1e-6)
