"""Work in several threads: results in the order of the items, errors in their place, nothing left running."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._pipeline.parallel import THREAD_NAME, in_order


def _threads() -> int:
    return sum(thread.name == THREAD_NAME for thread in threading.enumerate())


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 4))
def test_results_come_in_the_order_of_the_items(waits: list[int], threads: int) -> None:
    def work(item: tuple[int, int]) -> int:
        number, wait = item
        time.sleep(wait / 2000)
        return number

    assert list(in_order(enumerate(waits), work, threads)) == list(range(len(waits)))
    assert _threads() == 0


@given(st.integers(0, 8), st.integers(1, 4))
def test_an_error_comes_where_its_result_would_have_come(bad: int, threads: int) -> None:
    def work(item: int) -> int:
        if item == bad:
            raise ValueError("no such row")
        return item

    results = in_order(range(10), work, threads)
    assert [next(results) for _ in range(bad)] == list(range(bad))
    with pytest.raises(ValueError, match="no such row"):
        next(results)
    assert _threads() == 0


def test_an_error_of_the_items_is_raised_as_it_is() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(in_order(items(), lambda item: item, 2))


def test_all_threads_work_at_once_and_no_more_is_drawn_than_they_need() -> None:
    drawn = []
    together = threading.Barrier(3, timeout=10)

    def items() -> Iterator[int]:
        for i in range(30):
            drawn.append(i)
            yield i

    def work(item: int) -> int:
        together.wait()
        return item

    results = in_order(items(), work, 3)
    assert next(results) == 0
    deadline = time.monotonic() + 10
    while len(drawn) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert len(drawn) == 5
    assert list(results) == list(range(1, 30))


def test_a_thread_that_cannot_start_leaves_no_other_running(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[threading.Thread] = []
    start = threading.Thread.start

    def second_fails(thread: threading.Thread) -> None:
        if begun:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", second_fails)
    with pytest.raises(RuntimeError, match="can't start"):
        list(in_order(range(100), lambda item: item, 2))
    assert not begun[0].is_alive()


def test_who_leaves_early_waits_for_what_runs_and_starts_nothing_more() -> None:
    begun, ended = [], []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.05)
        ended.append(item)
        return item

    results = in_order(range(1000), work, 2)
    next(results)
    results.close()
    assert sorted(begun) == sorted(ended)
    assert len(begun) <= 5
    assert _threads() == 0
