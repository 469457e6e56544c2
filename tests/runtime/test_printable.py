"""Text of others is shown escaped: in errors, logs, on terminals; and an error is one line that ends."""

from __future__ import annotations

import io
import json
import pickle
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insar_runtime import Classifier, DataError, InputNotFoundError, InputOutputError, classify_file
from insar_runtime._printable import LONGEST_MESSAGE, one_line, printable, printable_lines
from insar_runtime._show.find_point import find_point
from insar_runtime._show.point_text import Look, describe_point
from insar_runtime._terminal.reporter import open_reporter
from tests.runtime.run_command import run
from tests.runtime.tables import series, wide, write

EVIL = "a\x1b[31m\r\nb\x07\x9b2J\u202e"
SHOWN = r"a\x1b[31m\r\nb\x07\x9b2J\u202e"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def test_what_is_escaped() -> None:
    assert printable(EVIL) == SHOWN
    assert printable("Müller é 東京 \u200d ok") == "Müller é 東京 \u200d ok"
    assert printable("o\udcff") == r"o\xff", "a byte of a name"
    assert printable("\ud800") == r"\ud800"
    assert printable_lines("a\x1b\nb") == "a\\x1b\nb"


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    cells: dict[str, object]
    notes: tuple[str, ...]
    number: float = 1.5


def test_structures_are_escaped_within() -> None:
    row = Row("\x1b", {"\t": ["\n", 3, None]}, ("\r",))
    assert printable(row) == Row(r"\x1b", {r"\t": [r"\n", 3, None]}, (r"\r",))


@given(st.text(alphabet=st.characters()))
def test_a_line_is_one_and_ends(text: str) -> None:
    line = one_line(text)
    assert len(line) <= LONGEST_MESSAGE
    assert not CONTROL.search(line)
    assert one_line(line) == line
    line.encode()


def test_a_long_error_keeps_begin_and_remedy() -> None:
    error = DataError(f"column '{'x' * 5000}' is odd: drop it")
    assert len(str(error)) == LONGEST_MESSAGE
    assert str(error).startswith("column 'xxx")
    assert str(error).endswith("xxx' is odd: drop it")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("kind", [DataError, InputNotFoundError, InputOutputError])
def test_errors_are_escaped(kind: type[DataError]) -> None:
    assert str(kind(f"{EVIL} is odd")) == f"{SHOWN} is odd"


def test_a_name_that_attacks_the_terminal(tmp_path: Path) -> None:
    """In errors, notes and summaries of the command, for people and for programs."""
    table = wide(*series(40))
    table = table.set_column(0, "pid", pa.array([f"{EVIL}{i}" for i in range(40)]))
    source = write(table, tmp_path / f"in{EVIL}.parquet")
    output = tmp_path / f"o{EVIL}.parquet"
    done = run("classify", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert SHOWN in done.stderr.decode()
    refusals = [run("classify", source, "-o", output, *more) for more in ([], ["--log-format", "json"])]
    for refusal in refusals:
        text = refusal.stderr.decode()
        assert refusal.returncode == 73
        assert len(text.splitlines()) == 1 + ('"event": "start"' in text)
    assert SHOWN in refusals[0].stderr.decode()
    shown = run("show", output, "--row", "3")
    assert shown.returncode == 0
    assert f"{SHOWN}3" in shown.stdout.decode()
    for written in (done.stderr, shown.stdout, shown.stderr, *(refusal.stderr for refusal in refusals)):
        assert not CONTROL.search(written.decode().replace("\n", ""))


def test_cells_of_a_point_are_escaped(tmp_path: Path) -> None:
    table = wide(*series(40), pid=[EVIL] * 40)
    point = find_point(write(table, tmp_path / "in.parquet"), row=2, open_classifier=lambda: Classifier(device="cpu"))
    text = describe_point(printable(point), Look(80, plain=False, coloured=False))
    assert SHOWN in text
    assert not CONTROL.search(text.replace("\n", ""))
    assert point.to_dict()["id"] == EVIL, "programs get it as it is"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_logs_are_escaped(tmp_path: Path, log_format: str) -> None:
    stream, name = io.StringIO(), f"in{EVIL}.parquet"
    summary = classify_file(
        write(wide(*series(40)), tmp_path / name), tmp_path / "o.parquet", classifier=Classifier(device="cpu")
    )
    with open_reporter(log_format, quiet=False, stream=stream) as reporter:  # type: ignore[arg-type]
        reporter.started(name)
        reporter.note(EVIL)
        reporter.skipped(name, EVIL)
        reporter.finished(summary)
        reporter.failed(DataError(EVIL))
    text = stream.getvalue()
    assert not CONTROL.search(text.replace("\n", ""))
    if log_format == "json":
        events = [json.loads(line) for line in text.splitlines()]
        assert events[0]["file"] == name
    else:
        assert f"note: {SHOWN}\n" in text


def test_a_long_line_of_the_command_ends(tmp_path: Path) -> None:
    table = wide(*series(5)).rename_columns(["x" * 3000, "y" * 3000, *wide(*series(5)).schema.names[2:]])
    pq.write_table(table, tmp_path / "in.parquet")
    done = run("show", tmp_path / "in.parquet", "--id", "q", "--id-column", "z" * 2000)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert len(line) <= 500
