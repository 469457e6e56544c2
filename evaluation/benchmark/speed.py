"""Speed of contestants, in series per second and core, measured in turns."""

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
    """How fast a contestant is.

    Attributes
    ----------
    series_per_second : float
        Median over rounds, by the CPU time of the process: on one core.
    series : int
        Series of a round.
    """

    series_per_second: float
    series: int


def measure_speed(
    contestants: Sequence[Contestant], series: LabelledSeries, *, rounds: int, seconds: float
) -> dict[str, Speed]:
    """Time all contestants on the same series.

    Parameters
    ----------
    contestants : sequence of Contestant
        In each round all of them take their turn, so that a busy machine is busy for all.
    series : LabelledSeries
        Slow contestants get the first of them only.
    rounds : int
        Of which the median is taken.
    seconds : float
        CPU seconds that a contestant may take in a round.
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
