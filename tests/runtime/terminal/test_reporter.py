"""Logs of a run: text for people, JSON lines for programs, errors in the same form."""

from __future__ import annotations

import io
import json
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from insar_runtime import Summary, classify_file
from insar_runtime._terminal.reporter import JsonReporter, TextReporter, open_reporter, wants_json
from insar_runtime.errors import DataError, InputNotFoundError
from tests.runtime.clock import Clock
from tests.runtime.tables import series, wide, write


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder = tmp_path_factory.mktemp("logs")
    return classify_file(write(wide(*series(40)), folder / "in.parquet"), folder / "out.parquet")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    text = stream.getvalue()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_logs_start_progress_notes_and_end(summary: Summary) -> None:
    stream, clock = io.StringIO(), Clock()
    with JsonReporter(stream, memory=lambda: 300 << 20, clock=clock, seconds_between=5) as reporter:
        reporter.started("a.parquet")
        for second in range(1, 13):
            clock.now += 1
            reporter.progress(1000 * second, 100_000)
        reporter.note("unit assumed")
        reporter.finished(summary)
    events = lines(stream)
    assert [event["event"] for event in events] == ["start", "progress", "progress", "note", "done"]
    for event in events:
        assert list(event)[:7] == ["event", "time", "file", "rows_done", "rows_total", "rows_per_s", "rss_mb"]
        assert event["file"] == "a.parquet"
        assert event["rss_mb"] == 300
        assert abs((datetime.now(UTC) - datetime.fromisoformat(event["time"])).total_seconds()) < 60
    start, first, later, note, done = events
    assert (start["rows_done"], start["rows_total"], start["rows_per_s"]) == (0, None, None)
    assert (first["rows_done"], later["rows_done"]) == (5000, 10_000)
    assert first["rows_total"] == 100_000
    assert first["rows_per_s"] == pytest.approx(1000)
    assert first["remaining_s"] == pytest.approx(95)
    assert first["share"] == 0.05
    assert note["text"] == "unit assumed"
    assert done["rows_done"] == done["rows_total"] == summary.rows
    assert done["summary"]["classes"] == summary.classes


def test_progress_without_a_total_has_no_remaining_time() -> None:
    stream, clock = io.StringIO(), Clock()
    reporter = JsonReporter(stream, clock=clock)
    reporter.started("a.csv")
    for rows in (10, 5):
        clock.now += 6
        reporter.progress(rows, None)
    _, first, second = lines(stream)
    assert first["rows_total"] is None
    assert first["remaining_s"] is None
    assert first["share"] is None
    assert first["rss_mb"] is None
    assert "reading" not in first
    assert second["reading"] == 2


def test_each_line_is_written_through() -> None:
    class Counting(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            Counting.flushed += 1

    reporter = JsonReporter(Counting())
    reporter.started("a")
    reporter.note("n")
    assert Counting.flushed == 2


def test_the_log_of_one_file_does_not_affect_the_next(summary: Summary) -> None:
    """One that failed leaves nothing behind for the next."""
    stream = io.StringIO()
    with JsonReporter(stream) as reporter:
        reporter.started("broken.csv")
        reporter.progress(50, 100)
        reporter.failed(DataError("broken.csv: no\ndates: add them"))
        reporter.skipped("done.csv", "its output is there")
        reporter.started("good.csv")
        reporter.finished(summary)
    events = lines(stream)
    assert [event["event"] for event in events] == ["start", "error", "skipped", "start", "done"]
    assert [event["file"] for event in events] == ["broken.csv", "broken.csv", "done.csv", "good.csv", "good.csv"]
    error, skipped, start = events[1:4]
    assert (error["message"], error["exit_code"]) == (r"broken.csv: no\ndates: add them", 65)
    assert error["rows_done"] == 50
    assert skipped["reason"] == "its output is there"
    assert start["rows_done"] == 0


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_quiet_tells_errors_only(log_format: Any, summary: Summary) -> None:
    stream = io.StringIO()
    with open_reporter(log_format, quiet=True, stream=stream) as reporter:
        reporter.started("a")
        reporter.progress(1, 2)
        reporter.note("n")
        reporter.skipped("b", "r")
        reporter.finished(summary)
        assert stream.getvalue() == ""
        reporter.failed(InputNotFoundError("no such input: c: check the path"))
    assert len(stream.getvalue().splitlines()) == 1
    assert "no such input: c" in stream.getvalue()


def test_the_text_log_names_what_was_skipped_done_and_refused(summary: Summary) -> None:
    stream = io.StringIO()
    with TextReporter(stream) as reporter:
        reporter.started("a")
        reporter.progress(1, 2)
        reporter.skipped("b", "its output is there")
        reporter.finished(summary)
        reporter.failed(DataError("what:\nvalue: remedy"))
    skipped, *middle, error = stream.getvalue().splitlines()
    assert skipped == "b: skipped, its output is there"
    assert error == r"insar-rt: error: what:\nvalue: remedy"
    assert any("40 points" in line for line in middle)


def test_a_signal_is_logged_as_an_error() -> None:
    stream = io.StringIO()
    with pytest.raises(SystemExit), JsonReporter(stream):
        raise SystemExit(128 + signal.SIGTERM)
    assert lines(stream)[-1]["message"] == "ended by signal SIGTERM"
    assert lines(stream)[-1]["exit_code"] == 143


def test_names_that_the_stream_cannot_spell(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="ascii") as stream, TextReporter(stream) as reporter:
        reporter.skipped("Zürich.csv", "r")
    assert path.read_text() == "Z\\xfcrich.csv: skipped, r\n"


def test_a_full_standard_error_ends_no_run() -> None:
    """A closed pipe on standard error ends no run."""
    said: list[str] = []
    # From Python 3.14 on, closing the stream fails, too.
    with suppress(OSError), Path("/dev/full").open("w") as stream:
        TextReporter(stream).note("x" * 100_000)
        said.append("returned")
    assert said == ["returned"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("classify a --log-format json", True),
        ("classify a --log-format=json", True),
        ("classify --log-format json --log-format text a", False),
        ("classify a --log-format text", False),
        ("classify a --log-format", False),
        ("classify a --nonsense --log-format json", True),
        ("classify -- a --log-format json", False),
        ("classify a --note json", False),
        ("", False),
    ],
)
def test_errors_are_json_if_the_log_is(arguments: str, wanted: bool) -> None:
    assert wants_json(arguments.split()) is wanted
