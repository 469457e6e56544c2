"""Several processes and signals at the end of a run: one writer of a name succeeds, and what is done counts as done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.runtime.run_command import COMMAND, refused, run
from tests.runtime.tables import series, wide, write

_SIGNAL_AFTER_FIRST_NAME = """
import os, signal, sys
from insar_runtime.cli import main
real = os.link
def link(source, target):
    real(source, target)
    os.kill(os.getpid(), {number})
os.link = link
main()
"""
_SIGNAL_IN_A_DESTRUCTOR = """
import os
from insar_runtime.cli import main
class Late:
    def __del__(self):
        os.kill(os.getpid(), {number})
real = os.path.realpath
def realpath(*arguments, **options):
    os.path.realpath = real
    Late()
    return real(*arguments, **options)
os.path.realpath = realpath
main()
"""
_SIGNAL_AT_THE_END = """
import atexit, os, signal, sys
from insar_runtime.cli import main
class Late:
    def __del__(self):
        os.kill(os.getpid(), {number})
atexit.register(os.kill, os.getpid(), {number})
late = Late()
main()
"""


def run_code(code: str, number: int, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", code.format(number=int(number)), *map(str, arguments)]

    def heed() -> None:
        """Take the signal as usual, also if the tests run where it is ignored."""
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)

    return subprocess.run(command, capture_output=True, timeout=120, check=False, preexec_fn=heed)


def test_of_two_writers_one_gets_the_name(tmp_path: Path) -> None:
    """Both have begun before either is done: their input ends when we say so."""
    output, table = tmp_path / "o.csv", wide(*series(300))
    with ExitStack() as stack:
        command = [*COMMAND, "classify", "-", "-q", "-o", str(output), "--qml"]
        both = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE))
            for _ in range(2)
        ]
        writers = []
        for process, rows in zip(both, (300, 200), strict=True):
            assert process.stdin is not None
            writer = pa.ipc.new_stream(process.stdin, table.schema)
            # More than a pipe holds: it is there when this returns, so the process has looked for its output.
            writer.write_table(table.slice(0, rows))
            process.stdin.flush()
            writers.append(writer)
        for process, writer in reversed(list(zip(both, writers, strict=True))):
            writer.close()
            _, error = process.communicate(timeout=120)
            if process is both[1]:
                assert (process.returncode, error) == (0, b"")
            else:
                done = subprocess.CompletedProcess([], process.returncode, b"", error)
                refused(done, 73, "o.csv", "--overwrite")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.csv", "o.csv.json", "o.qml"]
    assert json.loads((tmp_path / "o.csv.json").read_text())["insar_runtime"]["rows"] == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_among_the_names_of_the_last_outputs_comes_too_late(
    source: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    arguments = ["classify", source, "-q", "-o", out / "o.csv", "--qml", "--run-report", out / "report.json"]
    done = run_code(_SIGNAL_AFTER_FIRST_NAME, number, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert sorted(path.name for path in out.iterdir()) == ["o.csv", "o.csv.json", "o.qml", "report.json"]


def test_a_signal_among_the_names_of_other_outputs_ends_the_run_after_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(wide(*series(50)), tmp_path / f"{name}.parquet")
    out = tmp_path / "out"
    arguments = [
        "classify",
        tmp_path / "a.parquet",
        tmp_path / "b.parquet",
        "-q",
        "--output-dir",
        out,
        "--format",
        "csv",
    ]
    done = run_code(_SIGNAL_AFTER_FIRST_NAME, signal.SIGTERM, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (143, b"", b"")
    assert sorted(path.name for path in out.iterdir()) == ["a.classified.csv", "a.classified.csv.json"]


def test_a_signal_while_a_report_classifies_ends_it(source: Path, tmp_path: Path) -> None:
    """What is published on the way is not what was asked for."""
    page = tmp_path / "page.html"
    done = run_code(_SIGNAL_AFTER_FIRST_NAME, signal.SIGINT, "report", source, "-q", "-o", page)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
    assert not page.exists()


def test_a_signal_where_python_drops_exceptions_ends_the_run_a_little_later(tmp_path: Path) -> None:
    """The input has no end, so the run has none but by the signal."""
    code = _SIGNAL_IN_A_DESTRUCTOR.format(number=int(signal.SIGTERM))
    command = [sys.executable, "-c", code, "classify", "-", "-q", "-o", str(tmp_path / "o.parquet")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        table = wide(*series(30_000, 40))
        with suppress(BrokenPipeError):
            writer = pa.ipc.new_stream(process.stdin, table.schema)
            writer.write_table(table, max_chunksize=10_000)
            process.stdin.flush()
        assert process.wait(120) == 143
        with suppress(BrokenPipeError):
            process.stdin.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_python_ends_changes_nothing(tmp_path: Path, number: signal.Signals) -> None:
    for arguments, code in ((["--version"], 0), (["inspect", tmp_path / "none.csv"], 66)):
        done = run_code(_SIGNAL_AT_THE_END, number, *arguments)
        assert done.returncode == code
        assert b"Traceback" not in done.stderr + done.stdout
        assert len(done.stderr.splitlines()) == (code != 0)


def test_a_killed_run_leaves_nothing_for_long(source: Path, tmp_path: Path) -> None:
    """Of all outputs, the next run removes what the last one left; another run's files stay."""
    out = tmp_path / "out"
    out.mkdir()
    arguments = [
        source,
        "-q",
        "-o",
        out / "o.csv",
        "--gpkg",
        out / "m.gpkg",
        "--quarantine",
        out / "b.parquet",
        "--qml",
    ]
    done = run_code(_SIGNAL_AFTER_FIRST_NAME, signal.SIGKILL, "classify", *arguments)
    assert done.returncode == -signal.SIGKILL
    left = [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert {name.partition(".partial-")[0] for name in left} == {
        ".o.csv", ".o.csv.json", ".m.gpkg", ".b.parquet", ".o.qml", ".m.qml"
    }  # fmt: skip
    other = out / ".other.csv.partial-1-2-0123456789ab-01234567"
    other.touch()
    done = run("classify", *arguments, "--overwrite")
    assert (done.returncode, done.stderr) == (0, b"")
    names = {path.name for path in out.iterdir()}
    assert names == {"o.csv", "o.csv.json", "m.gpkg", "b.parquet", "o.qml", "m.qml", other.name}
    assert pq.read_metadata(out / "b.parquet").num_rows == 0


@pytest.mark.parametrize("extension", ["parquet", "csv", "gpkg", "arrow", "arrows"])
def test_an_output_whose_name_is_no_utf8(source: Path, tmp_path: Path, extension: str) -> None:
    output = tmp_path / os.fsdecode(b"o\xff." + extension.encode())
    try:
        output.touch()
    except OSError:
        pytest.skip("a file system of UTF-8 names")
    output.unlink()
    done = run("classify", source, "-o", output)
    assert done.returncode == 0, done.stderr
    assert rb"o\xff." in done.stderr
    again = run("classify", source, "-o", output, "--skip-existing")
    assert (again.returncode, b"skipped" in again.stderr) == (0, True)
