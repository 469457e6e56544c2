"""Work in several threads: results in the order of the items, errors in their place, nothing left running."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._pipeline.parallel import THREAD_NAME, EachAlone, in_order, one_by_one


def _itself(item: int) -> int:
    return item


def _threads() -> int:
    return sum(thread.name == THREAD_NAME for thread in threading.enumerate())


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 4))
def test_results_come_in_the_order_of_the_items(waits: list[int], threads: int) -> None:
    def work(item: tuple[int, int]) -> int:
        number, wait = item
        time.sleep(wait / 2000)
        return number

    with in_order(enumerate(waits), EachAlone(work), threads) as results:
        assert list(results) == list(range(len(waits)))
    assert _threads() == 0


@given(st.integers(0, 8), st.integers(1, 4))
def test_an_error_comes_where_its_result_would_have_come(bad: int, threads: int) -> None:
    def work(item: int) -> int:
        if item == bad:
            raise ValueError("no such row")
        return item

    with in_order(range(10), EachAlone(work), threads) as results:
        assert [next(results) for _ in range(bad)] == list(range(bad))
        with pytest.raises(ValueError, match="no such row"):
            next(results)
    assert _threads() == 0


def test_an_error_of_the_items_is_raised_as_it_is() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise OSError("the disk is gone")

    with (
        in_order(items(), EachAlone(_itself), 2) as results,
        pytest.raises(OSError, match="the disk is gone"),
    ):
        list(results)


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

    with in_order(items(), EachAlone(work), 3) as results:
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
    with (
        pytest.raises(RuntimeError, match="can't start"),
        in_order(range(100), EachAlone(_itself), 2) as results,
    ):
        list(results)
    assert not begun[0].is_alive()


def test_who_leaves_early_waits_for_what_runs_and_starts_nothing_more() -> None:
    begun, ended = [], []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.05)
        ended.append(item)
        return item

    with in_order(range(1000), EachAlone(work), 2) as results:
        next(results)
    assert sorted(begun) == sorted(ended)
    assert len(begun) <= 5
    assert _threads() == 0


def test_a_lock_that_a_signal_has_left_taken_ends_with_the_consumer() -> None:
    """As where a signal raises within Condition.__enter__, after the lock was taken: CPython's issue 74174."""

    def work(item: int) -> int:
        return item

    def consume() -> None:
        with suppress(KeyboardInterrupt), in_order(range(1000), EachAlone(work), 2) as results:
            next(results)
            assert inspect.isgenerator(results)
            inspect.getgeneratorlocals(results)["self"]._changed.acquire()
            raise KeyboardInterrupt

    consumer = threading.Thread(target=consume, daemon=True)
    consumer.start()
    consumer.join(60)
    assert not consumer.is_alive()
    assert _threads() == 0


class Together:
    """Work that notes which items a thread finishes together."""

    def __init__(self, most: int, enough: int, *, bad: int | None = None, unfinished: int | None = None) -> None:
        self.most, self._enough, self._bad, self._unfinished = most, enough, bad, unfinished
        self.groups: list[list[int]] = []

    def begin(self, item: int) -> int:
        if item == self._bad:
            raise ValueError("no such row")
        return item

    def is_enough(self, begun: list[int]) -> bool:
        return sum(begun) >= self._enough

    def finish(self, begun: list[int]) -> list[str]:
        self.groups.append(begun)
        if self._unfinished in begun:
            raise ValueError("no such group")
        return [str(item) for item in begun]


@given(
    count=st.integers(0, 40), threads=st.integers(1, 4), most=st.integers(1, 9), enough=st.sampled_from([0, 20, 10_000])
)
def test_items_that_are_finished_together_come_in_order(count: int, threads: int, most: int, enough: int) -> None:
    alone, shared = Together(most, enough), Together(most, enough)
    expected = [str(item) for item in range(count)]
    assert list(one_by_one(range(count), alone)) == expected
    with in_order(range(count), shared, threads) as results:
        assert list(results) == expected
    for work in (alone, shared):
        assert all(len(group) <= most for group in work.groups)
        assert all(sum(group[:-1]) < max(enough, 1) or len(group) == 1 for group in work.groups)
        assert sorted(item for group in work.groups for item in group) == list(range(count))
    assert _threads() == 0


def test_a_slow_consumer_gets_the_items_that_threads_hold() -> None:
    # Each thread could hold all of them: they are finished when nothing more may be fetched.
    with in_order(range(50), Together(10, 10_000), 2) as results:
        for expected in range(50):
            assert next(results) == str(expected)
            time.sleep(0.001)


@given(bad=st.integers(0, 19), threads=st.integers(1, 3), most=st.integers(1, 6))
def test_errors_of_both_stages_come_in_their_place(bad: int, threads: int, most: int) -> None:
    with in_order(range(20), Together(most, 10_000, bad=bad), threads) as results:
        assert [next(results) for _ in range(bad)] == [str(item) for item in range(bad)]
        with pytest.raises(ValueError, match="no such row"):
            next(results)
    with (
        in_order(range(20), Together(most, 10_000, unfinished=bad), threads) as results,
        pytest.raises(ValueError, match="no such group"),
    ):
        list(results)
    assert _threads() == 0


def test_threads_that_wait_to_finish_end_with_the_consumer() -> None:
    released = threading.Event()

    class Waiting(Together):
        def finish(self, begun: list[int]) -> list[str]:
            assert released.wait(10)
            return super().finish(begun)

    with in_order(range(100), Waiting(4, 10_000), 2):
        released.set()
    assert _threads() == 0
