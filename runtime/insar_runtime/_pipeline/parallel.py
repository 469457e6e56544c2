"""Parallel work on the items of a stream, with the results in the order of the items."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from threading import Condition, Lock, Thread
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

_SPARE: Final = 1
"""Items beyond one a thread that are under way, so that no thread waits while the consumer holds a result."""
THREAD_NAME: Final = "insar-runtime works"


def in_order(items: Iterable[Item], work: Callable[[Item], Done], threads: int) -> Generator[Done]:
    """Apply ``work`` to each item.

    Each thread fetches its next item itself, one thread at a time: what it has read is still in its cache, and a thread
    that only reads would take the others' turns.

    Parameters
    ----------
    items : iterable
        Drawn in those threads, no more than ``threads + 1`` ahead of the result that the consumer holds.
    work : callable
        Called from several threads at once.
    threads : int
        At least 1.

    Yields
    ------
    object
        What ``work`` has returned, in the order of the items. An error of an item, or of the iterable, is raised in
        its place.
    """
    crew = _Crew(items, work, threads + _SPARE)
    workers: list[Thread] = []
    try:
        for _ in range(threads):
            worker = Thread(target=crew.run, name=THREAD_NAME, daemon=True)
            worker.start()
            workers.append(worker)
        yield from crew.results()
    finally:
        # What already runs is waited for: it reads buffers that the consumer is about to close.
        crew.stop()
        for worker in workers:
            worker.join()


class _Crew(Generic[Item, Done]):
    """What the threads share."""

    def __init__(self, items: Iterable[Item], work: Callable[[Item], Done], most: int) -> None:
        self._items, self._work, self._most = iter(items), work, most
        self._fetching = Lock()
        self._changed = Condition()
        # Set by the thread that fetches.
        self._fetched = 0
        # All below is guarded by the condition.
        self._outcomes: dict[int, Done | _Failure] = {}
        self._given = 0
        self._end: int | None = None

    def run(self) -> None:
        """Fetch and work, until there are no more items or nobody wants them."""
        while True:
            with self._fetching:
                if not self._may_fetch():
                    return
                number = self._fetched
                try:
                    item = next(self._items)
                except StopIteration:
                    self._finish(number)
                    return
                except BaseException as error:
                    self._finish(number + 1)
                    self._put(number, _Failure(error))
                    return
                self._fetched = number + 1
            try:
                outcome: Done | _Failure = self._work(item)
            except BaseException as error:
                outcome = _Failure(error)
            self._put(number, outcome)
            # A thread that waits for its next item must not keep the last one.
            del item, outcome

    def results(self) -> Generator[Done]:
        """Return the outcomes in order; raise those that are failures."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._given in self._outcomes or self._given == self._end)
                if self._given not in self._outcomes:
                    return
                outcome = self._outcomes.pop(self._given)
            if isinstance(outcome, _Failure):
                raise outcome.error
            yield outcome
            del outcome
            with self._changed:
                self._given += 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Let no thread fetch any more."""
        self._finish(-1)

    def _may_fetch(self) -> bool:
        """Wait until there is room for one more item; return whether it is wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._end is not None or self._fetched - self._given <= self._most)
            return self._end is None

    def _finish(self, end: int) -> None:
        with self._changed:
            self._end = end
            self._changed.notify_all()

    def _put(self, number: int, outcome: Done | _Failure) -> None:
        with self._changed:
            self._outcomes[number] = outcome
            self._changed.notify_all()


class _Failure:
    """An error that is raised where the result would have come."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
