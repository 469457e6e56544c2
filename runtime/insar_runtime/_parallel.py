"""Work on the items of a stream in several threads, and give the results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

_SPARE: Final = 1
"""Items beyond one a thread that are under way, so that no thread waits while the consumer holds a result."""


def in_order(items: Iterable[Item], work: Callable[[Item], Done], threads: int) -> Generator[Done]:
    """Apply ``work`` to each item.

    Parameters
    ----------
    items : iterable
        Drawn in the consumer's thread, no more than ``threads + 1`` ahead of the result that it holds.
    work : callable
        Called from several threads at once.
    threads : int
        At least 1.

    Yields
    ------
    object
        What ``work`` has returned, in the order of the items. An error of an item is raised in its place.
    """
    under_way: deque[Future[Done]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="insar-runtime works") as pool:
        try:
            for item in items:
                under_way.append(pool.submit(work, item))
                if len(under_way) > threads + _SPARE:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
            # What already runs is waited for: it reads buffers that the consumer is about to close.
            for future in under_way:
                with suppress(BaseException):
                    future.result()
