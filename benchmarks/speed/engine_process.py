"""Engines in separate processes, which run in turns."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from benchmarks.speed.timing import TimedJob, timed, use_cores


class EngineProcess:
    """Group of engines in a process that is restricted to one core.

    Parameters
    ----------
    group : str
        See ``engines.GROUPS``.
    count : int
        Number of series.
    artifacts : Path
        Folder of the released models.

    Attributes
    ----------
    engines : dict of str to tuple of str and int
        Network and largest number of series of a turn, by name; empty if the engines do not run on this machine.
    trouble : str
        Reason why they do not run.
    """

    def __init__(self, group: str, count: int, artifacts: Path) -> None:
        context = get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, group, count, artifacts), daemon=True)
        self._process.start()
        there.close()
        self.engines: dict[str, tuple[str, int]] = {}
        self.trouble = ""
        try:
            self.engines, self.trouble = self._here.recv()
        except EOFError:
            self.trouble = "its process ended"

    def job(self, name: str) -> TimedJob:
        """Return a job that times an engine."""
        return lambda count: self._ask("time", name, count)

    def answer(self, name: str, count: int) -> Any:
        """Return the probabilities of the first series; None for an engine without probabilities."""
        return self._ask("answer", name, count)

    def _ask(self, *question: Any) -> Any:
        self._here.send(question)
        return self._here.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()


def _serve(there: Connection, group: str, count: int, artifacts: Path) -> None:
    """Build the engines, then serve requests until the pipe is closed."""
    use_cores(1)
    from benchmarks.speed.engines import make_group
    from training.dataset import LabelledSeries, with_facts
    from training.simulator import simulate

    series = with_facts(simulate(count, seed=5, calendar="paper"))
    # The calendars of simulated files differ; here all series have the same dates, like those of a real file.
    days = np.broadcast_to(series.days[0], series.displacement.shape)
    try:
        made = make_group(group, LabelledSeries(series.displacement, days, series.label, series.facts), artifacts)
    except Exception as error:  # the table shows the error of the engine
        there.send(({}, _first_line(error)))
        return
    there.send(({name: (engine.network, engine.most) for name, engine in made.items()}, ""))
    answers: dict[str, Callable[[Any, int], Any]] = {
        "time": lambda engine, count: timed(engine.job)(count),
        "answer": lambda engine, count: engine.answer(count) if engine.answer else None,
    }
    while True:
        try:
            what, name, rows = there.recv()
        except EOFError:
            return
        there.send(answers[what](made[name], rows))


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1].strip()[:200] if lines else ''}"
