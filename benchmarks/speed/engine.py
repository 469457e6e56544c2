"""An engine or method that is timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.speed.timing import Job


@dataclass(frozen=True)
class Engine:
    """Software that classifies the first series.

    Attributes
    ----------
    network : str
        Name of the network or method.
    job : Job
        Classifies so many series.
    most : int
        Largest number of series of a turn; smaller for slow engines.
    answer : callable or None
        Returns the probabilities of the first so many series, for the comparison with Keras.
    """

    network: str
    job: Job
    most: int
    answer: Any = None
