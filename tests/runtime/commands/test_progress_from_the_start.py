"""The progress line of the commands: from the first moment in a terminal, and nothing without one or with --quiet."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.runtime.run_command import COMMAND, run_process


def in_terminal(folder: Path, *arguments: str) -> tuple[int, str]:
    """Return exit code and standard error of a command whose standard error is a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    text = b""
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=follower
    ) as process:
        os.close(follower)
        while True:
            try:
                part = os.read(leader, 1 << 16)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            text += part
    os.close(leader)
    return process.returncode, text.decode()


def left_on_the_screen(text: str) -> list[str]:
    """Return the lines that a terminal shows in the end."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return [line for line in lines if line]


@pytest.mark.parametrize(
    ("arguments", "phases"),
    [
        (["classify", "in.parquet"], ["starting", "reading the first rows"]),
        (["inspect", "in.parquet"], ["starting", "inspecting"]),
        (["convert", "in.parquet", "-o", "lists.parquet"], ["starting", "reading the first rows"]),
    ],
    ids=lambda value: value[0],
)
def test_the_line_begins_with_the_command_and_is_removed(source: Path, arguments: list[str], phases: list[str]) -> None:
    code, text = in_terminal(source.parent, *arguments)
    assert code == 0, text
    assert text.startswith(f"\rin.parquet  {phases[0]}  0:00")
    assert text.index(phases[0]) < text.index(phases[1])
    assert not any(phase in line for line in left_on_the_screen(text) for phase in phases)


def test_an_error_stands_alone_on_its_line(source: Path) -> None:
    source.write_text("no table")
    code, text = in_terminal(source.parent, "classify", "in.parquet")
    assert code == 65
    (line,) = left_on_the_screen(text)
    assert line.startswith("insar-rt: error: ")


@pytest.mark.parametrize("command", ["classify", "report"])
def test_quiet_shows_nothing(source: Path, command: str) -> None:
    assert in_terminal(source.parent, command, "in.parquet", "-q") == (0, "")


def test_no_line_without_a_terminal(source: Path) -> None:
    done = run_process("classify", source)
    assert b"\r" not in done.stderr
    assert b"starting" not in done.stderr
