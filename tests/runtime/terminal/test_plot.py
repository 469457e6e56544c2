"""The plot in the terminal: every epoch is in it, at its place, and it fits."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime._terminal.plot import LINES, Canvas, Frame, plot_series
from insar_runtime._terminal.terminal import can_show, shows_colours, width_of
from insar_runtime._terminal.ticks import date_ticks, number_ticks

BITS = {0x01: (0, 0), 0x02: (1, 0), 0x04: (2, 0), 0x40: (3, 0), 0x08: (0, 1), 0x10: (1, 1), 0x20: (2, 1), 0x80: (3, 1)}
"""Row and column of a dot of a Braille character, from the table of Unicode."""

VALUES = st.floats(-1e4, 1e4, width=32) | st.sampled_from([np.nan, 0.0])


@st.composite
def series(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    steps = draw(st.lists(st.integers(1, 400), min_size=1, max_size=80))
    dates = np.datetime64("2015-02-11") + np.cumsum(steps)
    values = draw(st.lists(VALUES, min_size=len(steps), max_size=len(steps)))
    return dates, np.array(values, dtype=np.float32)


def dots_of(lines: list[str], height: int, *, plain: bool) -> np.ndarray:
    """Read the dots back from the text, knowing nothing of how they were made."""
    grid = lines[1 : height + 1]
    axis = lines[height + 1]
    left = axis.index("+" if plain else LINES[2]) + 1
    wide, high = (1, 2) if plain else (2, 4)
    dots = np.zeros((height * high, (len(axis) - left) * wide), dtype=bool)
    for row, line in enumerate(grid):
        for column, sign in enumerate(line[left:]):
            if plain:
                dots[2 * row, column], dots[2 * row + 1, column] = sign in "':", sign in ".:"
            elif sign != " ":
                for bit, (down, right) in BITS.items():
                    dots[4 * row + down, 2 * column + right] = bool((ord(sign) - 0x2800) & bit)
    return dots


@given(series(), st.integers(20, 160), st.integers(4, 30), st.booleans())
def test_every_epoch_is_in_the_picture(
    drawn: tuple[np.ndarray, np.ndarray], width: int, height: int, plain: bool
) -> None:
    dates, values = drawn
    lines = plot_series(dates, values, width=width, height=height, plain=plain)
    assert all(len(line) <= width for line in lines)
    assert not plain or all(line.isascii() for line in lines)
    dots = dots_of(lines, height, plain=plain)
    rows, columns = dots.shape
    there = np.isfinite(values)
    assert dots.sum() <= there.sum()
    if not there.any():
        return
    days, known = dates.astype(float), values[there].astype(float)
    span, spread = days[-1] - days[0], known.max() - known.min()
    # Half a dot either way is rounding.
    right = (days[there] - days[0]) / span * (columns - 1) if span else np.full(len(known), (columns - 1) / 2)
    down = (known.max() - known) / spread * (rows - 1) if spread else np.full(len(known), (rows - 1) / 2)
    found = np.argwhere(dots)
    distance = np.abs(found[None, :, :] - np.stack([down, right], axis=1)[:, None, :])
    near = (distance <= 0.5 + 1e-6).all(axis=2)
    assert near.any(axis=1).all(), "an epoch has no dot"
    assert near.any(axis=0).all(), "a dot has no epoch"


@given(series())
def test_extremes_lie_at_the_edges(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    dates, values = drawn
    dots = dots_of(plot_series(dates, values, width=70), 16, plain=False)
    finite = values[np.isfinite(values)]
    if len(finite) and finite.max() > finite.min():
        assert dots[0].any()
        assert dots[-1].any()
    if len(dates) > 1:
        assert dots[:, 0].any() == bool(np.isfinite(values[0])) or dots[:, 0].any()
        if np.isfinite(values[[0, -1]]).all():
            assert dots[:, 0].any()
            assert dots[:, -1].any()


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    "values",
    [
        [],
        [3.0],
        [np.nan],
        [np.inf],
        [2.5] * 40,
        [0.0] * 40,
        [np.nan] * 40,
        [np.nan] * 20 + [1.0] + [np.nan] * 19,
        [np.inf, -np.inf, 1.0, 2.0],
        [1e30, -1e30, 0.0],
        [1e-20, 2e-20],
        [1e9, 1e9 + 64],
    ],
)
@pytest.mark.parametrize("width", [20, 80])
def test_unusual_series(values: list[float], plain: bool, width: int) -> None:
    dates = np.datetime64("2020-01-03") + 6 * np.arange(len(values))
    lines = plot_series(dates, np.array(values, dtype=np.float32), width=width, plain=plain)
    assert lines
    assert all(len(line) <= width for line in lines)


def test_missing_epochs_are_marked_below_their_dates() -> None:
    dates = np.datetime64("2020-01-01") + np.arange(0, 79)
    values = np.arange(79, dtype=np.float32)
    values[20:30] = np.nan
    lines = plot_series(dates, values, width=79 + 4, plain=True)
    assert lines[-1].count("x") == 10
    # One column a day here: no dot above a mark.
    left = lines[17].index("+") + 1
    marks = [i for i, sign in enumerate(lines[-1]) if sign == "x"]
    assert marks == [left + day for day in range(20, 30)]
    assert all(line[left + 20 : left + 30].strip() == "" for line in lines[1:17])
    assert "x" not in "".join(plot_series(dates, np.ones(79, np.float32), width=80, plain=True))


def test_time_is_true_to_scale() -> None:
    """Two epochs in 2020 and one at the end of 2023: the second is near the first, not in the middle."""
    dates = np.array(["2020-01-01", "2020-02-01", "2023-12-31"], dtype="datetime64[D]")
    dots = dots_of(plot_series(dates, np.array([0, 1, 2], np.float32), width=80), 16, plain=False)
    columns = np.flatnonzero(dots.any(axis=0))
    assert columns[1] - columns[0] < 5
    assert columns[2] == dots.shape[1] - 1


def test_layers_draw_into_the_same_frame() -> None:
    def level(canvas: Canvas, frame: Frame) -> None:
        for column in range(frame.columns):
            canvas.set(column, frame.row(0.0))
        canvas.set(-1, 0)
        canvas.set(0, 10_000)

    dates = np.datetime64("2020-01-01") + 6 * np.arange(30)
    values = np.linspace(-8, 8, 30, dtype=np.float32)
    dots = dots_of(plot_series(dates, values, width=60, layers=[level]), 16, plain=False)
    assert any(row.all() for row in dots)


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5), st.integers(2, 12))
def test_round_numbers(low: float, span: float, most: int) -> None:
    high = low + span
    ticks = number_ticks(low, high, most)
    assert 1 <= len(ticks) <= most
    assert len({tick.label for tick in ticks}) == len(ticks)
    for tick in ticks:
        assert low - span * 1e-6 <= tick.place <= high + span * 1e-6
        assert float(tick.label) == pytest.approx(tick.place, abs=span * 1e-6 + abs(low) * 1e-2)
    assert not any(tick.label.startswith("-0") and float(tick.label) == 0 for tick in ticks)


@given(st.integers(0, 40_000), st.integers(0, 12_000), st.integers(4, 150))
def test_round_dates(first: int, span: int, room: int) -> None:
    begin = np.datetime64("1991-01-01") + first
    ticks = date_ticks(begin, begin + span, lambda some: len(some) <= room)
    assert 1 <= len(ticks) <= room or span < 800
    for tick in ticks:
        day = np.datetime64("1970-01-01") + int(tick.place)
        assert begin <= day <= begin + span
        assert str(day).startswith(tick.label)


@pytest.mark.parametrize(("columns", "width"), [("57", 57), ("", 80), ("many", 80), ("0", 80), ("3", 20)])
def test_width(columns: str, width: int) -> None:
    assert width_of(io.StringIO(), {"COLUMNS": columns}) == width


def test_colours_only_where_they_are_welcome() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert shows_colours(Terminal(), {"TERM": "xterm"})
    assert shows_colours(Terminal(), {"TERM": "xterm", "NO_COLOR": ""})
    assert not shows_colours(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert not shows_colours(Terminal(), {"TERM": "dumb"})
    assert not shows_colours(io.StringIO(), {"TERM": "xterm"})


@pytest.mark.parametrize(("encoding", "able"), [("utf-8", True), ("latin-1", False), ("ascii", False), (None, False)])
def test_characters(encoding: Any, able: bool) -> None:
    stream = io.StringIO() if encoding is None else io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert can_show(stream, LINES) is able
