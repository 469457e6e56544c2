"""Parallel work on the items of a stream, with the results in the order of the items."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Lock, Thread
from typing import Final, Generic, Protocol, TypeVar

Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)
Begun = TypeVar("Begun")
Done = TypeVar("Done")

_SPARE: Final = 1
"""Items beyond those that threads hold that are under way, so that no thread waits while the consumer holds a
result."""
_NOT_WANTED: Final = -1
"""Number of items if the consumer has left."""
THREAD_NAME: Final = "insar-runtime works"


class Work(Protocol[Item_contra, Begun, Done]):
    """Work in two stages: a thread begins several items one after the other, and finishes them together.

    Attributes
    ----------
    most : int
        Most items that are begun before they are finished.
    """

    most: int

    def begin(self, item: Item_contra) -> Begun:
        """Do the first stage of the work on an item; called from several threads at once."""

    def is_enough(self, begun: list[Begun]) -> bool:
        """Return whether so many items that are begun should be finished."""

    def finish(self, begun: list[Begun]) -> list[Done]:
        """Do the second stage of the work on items; called from several threads at once."""


class EachAlone(Generic[Item, Done]):
    """Work in one stage on each item by itself.

    Parameters
    ----------
    work : callable
        Called from several threads at once.
    """

    def __init__(self, work: Callable[[Item], Done]) -> None:
        self.most = 1
        self._work = work

    def begin(self, item: Item) -> Done:
        """Do the work on an item."""
        return self._work(item)

    def is_enough(self, begun: list[Done]) -> bool:
        """Return True: no item waits for another."""
        del begun
        return True

    def finish(self, begun: list[Done]) -> list[Done]:
        """Return what ``begin`` has returned."""
        return begun


def one_by_one(items: Iterable[Item], work: Work[Item, Begun, Done]) -> Generator[Done]:
    """Work on each item in the thread of the consumer.

    Yields
    ------
    object
        What ``work`` has returned, in the order of the items.
    """
    begun: list[Begun] = []
    for item in items:
        begun.append(work.begin(item))
        del item
        if len(begun) >= work.most or work.is_enough(begun):
            finished, begun = work.finish(begun), []
            yield from finished
            del finished
    if begun:
        yield from work.finish(begun)


@contextmanager
def in_order(items: Iterable[Item], work: Work[Item, Begun, Done], threads: int) -> Iterator[Iterator[Done]]:
    """Work on each item in several threads, which start at once.

    Each thread fetches its next item itself, one thread at a time: what it has read is still in its cache, and a thread
    that only reads would take the others' turns.

    Parameters
    ----------
    items : iterable
        Drawn in those threads, no more than ``threads * work.most + 1`` ahead of the result that the consumer holds.
    work : Work
        Called from several threads at once.
    threads : int
        At least 1.

    Yields
    ------
    iterator
        What ``work`` has returned, in the order of the items. An error of an item, or of the iterable, is raised in
        its place. When the context ends, no thread works any more.
    """
    crew = _Crew(items, work, threads * work.most + _SPARE)
    workers: list[Thread] = []
    try:
        for _ in range(threads):
            worker = Thread(target=crew.run, name=THREAD_NAME, daemon=True)
            worker.start()
            workers.append(worker)
        yield crew.results()
    finally:
        # What already runs is waited for: it reads buffers that the consumer is about to close.
        crew.stop()
        for worker in workers:
            worker.join()


class _Crew(Generic[Item, Begun, Done]):
    """What the threads share."""

    def __init__(self, items: Iterable[Item], work: Work[Item, Begun, Done], most: int) -> None:
        self._items, self._work, self._most = iter(items), work, most
        self._fetching = Lock()
        self._changed = Condition()
        # Set by the thread that fetches.
        self._fetched = 0
        # All below is changed under the condition.
        self._outcomes: dict[int, Done | _Failure] = {}
        self._given = 0
        self._end: int | None = None

    def run(self) -> None:
        """Fetch and work, until there are no more items or none is wanted."""
        numbers: list[int] = []
        begun: list[Begun] = []
        while True:
            # A thread that holds items must not wait for the consumer, who may be waiting for one of them.
            more = self._may_fetch(wait=not begun) and self._begin_next(numbers, begun)
            if self._end == _NOT_WANTED:
                return
            if begun and (not more or len(begun) >= self._work.most or self._work.is_enough(begun)):
                self._finish_items(numbers, begun)
                numbers, begun = [], []
            elif not begun and not more and self._end is not None:
                return

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
        """Let no thread fetch any more; for the thread of the consumer, which holds nothing then."""
        # A signal that raises within Condition.__enter__ or __exit__ leaves the lock taken, and the threads waiting for
        # it: CPython's issue 74174
        with suppress(RuntimeError):
            while True:
                self._changed.release()
        self._finish(_NOT_WANTED)

    def _begin_next(self, numbers: list[int], begun: list[Begun]) -> bool:
        """Fetch an item and begin it; return whether there may be more."""
        with self._fetching:
            # Another thread may have taken the place that was left.
            if not self._may_fetch(wait=False):
                return False
            number = self._fetched
            try:
                item = next(self._items)
            except StopIteration:
                self._finish(number)
                return False
            except BaseException as error:
                self._finish(number + 1)
                self._put(number, _Failure(error))
                return False
            self._fetched = number + 1
        try:
            begun.append(self._work.begin(item))
            numbers.append(number)
        except BaseException as error:
            self._put(number, _Failure(error))
        return True

    def _finish_items(self, numbers: list[int], begun: list[Begun]) -> None:
        try:
            outcomes: list[Done | _Failure] = [*self._work.finish(begun)]
        except BaseException as error:
            outcomes = [_Failure(error)] * len(numbers)
        for number, outcome in zip(numbers, outcomes, strict=True):
            self._put(number, outcome)

    def _may_fetch(self, *, wait: bool) -> bool:
        """Return whether one more item is wanted; wait, if wanted, until there is room for it."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._end is not None or self._has_room())
            return self._end is None and self._has_room()

    def _has_room(self) -> bool:
        return self._fetched - self._given <= self._most

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
