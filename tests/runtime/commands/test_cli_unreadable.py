"""An input that cannot be read is one line and exit code 74, whatever the command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from insar_runtime import InputOutputError, InsarRuntimeError, classify_file
from insar_runtime._commands.app import app
from insar_runtime._input.opening import open_source
from insar_runtime._pipeline.fingerprint import InputHash
from tests.runtime.run_command import refused, run
from tests.runtime.tables import series, wide, write

MEMORY = Path("/proc/self/mem")
needs_memory = pytest.mark.skipif(not MEMORY.exists(), reason="no /proc: no regular file that even root cannot read")

COMMANDS = [
    ["inspect", "{}"],
    ["show", "{}", "--row", "1"],
    ["report", "{}", "-o", "{}.html"],
    ["classify", "{}", "-o", "{}.o.parquet"],
    ["classify", "{}", "-o", "{}.o.parquet", "--skip-existing"],
    ["restore", "{}", "-o", "{}.o.parquet"],
    ["convert", "{}", "-o", "{}.o.parquet"],
    ["areas", "{}", "-o", "{}.o.csv"],
    ["compare", "{}", "{}", "-o", "{}.o.csv"],
    ["join", "{}", "{}.copy", "-o", "{}.o.parquet"],
]


def exit_code(arguments: Sequence[str], path: Path) -> int:
    """Run a command in this process, and return what it would end with."""
    if arguments[0] == "areas":
        pytest.importorskip("scipy", reason="extra spatial is not installed")
    try:
        return int(app([argument.format(path) for argument in arguments], standalone_mode=False) or 0)
    except InsarRuntimeError as error:
        assert path.name in str(error)  # noqa: PT017 - classify reports errors itself
        return error.exit_code


@needs_memory
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_file_that_the_system_does_not_read(
    tmp_path: Path, arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.parquet"
    path.symlink_to(MEMORY)
    copy = write(wide(*series(5, 40)), tmp_path / "other.parquet").rename(tmp_path / "in.parquet.copy")
    # What typer asks before it calls a command: root may read everything.
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert exit_code(arguments, path) == 74
    assert {file.name for file in tmp_path.iterdir()} == {path.name, copy.name}


@pytest.mark.parametrize(
    "arguments", [c for c in COMMANDS if c[0] not in {"classify", "convert"}], ids=lambda arguments: arguments[0]
)
def test_a_folder_in_place_of_a_file(tmp_path: Path, arguments: Sequence[str]) -> None:
    """For classify and convert it stands for the files in it."""
    path = tmp_path / "in.parquet"
    path.mkdir()
    assert exit_code(arguments, path) == 74


def test_the_exit_code(tmp_path: Path) -> None:
    refused(run("restore", tmp_path, "-o", tmp_path / "o.parquet"), 74, str(tmp_path))


def test_a_file_that_vanishes_is_not_one_that_never_was(tmp_path: Path) -> None:
    path = write(wide(*series(50)), tmp_path / "in.arrows")
    with open_source(path) as source:
        path.unlink()
        again = source.column("pid")
        assert again is not None
        with pytest.raises(InputOutputError, match=r"in\.arrows vanished"):
            list(again)
    with InputHash(path) as digest, pytest.raises(InputOutputError, match=r"in\.arrows"):
        digest.value()


def test_a_folder_in_place_of_a_file_in_python(tmp_path: Path) -> None:
    with pytest.raises(InputOutputError, match="is a folder"):
        classify_file(tmp_path, tmp_path / "o.parquet")
