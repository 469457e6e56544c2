"""The line of progress: its text, its width, its end, and a steady estimate of the remaining time."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._terminal.progress import Pace, ProgressLine, clock_text, progress_text
from tests.runtime.clock import Clock


def ran(pace_of_rows: list[tuple[float, int]], total: int | None) -> Pace:
    """A pace after steps of (seconds, rows so far)."""
    clock = Clock()
    pace = Pace(clock=clock)
    for seconds, rows in pace_of_rows:
        clock.now += seconds
        pace.advance(rows, total)
    return pace


def test_says_share_rows_speed_and_rest() -> None:
    line = progress_text("a.parquet", ran([(1, 1000), (1, 2000)], 8000), 120)
    assert line.startswith("a.parquet  [#######-")
    assert line.endswith("]   25 %  2,000 of 8,000 rows  1,000 rows/s  0:06 left")


def test_without_a_total_says_rows_speed_and_time() -> None:
    line = progress_text("a.csv", ran([(1, 1000), (61, 62_000)], None), 120)
    assert line == "a.csv  62,000 rows  1,000 rows/s  1:02"


def test_a_second_reading_begins_anew() -> None:
    """Its speed is its own, and the text says that it is the second."""
    clock = Clock()
    pace = Pace(clock=clock)
    found = []
    for seconds, rows in ((1, 500), (1, 1000), (1, 500), (4, 750), (4, 1000)):
        clock.now += seconds
        pace.advance(rows, 1000)
        found.append((pace.reading, pace.share))
    assert found == [(1, 0.5), (1, 1), (2, 0.5), (2, 0.75), (2, 1)]
    assert pace.rows_per_second == pytest.approx(62.5)
    assert "reading 2" in progress_text("x", pace, 120)
    assert "reading" not in progress_text("x", ran([(1, 500), (1, 1000)], 1000), 120)


def test_nothing_is_guessed_from_the_first_moment() -> None:
    assert ran([(0.5, 10)], 1_000_000).remaining is None
    assert ran([(0, 10)], 1_000_000).rows_per_second is None


@given(st.lists(st.sampled_from([0.02, 0.1, 0.5, 2.0]), min_size=30, max_size=200))
def test_guess_does_not_jump(steps: list[float]) -> None:
    """Batches take now 20 ms, now 2 s; from one to the next the guess moves by less than a third, after a while."""
    clock = Clock()
    pace = Pace(clock=clock)
    total, before = 400 * 1000, None
    for number, seconds in enumerate(steps, 1):
        clock.now += seconds
        pace.advance(1000 * number, total)
        if clock.now - 100 > 10:
            assert pace.remaining is not None
            if before is not None:
                assert 0.7 < pace.remaining / before < 1.3
            before = pace.remaining


def test_guess_follows_a_lasting_change() -> None:
    """Ten times slower after a minute: one more minute later the guess holds for the new pace."""
    steps = [(1.0, 1000 * i) for i in range(1, 61)] + [(1.0, 60_000 + 100 * i) for i in range(1, 61)]
    pace = ran(steps, 126_000)
    assert pace.remaining == pytest.approx(600, rel=0.4)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 10**9),
    st.floats(0, 1e6),
    st.integers(19, 300),
)
def test_the_line_fits_the_width(name: str, rows: int, total: int | None, seconds: float, width: int) -> None:
    line = progress_text(name, ran([(seconds, rows)], total), width)
    assert len(line) <= width
    assert "\n" not in line


def test_before_the_first_rows_the_line_says_what_is_done() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    clock.now += 7.9
    assert progress_text("a.csv", pace, 60, phase="reading") == "a.csv  reading  0:07"
    assert progress_text("a.csv", pace, 19, phase="reading") == "reading  0:07"
    pace.advance(5, 10)
    assert "reading" not in progress_text("a.csv", pace, 60, phase="reading")


@given(st.floats(0, 1e7))
def test_times_are_minutes_and_seconds(seconds: float) -> None:
    assert re.fullmatch(r"(\d+:[0-5])?\d:[0-5]\d|[1-5]\d:[0-5]\d", clock_text(seconds))


def test_no_progress_is_drawn_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    line = ProgressLine(stream)
    line.draw("x", ran([(1, 5)], 10))
    line.clear()
    assert stream.getvalue() == ""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    ends = pty.openpty()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def shown(leader: int) -> str:
    time.sleep(0.05)
    return os.read(leader, 1 << 16).decode()


def test_a_terminal_shows_one_line_that_is_wiped(terminal: tuple[int, int]) -> None:
    """Drawn on one line, at most ten times a second, and wiped away."""
    leader, follower = terminal
    clock = Clock()
    with open(follower, "w", encoding="utf-8", closefd=False) as stream:
        line = ProgressLine(stream, clock=clock)
        for _ in range(3):
            line.draw("x", ran([(1, 5)], 10))
        text = shown(leader)
        assert text.count("\r") == 1
        assert "\n" not in text
        assert "50 %" in text
        assert "█" in text
        assert len(text) <= 60
        clock.now += 1
        line.draw("x", ran([(1, 6)], 10))
        line.clear()
        text = shown(leader)
    # What a terminal shows in the end: everything before the last return is overwritten by blanks.
    *_, blanks, rest = text.split("\r")
    assert not blanks.strip()
    assert len(blanks) >= len(text.split("\r")[1].rstrip())
    assert rest == ""


def test_on_a_plain_terminal(terminal: tuple[int, int]) -> None:
    leader, follower = terminal
    with open(follower, "w", encoding="ascii", closefd=False) as stream:
        ProgressLine(stream).draw("Zürich.csv", ran([(2, 5)], 10))
    text = shown(leader)
    assert text.isascii()
    assert "#" in text


def test_a_terminal_that_cannot_go_back(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = terminal
    monkeypatch.setenv("TERM", "dumb")
    with open(follower, "w", encoding="utf-8", closefd=False) as stream:
        ProgressLine(stream).draw("x", ran([(1, 5)], 10))
        stream.write("end")
    assert shown(leader) == "end"


def test_the_time_runs_on_while_nothing_is_reported(terminal: tuple[int, int]) -> None:
    leader, follower = terminal
    clock = Clock()
    with open(follower, "w", encoding="utf-8", closefd=False) as stream:
        line = ProgressLine(stream, clock=clock)
        line.draw("x", Pace(clock=clock), "opening")
        line.keep_alive()
        threads = threading.active_count()
        clock.now += 9
        text = ""
        while "opening  0:09" not in text:
            text += os.read(leader, 1 << 16).decode()
        line.end()
        assert os.read(leader, 1 << 16).decode().endswith("\r")
        while threading.active_count() >= threads:
            time.sleep(0.01)
