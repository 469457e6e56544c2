"""Read ahead: an iterator that runs in a thread of its own while its consumer works."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Final, TypeVar

Item = TypeVar("Item")

_LOOK_UP_SECONDS: Final = 0.1
"""How soon a thread that waits with a full queue notices that nobody wants its items any more."""


class _End:
    """Last in the queue; carries what went wrong, if anything did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterable[Item], depth: int) -> Generator[Item]:
    """Give the items of an iterable in their order, while a thread fetches the next ones.

    Parameters
    ----------
    items : iterable
        Used in that thread only, from the first item on until the last, an error, or the end of this iterator.
    depth : int
        Most items that wait, at least 1; one more may be under way.

    Yields
    ------
    object
        The items. An error of the iterable is raised where its item would have come.
    """
    queue: Queue[Item | _End] = Queue(depth)
    unwanted = Event()

    def put(item: Item | _End) -> None:
        while not unwanted.is_set():
            try:
                queue.put(item, timeout=_LOOK_UP_SECONDS)
            except Full:
                continue
            return

    def fetch() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                put(item)
                if unwanted.is_set():
                    return
        except BaseException as caught:
            error = caught
        put(_End(error))

    thread = Thread(target=fetch, name="insar-runtime reads ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        unwanted.set()
        # Room in the queue wakes a thread that waits for it.
        with suppress(Empty):
            queue.get_nowait()
        thread.join()
