"""Reading ahead: the same items in the same order, errors where they belong, nothing left running."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._ahead import ahead


def _threads() -> int:
    return sum(thread.name == "insar-runtime reads ahead" for thread in threading.enumerate())


@given(st.lists(st.integers()), st.integers(1, 5))
def test_the_same_items_in_the_same_order(items: list[int], depth: int) -> None:
    assert list(ahead(iter(items), depth)) == items
    assert _threads() == 0


@given(st.integers(0, 6), st.integers(1, 3))
def test_an_error_comes_where_its_item_would_have_come(good: int, depth: int) -> None:
    def failing() -> Iterator[int]:
        yield from range(good)
        raise ValueError("the disk is gone")

    stream = ahead(failing(), depth)
    assert [next(stream) for _ in range(good)] == list(range(good))
    with pytest.raises(ValueError, match="the disk is gone"):
        next(stream)
    assert _threads() == 0


def test_it_fetches_while_its_consumer_works_and_not_too_much() -> None:
    fetched = []

    def items() -> Iterator[int]:
        for i in range(20):
            fetched.append(i)
            yield i

    stream = ahead(items(), 2)
    assert next(stream) == 0
    deadline = time.monotonic() + 10
    while len(fetched) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    # One is taken, two wait, one is under way.
    assert fetched == [0, 1, 2, 3]
    stream.close()
    assert _threads() == 0
    assert len(fetched) == 4


def test_a_consumer_that_leaves_early_lets_a_source_close() -> None:
    closed = []

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    source = items()
    for item in ahead(source, 1):
        if item == 3:
            break
    source.close()  # type: ignore[attr-defined]
    assert closed == [True]
