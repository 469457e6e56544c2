"""Partial files of runs that were killed go with the next run on the same output; those of living runs stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from insar_runtime import Classifier, UsageError, classify_file
from insar_runtime._output import partials
from insar_runtime._output.atomic import OutputGroup, write_file
from insar_runtime._output.partials import PartialFile, hidden_beside, remove_abandoned

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc: partial files stay")

_HOLDER = r"""
import os
import sys
from pathlib import Path
from insar_runtime._output.partials import PartialFile
sys.stdout.buffer.write(os.fsencode(PartialFile.beside(Path(sys.argv[1])).path.name) + b"\n")
sys.stdout.flush()
sys.stdin.read()
"""


def holder(target: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """Start a process that makes a partial file, and then waits."""
    command = [sys.executable, "-c", _HOLDER, str(target)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, target.with_name(os.fsdecode(process.stdout.readline()).strip())


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from another container, or after a restart: the numbers of processes mean nothing."""
    monkeypatch.setattr(partials, "_here", lambda: "0123456789ab")


needs_local = pytest.mark.skipif(not partials._is_local(Path.cwd()), reason="no file system of this machine alone")


@pytest.mark.parametrize("name", ["o.parquet", "o\u00ff.csv", "x" * 250])
def test_of_a_killed_process(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    process, partial = holder(target)
    with process:
        assert partial.exists()
        remove_abandoned(target)
        assert partial.exists(), "its maker lives"
        remove_abandoned(target.with_name("other"))
        process.send_signal(signal.SIGKILL)
    assert partial.exists()
    remove_abandoned(target.with_name("other"))
    assert partial.exists(), "of another output"
    write_file(target, [b"new"], overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_of_a_process_whose_number_another_one_has(tmp_path: Path) -> None:
    mine = hidden_beside(tmp_path / "o")
    number, start = str(os.getpid()), partials._start_of(os.getpid())
    before = mine.with_name(mine.name.replace(f"-{number}-{start}-", f"-{number}-{int(start) - 1}-"))
    assert before != mine
    for path in (mine, before):
        path.touch()
    remove_abandoned(tmp_path / "o")
    assert (mine.exists(), before.exists()) == (True, False)


@needs_local
def test_from_elsewhere_goes_if_nobody_holds_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "o"
    process, partial = holder(target)
    elsewhere(monkeypatch)
    with process:
        remove_abandoned(target)
        assert partial.exists()
        process.send_signal(signal.SIGKILL)
    remove_abandoned(target)
    assert not partial.exists()


def test_from_elsewhere_stays_on_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its maker may live on another machine, whose locks this one need not know."""
    target = tmp_path / "o"
    monkeypatch.setattr(partials, "_LOCAL", frozenset())
    partial = PartialFile.beside(target)
    assert partial.handle is None
    elsewhere(monkeypatch)
    remove_abandoned(target)
    assert partial.path.exists()


@needs_local
def test_what_a_run_replaces_is_not_removed_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, real = tmp_path / "a", os.link
    target.write_text("precious")

    def link(source: Path, hidden: Path) -> None:
        """Keep the old file; directly after that, a run in another container looks for partial files."""
        real(source, hidden)
        with monkeypatch.context() as other:
            elsewhere(other)
            remove_abandoned(target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(UsageError, match=r"output .*/b is a folder"), OutputGroup(overwrite=True) as group:  # noqa: PT012
        for name in "ab":
            group.add_bytes(tmp_path / name, [b"new"])
        (tmp_path / "b").mkdir()
    (tmp_path / "b").rmdir()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "precious")]


def test_what_a_killed_run_was_replacing_goes(tmp_path: Path) -> None:
    kept = hidden_beside(tmp_path / "o", kept=True)
    start = partials._start_of(os.getpid())
    kept = kept.with_name(kept.name.replace(f"-{start}-", f"-{int(start) - 1}-"))
    kept.touch()
    remove_abandoned(tmp_path / "o")
    assert not kept.exists()


def test_a_folder_is_listed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, real = [], os.scandir

    def scandir(folder: Path) -> object:
        listed.append(folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    os.utime(tmp_path, ns=(0, 0))
    for number in range(20):
        remove_abandoned(tmp_path / str(number))
    assert len(listed) == 1
    test_what_a_killed_run_was_replacing_goes(tmp_path)
    assert len(listed) == 2


def test_a_file_of_another_name_stays(tmp_path: Path) -> None:
    others = [
        ".o.partial-1-2-abc",
        ".o.partial-1-2-0123456789ab-zz",
        ".o.partial-",
        "o.partial-1-2-0123456789ab-01234567",
    ]
    for name in others:
        (tmp_path / name).touch()
    remove_abandoned(tmp_path / "o")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    remove_abandoned(tmp_path / "no" / "o")


def test_of_an_output_that_is_skipped(source: Path, tmp_path: Path) -> None:
    output, classifier = tmp_path / "o.csv", Classifier(device="cpu")
    classify_file(source, output, classifier=classifier)
    process, partial = holder(tmp_path / "o.csv.json")
    with process:
        process.send_signal(signal.SIGKILL)
    assert partial.exists()
    assert classify_file(source, output, classifier=classifier, skip_existing=True).skipped
    assert not partial.exists()
