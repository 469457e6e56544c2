"""The command line of the harness: its commands are those that the pages name, and its tables are what it has tried."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness needs fork, /proc and limits of Linux")
PAGES = ("CONTRIBUTING.md", "docs/security.md", "docs/architecture.md")


def hostile(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hostile", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


def test_commands_that_pages_name_exist() -> None:
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"python -m hostile ([a-z][a-z-]+)", text))
    done = hostile("--help")
    assert done.returncode == 0, done.stderr
    assert {"files", "all"} <= named <= set(re.findall(r"[\w-]+", done.stdout))


def test_one_case_is_made_again_and_its_files_stay(tmp_path: Path) -> None:
    done = hostile(
        *("files", "--seed", "20261", "--first", "3", "--count", "1"),
        *("--out", str(tmp_path / "tables"), "--keep", str(tmp_path / "kept")),
    )
    assert done.returncode == 0, done.stderr
    assert "files: 1 cases with seed 20261" in done.stderr
    with (tmp_path / "tables" / "files.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["command"], row["number"]) == ("files", "3")
    name = row["call"].split()[1]
    assert (tmp_path / "kept" / "case-3" / name).is_file()
